"""Reads the header of a JPEG XL codestream: size, orientation, depth (ISO/IEC 18181-1, annex D). Decodes no pixels.

pillow-jxl-plugin tells a picture's size only when it has decoded it, and libjxl's orientation and alpha not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.images.boxes import boxes_of
from pipeline.images.jpeg_xl import is_container

CODESTREAM_START: Final = b"\xff\x0a"
#: Headers are a few dozen bytes; names of channels and the parts of a split codestream may come between.
_LARGEST_HEADER_BYTES: Final = 1 << 16

#: Width and height by the number that stands in the header for their ratio, from 1.
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ALPHA: Final = 0

#: A number is coded as one of four: (bits that follow, what is added to them).
_Choices = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_SIZES: Final[_Choices] = ((9, 1), (13, 1), (18, 1), (30, 1))
_PREVIEW_EIGHTHS: Final[_Choices] = ((0, 16), (0, 32), (5, 1), (9, 33))
_PREVIEW_SIZES: Final[_Choices] = ((6, 1), (8, 65), (10, 321), (12, 1345))
_INTEGER_BITS: Final[_Choices] = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_BITS: Final[_Choices] = ((0, 32), (0, 16), (0, 24), (6, 1))
_CHANNELS: Final[_Choices] = ((0, 0), (0, 1), (4, 2), (12, 1))
_ENUM: Final[_Choices] = ((0, 0), (0, 1), (4, 2), (6, 18))
_SHIFT: Final[_Choices] = ((0, 0), (0, 3), (0, 4), (3, 1))
_NAME_BYTES: Final[_Choices] = ((0, 0), (4, 0), (5, 16), (10, 48))
_TICKS_NUMERATOR: Final[_Choices] = ((0, 100), (0, 1000), (10, 1), (30, 1))
_TICKS_DENOMINATOR: Final[_Choices] = ((0, 1), (0, 1001), (8, 1), (10, 1))
_LOOPS: Final[_Choices] = ((0, 0), (3, 0), (16, 0), (32, 0))


@dataclass(frozen=True, slots=True)
class Header:
    """What a codestream says of its picture.

    ``size``: width and height as stored. ``bits``: of a sample, a whole number or a float. ``is_multiplied``: whether
    the colors are multiplied by the first channel beside them, alpha.
    """

    size: tuple[int, int]
    orientation: int = 1
    is_animated: bool = False
    bits: int = 8
    is_float: bool = False
    is_multiplied: bool = False


def read_header(data: bytes) -> Header:
    """Return the header of a file, with boxes or without. Raises EOFError where it is cut short."""
    bits = _Bits(_codestream(data))
    size = _size(bits)
    if bits.flag():  # all is as usual
        return Header(size)
    number, is_animated = _extra_fields(bits) if bits.flag() else (1, False)
    sample_bits, is_float = _depth(bits)
    bits.flag()  # whether 16 bits are enough to decode it
    is_multiplied = bits.choice(_CHANNELS) > 0 and _is_multiplied(bits)
    return Header(size, number, is_animated, sample_bits, is_float, is_multiplied)


class _Bits:
    """Bytes read bit by bit, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def number(self, bits: int) -> int:
        if bits > self._left:
            raise EOFError("the header of the JPEG XL is cut short")
        found = self._value & ((1 << bits) - 1)
        self._value >>= bits
        self._left -= bits
        return found

    def flag(self) -> bool:
        return bool(self.number(1))

    def choice(self, choices: _Choices) -> int:
        bits, added = choices[self.number(2)]
        return self.number(bits) + added


def _size(bits: _Bits) -> tuple[int, int]:
    in_eighths = bits.flag()
    height = _side(bits, in_eighths)
    ratio = bits.number(3)
    return _width(height, ratio) if ratio else _side(bits, in_eighths), height


def _side(bits: _Bits, in_eighths: bool) -> int:
    return 8 * (bits.number(5) + 1) if in_eighths else bits.choice(_SIZES)


def _width(height: int, ratio: int) -> int:
    numerator, denominator = _RATIOS[ratio - 1]
    return height * numerator // denominator


def _extra_fields(bits: _Bits) -> tuple[int, bool]:
    """Return the orientation and whether it is an animation."""
    number = bits.number(3) + 1
    if bits.flag():
        _size(bits)  # at which it is meant to be shown
    if bits.flag():
        _skip_preview(bits)
    is_animated = bits.flag()
    if is_animated:
        bits.choice(_TICKS_NUMERATOR)
        bits.choice(_TICKS_DENOMINATOR)
        bits.choice(_LOOPS)
        bits.flag()  # whether its frames have a time code
    return number, is_animated


def _skip_preview(bits: _Bits) -> None:
    sides = _PREVIEW_EIGHTHS if bits.flag() else _PREVIEW_SIZES
    bits.choice(sides)
    if not bits.number(3):
        bits.choice(sides)


def _depth(bits: _Bits) -> tuple[int, bool]:
    is_float = bits.flag()
    sample_bits = bits.choice(_FLOAT_BITS if is_float else _INTEGER_BITS)
    if is_float:
        bits.number(4)  # how many of them are the exponent
    return sample_bits, is_float


def _is_multiplied(bits: _Bits) -> bool:
    """Whether the first channel beside the colors is alpha by which they are multiplied."""
    if bits.flag():  # alpha as usual: not multiplied
        return False
    kind = bits.choice(_ENUM)
    _depth(bits)
    bits.choice(_SHIFT)
    bits.number(8 * bits.choice(_NAME_BYTES))
    return kind == _ALPHA and bits.flag()


def _codestream(data: bytes) -> bytes:
    """Return the first bytes of the codestream, behind its start."""
    if not is_container(data):
        return data[len(CODESTREAM_START) :][:_LARGEST_HEADER_BYTES]
    joined = b"".join(_parts(data))[:_LARGEST_HEADER_BYTES]
    return joined.removeprefix(CODESTREAM_START)


def _parts(data: bytes) -> Iterator[bytes]:
    for kind, content in boxes_of(memoryview(data), cut_short=True):
        if kind in {b"jxlc", b"jxlp"}:
            start = 4 if kind == b"jxlp" else 0
            yield bytes(content[start : start + _LARGEST_HEADER_BYTES])
