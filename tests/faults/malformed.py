"""More than a thousand damaged image files, of every format that is read: cut, flipped, holed, overwritten, inflated.

Every run of CI has the same files, as what is right for some of them is found by other programs; a long run has more,
by its seed. Each comes with a name that tells what was done to it.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401 - lets Pillow read and write JPEG XL
from PIL import Image

from tests.faults.chances import DAMAGES, SEED

pillow_heif.register_heif_opener()

SIZE = (64, 48)
FLIPS = 30
BURSTS = 12
HOLES = 8


def _picture() -> Image.Image:
    """Return a picture in which every part looks different, and which compresses neither too well nor not at all."""
    rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    ramps = np.dstack([columns * 3.5, rows * 4.5, 240 - columns * 2.0 - rows])
    noise = np.random.default_rng(5).integers(-12, 12, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(ramps + noise, 0, 255).astype(np.uint8))


def _saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    _picture().convert(mode).save(file, kind, **options)
    return file.getvalue()


def originals() -> dict[str, bytes]:
    """Return a sound file of every kind, by its suffix."""
    return {
        "jpg": _saved("JPEG", quality=92),
        "progressive.jpg": _saved("JPEG", quality=92, progressive=True),
        "mpo.jpg": _saved("MPO", save_all=True, append_images=[_picture()]),
        "png": _saved("PNG"),
        "palette.png": _saved("PNG", "P"),
        "webp": _saved("WEBP", quality=90),
        "lossless.webp": _saved("WEBP", lossless=True),
        "avif": _saved("AVIF", quality=90),
        "tif": _saved("TIFF"),
        "lzw.tif": _saved("TIFF", compression="tiff_lzw"),
        "deflate.tif": _saved("TIFF", compression="tiff_adobe_deflate"),
        "bmp": _saved("BMP"),
        "gif": _saved("GIF"),
        "heic": _saved("HEIF", quality=90),
        "jxl": _saved("JXL", lossless=True),
        "jp2": _saved("JPEG2000"),
    }


def malformed() -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of all of them."""
    for suffix, data in originals().items():
        rng = _rng_for(suffix)
        for damage in (_cut, _zeroed_tail, _random_tail, _flipped, _overwritten, _holed):
            for what, damaged in damage(data, rng):
                yield f"{what}.{suffix}", damaged
    yield from _noise()
    yield from _bombs()


def _rng_for(what: str) -> random.Random:
    return random.Random(what if DAMAGES == 1 else f"{what} {SEED}")


def _cut(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    for tenth in range(10):
        yield f"cut at {tenth} tenths", data[: len(data) * tenth // 10]
    yield "cut by one byte", data[:-1]


def _zeroed_tail(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    for tenth in range(10):
        yield f"zeros from {tenth} tenths on", data[: len(data) * tenth // 10].ljust(len(data), b"\0")


def _random_tail(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    for tenth in range(1, 10):
        start = len(data) * tenth // 10
        yield f"noise from {tenth} tenths on", data[:start] + rng.randbytes(len(data) - start)


def _flipped(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    for number in range(FLIPS * DAMAGES):
        changed = bytearray(data)
        for _ in range(1 + number % 3):
            # Headers are short, and a flip there does the most: half of all flips go there.
            end = min(200, len(data)) if number % 2 else len(data)
            changed[rng.randrange(end)] ^= 1 << rng.randrange(8)
        yield f"flipped {number}", bytes(changed)


def _overwritten(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    for number in range(BURSTS * DAMAGES):
        start = rng.randrange(12, len(data) - 24)
        yield f"overwritten {number}", data[:start] + rng.randbytes(24) + data[start + 24 :]


def _holed(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    length = len(data) // 8
    for number in range(HOLES * DAMAGES):
        start = rng.randrange(12, len(data) - length)
        yield f"hole {number}", data[:start] + bytes(length) + data[start + length :]


def _noise() -> Iterator[tuple[str, bytes]]:
    starts = {suffix: data[:12] for suffix, data in originals().items()}
    rng = _rng_for("noise")
    for suffix, start in starts.items():
        yield f"noise.{suffix}", rng.randbytes(3000)
        yield f"noise behind the first bytes.{suffix}", start + rng.randbytes(3000)
        yield f"only the first bytes.{suffix}", start


# --- files that claim, or hold, far more pixels than they should ----------------------------------------------


def _bombs() -> Iterator[tuple[str, bytes]]:
    files = originals()
    for suffix, inflate in _INFLATE.items():
        if suffix in files:
            yield f"bomb.{suffix}", inflate(files[suffix])
    empty = Image.new("1", (20_000, 20_000))
    for kind, suffix, options in (("PNG", "png", {}), ("TIFF", "tif", {"compression": "group4"})):
        file = io.BytesIO()
        empty.save(file, kind, **options)
        yield f"bomb of real pixels.{suffix}", file.getvalue()
    for chunk in (b"zTXt", b"iCCP"):
        yield (
            f"bomb of {chunk.decode()}.png",
            _with_chunk(files["png"], chunk, b"x\0\0" + zlib.compress(bytes(80 << 20))),
        )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    return png[:33] + _chunk(kind, content) + png[33:]


def _inflated_png(data: bytes) -> bytes:
    return data[:8] + _chunk(b"IHDR", struct.pack(">II", 60_000, 60_000) + data[24:29]) + data[33:]


def _inflated_jpeg(data: bytes) -> bytes:
    marker = next(at for start in (b"\xff\xc0", b"\xff\xc2") if (at := data.find(start)) > 0)
    return data[: marker + 5] + struct.pack(">HH", 65_000, 65_000) + data[marker + 9 :]


def _inflated_gif(data: bytes) -> bytes:
    return data[:6] + b"\xff\xff\xff\xff" + data[10:]


def _inflated_bmp(data: bytes) -> bytes:
    return data[:18] + struct.pack("<ii", 100_000, 100_000) + data[26:]


def _inflated_webp(data: bytes) -> bytes:
    start = data.index(b"VP8 ") + 14
    return data[:start] + b"\xff\x3f\xff\x3f" + data[start + 4 :]


def _inflated_boxes(data: bytes) -> bytes:
    start = data.index(b"ispe") + 8
    return data[:start] + struct.pack(">II", 100_000, 100_000) + data[start + 8 :]


def _inflated_tiff(data: bytes) -> bytes:
    changed = bytearray(data)
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", data, entry)
        if tag in (256, 257):
            struct.pack_into("<HHII", changed, entry, tag, 4, 1, 100_000)
    return bytes(changed)


_INFLATE: dict[str, Callable[[bytes], bytes]] = {
    "png": _inflated_png,
    "palette.png": _inflated_png,
    "jpg": _inflated_jpeg,
    "progressive.jpg": _inflated_jpeg,
    "mpo.jpg": _inflated_jpeg,
    "gif": _inflated_gif,
    "bmp": _inflated_bmp,
    "webp": _inflated_webp,
    "avif": _inflated_boxes,
    "heic": _inflated_boxes,
    "tif": _inflated_tiff,
    "lzw.tif": _inflated_tiff,
    "deflate.tif": _inflated_tiff,
}
