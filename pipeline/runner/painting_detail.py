"""Tells which paintings are too small for their pictures. Owns from when on that is said, and its sentence.

A painting is never enlarged, so that where it has fewer pixels than it is wanted with, its strokes keep their size in
pixels and come out smaller in the picture than in the painting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import JobError
from pipeline.images.decode import read_size
from pipeline.model import Painting, Style

#: Above this share of their size, strokes look the same.
_NOTICED_BELOW: Final = 0.8

_FRACTIONS: Final = {1 / 2: "half", 1 / 3: "a third", 1 / 4: "a quarter", 1 / 5: "a fifth"}
_CLOSE: Final = 0.015


@dataclass(frozen=True, slots=True)
class _Lack:
    """A painting of ``pixels`` that is wanted with more, for a picture with a long side of ``picture_pixels``."""

    painting: Path
    recipe: str
    picture_pixels: int
    wanted_pixels: int
    pixels: int

    @property
    def share(self) -> float:
        return self.pixels / self.wanted_pixels

    def __str__(self) -> str:
        return (
            f"{self.painting.name} has {self.pixels:,} pixels, the picture by recipe {self.recipe!r} "
            f"{self.picture_pixels:,}: its strokes come out {_in_words(self.share)} as large as the painting's share "
            f"({self.wanted_pixels:,}); use a larger scan for larger strokes"
        )


class PaintingDetail:
    """Collects what lacks detail: of each painting and recipe the worst case. Reads the paintings' headers."""

    def __init__(self) -> None:
        self._pixels: dict[Path, int] = {}
        self._lacks: dict[tuple[Path, str], _Lack] = {}

    def note(self, style: Style, recipe: str, picture_pixels: int) -> None:
        """Take a picture with this long side into account, in a style by a recipe of this name."""
        for painted in style.painted():
            for painting in painted.paintings:
                self._note(painting, recipe, picture_pixels, painted.painting_size(painting, picture_pixels))

    def _note(self, painting: Painting, recipe: str, picture_pixels: int, wanted: int) -> None:
        found = _Lack(painting.path, recipe, picture_pixels, wanted, self._pixels_of(painting.path))
        known = self._lacks.get((painting.path, recipe))
        if found.pixels and found.share < (_NOTICED_BELOW if known is None else known.share):
            self._lacks[painting.path, recipe] = found

    def sentences(self) -> tuple[str, ...]:
        """Return what is to be said, the worst first."""
        return tuple(str(lack) for lack in sorted(self._lacks.values(), key=lambda lack: lack.share))

    def _pixels_of(self, path: Path) -> int:
        """Return a painting's long side, 0 if it can't be read, which its pictures say."""
        if path not in self._pixels:
            try:
                self._pixels[path] = max(read_size(path))
            except (JobError, OSError, MemoryError):
                self._pixels[path] = 0
        return self._pixels[path]


def _in_words(share: float) -> str:
    near = [words for fraction, words in _FRACTIONS.items() if abs(share - fraction) < _CLOSE]
    return near[0] if near else f"{max(share, 0.01):.0%}"
