/* Makes chosen system calls on chosen paths fail with chosen errors; see injection.py for the rules' form. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define RULES 64
static long passed[RULES]; /* by the rule's line: how many calls it has met in this process */

/* Returns whether a rule is for this call on this path, and sets errno; the rules are read anew each time. */
static int fails(const char *call, const char *path) {
    const char *file = getenv("STYLEWATCH_STORAGE_FAULTS");
    char text[16384], *line, *rest = text;
    if (!file || !path) return 0;
    int saved = errno, rules = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    if (rules < 0) { errno = saved; return 0; }
    long size = syscall(SYS_read, rules, text, sizeof text - 1);
    syscall(SYS_close, rules);
    text[size < 0 ? 0 : size] = 0;
    errno = saved;
    for (int number = 0; (line = strsep(&rest, "\n")) && number < RULES; number++) {
        int error, skip, times, place;
        char calls[256], wanted[64];
        if (sscanf(line, "%d %d %d %200s %n", &error, &skip, &times, calls, &place) < 4) continue;
        memmove(calls + 1, calls, strlen(calls) + 1), calls[0] = ',', strcat(calls, ",");
        snprintf(wanted, sizeof wanted, ",%s,", call);
        if (!strstr(calls, wanted) || !strstr(path, line + place)) continue;
        long count = __sync_fetch_and_add(&passed[number], 1);
        if (count < skip || (times && count >= skip + times)) continue;
        errno = error;
        return 1;
    }
    return 0;
}

static int fails_open(const char *call, int descriptor) {
    char link[64], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (size < 0 || path[0] != '/') return 0;
    path[size] = 0;
    return fails(call, path);
}

static int fails_at(const char *call, int folder, const char *path) {
    char link[64], whole[2 * PATH_MAX];
    if (!path || path[0] == '/' || folder == AT_FDCWD) return fails(call, path);
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t size = readlink(link, whole, PATH_MAX - 1);
    if (size < 0) return 0;
    snprintf(whole + size, PATH_MAX, "/%s", path);
    return fails(call, whole);
}

static const char *kind(int flags) {
    return flags & O_DIRECTORY ? "list" : flags & (O_WRONLY | O_RDWR | O_CREAT) ? "create" : "open";
}

#define MODE va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest)
#define OPEN(name) int name(const char *path, int flags, ...) { \
    MODE; return fails(kind(flags), path) ? -1 : REAL(name)(path, flags, mode); }
#define OPENAT(name) int name(int at, const char *path, int flags, ...) { \
    MODE; return fails_at(kind(flags), at, path) ? -1 : REAL(name)(at, path, flags, mode); }
#define BY_PATH(name, call, arguments, values, failure) arguments { \
    return fails(call, path) ? failure : REAL(name) values; }
#define BY_FD(name, call, arguments, values) arguments { return fails_open(call, fd) ? -1 : REAL(name) values; }

OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)
BY_PATH(opendir, "list", DIR *opendir(const char *path), (path), NULL)
BY_PATH(stat, "stat", int stat(const char *path, struct stat *to), (path, to), -1)
BY_PATH(stat64, "stat", int stat64(const char *path, struct stat64 *to), (path, to), -1)
BY_PATH(lstat, "stat", int lstat(const char *path, struct stat *to), (path, to), -1)
BY_PATH(lstat64, "stat", int lstat64(const char *path, struct stat64 *to), (path, to), -1)
BY_PATH(mkdir, "mkdir", int mkdir(const char *path, mode_t mode), (path, mode), -1)
BY_PATH(unlink, "unlink", int unlink(const char *path), (path), -1)
BY_PATH(statvfs, "statvfs", int statvfs(const char *path, struct statvfs *to), (path, to), -1)
BY_PATH(statvfs64, "statvfs", int statvfs64(const char *path, struct statvfs64 *to), (path, to), -1)
BY_FD(read, "read", ssize_t read(int fd, void *to, size_t size), (fd, to, size))
BY_FD(pread64, "read", ssize_t pread64(int fd, void *to, size_t size, off64_t at), (fd, to, size, at))
BY_FD(write, "write", ssize_t write(int fd, const void *from, size_t size), (fd, from, size))
BY_FD(pwrite64, "write", ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
BY_FD(ftruncate64, "write", int ftruncate64(int fd, off64_t size), (fd, size))
BY_FD(fsync, "fsync", int fsync(int fd), (fd))
BY_FD(fdatasync, "fsync", int fdatasync(int fd), (fd))

int fstatat64(int at, const char *path, struct stat64 *to, int flags) {
    return fails_at("stat", at, path) ? -1 : REAL(fstatat64)(at, path, to, flags);
}
int rename(const char *path, const char *to) {
    return fails("rename", path) || fails("rename", to) ? -1 : REAL(rename)(path, to);
}
int link(const char *path, const char *to) {
    return fails("link", path) || fails("link", to) ? -1 : REAL(link)(path, to);
}
