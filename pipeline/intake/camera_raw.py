"""Parses camera raw files that are no TIFF: Fujifilm, Minolta, Sigma, early Canon. Owns when they are complete.

Most camera raw is TIFF, see :func:`pipeline.intake.format_parsers.check_tiff`; CR3 is made of boxes.
"""

from __future__ import annotations

from pipeline.intake.format_parsers import Incomplete, SizedFile


def check_raf(source: SizedFile) -> None:
    """Check that the three parts of a Fujifilm RAF (JPEG, settings, raw data) lie inside the file."""
    numbers = source.numbers(">6I", 84)
    if not numbers[4]:
        raise Incomplete("its header is not written yet")
    source.require(max(start + length for start, length in zip(numbers[::2], numbers[1::2], strict=True)))


def check_mrw(source: SizedFile) -> None:
    """Check that the raw data of a Minolta MRW, whose length stands nowhere, has begun."""
    source.require(source.numbers(">I", 4)[0] + 9)


def check_x3f(source: SizedFile) -> None:
    """Find the directory that the last four bytes of a Sigma X3F point to."""
    (directory,) = source.numbers("<I", max(0, source.size - 4))
    if directory >= source.size or source.read(directory, 4) != b"SECd":
        raise Incomplete("its directory is missing")


def check_crw(source: SizedFile) -> None:
    """Check that the last four bytes of a Canon CRW point to its directory, in the file (CIFF)."""
    order = "<" if source.read(0, 2) == b"II" else ">"
    (header_bytes,) = source.numbers(order + "I", 2)
    (directory,) = source.numbers(order + "I", max(0, source.size - 4))
    if not 0 < directory < source.size - header_bytes:
        raise Incomplete("its directory is missing")
