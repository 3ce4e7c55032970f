"""A recipe's ``size``: pixels, or words like "12 MP". Owns what fits together with it, and hints for what is wrong.

What the words mean is :mod:`pipeline.model.size_rules`'s.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Discriminator, Field, GetPydanticSchema, Tag, WithJsonSchema
from pydantic_core import core_schema

from pipeline.config import field_types as f
from pipeline.config.yaml_source import comma_hint, is_number
from pipeline.model.size_rules import LEAST_PIXELS, SizeRule, limited

_NUMBER: Final = r"(\d+(?:\.\d+)?)"
#: What people write for megapixels, pixels, and pictures for paper.
_MEGAPIXELS: Final = re.compile(rf"{_NUMBER} ?(?:m|mp?|mega)[ -]?(?:p|px|pix|pixels?)?")
_PIXELS: Final = re.compile(rf"{_NUMBER} ?(?:p|px|pix|pixels?)?")
_UNIT: Final = r"(mm|millimeters?|cm|centimeters?|in|inch|inches|\"|″)"
_PRINT: Final = re.compile(
    rf"(?:(a[0-6]|letter)|{_NUMBER} ?[a-z\"″]* ?[x*/] ?{_NUMBER} ?{_UNIT}?)"
    rf"(?:[ ,]*(?:@|at|with|by)? ?(\d+) ?(?:dpi|ppi|d\.p\.i\.)?)?"
)
_UNITS: Final = {"m": "mm", "c": "cm", "i": "in", '"': "in", "″": "in"}
_USUAL_DPI: Final = "300"


def _parsed(value: str) -> SizeRule:
    if hint := comma_hint(value.strip(), is_whole=True) or ("; write it without quotes" if is_number(value) else ""):
        raise ValueError(f"must be a whole number, found {value!r}{hint}")
    try:
        return SizeRule.parse(value)
    except ValueError as error:
        raise ValueError(f"{error}, found {value!r}{_hint(value)}") from error


def _hint(text: str) -> str:
    """Return "; did you mean ...?" for what resembles a size, else nothing."""
    written = re.sub(r"\s+", " ", text.strip().casefold().replace("×", "x").replace(",", "."))
    for guess in (*_guesses(written), f.closest(written, ["original"])):
        try:
            meant = guess if guess.isdigit() else SizeRule.parse(guess).words
        except ValueError:
            continue
        return f"; did you mean {meant if guess.isdigit() else repr(meant)}?"
    return ""


def _guesses(written: str) -> list[str]:
    if match := _MEGAPIXELS.fullmatch(written):
        return [f"{match[1]} MP"]
    if match := _PIXELS.fullmatch(written):
        return [match[1].partition(".")[0]]
    if match := _PRINT.fullmatch(written):
        name, first, second, unit, dpi = match.groups()
        sheet = name or f"{first}x{second} {_UNITS[(unit or 'cm')[0]]}"
        return [f"{sheet} @ {dpi or _USUAL_DPI} dpi"]
    return []


def _form(value: Any) -> str:
    return f.TEXT_TAG if isinstance(value, str) else f.PLAIN_TAG


_RULE_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "examples": ["12 MP", "original", "a4 @ 300 dpi", "30x40 cm @ 300 dpi"]}
)
_Rule = Annotated[
    SizeRule,
    GetPydanticSchema(lambda _kind, _handler: core_schema.no_info_plain_validator_function(_parsed)),
    _RULE_SCHEMA,
]


def _require_a_picture(max_size: int) -> int:
    if 0 < max_size < LEAST_PIXELS:
        raise ValueError(f"must be at least {LEAST_PIXELS}, or 0 for no limit, found {max_size}")
    return max_size


#: Pixels of the long side, or a rule in words.
Size = Annotated[Annotated[_Rule, Tag(f.TEXT_TAG)] | Annotated[f.Pixels, Tag(f.PLAIN_TAG)], Discriminator(_form)]
#: The most pixels of the long side, 0 = no limit.
MostPixels = Annotated[f.Integer, Field(ge=0, le=f.MAX_PIXELS), AfterValidator(_require_a_picture)]


def require_fitting_scales(scales: int | tuple[int, ...], size: int | SizeRule, max_size: int) -> None:
    """Raise ValueError for scales that don't grow, don't end in the size in pixels, or begin below 16 pixels."""
    if isinstance(size, SizeRule):
        if isinstance(scales, tuple) and list(scales) != sorted(set(scales)):
            raise ValueError(f"must grow, like {sorted(set(scales))}, found {list(scales)}")
        return
    largest = limited(size, max_size)
    if isinstance(scales, tuple):
        rising = sorted({largest, *(scale for scale in scales if scale < largest)})
        if list(scales) != rising:
            raise ValueError(f"must grow and end in the recipe's size, like {rising}, found {list(scales)}")
    elif scales > 1 and largest >> (scales - 1) < LEAST_PIXELS:
        raise ValueError(f"must leave the smallest size at {LEAST_PIXELS} or more, found {scales} for size {largest}")


def require_iterations_of_scales(iterations: tuple[int, ...], scales: int | tuple[int, ...], size: SizeRule) -> None:
    """Raise ValueError unless there is one number for each of the ``scales``, and for the size in words after a list.

    By a rule, how many sizes there are differs from photo to photo if ``scales`` does not say it.
    """
    if not scales:
        raise ValueError(
            f"must be one number for size: {size}, where each photo has its own number of sizes, or scales must say "
            f"how many; found {list(iterations)}"
        )
    count = len(scales) + 1 if isinstance(scales, tuple) else scales
    if len(iterations) != count:
        sizes = f"one for each of {[*scales, str(size)] if isinstance(scales, tuple) else f'{scales} sizes'}"
        raise ValueError(f"must be one number, or {sizes}, found {list(iterations)}")
