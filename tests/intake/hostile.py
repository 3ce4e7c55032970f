"""Archives that mean harm, are damaged or only odd, made on the spot; and what must come of each.

In every archive the photos that are fine have a shade of their own, so that a picture tells which photo it is of.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from PIL import Image

from tests.fakes import COLORS


@cache
def photo(shade: int = 0) -> bytes:
    """Return a PNG that the fake engine takes for a fine photo."""
    red, green, blue = COLORS["fine"]
    sink = io.BytesIO()
    Image.new("RGB", (48, 32), (red + shade % 16, green + shade // 16 % 16, blue)).save(sink, format="PNG")
    return sink.getvalue()


def jpeg(tail_of_zeros: int = 0, cut: int = 0) -> bytes:
    sink = io.BytesIO()
    Image.effect_noise((160, 120), 80).convert("RGB").save(sink, format="JPEG", quality=95)
    data = sink.getvalue()
    data = data[: len(data) - tail_of_zeros] + bytes(tail_of_zeros)
    return data[: len(data) - cut]


# --- zip --------------------------------------------------------------------------------------------------


def zipped(
    *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.comment = comment
        for name, content in members:
            info = name if isinstance(name, zipfile.ZipInfo) else _info(name)
            info.compress_type = method
            archive.writestr(info, content)
    return sink.getvalue()


def _info(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name  # the constructor would tidy it up
    info.external_attr = mode << 16
    return info


def replaced(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    assert old in data
    return data.replace(old, new, count)


def directory(data: bytes) -> int:
    """Return where the central directory begins."""
    return int(struct.unpack("<L", data[-6:-2])[0])


def in_directory(data: bytes, offset: int, layout: str, *numbers: int, entry: int = 0) -> bytes:
    """Overwrite fields of an entry of the central directory; ``offset`` as in APPNOTE.TXT 4.3.12."""
    start = directory(data)
    for _ in range(entry):
        start = data.index(b"PK\x01\x02", start + 4)
    patched = bytearray(data)
    struct.pack_into("<" + layout, patched, start + offset, *numbers)
    return bytes(patched)


def in_end(data: bytes, offset: int, layout: str, *numbers: int) -> bytes:
    patched = bytearray(data)
    struct.pack_into("<" + layout, patched, len(data) - 22 + offset, *numbers)
    return bytes(patched)


def encrypted(data: bytes, entries: int) -> bytes:
    for entry in range(entries):
        data = in_directory(data, 8, "H", 1, entry=entry)
    return data


def overlapping(copies: int = 50) -> bytes:
    """Return a zip whose directory names one and the same content many times."""
    single = zipped(("evil.png", photo(1) * 20), method=zipfile.ZIP_STORED)
    start = directory(single)
    entry = single[start:-22]
    body = single[:start] + entry * copies
    return body + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, copies, copies, len(entry) * copies, start, 0)


def zip64(data: bytes, size: int | None = None, offset: int | None = None) -> bytes:
    """Return a zip with the end records of a large one."""
    start, end = directory(data), len(data) - 22
    record = struct.pack(
        "<4sQ2H2L4Q",
        b"PK\x06\x06",
        44,
        45,
        45,
        0,
        0,
        1,
        1,
        end - start if size is None else size,
        start if offset is None else offset,
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return data[:end] + record + locator + data[end:]


# --- tar --------------------------------------------------------------------------------------------------


def tarred(*members: tuple[str | tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.TarFile(fileobj=sink, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """Return one tar header with any ``size`` field, 12 bytes, and a right check sum."""
    block = bytearray(512)
    block[: len(name)] = name.encode()
    block[100:108] = b"0000644\0"
    block[124 : 124 + len(size)] = size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def octal(size: int) -> bytes:
    return b"%011o\0" % size


def negative(size: int) -> bytes:
    return b"\xff" + size.to_bytes(11, "big", signed=True)


END = bytes(1024)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def pax(*records: tuple[str, str]) -> bytes:
    """Return an extended header as stored, whatever it says."""
    text = b""
    for key, value in records:
        line = f" {key}={value}\n".encode("utf-8", "surrogateescape")
        length = len(line) + 1
        while len(str(length)) + len(line) != length:
            length += 1
        text += str(length).encode() + line
    return header("pax", octal(len(text)), b"x") + padded(text)


def one(name: str, shade: int) -> bytes:
    """Return a member as it stands in a tar."""
    return header(name, octal(len(photo(shade)))) + padded(photo(shade))


def deadly_sparse() -> bytes:
    """Return a GNU sparse file of 8 EB in one block."""
    block = bytearray(header("evil.png", octal(512), b"S"))
    block[386:398], block[398:410] = octal(0), octal(512)
    block[483:495] = b"\x80" + (1 << 62).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(512)


# --- the cases --------------------------------------------------------------------------------------------

Kind = Literal["quarantined", "incomplete"]


@dataclass(frozen=True)
class Case:
    """``pictures``: path of a photo -> its shade; ``says``: (path, kind, part of the reason) of all set aside."""

    id: str
    name: str
    build: Callable[[], bytes]
    pictures: dict[str, int] = field(default_factory=dict)
    says: tuple[tuple[str, Kind, str], ...] = ()


def in_remark(id_: str, name: str, reason: str) -> Case:
    """A zip with a photo and a member whose name is no path: told about in the archive's own row."""
    return Case(
        id_,
        "trip.zip",
        lambda: zipped(("good.png", photo(3)), (name, photo(1))),
        {"trip.zip/good.png": 3},
        (("trip.zip", "quarantined", reason),),
    )


def tar_remark(id_: str, name: str, reason: str) -> Case:
    return Case(
        f"tar {id_}",
        "trip.tar",
        lambda: tarred(("good.png", photo(3)), (name, photo(1))),
        {"trip.tar/good.png": 3},
        (("trip.tar", "quarantined", reason),),
    )


def refused(id_: str, name: str, build: Callable[[], bytes], reason: str, kind: Kind = "quarantined") -> Case:
    """An archive of which nothing is taken."""
    return Case(id_, name, build, {}, ((name, kind, reason),))


def beside(id_: str, build: Callable[[], bytes], reason: str, name: str = "trip.zip", evil: str = "evil.png") -> Case:
    """An archive with a good photo and one that is refused."""
    return Case(id_, name, build, {f"{name}/good.png": 3}, ((f"{name}/{evil}", "quarantined", reason),))


def zip_special(id_: str, mode: int, reason: str) -> Case:
    return beside(
        f"zip {id_}", lambda: zipped(("good.png", photo(3)), (_info("evil.png", mode), b"/etc/passwd")), reason
    )


def tar_special(id_: str, kind: bytes, reason: str, target: str = "/etc/passwd") -> Case:
    return beside(
        f"tar {id_}",
        lambda: tarred(("good.png", photo(3)), (special("evil.png", kind, target), b"")),
        reason,
        "trip.tar",
    )


def inside(id_: str, content: Callable[[], bytes], reason: str, evil: str = "evil.png") -> Case:
    return beside(
        f"member is {id_}", lambda: zipped(("good.png", photo(3)), (evil, content())), reason, "trip.zip", evil
    )


def good_zip() -> bytes:
    return zipped(("good.png", photo(3)), ("beach/also.png", photo(5)))


def good_tar() -> bytes:
    return tarred(("good.png", photo(3)), ("beach/also.png", photo(5)))


def two(name: str) -> dict[str, int]:
    return {f"{name}/good.png": 3, f"{name}/beach/also.png": 5}


def with_good(evil: bytes) -> Callable[[], bytes]:
    """Build a tar of a good photo and what ``evil`` says."""
    return lambda: one("good.png", 3) + evil + END


DECOMPOSED = unicodedata.normalize("NFD", "é.png")
COMPOSED = unicodedata.normalize("NFC", "é.png")
RAW = os.fsdecode(b"caf\xe9.png")

NAMES = [
    in_remark("zip traversal", "../evil.png", "leads out of the archive"),
    in_remark("zip traversal from deeper", "a/b/../../../../evil.png", "leads out of the archive"),
    in_remark("zip traversal to the output", "../../out/evil.png", "leads out of the archive"),
    in_remark("zip traversal that stays inside", "a/../evil.png", "leads out of the archive"),
    in_remark("zip absolute", "/evil.png", "at the root"),
    in_remark("zip absolute twice", "//server/share/evil.png", "at the root"),
    in_remark("zip drive", "C:/evil.png", "drive letter"),
    in_remark("zip drive without root", "c:evil.png", "drive letter"),
    in_remark("zip backslash", "..\\evil.png", "backslash"),
    in_remark("zip backslash inside", "a\\evil.png", "backslash"),
    in_remark("zip server", "\\\\server\\share\\evil.png", "backslash"),
    in_remark("zip long name", "a" * 3000 + ".png", "more than 1,000 bytes"),
    in_remark("zip deep folders", "d/" * 700 + "evil.png", "more than 1,000 bytes"),
    in_remark("zip traversing folder", "../evil/", "leads out of the archive"),
    Case(
        "zip zero byte in a name",
        "trip.zip",
        lambda: replaced(zipped(("good.png", photo(3)), ("evil.png#.txt", photo(1))), b"evil.png#", b"evil.png\0"),
        {"trip.zip/good.png": 3},
        (("trip.zip", "quarantined", "zero byte"),),
    ),
    tar_remark("traversal", "../evil.png", "leads out of the archive"),
    tar_remark("absolute", "/evil.png", "at the root"),
    tar_remark("drive", "D:/evil.png", "drive letter"),
    tar_remark("backslash", "..\\evil.png", "backslash"),
    tar_remark("long name", "b" * 5000 + ".png", "more than 1,000 bytes"),
    Case(
        "tar extended header with traversal",
        "trip.tar",
        lambda: one("good.png", 3) + pax(("path", "../../evil.png")) + one("fine.png", 1) + END,
        {"trip.tar/good.png": 3},
        (("trip.tar", "quarantined", "leads out of the archive"),),
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
        "other than Deflate",
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
        "larger than a header can be",
    ),
    refused(
        "tar long name that wants 4 GB of memory",
        "trip.tar",
        with_good(header("name", octal(1 << 32), b"L")),
        "larger than a header can be",
    ),
    refused(
        "many tar headers for one file",
        "trip.tar",
        with_good(pax(("comment", "x" * 400_000)) * 4 + one("evil.png", 1)),
        "",
    ),
    refused(
        "tar with a negative size that leads back",
        "trip.tar",
        with_good(header("evil.png", negative(-1024))),
        "leads back",
    ),
    refused(
        "tar extended header with a negative size",
        "trip.tar",
        with_good(pax(("size", "-2048")) + header("evil.png", octal(0))),
        "leads back",
    ),
    refused(
        "tar header of a negative size",
        "trip.tar",
        with_good(header("pax", negative(-512), b"x")),
        "larger than a header can be",
    ),
    refused(
        "tar file of 8 EB",
        "trip.tar",
        with_good(header("evil.bin", b"\x80" + (1 << 63).to_bytes(11, "big"))),
        "",
    ),
]


def cut(build: Callable[[], bytes], share: float) -> Callable[[], bytes]:
    return lambda: (data := build())[: int(len(data) * share)]


DAMAGED = [
    *(
        refused(f"zip cut at {tenth}0 %", "trip.zip", cut(good_zip, tenth / 10), "", "incomplete")
        for tenth in range(1, 10)
    ),
    *(
        refused(
            f"tar cut at {tenth}0 %", "trip.tar", cut(lambda: padded(good_tar())[:4096], tenth / 10), "", "incomplete"
        )
        for tenth in range(1, 8)
    ),
    *(
        refused(
            f"tgz cut at {tenth}0 %", "trip.tgz", cut(lambda: gzip.compress(good_tar()), tenth / 10), "", "incomplete"
        )
        for tenth in range(1, 10)
    ),
    refused("zip without its last byte", "trip.zip", lambda: good_zip()[:-1], "is missing", "incomplete"),
    refused("tar without its end", "trip.tar", lambda: one("good.png", 3), "its end is missing", "incomplete"),
    refused("tgz without its last byte", "trip.tgz", lambda: gzip.compress(good_tar())[:-1], "", "incomplete"),
    refused(
        "zip set aside beforehand",
        "trip.zip",
        lambda: (data := good_zip())[:300] + bytes(len(data) - 300),
        "table of contents is missing",
        "incomplete",
    ),
    refused(
        "tgz set aside beforehand",
        "trip.tgz",
        lambda: (data := gzip.compress(good_tar()))[:100] + bytes(len(data) - 100),
        "filled with zeros",
        "incomplete",
    ),
    refused("only zeros", "trip.tar", lambda: bytes(10240), "nothing but zeros", "incomplete"),
    refused("empty file", "trip.zip", lambda: b"", "it is empty", "incomplete"),
    refused(
        "zip that holds the end of another",
        "trip.zip",
        lambda: (data := zipped(("in.zip", good_zip()), ("x.png", photo(1)), method=0))[
            : data.index(b"PK\x05\x06") + 22
        ],
        "does not lie where it should",
        "incomplete",
    ),
    refused(
        "junk before a zip", "trip.zip", lambda: b"PK\x03\x04junk" + good_zip(), "lie where it should", "incomplete"
    ),
    refused("junk after a zip", "trip.zip", lambda: good_zip() + b"junk", "not at its end", "incomplete"),
    refused("zip in parts", "trip.zip", lambda: in_end(good_zip(), 4, "HH", 1, 1), "one of several parts"),
    refused(
        "directory that begins elsewhere",
        "trip.zip",
        lambda: in_end(good_zip(), 16, "L", 7),
        "lie where it should",
        "incomplete",
    ),
    refused(
        "directory of 4 GB", "trip.zip", lambda: in_end(good_zip(), 12, "L", 0xFFFFFFF0), "lie where", "incomplete"
    ),
    refused("large zip with a damaged record", "trip.zip", lambda: zip64(good_zip(), size=1 << 62), "", "incomplete"),
    refused(
        "large zip without its record",
        "trip.zip",
        lambda: replaced(zip64(good_zip()), b"PK\x06\x06", b"PK\x00\x00"),
        "damaged",
    ),
    refused(
        "zip directory with zeros",
        "trip.zip",
        lambda: (data := good_zip())[: directory(data)] + bytes(len(data) - directory(data) - 22) + data[-22:],
        "it is damaged",
    ),
    refused(
        "name that claims to be UTF-8",
        "trip.zip",
        lambda: replaced(zipped(("ü.png", photo(3)), ("b.png", photo(1))), "ü".encode(), b"\xff\xfe"),
        "it is damaged",
    ),
    beside(
        "zip wrong check sum",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 16, "L", 12345),
        "CRC",
    ),
    beside(
        "zip flipped bits",
        lambda: replaced(zipped(("evil.png", photo(1)), ("good.png", photo(3)), method=0), photo(1), photo(9)),
        "CRC",
    ),
    beside(
        "zip broken Deflate",
        lambda: in_place(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 30 + len("evil.png"), b"\xff" * 8),
        "it is damaged",
    ),
    beside(
        "zip size too small",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 24, "L", 20),
        "it is damaged",
    ),
    beside(
        "zip size too large",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 24, "L", 100_000),
        "it is damaged",
    ),
    beside(
        "zip with another name at the content",
        lambda: replaced(zipped(("evil.png", photo(1)), ("good.png", photo(3))), b"evil.png", b"fine.png", 1),
        "it is damaged",
    ),
    beside(
        "zip content beyond the end",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 42, "L", 0x7FFFFFFF),
        "it is damaged",
    ),
    beside(
        "zip content in the directory",
        lambda: in_directory(
            data := zipped(("evil.png", photo(1)), ("good.png", photo(3))), 42, "L", directory(data)
        ),
        "it is damaged",
    ),
    refused(
        "tar with a damaged header",
        "trip.tar",
        lambda: one("good.png", 3) + bytes(10) + b"junk" * 125 + bytes(2) + one("x.png", 1) + END,
        "there is something that is none",
    ),
    refused("tar with a number that is none", "trip.tar", with_good(header("evil.png", b"zzzzzzzzzzz\0")), "none"),
    refused(
        "tar extended header of nonsense",
        "trip.tar",
        with_good(header("pax", octal(10), b"x") + padded(b"0 =\n\n99999") + one("evil.png", 1)),
        "damaged",
    ),
    refused(
        "gzip wrong check sum",
        "trip.tgz",
        lambda: (data := gzip.compress(good_tar()))[:-8] + b"\1\2\3\4" + data[-4:],
        "compressed data is damaged",
    ),
    refused(
        "gzip flipped bits",
        "trip.tgz",
        lambda: in_place(gzip.compress(good_tar()), 60, b"\xff\xff\xff\xff"),
        "compressed data is damaged",
    ),
    refused("gzip with junk after it", "trip.tgz", lambda: gzip.compress(good_tar()) + b"junk", "data is damaged"),
    refused("gzip of no tar", "trip.tar.gz", lambda: gzip.compress(b"I am a letter. " * 100), "no tar archive"),
    refused("gzip of a zip", "trip.tgz", lambda: gzip.compress(good_zip()), "no tar archive"),
    refused("gzip of a gzip", "trip.tgz", lambda: gzip.compress(gzip.compress(good_tar())), ""),
    refused("letter", "trip.zip", lambda: b"I am a letter, not an archive. " * 40, "no tar archive"),
    refused("web page", "trip.zip", lambda: b"<!doctype html>" + b"<p>404</p>" * 200, "no tar archive"),
    refused("photo with an archive's name", "trip.tar", lambda: jpeg(), "no tar archive"),
    refused("other archive", "trip.zip", lambda: b"Rar!\x1a\x07\x00" + os.urandom(2000), "no tar archive"),
    refused("noise", "trip.tgz", lambda: b"\x1f\x8b\x08\x00" + bytes(range(1, 250)) * 9, "data is damaged"),
]

CONTENTS = [
    inside("a cut photo", lambda: jpeg(cut=500), "incomplete", "evil.jpg"),
    inside("a photo set aside beforehand", lambda: jpeg(tail_of_zeros=9000), "incomplete", "evil.jpg"),
    inside("a cut PNG", lambda: photo(1)[:-20], "incomplete"),
    inside("a web page", lambda: b"<!doctype html><p>no photo", "an HTML page", "evil.jpg"),
    inside("empty", lambda: b"", "the file is empty"),
    inside("zeros", lambda: bytes(5000), "nothing but zeros"),
    inside("noise", lambda: b"\1\2" + os.urandom(5000), "no image"),
    inside("a program", lambda: b"MZ" + bytes(range(256)) * 4, "a Windows program"),
]

ODD_BUT_FINE = [
    Case("plain zip", "trip.zip", good_zip, two("trip.zip")),
    Case(
        "zip without compression",
        "TRIP.ZIP",
        lambda: zipped(("good.png", photo(3)), method=0),
        {"TRIP.ZIP/good.png": 3},
    ),
    Case("large zip", "trip.zip", lambda: zip64(zipped(("good.png", photo(3)))), {"trip.zip/good.png": 3}),
    Case(
        "zip with a comment",
        "trip.zip",
        lambda: zipped(("good.png", photo(3)), comment=b"hi"),
        {"trip.zip/good.png": 3},
    ),
    Case("empty zip", "trip.zip", lambda: zipped()),
    Case("plain tar", "trip.tar", good_tar, two("trip.tar")),
    Case(
        "tar of long ago",
        "trip.tar",
        lambda: tarred(("good.png", photo(3)), form=tarfile.USTAR_FORMAT),
        {"trip.tar/good.png": 3},
    ),
    Case("compressed tar", "trip.tgz", lambda: gzip.compress(good_tar()), two("trip.tgz")),
    Case("compressed tar by its long name", "trip.tar.gz", lambda: gzip.compress(good_tar()), two("trip.tar.gz")),
    Case("tar that is compressed after all", "trip.tar", lambda: gzip.compress(good_tar()), two("trip.tar")),
    Case("zip with a tar's name", "trip.tar", good_zip, two("trip.tar")),
    Case(
        "tgz in pieces",
        "trip.tgz",
        lambda: gzip.compress(good_tar()[:2000]) + gzip.compress(good_tar()[2000:]),
        two("trip.tgz"),
    ),
    Case(
        "tar from a folder",
        "trip.tar",
        lambda: tarred(
            (special("./", tarfile.DIRTYPE), b""), ("./good.png", photo(3)), ("./beach//also.png", photo(5))
        ),
        two("trip.tar"),
    ),
    Case(
        "junk, sidecars and other files",
        "trip.zip",
        lambda: zipped(
            ("good.png", photo(3)),
            ("__MACOSX/._good.png", b"junk"),
            ("._good.png", b"junk"),
            (".DS_Store", b"junk"),
            ("Thumbs.db", b"junk"),
            ("good.xmp", b"<xmp/>"),
            ("clip.mp4", b"film"),
            (".hidden/x.png", photo(1)),
            ("@eaDir/good.png", photo(1)),
            ("readme", b"text"),
            (_info("latest", stat.S_IFLNK | 0o777), b"good.png"),
        ),
        {"trip.zip/good.png": 3},
    ),
    Case(
        "names that differ in case",
        "trip.zip",
        lambda: zipped(("a.png", photo(3)), ("A.png", photo(5))),
        {"trip.zip/a.png": 3, "trip.zip/A.png": 5},
    ),
    Case(
        "names that differ in composition",
        "trip.tar",
        lambda: tarred((COMPOSED, photo(3)), (DECOMPOSED, photo(5))),
        {f"trip.tar/{COMPOSED}": 3, f"trip.tar/{DECOMPOSED}": 5},
    ),
    Case(
        "zip name that is no UTF-8",
        "trip.zip",
        lambda: replaced(zipped(("caf_.png", photo(3))), b"caf_", b"caf\xe9"),
        {f"trip.zip/{RAW}": 3},
    ),
    Case(
        "tar name that is no UTF-8",
        "trip.tar",
        lambda: tarred((RAW, photo(3)), form=tarfile.GNU_FORMAT),
        {f"trip.tar/{RAW}": 3},
    ),
    Case(
        "devices of Windows",
        "trip.zip",
        lambda: zipped(("con.png", photo(3)), ("aux/x.png", photo(5))),
        {"trip.zip/con.png": 3, "trip.zip/aux/x.png": 5},
    ),
    Case(
        "a name for terminals",
        "trip.zip",
        lambda: zipped(("a\x1b[2J\n.png", photo(3))),
        {"trip.zip/a\x1b[2J\n.png": 3},
    ),
    Case(
        "a name for shells",
        "trip.zip",
        lambda: zipped(("$(touch evil);'.png", photo(3))),
        {"trip.zip/$(touch evil);'.png": 3},
    ),
    Case(
        "a name for templates",
        "trip.zip",
        lambda: zipped(("{style}{0}.png", photo(3))),
        {"trip.zip/{style}{0}.png": 3},
    ),
    Case(
        "a photo and a folder of one name",
        "trip.zip",
        lambda: zipped(("a.png", photo(3)), ("a.png/b.png", photo(5))),
        {"trip.zip/a.png": 3, "trip.zip/a.png/b.png": 5},
    ),
    Case(
        "a folder with a photo's name",
        "trip.zip",
        lambda: zipped(("x.png/", b""), ("x.png/a.png", photo(3))),
        {"trip.zip/x.png/a.png": 3},
    ),
    Case(
        "a folder with an archive's name",
        "trip.zip",
        lambda: zipped(("b.zip/a.png", photo(3))),
        {"trip.zip/b.zip/a.png": 3},
    ),
    Case(
        "a picture's name as a folder",
        "trip.zip",
        lambda: zipped(("a--night.jpg/b.png", photo(3)), ("a.png", photo(5))),
        {"trip.zip/a--night.jpg/b.png": 3, "trip.zip/a.png": 5},
    ),
    Case(
        "a second tar after the first one's end",
        "trip.tar",
        lambda: one("good.png", 3) + END + one("later.png", 5) + END,
        {"trip.tar/good.png": 3},
    ),
]


def in_place(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


HOSTILE = [*NAMES, *ODDITIES, *ENCRYPTED, *BOMBS, *DAMAGED, *CONTENTS]
CASES = [*HOSTILE, *ODD_BUT_FINE]


def write(case: Case, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / case.name
    path.write_bytes(case.build())
    return path
