"""The section ``gallery``: the web page of all pictures. Owns its keys; the defaults are ``pipeline.model``'s."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StrictBool

from pipeline.config import field_types as f
from pipeline.config.section import Section
from pipeline.model import PreviewOptions
from pipeline.model.gallery_files import GALLERY_FOLDER

_DEFAULT: Final = PreviewOptions(folder=Path())
_LARGEST_THUMBNAIL: Final = 2000
_LARGEST_COPY: Final = 10_000


class GallerySection(Section):
    """What is made for ``gallery/index.html`` in the output folder."""

    enabled: StrictBool = Field(True, description="Write gallery/index.html in the output folder during the work.")
    thumbnail_size: Annotated[f.Integer, Field(ge=64, le=_LARGEST_THUMBNAIL)] = Field(
        _DEFAULT.thumbnail_pixels, description="Long side of the small pictures, in pixels."
    )
    photo_size: Annotated[f.Count, Field(le=_LARGEST_COPY)] = Field(
        _DEFAULT.photo_pixels,
        description="Long side of the photos' copies that pictures are compared with, in pixels; 0 = none are made.",
    )

    def preview_options(self, output_folder: Path) -> PreviewOptions | None:
        """Return what a worker makes for the gallery; None if there is none."""
        return self.copies(output_folder) if self.enabled else None

    def copies(self, output_folder: Path) -> PreviewOptions:
        """Return what copies there are in the gallery of this output folder, whoever makes them."""
        return PreviewOptions(
            folder=output_folder / GALLERY_FOLDER,
            thumbnail_pixels=self.thumbnail_size,
            photo_pixels=self.photo_size,
        )
