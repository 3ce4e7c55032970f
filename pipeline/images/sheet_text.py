"""Draws text on contact sheets. Owns its fonts and sizes, and what can't be drawn.

All is drawn with the font that Pillow brings along, but for names with signs that it lacks: these get the first font
of this machine that has all of them, and where there is none, what can't be drawn is replaced.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, Protocol

from PIL import ImageDraw, ImageFont, features

Color = tuple[int, int, int]

INK: Final[Color] = (34, 34, 34)
MUTED: Final[Color] = (112, 112, 112)

#: Looked for in the systems' folders of fonts: those of Linux, macOS and Windows, for many scripts first.
_SYSTEM_FONTS: Final = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf"),
    *("wqy-microhei.ttc", "Arial Unicode.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc"),
    *("segoeui.ttf", "YuGothM.ttc", "msyh.ttc", "malgun.ttf"),
)
_CANT_DRAW: Final = "?"
#: A character that no font has: what is drawn for it is drawn for every other one that is missing.
_MISSING: Final = "\uffff"
_RIGHT_TO_LEFT: Final = ("R", "AL", "AN")
_GAP: Final = "..."
_SUBSTITUTES: Final[Mapping[str, str]] = {"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "×": "x", "–": "-", "—": "-"}


class Face(Protocol):
    """A font in some size, asked only for what it draws."""

    def getmask(self, text: str, /) -> Any:
        """Return the pixels of a text."""


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that comes with Pillow in a size, in pixels."""
    return ImageFont.load_default(size)


@cache
def _system_faces() -> tuple[ImageFont.FreeTypeFont, ...]:
    """Return the fonts of this machine that are known by name."""
    found = []
    for name in _SYSTEM_FONTS:
        try:
            found.append(ImageFont.truetype(name, 24))
        except (OSError, ImportError):
            continue
    return tuple(found)


def face_of(text: str, faces: Sequence[Face]) -> Face | None:
    """Return the first of these fonts that has all signs of a text, None if none has."""
    if not features.check("raqm") and any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in text):
        return None  # it would be drawn backwards
    return next((face for face in faces if all(_has_sign(sign, face) for sign in text)), None)


def _font_for(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if all(_has_sign(sign, font(24)) for sign in text):
        return font(size)
    face = face_of(text, _system_faces())
    return face.font_variant(size=size) if isinstance(face, ImageFont.FreeTypeFont) else font(size)


def drawable(text: str, faces: Sequence[Face] | None = None) -> str:
    """Return text as it can be drawn: an accent that all fonts lack is left out, other signs are question marks.

    ``faces``: the fonts besides Pillow's own; None = those of this machine.
    """
    text = unicodedata.normalize("NFC", text)
    if face_of(text, (font(24),)) or face_of(text, _system_faces() if faces is None else faces):
        return text
    return "".join(map(_drawable_sign, text))


@cache
def _drawable_sign(sign: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    for candidate in (sign, _SUBSTITUTES.get(sign, ""), plain):
        if candidate and all(_has_sign(part, font(24)) for part in candidate):
            return candidate
    return _CANT_DRAW


@cache
def _has_sign(sign: str, face: Face) -> bool:
    if not sign.isprintable() or 0xD800 <= ord(sign) <= 0xDFFF:
        return False
    return sign == " " or bytes(face.getmask(sign)) != bytes(face.getmask(_MISSING))


def width(text: str, size: int) -> int:
    """Return the width of text in pixels."""
    return round(_font_for(text, size).getlength(text))


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
    text = fitted(text, size, most)
    used, usual = _font_for(text, size), font(size)
    if used is usual or not isinstance(usual, ImageFont.FreeTypeFont):
        draw.text(at, text, fill=color, font=used)
    else:  # on the same base line
        draw.text((at[0], at[1] + usual.getmetrics()[0]), text, fill=color, font=used, anchor="ls")
