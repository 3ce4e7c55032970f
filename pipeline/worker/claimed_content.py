"""Reads the files of a claimed picture, its photo and its mask. Owns that they are used only as they were claimed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from io import BufferedReader

from pipeline.hashing import sha256_of_bytes
from pipeline.intake.safe_open import FileReplacedError
from pipeline.model import FailureKind


class UnusableFileError(Exception):
    """A picture that can't be begun because of its photo or its mask, with the kind of failure."""

    def __init__(self, kind: FailureKind, reason: str) -> None:
        self.kind = kind
        super().__init__(reason)


def claimed_content(open_file: Callable[[], BufferedReader], sha256: str, subject: str) -> bytes:
    """Return a file's content, which was claimed with this hash; ``subject``: what a user calls the file.

    Raises UnusableFileError if it is another file or has another content by now, MemoryError, OSError.
    """
    try:
        with open_file() as file:
            data = file.read()
    except FileReplacedError as error:
        raise UnusableFileError(FailureKind.CHANGED, f"{subject} {error.change}") from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise
    if sha256_of_bytes(data) != sha256:
        raise UnusableFileError(FailureKind.CHANGED, f"{subject} changed after it was found")
    return data
