"""Reads GIF with Pillow. Owns what lies around a first frame that is smaller than the picture.

That is nothing, as in browsers; Pillow fills it with the color that the file calls background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PIL import Image, ImageChops

from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import Raster, Size

STARTS: Final = (b"GIF87a", b"GIF89a")


class GifFile(PillowFile):
    """A GIF file; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the first frame in full."""
        tiles = getattr(self._image, "tile", ())  # what is left to decode
        raster = super().load(choose_size)
        if not tiles or not isinstance(raster.pixels, Image.Image) or tiles[0][1] == (0, 0, *self.size):
            return raster
        return replace(raster, pixels=_only_within(raster.pixels, tiles[0][1]))


def _only_within(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Return an image that is transparent outside of a box."""
    inside = Image.new("L", image.size)
    inside.paste(255, box)
    seen = image.convert(image.mode if image.mode.endswith("A") else f"{image.mode}A")
    seen.putalpha(ImageChops.darker(seen.getchannel("A"), inside))
    return seen
