"""What a file says about its colors. Owns the words for it and which of a container's statements comes first.

A description is a list of statements, the most binding first: the first one that is understood holds. An empty one
says nothing, which means sRGB. Reading is bounded, and what is damaged says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Point = tuple[float, float]

#: White of sRGB and of most screens, as a place on the CIE 1931 diagram.
D65: Final[Point] = (0.3127, 0.3290)
#: Profiles with tables for printing take a few megabytes.
MAX_PROFILE_BYTES: Final = 1 << 25

SRGB_PRIMARIES: Final = 1
UNSPECIFIED: Final = 2
SRGB_TRANSFER: Final = 13
PQ: Final = 16
HLG: Final = 18


class ColorError(ValueError):
    """What a file says about its colors can't be used; the text is a clause without a full stop."""


@dataclass(frozen=True, slots=True)
class Profile:
    """An ICC profile: its bytes, None where parts of it are lost."""

    icc: bytes | None


@dataclass(frozen=True, slots=True)
class CodePoints:
    """Colors by the numbers of ITU-T H.273. The matrix is left out: decoders have applied it."""

    primaries: int
    transfer: int
    full_range: bool = True

    @property
    def is_unspecified(self) -> bool:
        """Whether they say nothing, so that what comes after them holds."""
        return self.primaries == self.transfer == UNSPECIFIED and self.full_range


@dataclass(frozen=True, slots=True)
class Chromaticities:
    """The places (x, y) of the three primaries and of white on the CIE 1931 diagram."""

    red: Point
    green: Point
    blue: Point
    white: Point


@dataclass(frozen=True, slots=True)
class Calibration:
    """Colors by measured numbers: light = value ** exponent for each channel, None for sRGB's own curve.

    ``chromaticities``: None for sRGB's.
    """

    exponents: tuple[float, float, float] | None = None
    chromaticities: Chromaticities | None = None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """What the file says about its colors and can't be used: ``what``, a clause without a full stop."""

    what: str


Statement = Profile | CodePoints | Calibration | NotUnderstood


@dataclass(frozen=True, slots=True)
class ColorDescription:
    """All that a file says about its colors, the most binding first."""

    statements: tuple[Statement, ...] = ()

    @classmethod
    def of_profile(cls, icc: bytes | None) -> ColorDescription:
        """Describe by an ICC profile as Pillow gives it: empty if there is none, None if parts of it are lost."""
        return cls() if icc == b"" else cls((Profile(icc),))

    @property
    def profile(self) -> bytes:
        """Return the first ICC profile that is there whole, empty if there is none."""
        return next((each.icc for each in self.statements if isinstance(each, Profile) and each.icc), b"")

    @property
    def has_profile(self) -> bool:
        """Whether an ICC profile is among the statements."""
        return any(isinstance(statement, Profile) for statement in self.statements)


SRGB: Final = CodePoints(SRGB_PRIMARIES, SRGB_TRANSFER)
