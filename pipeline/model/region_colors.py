"""The colors by which a mask tells regions apart. Owns their names, and the one form in which two are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: What people call the colors that they pick in an editor: the pure ones, so that green is #00ff00.
COLOR_NAMES: Final[Mapping[str, str]] = {
    "white": "#ffffff",
    "black": "#000000",
    "gray": "#808080",
    "grey": "#808080",
    "red": "#ff0000",
    "green": "#00ff00",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "cyan": "#00ffff",
    "magenta": "#ff00ff",
    "orange": "#ff8000",
    "purple": "#8000ff",
}
_HEXADECIMAL: Final = re.compile(r"#[0-9a-f]{6}")
_INDEX: Final = re.compile(r"0|[1-9]\d{0,2}")
_MAX_INDEX: Final = 255


def canonical_color(text: str) -> str:
    """Return a color as "#rrggbb", or the index of an indexed color as it is. Raises ValueError for anything else."""
    lowered = text.strip().lower()
    color = COLOR_NAMES.get(lowered, lowered)
    if _HEXADECIMAL.fullmatch(color) or (_INDEX.fullmatch(color) and int(color) <= _MAX_INDEX):
        return color
    raise ValueError(f"{text!r} is no color of a mask")


def is_index(color: str) -> bool:
    """Tell whether a canonical color is the index of an indexed one."""
    return not color.startswith("#")


def rgb_of(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of a canonical color that is no index, each 0 to 255."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
