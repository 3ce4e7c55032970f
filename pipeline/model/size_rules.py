"""Sizes in words: "12 MP", "original", "a4 @ 300 dpi". Owns how they are written, and what they mean for a photo.

Also owns what follows for the sizes from coarse to fine. A photo's own size decides how large its picture is, so that
in an archive nearly every picture would have another size, and each size other targets of the paintings: the sizes
that the network works at are rounded to few, and only the finished picture has its own to the pixel.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

#: What a photo is taken for that was not looked at, in pixels: 11 megapixels, in the proportions of most photos.
TYPICAL_PHOTO: Final = (4000, 2800)

#: The most pixels a side that any rule may ask for.
MOST_PIXELS: Final = 65_500
LEAST_PIXELS: Final = 16
LEAST_MEGAPIXELS: Final = 0.001
MOST_MEGAPIXELS: Final = 4000.0

Unit = Literal["mm", "cm", "in"]

_INCHES: Final[dict[Unit, float]] = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0}
_SHEETS: Final[dict[str, tuple[float, float, Unit]]] = {
    "a0": (841, 1189, "mm"),
    "a1": (594, 841, "mm"),
    "a2": (420, 594, "mm"),
    "a3": (297, 420, "mm"),
    "a4": (210, 297, "mm"),
    "a5": (148, 210, "mm"),
    "a6": (105, 148, "mm"),
    "letter": (8.5, 11, "in"),
}
_MOST_DPI: Final = 65_535  # what a JPEG file can hold

_NUMBER: Final = r"\d+(?:\.\d+)?"
_MEGAPIXELS: Final = re.compile(rf"({_NUMBER}) ?mp")
_PRINT: Final = re.compile(rf"(?:({'|'.join(_SHEETS)})|({_NUMBER}) ?x ?({_NUMBER}) ?(mm|cm|in)) ?@ ?(\d+) ?dpi")

#: From this side on, network sizes are multiples of more than the network's grid, at most 3 % from one to the next.
_COARSE_FROM: Final = 1024
_GRID: Final = 16
_EXACT_BELOW: Final = 32
_SMALLEST_AUTOMATIC: Final = 128


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How large a picture is, by its photo's size. ``words``: how it is written, in one form: "30x40 cm @ 300 dpi".

    ``megapixels``: width × height in millions, 0 = something else decides. ``sheet_pixels``: the short and the long
    side that the picture has to fit into, at ``dpi`` pixels an inch, which its file says. With neither, a picture
    has its photo's size.
    """

    words: str
    megapixels: float = 0.0
    sheet_pixels: tuple[int, int] | None = None
    dpi: int = 0

    @classmethod
    def parse(cls, text: str) -> SizeRule:
        """Return what ``text`` means, in any letter case and with any spaces.

        Raises ValueError with what it must be, or by how much it is out of bounds.
        """
        written = re.sub(r"\s+", " ", text.strip().casefold().replace("×", "x"))
        if written == "original":
            return cls("original")
        if match := _MEGAPIXELS.fullmatch(written):
            return _of_megapixels(float(match[1]))
        if match := _PRINT.fullmatch(written):
            name, first, second, written_unit, dpi = match.groups()
            if name:
                short, long, unit = _SHEETS[name]
            else:
                short, long = sorted((float(first), float(second)))
                unit = next(known for known in _INCHES if known == written_unit)
            return _of_sheet(name, (short, long), unit, int(dpi))
        raise ValueError(f"must be {FORMS}")

    def __str__(self) -> str:
        """Return the words."""
        return self.words

    @property
    def enlarges(self) -> bool:
        """Tell whether photos that are smaller are enlarged."""
        return bool(self.megapixels or self.sheet_pixels)

    def long_side(self, width: int, height: int) -> int:
        """Return the long side, in pixels, of the picture of a photo of ``width`` × ``height``, however turned."""
        short, long = sorted((width, height))
        if self.megapixels:
            return max(1, round(math.sqrt(self.megapixels * 1e6 * long / short)))
        if self.sheet_pixels is not None:
            sheet_short, sheet_long = self.sheet_pixels
            return min(sheet_long, max(1, round(sheet_short * long / short)))
        return long

    def quarter(self) -> SizeRule | None:
        """Return the rule whose pictures have a quarter as many pixels; None if there is none."""
        if self.megapixels:
            return _of_megapixels(max(LEAST_MEGAPIXELS, self.megapixels / 4))
        if self.sheet_pixels is not None and min(self.sheet_pixels) >= 2 * LEAST_PIXELS and self.dpi > 1:
            return SizeRule.parse(f"{self.words.partition('@')[0]}@ {self.dpi // 2} dpi")
        return None


#: What a size in words may be.
FORMS: Final = (
    "pixels of the long side (2048), '12 MP', 'original', 'a4 @ 300 dpi' (a0 to a6, letter) or '30x40 cm @ 300 dpi' "
    "(mm, cm, in)"
)


def typical_size(rule: SizeRule, max_size: int) -> int:
    """Return the size of a photo that was not looked at; ``max_size``: what it is limited to, 0 = nothing."""
    return limited(rule.long_side(*TYPICAL_PHOTO), max_size)


def limited(size: int, max_size: int) -> int:
    """Return ``size``, or ``max_size`` if that is less and not 0."""
    return min(size, max_size) if max_size else size


def halved_sizes(largest: int, count: int, smallest: int = 0) -> tuple[int, ...]:
    """Return so many sizes, each half the next, that end in ``largest``; none is below ``smallest`` but that one.

    ``count`` 0: as many as keep the first at 128 or more.
    """
    sizes = [largest]
    while (len(sizes) < count and sizes[0] // 2 >= smallest) if count else (sizes[0] // 2 >= _SMALLEST_AUTOMATIC):
        sizes.insert(0, max(1, round(sizes[0] / 2)))
    return tuple(sizes)


def sizes_for(
    size: int, scales: int | tuple[int, ...], iterations: int | tuple[int, ...]
) -> tuple[tuple[int, ...], int | tuple[int, ...]]:
    """Return the sizes of a picture whose size a rule decides, coarse to fine, and the iterations at these.

    ``scales`` and ``iterations`` as in a :class:`pipeline.model.Recipe`; smaller sizes that this one has no room for
    are left out, with their iterations.
    """
    largest = network_size(size)
    if not isinstance(scales, tuple):
        sizes = halved_sizes(largest, scales, smallest=LEAST_PIXELS)
        return sizes, iterations[-len(sizes) :] if isinstance(iterations, tuple) else iterations
    smaller = tuple(scale for scale in scales if scale < min(size, largest))
    if isinstance(iterations, tuple):
        iterations = (*iterations[: len(smaller)], iterations[-1])
    return (*smaller, largest), iterations


@cache
def network_size(size: int) -> int:
    """Return the size, close to ``size``, that the network works at for a picture whose size a rule decides."""
    if size < _EXACT_BELOW:
        return size
    step = _GRID
    while size >= step * _COARSE_FROM // _GRID:
        step *= 2
    return max(_EXACT_BELOW, step * round(size / step))


def _of_megapixels(megapixels: float) -> SizeRule:
    if not LEAST_MEGAPIXELS <= megapixels <= MOST_MEGAPIXELS:
        raise ValueError(f"must be from {LEAST_MEGAPIXELS:g} MP to {MOST_MEGAPIXELS:g} MP")
    return SizeRule(f"{_plain(megapixels)} MP", megapixels=megapixels)


def _of_sheet(name: str | None, lengths: tuple[float, float], unit: Unit, dpi: int) -> SizeRule:
    """Return the rule of a sheet with these lengths, short and long."""
    if not 1 <= dpi <= _MOST_DPI:
        raise ValueError(f"must have from 1 dpi to {_MOST_DPI} dpi")
    short, long = lengths
    sides = round(short * _INCHES[unit] * dpi), round(long * _INCHES[unit] * dpi)
    if sides[0] < LEAST_PIXELS or sides[1] > MOST_PIXELS:
        bounds = f"from {LEAST_PIXELS} to {MOST_PIXELS:,} pixels a side"
        raise ValueError(f"must be {bounds}; this is {sides[0]:,} × {sides[1]:,} pixels")
    size = name or f"{_plain(short)}x{_plain(long)} {unit}"
    return SizeRule(f"{size} @ {dpi} dpi", sheet_pixels=sides, dpi=dpi)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)
