"""Where pictures go and how they are written. Owns the output section, and which templates name pictures."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from string import Formatter
from typing import Annotated, Final

from pydantic import Field, StrictBool, StrictStr, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.byte_sizes import ByteSize
from pipeline.config.folder_rules import require_outside_input
from pipeline.config.section import Section
from pipeline.config.templates import template_error
from pipeline.model import BitDepth, MetadataPolicy, OnChange, OutputProfile, PictureFormat, PictureOptions

_PICTURE: Final = PictureOptions()
_LARGEST_NAMED: Final = 10**6
_DEEP_FORMATS: Final = ("png", "tiff")
_NAME_FIELDS: Final = ("folder", "stem", "suffix", "style", "recipe", "variant")


class OutputSection(Section):
    """Where pictures go, and how they are written."""

    folder: f.ResolvedPath = Field(Path("output"), description="The folder of pictures, log and reports.")
    name: StrictStr = Field(
        "{folder}/{stem}--{variant}",
        description="A picture's path in the folder, without its suffix. {folder}, {stem} and {suffix} (jpg) are the "
        "photo's, {style} and {recipe} the names; {variant} is STYLE, or STYLE--RECIPE for a recipe but 'default'.",
    )
    format: PictureFormat = Field(
        _PICTURE.format, description="File format: jpeg, png, webp, tiff, avif or jxl (JPEG XL)."
    )
    quality: Annotated[f.PositiveInteger, Field(le=100)] = Field(
        _PICTURE.quality, description="Quality of jpeg, webp, avif and jxl, 1 to 100; jxl of 100 is lossless."
    )
    bit_depth: BitDepth = Field(_PICTURE.bit_depth, description="Bits a channel: 8, or 16 in png and tiff.")
    profile: OutputProfile = Field(
        _PICTURE.profile, description="Color profile: srgb, display-p3, or photo (the photo's own, if it is of RGB)."
    )
    progressive: StrictBool = Field(
        _PICTURE.progressive, description="Write jpeg so that a browser shows it coarse at first, then finer."
    )
    optimize: StrictBool = Field(
        _PICTURE.optimize, description="Write jpeg a little smaller, without loss; progressive does, too."
    )
    metadata: MetadataPolicy = Field(
        _PICTURE.metadata, description="The photo's EXIF, XMP and IPTC data: keep, strip, or strip_location."
    )
    on_change: OnChange = Field(
        "repaint",
        description="After a change of recipe, painting or weights: repaint finished pictures, or keep them, so that "
        "only new photos get the new settings.",
    )
    min_free_disk: ByteSize = Field(1_000_000_000, description="Stop when the disk has less space left.")

    @field_validator("folder")
    @classmethod
    def _outside_input(cls, folder: Path, info: ValidationInfo) -> Path:
        return require_outside_input(folder, info, "pictures become photos")

    @field_validator("name")
    @classmethod
    def _is_a_safe_template(cls, name: str) -> str:
        error = _name_template_error(name)
        if error:
            raise ValueError(error)
        return name

    @field_validator("format", mode="before")
    @classmethod
    def _is_no_other_name(cls, name: object) -> object:
        if isinstance(name, str) and re.sub(r"[\W_]", "", name).lower() == "jpegxl":
            raise ValueError(f"must be 'jxl' for JPEG XL, found {name!r}")  # 'jpeg' resembles it most
        return name

    @field_validator("bit_depth", mode="before")
    @classmethod
    def _is_known(cls, bit_depth: object) -> object:
        if isinstance(bit_depth, int) and abs(bit_depth) > _LARGEST_NAMED:  # pydantic would quote all of its digits
            raise ValueError("must be 8 or 16")
        return bit_depth

    @field_validator("bit_depth")
    @classmethod
    def _fits_the_format(cls, bit_depth: BitDepth, info: ValidationInfo) -> BitDepth:
        picture_format = info.data.get("format", "png")
        if bit_depth == 16 and picture_format not in _DEEP_FORMATS:
            raise ValueError(f"must be 8 with output.format {picture_format}: only png and tiff have 16, found 16")
        return bit_depth

    def picture_options(self) -> PictureOptions:
        """Return how a picture is written."""
        return PictureOptions(**{field.name: getattr(self, field.name) for field in fields(PictureOptions)})


def _name_template_error(name: str) -> str:
    error = template_error(name, _NAME_FIELDS)
    if error:
        return error
    pieces = list(Formatter().parse(name))
    fields = {field for _, field, _, _ in pieces}
    if "stem" not in fields:
        return f"must contain {{stem}}, or all photos of a folder get one name, found {name!r}"
    if not {"style", "variant"} & fields:
        return f"must contain {{variant}} or {{style}}, or all pictures of a photo get one name, found {name!r}"
    return _outside_folder_error("".join(text for text, _, _, _ in pieces), name)


def _outside_folder_error(text: str, name: str) -> str:
    if name.startswith("/") or ".." in name.split("/") or re.search(r'[\\:*?"<>|\x00-\x1f]', text):
        return f"must stay in the output folder: no '/' first, no '..', none of \\ : * ? \" < > |, found {name!r}"
    if name.endswith("/"):
        return f"must end in the name of a file, not in '/', found {name!r}"
    return ""
