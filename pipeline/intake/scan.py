"""Lists the input folder as it is right now, whatever file events say. Owns which names count as photos.

Does not open files (:mod:`pipeline.intake.containers` does) or wait for them (:mod:`pipeline.intake.stability` does).
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError
from pipeline.intake.filters import MAX_FOLDER_DEPTH, ExcludedFolders, IgnorePatterns
from pipeline.model import Photo
from pipeline.model.gallery_files import is_copy
from pipeline.model.timelapse_files import TIMELAPSE_ENDING


def _suffixes(words: str) -> frozenset[str]:
    return frozenset(f".{word}" for word in words.split())


#: Suffixes, in lower case, of archives that are read as folders of photos, see :mod:`pipeline.intake.archives`.
ARCHIVE_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz")
#: Suffixes of archives that can't be read: each is named with what would help, instead of being passed over.
_OTHER_ARCHIVE_SUFFIXES: Final = (".rar", ".7z", ".cbr", ".cb7")

#: Suffixes, in lower case, of files that are taken for photos. Their content decides what they really are.
PHOTO_SUFFIXES: Final = _suffixes("jpg jpeg jpe jfif mpo png webp avif tif tiff bmp gif heic heif hif jxl jp2")

#: Suffixes, in lower case, of camera raw files, which are photos for who can read them.
RAW_SUFFIXES: Final = _suffixes(
    "dng gpr cr2 cr3 crw nef nrw arw sr2 srf orf rw2 rwl raf pef srw x3f mrw kdc dcr erf mef mos iiq 3fr fff"
)

_KINDS_OF_SUFFIXES: Final = (
    ("sidecar", _suffixes("xmp aae thm dop pp3 txt json csv ini db")),
    ("video", _suffixes("mov mp4 m4v avi mts m2ts 3gp mkv webm")),
    ("camera raw", RAW_SUFFIXES),
    ("partial download", _suffixes("part partial filepart tmp temp crdownload download opdownload")),
)

_JUNK_NAMES: Final = frozenset(
    (
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        ".ds_store",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "__macosx",
    )
)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan found.

    ``photos`` are sorted by path. ``skipped`` counts what is no photo, by kind: "sidecar", "video", "camera raw",
    "partial download", "junk", "hidden", "ignored", "other", "output", "link", "link leaving the folder",
    "unreadable". ``archives`` are files that are named like archives, sorted by path. ``folders`` counts the folders
    entered, the input folder included. ``unreadable`` lists the relative paths that could not be read: what lies at
    or below them is unknown, not deleted. ``notes`` has a sentence for each of those.
    """

    photos: tuple[Photo, ...]
    skipped: Mapping[str, int]
    folders: int
    unreadable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    archives: tuple[Photo, ...] = ()


def scan(folder: Path, ignore: Sequence[str] = (), excluded: Iterable[Path] = (), *, raw: bool = False) -> ScanResult:
    """Return what is in ``folder`` and all folders below; files are not opened.

    ``ignore`` holds patterns as in .gitignore, relative to ``folder``; an ignored folder is not entered. ``excluded``
    names folders (the output, the state) that are never entered even if they lie inside. Links are never followed: a
    link to a photo inside the folder would be the same photo twice, one that leaves the folder is refused. ``raw``:
    camera raw files are photos.

    Raises StorageError if ``folder`` is missing or unreadable, or vanishes meanwhile, and ConfigError for an invalid
    pattern.
    """
    scanner = _Scanner(os.path.realpath(folder), IgnorePatterns(ignore), ExcludedFolders(excluded), raw)
    return _run_scan(folder, scanner, lambda: scanner.pending.append(""))


def scan_paths(
    folder: Path,
    paths: Iterable[str],
    ignore: Sequence[str] = (),
    excluded: Iterable[Path] = (),
    *,
    raw: bool = False,
) -> ScanResult:
    """Scan only these relative ``paths`` of files and folders, and what is below them, by the rules of :func:`scan`.

    What does not exist is left out. Raises as :func:`scan` does.
    """

    scanner = _Scanner(os.path.realpath(folder), IgnorePatterns(ignore), ExcludedFolders(excluded), raw)

    def begin() -> None:
        wanted = frozenset(paths)
        for path in sorted(wanted):
            # The scan of a folder above finds it anyway.
            if wanted.isdisjoint(_folders_above(path)):
                scanner.scan_path(path)

    return _run_scan(folder, scanner, begin)


def _run_scan(folder: Path, scanner: _Scanner, begin: Callable[[], None]) -> ScanResult:
    before = _identity(folder)
    begin()
    while scanner.pending:
        prefix = scanner.pending.pop()
        try:
            scanner.scan_folder(prefix)
        except OSError as error:
            if not prefix:
                raise _unusable(folder, error) from error
            scanner.record_error(prefix.rstrip("/"), error)
    # A share that drops during the scan looks like deleted folders; only the root shows the difference.
    if _identity(folder) != before:
        raise StorageError(f"input.folder: {folder} was replaced during the scan; is its disk or share mounted?")
    return scanner.result()


def names_archive(name: str) -> bool:
    """Return whether a file of this name is taken for an archive."""
    return name.lower().endswith(ARCHIVE_SUFFIXES + _OTHER_ARCHIVE_SUFFIXES)


def kinds_in_archives(ignore: Sequence[str], *, raw: bool = False) -> Callable[[str], str | None]:
    """Return a function that says why the file at a path in an archive ("trip.zip/beach/1.jpg") is no photo.

    It returns a kind of :class:`ScanResult`, None for a photo, by the same rules as for files and folders on disk.
    """
    ignored = IgnorePatterns(ignore)

    def kind(path: str) -> str | None:
        *folders, name = path.split("/")
        found = next(filter(None, map(_kind_of_name, [*folders, name])), None) or _kind_of_suffix(name, raw)
        return "ignored" if found is None and ignored.matches(path) else found

    return kind


def _folders_above(path: str) -> Iterator[str]:
    """Yield ``a`` and ``a/b`` for ``a/b/c``."""
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def photo_from_stat(path: str, status: os.stat_result) -> Photo:
    """Return the photo at the relative ``path`` with the size, time and inode of ``status``."""
    return Photo(path, status.st_size, status.st_mtime_ns, status.st_ino)


class _Entry:
    """A single path with the methods of os.DirEntry. Raises OSError if it does not exist."""

    def __init__(self, root: str, path: str) -> None:
        self.path = f"{root}{os.sep}{path}"
        self.name = path.rpartition("/")[2]
        self._mode = os.lstat(self.path).st_mode

    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self._mode)

    def is_dir(self, *, follow_symlinks: bool = False) -> bool:  # noqa: ARG002 - as DirEntry has it
        return stat.S_ISDIR(self._mode)

    def is_junction(self) -> bool:
        return hasattr(os.path, "isjunction") and os.path.isjunction(self.path)


@dataclass(slots=True)
class _Scanner:
    """The state of one scan. Prefixes are relative paths that end in ``/``; the root's is empty."""

    root: str
    ignored: IgnorePatterns
    excluded: ExcludedFolders
    raw: bool = False
    pending: list[str] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)
    archives: list[Photo] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    folders: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)

    def scan_path(self, path: str) -> None:
        """Scan one path, unless a full scan would not enter a folder above it."""
        try:
            for folder in _folders_above(path):
                entry = _Entry(self.root, folder)
                if entry.is_symlink() or not entry.is_dir() or self._kind_of_folder(entry, folder) is not None:
                    return
                if _is_too_deep(folder):
                    self._record_unreadable(folder, _TOO_DEEP)
                    return
            self.classify(_Entry(self.root, path), path)
        except OSError as error:
            self.record_error(path, error)

    def scan_folder(self, prefix: str) -> None:
        with os.scandir(Path(self.root, prefix)) as entries:
            self.folders += 1
            for entry in entries:
                try:
                    self.classify(entry, prefix + entry.name)
                except OSError as error:
                    self._record_error_in(prefix, entry.name, error)

    def classify(self, entry: os.DirEntry[str] | _Entry, path: str) -> None:
        if entry.is_symlink() or _is_junction(entry):
            self.skipped[self._kind_of_link(entry)] += 1
        elif entry.is_dir(follow_symlinks=False):
            kind = self._kind_of_folder(entry, path)
            if kind is not None:
                self.skipped[kind] += 1
            elif _is_too_deep(path):
                self._record_unreadable(path, _TOO_DEEP)
            else:
                self.pending.append(f"{path}/")
        else:
            self._classify_file(entry, path)

    def _classify_file(self, entry: os.DirEntry[str] | _Entry, path: str) -> None:
        kind = _kind_of_name(entry.name) or _kind_of_suffix(entry.name, self.raw)
        found = self.photos if kind is None else self.archives
        if kind in (None, "archive"):
            kind = "ignored" if self.ignored.matches(path) else None
        if kind is None and is_copy(path):
            kind = "output"  # of another config, whose pictures are the photos of this one
        if kind is None:
            # Not entry.stat(), which has no inode on Windows. Elsewhere both cost one call.
            status = os.lstat(entry.path)
            if stat.S_ISREG(status.st_mode):
                found.append(photo_from_stat(path, status))
                return
            kind = "other"
        self.skipped[kind] += 1

    def _kind_of_folder(self, entry: os.DirEntry[str] | _Entry, path: str) -> str | None:
        kind = _kind_of_name(entry.name)
        if kind is None and self.excluded.contains(entry.path):
            kind = "output"
        if kind is None and self.ignored.matches(f"{path}/"):
            kind = "ignored"
        return kind

    def _kind_of_link(self, entry: os.DirEntry[str] | _Entry) -> str:
        target = os.path.realpath(entry.path)
        inside = target == self.root or target.startswith(self.root.rstrip(os.sep) + os.sep)
        return "link" if inside else "link leaving the folder"

    def record_error(self, path: str, error: OSError) -> None:
        if error.errno == errno.ENOENT:
            return  # deleted after it was listed, which is no error
        self._record_unreadable(
            path, f"can't be read ({error.strerror}), so it is left out for now; check its permissions and its disk"
        )

    def _record_error_in(self, prefix: str, name: str, error: OSError) -> None:
        if error.errno == errno.ENAMETOOLONG and prefix:
            # Other files in the folder have names as long: one note stands for all of them.
            self._record_unreadable(
                prefix.rstrip("/"),
                "has files whose paths are too long for this system; they are left out until you shorten them",
            )
        else:
            self.record_error(prefix + name, error)

    def _record_unreadable(self, path: str, why: str) -> None:
        if path not in self.unreadable:
            self.skipped["unreadable"] += 1
            self.unreadable[path] = f"{path.encode('utf-8', 'replace').decode('utf-8')} {why}"

    def result(self) -> ScanResult:
        self.photos.sort(key=lambda photo: photo.path)
        skipped = dict(sorted(self.skipped.items()))
        return ScanResult(
            tuple(self.photos),
            skipped,
            self.folders,
            tuple(sorted(self.unreadable)),
            tuple(self.unreadable[path] for path in sorted(self.unreadable)),
            tuple(sorted(self.archives, key=lambda archive: archive.path)),
        )


_TOO_DEEP: Final = f"lies more than {MAX_FOLDER_DEPTH} folders deep, so it is left out; move it up"


def _is_too_deep(folder: str) -> bool:
    return folder.count("/") >= MAX_FOLDER_DEPTH


def _kind_of_name(name: str) -> str | None:
    lowered = name.lower()
    if lowered in _JUNK_NAMES or name.startswith("._"):
        return "junk"
    return "hidden" if name.startswith(".") else None


def _kind_of_suffix(name: str, raw: bool) -> str | None:
    if name.lower().endswith(TIMELAPSE_ENDING):  # of a picture that is a photo here
        return "video"
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 100,000 names takes a second
    if suffix in PHOTO_SUFFIXES or (raw and suffix in RAW_SUFFIXES):
        return None
    if names_archive(name):
        return "archive"
    return next((kind for kind, suffixes in _KINDS_OF_SUFFIXES if suffix in suffixes), "other")


def _is_junction(entry: os.DirEntry[str] | _Entry) -> bool:
    """Return whether this is a Windows junction, which is_symlink() does not see (needs Python 3.12)."""
    return bool(getattr(entry, "is_junction", bool)())


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError as error:
        raise _unusable(folder, error) from error
    return status.st_dev, status.st_ino


def _unusable(folder: Path, error: OSError) -> StorageError:
    if isinstance(error, FileNotFoundError):
        problem = "does not exist; create it, mount its disk or correct the setting"
    elif isinstance(error, NotADirectoryError):
        problem = "is not a folder; name the folder that holds the photos"
    else:
        problem = f"can't be read ({error.strerror}); check its permissions and its disk"
    return StorageError(f"input.folder: {folder} {problem}")
