"""Keeps beginning and end of a command's output. Owns how much of it is kept."""

from __future__ import annotations

from typing import Final

_MAX_BYTES: Final = 8000
_MAX_LINES: Final = 60


class Excerpt:
    """Keeps a few kilobytes of an output of any length."""

    def __init__(self, max_bytes: int = _MAX_BYTES, max_lines: int = _MAX_LINES) -> None:
        """Half of each limit is for the beginning, half for the end."""
        self._half_bytes = max_bytes // 2
        self._half_lines = max_lines // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        """Add the next bytes of the output."""
        room = self._half_bytes - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        excess = len(self._tail) - self._half_bytes
        if excess > 0:
            del self._tail[:excess]
            self._left_out += excess

    def lines(self) -> list[str]:
        """Return the lines that are not blank; one in the middle says how much is left out, if anything is."""
        if not self._left_out:
            return self._shortened(_lines(self._head + self._tail))
        head, tail = _lines(self._head)[: self._half_lines], _lines(self._tail)[-self._half_lines :]
        return [*head, f"... {self._left_out:,} bytes are left out here ...", *tail]

    def _shortened(self, lines: list[str]) -> list[str]:
        left_out = len(lines) - 2 * self._half_lines
        if left_out <= 0:
            return lines
        note = f"... {left_out:,} lines are left out here ..."
        return [*lines[: self._half_lines], note, *lines[-self._half_lines :]]


def _lines(data: bytes | bytearray) -> list[str]:
    text = data.decode("utf-8", "backslashreplace")
    return [line for line in text.splitlines() if line.strip()]
