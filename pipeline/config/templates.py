"""Checks text with ``{fields}``: which fields it may have. Owns the messages about others."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter

from pipeline.config.field_types import did_you_mean


def template_error(text: str, allowed: Sequence[str]) -> str:
    """Return what is wrong with the fields in ``text``, or nothing if each is one of ``allowed``."""
    words = ", ".join(f"{{{field}}}" for field in allowed)
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        return f"must put '{{' and '}}' around one of {words}, found {text!r}"
    fields = [field for _, field, _, _ in pieces if field is not None]
    unknown = next((field for field in fields if field not in allowed), None)
    if unknown is not None:
        return f"can use {words}, found the field {{{unknown}}}{did_you_mean(unknown, allowed)}"
    if any(spec or conversion for _, _, spec, conversion in pieces):
        return f"must name fields without ':' or '!', found {text!r}"
    return ""
