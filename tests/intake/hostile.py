"""Archives that mean harm."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile

from tests.intake.cases import (
    Case,
    beside,
    good_tar,
    good_zip,
    in_remark,
    refused,
    tar_remark,
    tar_special,
    with_good,
    zip_special,
)
from tests.intake.packing import (
    END,
    deadly_sparse,
    directory,
    encrypted,
    header,
    in_directory,
    in_end,
    negative,
    octal,
    one,
    overlapping,
    pax,
    photo,
    repeated,
    replaced,
    special,
    tarred,
    zipped,
)

NAMES = [
    in_remark("zip traversal", "../evil.png", "points outside of the archive"),
    in_remark("zip traversal from deeper", "a/b/../../../../evil.png", "points outside of the archive"),
    in_remark("zip traversal to the output", "../../out/evil.png", "points outside of the archive"),
    in_remark("zip traversal that stays inside", "a/../evil.png", "points outside of the archive"),
    in_remark("zip absolute", "/evil.png", "absolute path"),
    in_remark("zip absolute twice", "//server/share/evil.png", "absolute path"),
    in_remark("zip drive", "C:/evil.png", "drive letter"),
    in_remark("zip drive without root", "c:evil.png", "drive letter"),
    in_remark("zip backslash", "..\\evil.png", "points outside of the archive"),
    in_remark("zip backslash from deeper", "a\\..\\..\\evil.png", "points outside of the archive"),
    in_remark("zip backslash after a slash", "a/..\\..\\evil.png", "backslash"),
    in_remark("zip server", "\\\\server\\share\\evil.png", "absolute path"),
    in_remark("zip drive of Windows", "C:\\evil.png", "drive letter"),
    in_remark("zip long name", "a" * 3000 + ".png", "more than 1,000 bytes"),
    in_remark("zip folders too deep to make", "d/" * 300 + "evil.png", "more than 200 folders deep"),
    in_remark("zip deep folders", "d/" * 700 + "evil.png", "more than 1,000 bytes"),
    in_remark("zip traversing folder", "../evil/", "points outside of the archive"),
    Case(
        "zip zero byte in a name",
        "trip.zip",
        lambda: replaced(zipped(("good.png", photo(3)), ("evil.png#.txt", photo(1))), b"evil.png#", b"evil.png\0"),
        {"trip.zip/good.png": 3},
        (("trip.zip", "quarantined", "zero byte"),),
    ),
    Case(
        "zip traversal in its name in UTF-8",
        "trip.zip",
        lambda: zipped(("good.png", photo(3)), (repeated("evil.png", "../evil.png"), photo(1))),
        {"trip.zip/good.png": 3},
        (("trip.zip", "quarantined", "points outside of the archive"),),
    ),
    tar_remark("traversal", "../evil.png", "points outside of the archive"),
    tar_remark("absolute", "/evil.png", "absolute path"),
    tar_remark("drive", "D:/evil.png", "drive letter"),
    tar_remark("backslash", "..\\evil.png", "backslash"),
    tar_remark("long name", "b" * 5000 + ".png", "more than 1,000 bytes"),
    Case(
        "tar extended header with traversal",
        "trip.tar",
        lambda: one("good.png", 3) + pax(("path", "../../evil.png")) + one("fine.png", 1) + END,
        {"trip.tar/good.png": 3},
        (("trip.tar", "quarantined", "points outside of the archive"),),
    ),
    Case(
        "many bad names are told in one sentence",
        "trip.zip",
        lambda: zipped(("good.png", photo(3)), *((f"../evil{n}.png", photo(1)) for n in range(40))),
        {"trip.zip/good.png": 3},
        (("trip.zip", "quarantined", "and 35 more"),),
    ),
]

ODDITIES = [
    zip_special("link", stat.S_IFLNK | 0o777, "it is a link"),
    zip_special("pipe", stat.S_IFIFO | 0o666, "a device or pipe"),
    zip_special("device", stat.S_IFBLK | 0o666, "a device or pipe"),
    zip_special("socket", stat.S_IFSOCK | 0o666, "a device or pipe"),
    tar_special("link", tarfile.SYMTYPE, "it is a link"),
    tar_special("link in itself", tarfile.SYMTYPE, "it is a link", "evil.png"),
    tar_special("hard link", tarfile.LNKTYPE, "it is a link", "good.png"),
    tar_special("hard link out", tarfile.LNKTYPE, "it is a link", "../../../etc/passwd"),
    tar_special("character device", tarfile.CHRTYPE, "a device or pipe"),
    tar_special("block device", tarfile.BLKTYPE, "a device or pipe"),
    tar_special("pipe", tarfile.FIFOTYPE, "a device or pipe"),
    Case(
        "tar link to a folder, then a photo through it",
        "trip.tar",
        lambda: tarred((special("way", tarfile.SYMTYPE, "../../out"), b""), ("way/good.png", photo(3))),
        {"trip.tar/way/good.png": 3},
    ),
    beside("tar sparse file of 4 EB", with_good(deadly_sparse()), "a sparse file", "trip.tar"),
    beside(
        "tar sparse by extended header",
        with_good(pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "99999999999999")) + one("evil.png", 1)),
        "a sparse file",
        "trip.tar",
    ),
    beside(
        "nested zip",
        lambda: zipped(("good.png", photo(3)), ("inner.zip", zipped(("x.png", photo(1))))),
        "archive in an archive",
        evil="inner.zip",
    ),
    beside(
        "nested compressed tar",
        lambda: tarred(("good.png", photo(3)), ("a/inner.tar.gz", gzip.compress(good_tar()))),
        "archive in an archive",
        "trip.tar",
        "a/inner.tar.gz",
    ),
    beside(
        "zip duplicate",
        lambda: zipped(("evil.png", photo(1)), ("good.png", photo(3)), ("./evil.png", photo(2))),
        "several files of this name",
    ),
    beside(
        "tar duplicate",
        lambda: tarred(("evil.png", photo(1)), ("good.png", photo(3)), ("evil.png", photo(2)), ("evil.png", b"")),
        "several files of this name",
        "trip.tar",
    ),
]

ENCRYPTED = [
    beside(
        "encrypted member",
        lambda: encrypted(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 1),
        "it is encrypted",
    ),
    refused(
        "everything encrypted",
        "trip.zip",
        lambda: encrypted(zipped(("a.png", photo(1)), ("b.png", photo(2)), ("c.png", photo(3))), 3),
        "each of its 3 photos is: it is encrypted",
    ),
    beside(
        "encrypted by AES",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 8, "HH", 1, 99),
        "it is encrypted",
    ),
    beside(
        "other compression",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 10, "H", 14),
        "another method than Deflate",
    ),
    refused(
        "encrypted directory",
        "trip.zip",
        lambda: (data := good_zip())[: directory(data)] + os.urandom(len(data) - directory(data) - 22) + data[-22:],
        "it is damaged",
    ),
]

BOMBS = [
    beside(
        "zip bomb by ratio", lambda: zipped(("good.png", photo(3)), ("evil.png", bytes(120 << 20))), "times its size"
    ),
    refused(
        "gzip bomb by ratio",
        "trip.tgz",
        lambda: gzip.compress(tarred(("good.png", photo(3)), ("evil.png", bytes(120 << 20))), 1),
        "200 times its size",
    ),
    refused(
        "gzip bomb in what is no photo",
        "trip.tgz",
        lambda: gzip.compress(tarred(("evil.bin", bytes(120 << 20)), ("good.png", photo(3))), 1),
        "200 times its size",
    ),
    refused(
        "too large altogether",
        "trip.zip",
        lambda: zipped(*((f"{n}.png", photo(n) + os.urandom(3_000_000)) for n in range(3))),
        "unpacks to more than 8 MB",
    ),
    refused(
        "too large altogether, as a compressed tar",
        "trip.tar.gz",
        lambda: gzip.compress(tarred(*((f"{n}.bin", os.urandom(3_000_000)) for n in range(3)))),
        "unpacks to more than 8 MB",
    ),
    beside(
        "photo too large",
        lambda: zipped(("good.png", photo(3)), ("evil.png", photo(1) + os.urandom(5_000_000))),
        "input.archive_space",
    ),
    refused(
        "too many files",
        "trip.zip",
        lambda: zipped(*((f"{n}.txt", b"") for n in range(101))),
        "more than 100 files",
    ),
    refused(
        "too many files, and a directory that denies it",
        "trip.zip",
        lambda: in_end(zipped(*((f"{n}.txt", b"") for n in range(101))), 8, "HH", 1, 1),
        "more than 100 files",
    ),
    refused(
        "too many files in a tar",
        "trip.tar",
        lambda: tarred(*((f"{n}.txt", b"") for n in range(101))),
        "more than 100 files",
    ),
    refused("overlapping members", "trip.zip", overlapping, "overlap"),
    refused(
        "tar header that wants 8 GB of memory",
        "trip.tar",
        with_good(header("pax", octal((1 << 33) - 512), b"x")),
        "one of its headers is too large",
    ),
    refused(
        "tar long name that wants 4 GB of memory",
        "trip.tar",
        with_good(header("name", octal(1 << 32), b"L")),
        "one of its headers is too large",
    ),
    refused(
        "many tar headers for one file",
        "trip.tar",
        with_good(pax(("comment", "x" * 400_000)) * 4 + one("evil.png", 1)),
        "",
    ),
    refused(
        "tar with a negative size that points back",
        "trip.tar",
        with_good(header("evil.png", negative(-1024))),
        "points back",
    ),
    refused(
        "tar extended header with a negative size",
        "trip.tar",
        with_good(pax(("size", "-2048")) + header("evil.png", octal(0))),
        "points back",
    ),
    refused(
        "tar header of a negative size",
        "trip.tar",
        with_good(header("pax", negative(-512), b"x")),
        "one of its headers is too large",
    ),
    refused(
        "tar file of 8 EB",
        "trip.tar",
        with_good(header("evil.bin", b"\x80" + (1 << 63).to_bytes(11, "big"))),
        "",
    ),
]


HOSTILE = [*NAMES, *ODDITIES, *ENCRYPTED, *BOMBS]
