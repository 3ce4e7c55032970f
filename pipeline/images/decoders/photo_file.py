"""A photo's file, read no further than a decoder needs. Owns nothing but the bytes."""

from __future__ import annotations

import io
from functools import cached_property
from typing import BinaryIO, Final

_HEAD_BYTES: Final = 32


class PhotoFile:
    """An open file: ``head``, its first 32 bytes, and ``data``, all of it, read when it is first asked for."""

    def __init__(self, file: BinaryIO) -> None:
        """``file`` can be read from any place."""
        self._file = file
        self.head = file.read(_HEAD_BYTES)

    @classmethod
    def of(cls, data: bytes) -> PhotoFile:
        """Return the file with these bytes."""
        return cls(io.BytesIO(data))

    def stream(self) -> BinaryIO:
        """Return the file at its beginning."""
        self._file.seek(0)
        return self._file

    @cached_property
    def data(self) -> bytes:
        """Return all bytes. Raises OSError."""
        return self.stream().read()
