"""Finds the metadata in a JPEG XL file. Owns the boxes of its container; decodes no pixels.

Pillow's plugin decodes a whole picture before it gives its EXIF, and does not give its XMP. The boxes are those of
ISO/IEC 18181-2; compressed ones (``brob``) are not read.
"""

from __future__ import annotations

from typing import Final

from pipeline.images import exif
from pipeline.images.boxes import boxes_of
from pipeline.images.metadata import Metadata

_CONTAINER_START: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
#: How far behind itself an Exif box has its block: writers put it right there.
EXIF_OFFSET: Final = bytes(4)


def is_container(data: bytes) -> bool:
    """Tell whether a file is a JPEG XL with boxes; one without has no metadata."""
    return data.startswith(_CONTAINER_START)


def metadata_in(data: bytes) -> Metadata:
    """Return the metadata of a JPEG XL file with boxes."""
    found = dict(boxes_of(memoryview(data)))
    return Metadata(exif=_exif(bytes(found.get(b"Exif", b""))), xmp=bytes(found.get(b"xml ", b"")))


def _exif(box: bytes) -> bytes:
    if exif.parse(box) is not None:  # some writers leave the offset out
        return box
    return box[4 + int.from_bytes(box[:4], "big") :].removeprefix(exif.PREFIX)
