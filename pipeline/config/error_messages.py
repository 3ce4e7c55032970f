"""Turns pydantic's errors into sentences: what is allowed here, what was found, what was perhaps meant.

Owns the messages; ``pipeline.config.loading`` adds the line in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipeline.config.document import Location
from pipeline.config.field_types import LIST_TAG, MAPPING_TAG, PLAIN_TAG, TEXT_TAG, did_you_mean, quoted
from pipeline.config.models import json_schema
from pipeline.config.recipes import IMPORT
from pipeline.config.yaml_source import comma_hint, is_number

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_FORM_TAGS: Final = {MAPPING_TAG, LIST_TAG, PLAIN_TAG, TEXT_TAG, "[key]"}

#: Pydantic's error types and what is allowed instead; the names in braces are pydantic's.
_ALLOWED: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "path_type": "must be the path of a file or folder",
    "tuple_type": "must be a list ([a, b], or lines that begin with '- ')",
    "dict_type": "must be a mapping (lines of 'key: value')",
    "model_type": "must be a mapping (lines of 'key: value')",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entry",
    "string_too_short": "must not be empty",
}

_MAX_VALUE_LENGTH: Final = 60


def location_of(error: ErrorDetails) -> Location:
    """Return the location of an error's value in the file: pydantic's own without the tags of forms."""
    location = tuple(part for part in error["loc"] if part not in _FORM_TAGS)
    # An error about a key that isn't there (neither painting nor paintings) belongs to the mapping around it.
    return location[:-1] if error["type"] == "value_error" and error["input"] is None else location


def is_redundant(error: ErrorDetails) -> bool:
    """Tell whether an error only follows from others: a list counts as too short when its entries are wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def format_location(location: Location) -> str:
    """Return a location as text: ``styles[1].paintings['a b.jpg']``."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("-", "_").isidentifier():
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def explain(error: ErrorDetails, location: Location) -> str:
    """Return what is allowed at ``location`` and what was found there instead."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(location)
    if kind == "missing":
        return _missing_key(location)
    allowed = (
        _ALLOWED[kind].format_map({key: _format_bound(value) for key, value in context.items()})
        if kind in _ALLOWED
        else error["msg"]
    )
    hint = ""
    if kind == "literal_error" and isinstance(error["input"], str):
        hint = _choice_hint(error["input"], str(context["expected"]).replace(" or ", ", ").split(", "))
    elif kind in ("int_type", "float_type") and isinstance(error["input"], str):
        hint = comma_hint(error["input"], is_whole=kind == "int_type") or (
            "; write it without quotes" if is_number(error["input"]) else ""
        )
    elif kind == "model_type" and location[:-1] == ("recipes",):
        hint = did_you_mean(str(location[-1]), [IMPORT])
    elif kind == "string_type" and isinstance(error["input"], int | float):
        hint = "; put it in quotes"
    return f"{allowed}, found {format_value(error['input'])}{hint}"


def _choice_hint(word: str, allowed: list[str]) -> str:
    if word in allowed:  # a number, which has no quotes there
        return "; write it without quotes"
    return did_you_mean(word, [choice.strip("'") for choice in allowed])


def _format_bound(value: Any) -> Any:
    """Return a bound as text: 1,000,000,000 and not 1e+09."""
    if not isinstance(value, int | float):
        return value
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def format_value(value: Any) -> str:
    """Return a value for use in a sentence, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"a mapping with the keys {quoted(list(value)[:5])}" if value else "an empty mapping"
    if isinstance(value, list) and not value:
        return "an empty list"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + " ..."
    kind = {bool: "the boolean ", list: "the list "}.get(type(value), "")
    return f"{kind}{text}"


def known_keys(location: Location) -> list[str]:
    """Return the keys that the mapping at ``location`` may have."""
    return list(_schema_at(location)["properties"])


def _missing_key(location: Location) -> str:
    description = _schema_at(location).get("description", "")
    return f"is missing: {description[:1].lower()}{description[1:].rstrip('.')}"


def _unknown_key(location: Location) -> str:
    keys = known_keys(location[:-1])
    hint = did_you_mean(str(location[-1]), keys)
    return f"is an unknown key{hint}" if hint else f"is an unknown key; known here: {', '.join(keys)}"


_cached_schema = cache(json_schema)


def _schema_at(location: Location) -> Mapping[str, Any]:
    """Return the part of the config's JSON Schema that describes a key."""
    whole = _cached_schema()
    schema: Mapping[str, Any] = whole
    for part in location:
        if isinstance(part, int):
            schema = _form_with("items", schema)["items"]
            continue
        schema = _resolve_reference(schema, whole)
        schema = (
            schema.get("properties", {}).get(part)
            or _form_with("additionalProperties", schema)["additionalProperties"]
        )
    return _resolve_reference(schema, whole)


def _form_with(keyword: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one of a schema's forms that has a keyword: the list of a list or a mapping, for instance."""
    return next(form for form in _forms(schema) if keyword in form)


def _forms(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for form in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _forms(form)


def _resolve_reference(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a schema refers to; of several forms the mapping, since only that one has keys."""
    for form in schema.get("oneOf", ()):
        if "$ref" in form:
            schema = form | {key: text for key, text in schema.items() if key != "oneOf"}
    if "$ref" not in schema:
        return schema
    others = {key: text for key, text in schema.items() if key != "$ref"}
    return {**whole["$defs"][schema["$ref"].rpartition("/")[2]], **others}
