from __future__ import annotations

import errno
import io
from collections.abc import Callable
from io import BufferedReader

import pytest

from pipeline.hashing import sha256_of_bytes
from pipeline.intake.safe_open import FileReplacedError
from pipeline.model import FailureKind
from pipeline.worker.claimed_content import UnusableFileError, claimed_content


def holding(data: bytes) -> Callable[[], BufferedReader]:
    return lambda: BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def failing(error: OSError) -> Callable[[], BufferedReader]:
    def open_file() -> BufferedReader:
        raise error

    return open_file


def test_what_was_claimed_is_returned() -> None:
    assert claimed_content(holding(b"sea"), sha256_of_bytes(b"sea"), "the photo") == b"sea"


@pytest.mark.parametrize(
    ("open_file", "reason"),
    [
        (holding(b"sand"), "the mask a.png changed after it was found"),
        (failing(FileReplacedError("a.png", ": a link")), "the mask a.png changed after it was found: a link"),
    ],
)
def test_another_content_and_another_file_are_not_used(open_file: Callable[[], BufferedReader], reason: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        claimed_content(open_file, sha256_of_bytes(b"sea"), "the mask a.png")
    assert (caught.value.kind, str(caught.value)) == (FailureKind.CHANGED, reason)


def test_a_lack_of_memory_is_no_fault_of_the_file() -> None:
    with pytest.raises(MemoryError):
        claimed_content(failing(OSError(errno.ENOMEM, "Cannot allocate memory")), "", "the photo")


def test_what_else_can_go_wrong_is_the_callers() -> None:
    with pytest.raises(PermissionError):
        claimed_content(failing(PermissionError(errno.EACCES, "Permission denied")), "", "the photo")
