"""Parses the boxes of AVIF, HEIC and JPEG XL (ISO/IEC 14496-12, 4.2) in memory; knows none of their contents."""

from __future__ import annotations

from collections.abc import Iterator

Content = memoryview
Box = tuple[bytes, Content]


def is_iso_media(data: bytes) -> bool:
    """Whether a file begins as ISO base media files do: AVIF, HEIC, CR3, videos."""
    return data[4:8] == b"ftyp"


def boxes_of(content: Content, *, cut_short: bool = False) -> Iterator[Box]:
    """Yield boxes as (name, content), up to the first that can't be one.

    One whose end is missing is left out, or with ``cut_short`` given as far as it is there.
    """
    position = 0
    while position + 8 <= len(content):
        size, head = int.from_bytes(content[position : position + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(content[position + 8 : position + 16], "big"), 16
        start, end = position + head, position + size if size else len(content)
        if end < start or start > len(content) or (end > len(content) and not cut_short):
            return
        yield bytes(content[position + 4 : position + 8]), content[start:end]
        position = end
