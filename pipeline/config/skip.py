"""What ``input.skip`` leaves out of the photos. Owns its keys and how pixels, suffixes and cameras are written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, WithJsonSchema

from pipeline.config import field_types as f
from pipeline.config.section import Section
from pipeline.config.yaml_source import comma_hint
from pipeline.model import SkipRules

_MAX_SIDE: Final = 65_500
_PIXELS: Final = re.compile(r"(\d{1,9}) *(?:px|pixels?)?", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.?([^\s./\\*?\[\]{}]+)")


def _parse_pixels(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _PIXELS.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"must be a number of pixels like '64 px', found {value!r}{comma_hint(value.strip())}")
    return int(match[1])


def _check_suffix(value: str) -> str:
    match = _SUFFIX.fullmatch(value)
    if match is None:
        raise ValueError(f"must be a suffix like '.gif', found {value!r}; patterns go into input.ignore")
    return f".{match[1].lower()}"


def _check_camera(value: str) -> str:
    if not value.strip():
        raise ValueError(f"must be a camera's make and model, like 'Canon*', found {value!r}")
    return " ".join(value.split())


Side = Annotated[
    f.Integer,
    Field(ge=0, le=_MAX_SIDE),
    BeforeValidator(_parse_pixels),
    WithJsonSchema({"type": ["string", "integer"], "maximum": _MAX_SIDE, "examples": ["64 px", 64]}),
]
Suffix = Annotated[StrictStr, AfterValidator(_check_suffix)]
CameraPattern = Annotated[StrictStr, AfterValidator(_check_camera)]


class SkipSection(Section):
    """Which photos get no pictures: those that any of these fits. They are counted by reason."""

    smaller_than: Side = Field(0, description="Photos whose long side has fewer pixels: '64 px'. 0 skips none.")
    suffixes: tuple[Suffix, ...] = Field((), description="Photos with these suffixes: [.gif, .bmp].")
    screenshots: StrictBool = Field(
        False,
        description="Screenshots: by their metadata, or by a name like 'Screenshot ...' if no camera is known.",
    )
    cameras: tuple[CameraPattern, ...] = Field(
        (), description="Photos of these cameras, by make and model in their metadata; * stands for anything."
    )
    without_camera: StrictBool = Field(False, description="Photos whose metadata names no camera.")

    def rules(self) -> SkipRules:
        """Return the rules that these settings are."""
        return SkipRules(
            smaller_than=self.smaller_than,
            suffixes=self.suffixes,
            screenshots=self.screenshots,
            cameras=self.cameras,
            without_camera=self.without_camera,
        )
