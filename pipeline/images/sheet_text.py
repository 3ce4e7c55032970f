"""Draws text on contact sheets with the font that Pillow brings along. Owns its sizes, and what it can't draw."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from PIL import ImageDraw, ImageFont

Color = tuple[int, int, int]

INK: Final[Color] = (34, 34, 34)
MUTED: Final[Color] = (112, 112, 112)

_CANT_DRAW: Final = "?"
#: A character that no font has: what is drawn for it is drawn for every other one that is missing.
_MISSING: Final = "\uffff"
_GAP: Final = "..."
_SUBSTITUTES: Final[Mapping[str, str]] = {"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "×": "x", "–": "-", "—": "-"}


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font in a size, in pixels."""
    return ImageFont.load_default(size)


def drawable(text: str) -> str:
    """Return text as the font can draw it: an accent it lacks is left out, and any other sign is a question mark."""
    return "".join(map(_drawable_sign, unicodedata.normalize("NFC", text)))


@cache
def _drawable_sign(sign: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    for candidate in (sign, _SUBSTITUTES.get(sign, ""), plain):
        if candidate and all(map(_has_sign, candidate)):
            return candidate
    return _CANT_DRAW


@cache
def _has_sign(sign: str) -> bool:
    if not sign.isprintable() or 0xD800 <= ord(sign) <= 0xDFFF:
        return False
    return sign == " " or bytes(font(24).getmask(sign)) != bytes(font(24).getmask(_MISSING))


def width(text: str, size: int) -> int:
    """Return the width of text in pixels."""
    return round(font(size).getlength(text))


def line_height(size: int) -> int:
    """Return the distance of two lines in pixels."""
    return round(size * 1.35)


def fitted(text: str, size: int, most: int) -> str:
    """Return text, its middle left out if it is wider than ``most`` pixels: names differ most at their ends."""
    text = drawable(text)
    if width(text, size) <= most:
        return text
    kept = len(text)
    while kept > 1:
        kept -= 1
        ending = kept // 2
        short = text[: kept - ending].rstrip() + _GAP + (text[-ending:].lstrip() if ending else "")
        if width(short, size) <= most:
            return short
    return _CANT_DRAW


def wrapped(text: str, size: int, most: int, lines: int) -> list[str]:
    """Return text in lines of at most ``most`` pixels, and of so many lines the last one cut."""
    letters = max(4, int(most / max(1.0, width("n", size))))
    found = textwrap.wrap(drawable(" ".join(text.split())), letters)
    cut = found[:lines]
    if len(found) > lines:
        cut[-1] = f"{cut[-1][: max(1, letters - len(_GAP))]}{_GAP}"
    return [fitted(line, size, most) for line in cut]


def write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, most: int, color: Color = INK
) -> None:
    """Draw one line of text with its upper left corner at a place, within ``most`` pixels."""
    draw.text(at, fitted(text, size, most), fill=color, font=font(size))
