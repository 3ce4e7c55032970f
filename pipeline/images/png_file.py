"""Parses a PNG file into its chunks (PNG, third edition, 5.3). Owns their checksums; knows none of their contents."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_NEEDED: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a PNG file. ``stored``: all of its bytes in the file, with length and checksum."""

    kind: bytes
    content: memoryview
    stored: memoryview

    @property
    def is_needed(self) -> bool:
        """Whether the pixels can't be told without it; unknown kinds say so by a capital letter."""
        return self.kind in _NEEDED or not self.kind[0] & 0x20

    @property
    def is_intact(self) -> bool:
        """Whether its checksum is right."""
        return zlib.crc32(self.stored[4:-4]) == int.from_bytes(self.stored[-4:], "big")


def chunks_of(data: bytes) -> Iterator[Chunk]:
    """Return the chunks of a PNG file up to its end, or to where it is cut short."""
    view, at = memoryview(data), len(SIGNATURE)
    while at + 12 <= len(view):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        if end > len(view):
            return
        chunk = Chunk(bytes(view[at + 4 : at + 8]), view[at + 8 : end - 4], view[at:end])
        yield chunk
        if chunk.kind == b"IEND":
            return
        at = end
