"""Draws text on contact sheets. Owns its fonts and sizes, and what can't be drawn.

All is drawn with the font that Pillow brings along, but for names with signs that it lacks: these get the first font
of this machine that has all of them, or else several fonts, and what none of them has is replaced.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, Final, Protocol, TypeVar

from PIL import ImageDraw, ImageFont, features

Color = tuple[int, int, int]
_Font = ImageFont.FreeTypeFont

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


class Face(Hashable, Protocol):
    """A font in some size, asked only for what it draws."""

    def getmask(self, text: str, /) -> Any:
        """Return the pixels of a text."""


_AnyFace = TypeVar("_AnyFace", bound=Face)


@cache
def font(size: int) -> _Font:
    """Return the font that comes with Pillow in a size, in pixels. Raises OSError where Pillow can't draw it."""
    found = ImageFont.load_default(size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType")
    return found


@cache
def _system_faces() -> tuple[_Font, ...]:
    """Return the fonts of this machine that are known by name."""
    found = []
    for name in _SYSTEM_FONTS:
        try:
            found.append(ImageFont.truetype(name, 24))
        except (OSError, ImportError):
            continue
    return tuple(found)


def faces_of(text: str, faces: Sequence[_AnyFace]) -> list[tuple[_AnyFace, str]]:
    """Return the parts of a text, each with the font that draws it: the first one that has all of its signs.

    Only where none has all signs of the text it has several parts. What no font has is left to the first one.
    """
    for face in faces:
        if all(_can_draw(sign, face) for sign in text):
            return [(face, text)]
    by_sign = (next((face for face in faces if _can_draw(sign, face)), faces[0]) for sign in text)
    pairs = groupby(zip(by_sign, text, strict=True), key=lambda pair: id(pair[0]))
    return [(found[0][0], "".join(sign for _, sign in found)) for found in (list(part) for _, part in pairs)]


def _parts(text: str, size: int) -> list[tuple[_Font, str]]:
    """Return the parts of a text with their fonts in a size."""
    found = faces_of(text, (font(24), *_system_faces()))
    return [(font(size) if face is font(24) else face.font_variant(size=size), part) for face, part in found]


def drawable(text: str, faces: Sequence[Face] | None = None) -> str:
    """Return text as it can be drawn: an accent that all fonts lack is left out, other signs are question marks.

    ``faces``: the fonts besides Pillow's own; None = those of this machine.
    """
    every: tuple[Face, ...] = (font(24), *(_system_faces() if faces is None else faces))
    return "".join(_drawable_sign(sign, every) for sign in unicodedata.normalize("NFC", text))


@cache
def _drawable_sign(sign: str, faces: tuple[Face, ...]) -> str:
    if any(_can_draw(sign, face) for face in faces):
        return sign
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    for candidate in (_SUBSTITUTES.get(sign, ""), plain):
        if candidate and all(_can_draw(part, faces[0]) for part in candidate):
            return candidate
    return _CANT_DRAW


@cache
def _can_draw(sign: str, face: Face) -> bool:
    if not features.check("raqm") and unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT:
        return False  # it would be drawn backwards
    return _has_sign(sign, face)


def _has_sign(sign: str, face: Face) -> bool:
    if not sign.isprintable() or 0xD800 <= ord(sign) <= 0xDFFF:
        return False
    return sign == " " or bytes(face.getmask(sign)) != bytes(face.getmask(_MISSING))


def width(text: str, size: int) -> int:
    """Return the width of text in pixels."""
    return round(sum(used.getlength(part) for used, part in _parts(text, size)))


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
    left, base_line = float(at[0]), at[1] + font(size).getmetrics()[0]
    for used, part in _parts(fitted(text, size, most), size):
        draw.text((left, base_line), part, fill=color, font=used, anchor="ls")
        left += used.getlength(part)
