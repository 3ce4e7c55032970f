"""Zip and tar archives made byte by byte: whatever their formats can say, and what they should not."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from functools import cache

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


def _info(name: str, mode: int = 0, system: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.create_system = system  # 3 is Unix, 0 MS-DOS and Windows
    info.filename = info.orig_filename = name  # the constructor would tidy it up
    info.external_attr = mode << 16
    return info


def repeated(stored: str, name: str, version: int = 1, of: str = "") -> zipfile.ZipInfo:
    """Return a member that has its name once more in UTF-8 (APPNOTE.TXT, 4.6.9), with the sum of the stored one."""
    info = _info(stored)
    text = name.encode()
    info.extra = struct.pack("<HHBL", 0x7075, 5 + len(text), version, zlib.crc32((of or stored).encode())) + text
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


def in_place(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]
