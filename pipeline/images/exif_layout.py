"""Gives out the room of an EXIF block around a maker note that stays at its offset. Knows no directories.

What is asked for first gets the room before the note as far as it fits; the rest comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Room:
    """The bytes around a note of ``note_bytes`` at ``note_offset``; pieces begin at even offsets."""

    note_offset: int
    note_bytes: int
    before: int = 8
    after: int = field(init=False)
    data: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.after = (self.note_offset + self.note_bytes + 1) // 2 * 2
        self.data = bytearray(self.after)

    def take(self, size: int) -> int:
        """Return the offset of ``size`` bytes that nothing else takes."""
        even = (size + 1) // 2 * 2
        if self.before + size <= self.note_offset:
            offset, self.before = self.before, self.before + even
            return offset
        offset, self.after = self.after, self.after + even
        self.data += bytes(even)
        return offset

    def put(self, offset: int, data: bytes) -> None:
        """Write ``data`` at ``offset``."""
        self.data[offset : offset + len(data)] = data
