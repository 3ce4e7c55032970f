"""Removes from an EXIF block what tells a place. Owns which tags are understood; ``places`` has the rules for texts.

The GPS directory and the maker note (some cameras name the city there) go, and what no standard describes. A text
that holds coordinates goes; so does one in an encoding that can't be read.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from pipeline.images import places
from pipeline.images.exif import ASCII, BYTE, MAKER_NOTE, OFFSET_SCHEMA, UNDEFINED, Directory, Exif, Value

_SIGNED_BYTE: Final = 6
_USER_COMMENT: Final = 0x9286
_WINDOWS_TEXTS: Final = range(0x9C9B, 0x9CA0)
_WINDOWS_KEYWORDS: Final = 0x9C9E

#: Tags of the Exif IFD in Exif 2.32 and 3.0 and TIFF/EP, without GPS, maker note and interoperability.
_STANDARD: Final = frozenset(
    {
        *(0x829A, 0x829D, 0x8822, 0x8824, 0x8827, 0x8828, 0x882A, 0x882B, *range(0x8830, 0x8836)),
        *(0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9101, 0x9102, *range(0x9201, 0x9218)),
        *(0x9286, 0x9290, 0x9291, 0x9292, 0x9400, 0x9401, 0x9402, 0x9403, 0x9404, 0x9405),
        *(0xA000, 0xA001, 0xA002, 0xA003, 0xA004, 0xA20B, 0xA20C, 0xA20E, 0xA20F, 0xA210, 0xA214, 0xA215, 0xA217),
        *(0xA300, 0xA301, 0xA302, *range(0xA401, 0xA40D), 0xA420, *range(0xA430, 0xA43D), *range(0xA460, 0xA463)),
        0xA500,
    }
)
#: A maker's data, which are left out as said, and room that Windows leaves for more tags.
_NOT_MISSED: Final = frozenset({MAKER_NOTE, OFFSET_SCHEMA, 0xEA1C})
#: How a user comment says which encoding its text has.
_ASCII_CODES: Final = frozenset({b"ASCII\0\0\0", bytes(8)})
_UNICODE: Final = b"UNICODE\0"
_JIS: Final = b"JIS\0\0\0\0\0"


def without_places(block: Exif, named: frozenset[str]) -> tuple[Exif, tuple[str, ...]]:
    """Return the block without what tells a place, and notes on what was left out because nobody can read it.

    ``named``: places (in small letters) named elsewhere in the photo, which don't stay as Windows' keywords.
    """
    understood = {tag: value for tag, value in block.photo.items() if tag in _STANDARD}
    unknown = len(block.photo.keys() - understood.keys() - _NOT_MISSED)
    photo = {tag: value for tag, value in understood.items() if not _tells_place(tag, value)}
    image = {tag: value for tag, value in block.image.items() if not _tells_place(tag, value)}
    notes = [f"EXIF: unknown tags ({unknown}) left out, which may tell a place"] if unknown else []
    too_long = sum(_is_too_long(tag, value) for tag, value in (*understood.items(), *block.image.items()))
    if too_long:
        notes.append(f"EXIF: texts ({too_long}) left out that are too long to look for places in")
    comment = photo.get(_USER_COMMENT)
    if comment and _comment(comment.data) is None:
        del photo[_USER_COMMENT]
        notes.append("EXIF's user comment left out: its encoding is unknown, and it may tell a place")
    return replace(block, image=_without_keywords(image, named), photo=photo, gps={}), tuple(notes)


def _tells_place(tag: int, value: Value) -> bool:
    return _is_too_long(tag, value) or any(places.tells_place(text) for text in _readings(tag, value))


def _is_too_long(tag: int, value: Value) -> bool:
    return any(places.is_too_long(text.rstrip("\0 \xff")) for text in _readings(tag, value))


def _readings(tag: int, value: Value) -> list[str]:
    """Return the text of a value in all ways in which it may be read: which is the right one is known of few tags."""
    if tag in _WINDOWS_TEXTS:
        return [value.data.decode("utf-16-le", "replace")]
    if tag == _USER_COMMENT:
        texts = _comment(value.data) or []
    elif value.kind in {ASCII, BYTE, _SIGNED_BYTE, UNDEFINED}:
        texts = [value.data.rstrip(b"\0").decode(encoding, "replace") for encoding in ("latin-1", "utf-8")]
    else:
        return []
    # Some programs write two bytes for each letter where one is meant.
    return [text.replace("\0", between) for text in texts for between in (" ", "")]


def _comment(data: bytes) -> list[str] | None:
    """Return a user comment in all ways in which it may be read, None if its encoding is unknown or false."""
    code, words = data[:8], data[8:]
    if code == _UNICODE:  # in the block's byte order, in the other one, or in fact ASCII: cameras differ
        return [words.decode(encoding, "replace") for encoding in ("utf-16-le", "utf-16-be", "latin-1")]
    if code == _JIS:
        with suppress(UnicodeDecodeError):
            return [words.decode("iso2022_jp")]
        return None
    texts = [part.decode("latin-1") for part in ([words] if code in _ASCII_CODES else [words, data])]
    return texts if _is_text(texts[-1]) else None


def _is_text(words: str) -> bool:
    """Return whether all characters can be set; NUL and 0xFF are what cameras fill an unused comment with."""
    return not any(ord(character) < 32 and character not in "\t\n\r\0" for character in words)


def _without_keywords(image: Directory, named: frozenset[str]) -> Directory:
    value = image.get(_WINDOWS_KEYWORDS)
    if value is None or not named:
        return image
    words = value.data.decode("utf-16-le", "replace").rstrip("\0").split(";")
    kept = [word for word in words if word.strip().casefold() not in named]
    if len(kept) == len(words):
        return image
    data = (";".join(kept) + "\0").encode("utf-16-le")
    return {**image, _WINDOWS_KEYWORDS: Value(BYTE, len(data), data)}
