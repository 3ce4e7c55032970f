"""The format of time-lapses: animated WebP, put together of frames that were encoded when they came.

Each frame is a whole picture: pictures in progress change everywhere, so that differences between them would save
little, and no frame has to be decoded or kept as pixels. The last chunk, which viewers pass over, names the picture's
key and the SHA-256 of all before it: it tells the program's own files from others and from those that were edited.
There is no other metadata, so that a time-lapse is never taken for a finished picture.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.previews import encode_webp

#: The long side of a time-lapse, in pixels.
LONG_SIDE_PIXELS: Final = 640
#: So many frames are kept at most, beside the last one, which is the picture.
MOST_FRAMES: Final = 60
#: With so many bytes a frame a whole time-lapse has 4 MB; a little more if it is all noise.
FRAME_BYTES: Final = 65_000
_QUALITIES: Final = (76, 60, 45, 30, 15, 5)

_PLAY_MS: Final = 6000
_LONGEST_FRAME_MS: Final = 250
_HOLD_MS: Final = 2000

_ANIMATED: Final = 0x02
_WITHOUT_BLENDING: Final = 0x02
_HEADER_BYTES: Final = 12
_RECORD_CHUNK: Final = b"STWL"
_RECORD_BYTES: Final = 1000
#: More is none of ours, and not read.
_MOST_BYTES: Final = 16_000_000


class FrameEncoder:
    """Encodes the frames of one time-lapse; the quality falls where they would be too large, and comes back later."""

    def __init__(self) -> None:
        self._step = 0

    def encode(self, pixels: NDArray[np.uint8]) -> bytes:
        """Return (H, W, 3) sRGB pixels as one frame. Raises OSError, MemoryError."""
        data = encode_webp(pixels, _QUALITIES[self._step])
        while len(data) > FRAME_BYTES and self._step + 1 < len(_QUALITIES):
            self._step += 1
            data = encode_webp(pixels, _QUALITIES[self._step])
        if len(data) < FRAME_BYTES // 2 and self._step:
            self._step -= 1
        return data


def last_frame(pixels: NDArray[np.uint8]) -> bytes:
    """Return the finished picture, (H, W, 3) sRGB, as the frame that is looked at longest. Raises as above."""
    return encode_webp(pixels, _QUALITIES[0])


def size_of_frame(frame: bytes) -> tuple[int, int]:
    """Return the width and height of an encoded frame. Raises OSError, ValueError."""
    with Image.open(io.BytesIO(frame), formats=("WEBP",)) as image:
        return image.size


def animation(frames: Sequence[bytes], key: str) -> bytes:
    """Return encoded frames of one size as an animated WebP file that plays again and again, the last frame longest.

    ``key`` is the picture's. Raises OSError, ValueError.
    """
    width, height = size_of_frame(frames[0])
    each = min(_LONGEST_FRAME_MS, _PLAY_MS // max(1, len(frames) - 1))
    place = b"".join(map(_uint24, (0, 0, width - 1, height - 1)))
    body = _chunk(b"VP8X", struct.pack("<I", _ANIMATED) + _uint24(width - 1) + _uint24(height - 1))
    body += _chunk(b"ANIM", struct.pack("<IH", 0, 0))
    for number, frame in enumerate(frames, start=1):
        milliseconds = _HOLD_MS if number == len(frames) else each
        head = place + _uint24(milliseconds) + bytes([_WITHOUT_BLENDING])
        body += _chunk(b"ANMF", head + _bitstream(frame))
    record = {"program": "stylewatch", "key": key, "sha256": hashlib.sha256(body).hexdigest()}
    body += _chunk(_RECORD_CHUNK, json.dumps(record).encode("ascii"))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def timelapse_key(path: Path) -> str | None:
    """Return the key of the picture that a time-lapse shows; None if there is none, or it was edited since.

    Nor is a file one that can't be read.
    """
    try:
        if path.is_symlink() or not 0 < path.stat().st_size <= _MOST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    start = data.rfind(_RECORD_CHUNK, -_RECORD_BYTES)
    if start < 0:
        return None
    try:
        record: Any = json.loads(data[start + 8 :].rstrip(b"\0"))
        is_whole = record["sha256"] == hashlib.sha256(data[_HEADER_BYTES:start]).hexdigest()
        return str(record["key"]) if is_whole else None
    except (ValueError, LookupError, TypeError):
        return None


def _bitstream(frame: bytes) -> bytes:
    """Return the chunk of a still WebP file that holds its pixels, with its header. Raises ValueError."""
    for name, chunk in _chunks(frame):
        if name in {b"VP8 ", b"VP8L"}:
            return chunk
    raise ValueError("a frame has no pixels")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = _HEADER_BYTES
    while start + 8 <= len(data):
        size = struct.unpack_from("<I", data, start + 4)[0]
        end = start + 8 + size + size % 2
        yield data[start : start + 4], data[start:end]
        start = end


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _uint24(number: int) -> bytes:
    return number.to_bytes(3, "little")
