"""Collects what C libraries print while they decode. Owns the standard error stream meanwhile.

libtiff and libpng print to it, past every logger, and don't name the file.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_STDERR: Final = 2
_MOST_LINES: Final = 3
_MOST_BYTES: Final = 4096


@contextmanager
def collected_output() -> Iterator[list[str]]:
    """Give a list that holds, after the block, the lines printed to standard error within it: three at most.

    What other threads print in the meantime is among them. Without a standard error stream nothing is collected.
    """
    lines: list[str] = []
    number = _REDIRECTION.begin()
    try:
        yield lines
    finally:
        lines += _REDIRECTION.end(number)


class _Redirection:
    """The stream is one for the whole process: the first decoder redirects it, the last one restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoders = 0
        self._saved: int | None = None
        self._file: int | None = None

    def begin(self) -> int:
        """Return where in the collected output this decoder's lines begin."""
        with self._lock:
            if not self._decoders:
                self._redirect()
            self._decoders += 1
            return 0 if self._file is None else os.lseek(self._file, 0, os.SEEK_END)

    def _redirect(self) -> None:
        with suppress(OSError):  # no stream, no room for a file: then it is not collected
            _flush()
            saved = os.dup(_STDERR)
            with tempfile.TemporaryFile() as file:
                self._file = os.dup(file.fileno())
            os.dup2(self._file, _STDERR)
            self._saved = saved

    def end(self, begun_at: int) -> list[str]:
        """Return the lines since ``begun_at``."""
        with self._lock:
            _flush()
            text = b"" if self._file is None else _read(self._file, begun_at)
            self._decoders -= 1
            if not self._decoders:
                self._restore()
        lines = text.decode("utf-8", "replace").splitlines()
        return [line.strip() for line in lines if line.strip()][:_MOST_LINES]

    def _restore(self) -> None:
        if self._saved is not None:
            os.dup2(self._saved, _STDERR)
            os.close(self._saved)
        if self._file is not None:
            os.close(self._file)
        self._saved = self._file = None


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):  # a program without a screen has no stream
        sys.stderr.flush()


def _read(file: int, begun_at: int) -> bytes:
    os.lseek(file, begun_at, os.SEEK_SET)
    text = os.read(file, _MOST_BYTES)
    os.lseek(file, 0, os.SEEK_END)
    return text


_REDIRECTION: Final = _Redirection()
