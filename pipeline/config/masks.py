"""The section ``masks``, and a style's ``regions``. Owns their keys, and which colors and styles these may name."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StrictStr, ValidationInfo, WithJsonSchema, field_validator

from pipeline.config import field_types as f
from pipeline.config.section import Section
from pipeline.model.region_colors import COLOR_NAMES, canonical_color, is_index

#: What stands for a style where the photo stays as it is.
KEEP: Final = "keep"
_FORMS: Final = "a color (white, black, red ..., or '#rrggbb' in quotes), or the index of an indexed color, 0 to 255"


class MasksSection(Section):
    """Where the photos' masks are."""

    folder: f.ResolvedPath | None = Field(
        None,
        description="The folder of masks: for in/sea/1.jpg it holds sea/1.png, which says where which region is.",
    )

    @field_validator("folder")
    @classmethod
    def _own_folder(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        if folder is None:
            return None
        context = f.validation_context(info)
        others = (
            (context.input, "the photos' folder"),
            (context.output, "the pictures' folder"),
            (context.originals, "the folder that photos are moved to (input.originals),"),
        )
        for other, subject in others:
            if other is not None and other.is_relative_to(folder):
                raise ValueError(f"can't be or hold {subject} {other}; choose a folder of its own, found {folder}")
        if _chooses_style(folder, context):
            raise ValueError(
                f"can't be where photos get the style {folder.name!r} (pairing.by: folder): nothing in it is taken "
                f"for a photo; choose a folder of another name, found {folder}"
            )
        return folder


def _chooses_style(folder: Path, context: f.ValidationContext) -> bool:
    """Tell whether a photo in ``folder`` would get the style of that name."""
    if context.input is None or not folder.is_relative_to(context.input):
        return False
    names = {unicodedata.normalize("NFC", style) for style in context.styles}
    return context.pairs_by_folder and unicodedata.normalize("NFC", folder.name) in names


def _check_color(value: str) -> str:
    try:
        return canonical_color(value)
    except ValueError:
        hint = f.did_you_mean(value, COLOR_NAMES)
        raise ValueError(f"must be {_FORMS}, found {value!r}{hint}") from None


def _check_style(value: str, info: ValidationInfo) -> str:
    context = f.validation_context(info)
    if value == KEEP:
        if KEEP in context.styles:
            raise ValueError(
                f"must be clear: {KEEP!r} means the photo as it is, and is also a style's name; rename that"
            )
        return value
    if value in context.styles_with_regions:
        raise ValueError(f"must be {KEEP} or a style that has a painting; {value!r} has regions itself")
    plain = [style for style in context.styles if style not in context.styles_with_regions]
    if value not in plain:
        raise f.UnknownNameError("style", value, [*plain, KEEP])
    return value


def check_regions(regions: dict[str, str]) -> dict[str, str]:
    """Return ``regions``. Raises ValueError if their colors contradict each other, or nothing is painted."""
    if len({is_index(color) for color in regions}) > 1:
        raise ValueError(f"must name either colors or indices of indexed colors, found both: {f.quoted(regions)}")
    if set(regions.values()) == {KEEP}:
        raise ValueError(f"must name a style for one region at least, found only {KEEP!r}")
    return regions


def require_different_colors(regions: Any) -> Any:
    """Return ``regions`` unless they are one color, or two of them, as they are written, are the same: ValueError."""
    if not isinstance(regions, Mapping):
        return regions
    if twice := f.first_duplicate(regions, canonical_color):
        raise ValueError(f"must name each color once, found {twice!r} again")
    if len(regions) == 1:
        raise ValueError(f"must name two colors at least, found only {next(iter(regions))!r}")
    return regions


RegionColor = Annotated[StrictStr, AfterValidator(_check_color)]
RegionStyle = Annotated[StrictStr, AfterValidator(_check_style)]
Regions = Annotated[
    dict[RegionColor, RegionStyle],
    Field(min_length=1),
    AfterValidator(check_regions),
    WithJsonSchema({"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}),
]
