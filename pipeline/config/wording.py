"""Pydantic's findings → sentences for people: what is allowed here, what was found, what was perhaps meant.

Owns the words; refuses to know where a value stands in the file (``pipeline.config.loading`` does).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipeline.config.fields import LIST_TAG, MAPPING_TAG, PLAIN_TAG, listed, similar
from pipeline.config.models import json_schema
from pipeline.config.yaml_source import Location

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_FORM_TAGS: Final = {MAPPING_TAG, LIST_TAG, PLAIN_TAG, "[key]"}

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

_LONGEST_SHOWN: Final = 60


def location_of(fault: ErrorDetails) -> Location:
    """Return where a fault's value stands in the file: pydantic's location without the tags of forms."""
    location = tuple(part for part in fault["loc"] if part not in _FORM_TAGS)
    # A fault of a key that isn't there (neither painting nor paintings) belongs to the mapping around it.
    return location[:-1] if fault["type"] == "value_error" and fault["input"] is None else location


def is_echo(fault: ErrorDetails) -> bool:
    """Tell whether a fault only repeats others: a list counts as too short when its entries are wrong."""
    return fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"]


def written(location: Location) -> str:
    """Return a location as people write it: ``styles[1].paintings['a b.jpg']``."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("-", "_").isidentifier():
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def explain(fault: ErrorDetails, location: Location) -> str:
    """Return what is allowed at ``location`` and what was found there instead."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(location)
    if kind == "missing":
        return _missing_key(location)
    allowed = (
        _ALLOWED[kind].format_map({key: _plain(value) for key, value in context.items()})
        if kind in _ALLOWED
        else fault["msg"]
    )
    hint = ""
    if kind == "literal_error" and isinstance(fault["input"], str):
        hint = similar(fault["input"], str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", "))
    elif kind == "string_type" and isinstance(fault["input"], int | float):
        hint = "; put it in quotes"
    return f"{allowed}, found {shown(fault['input'])}{hint}"


def _plain(value: Any) -> Any:
    """Return a bound as people write it: 1,000,000,000 and not 1e+09."""
    if not isinstance(value, int | float):
        return value
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def shown(value: Any) -> str:
    """Return a found value for a sentence, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"a mapping with the keys {listed(list(value)[:5])}" if value else "an empty mapping"
    if isinstance(value, list) and not value:
        return "an empty list"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + " ..."
    kind = {bool: "the truth value ", list: "the list "}.get(type(value), "")
    return f"{kind}{text}"


def _missing_key(location: Location) -> str:
    description = _schema_at(location).get("description", "")
    return f"is missing: {description[:1].lower()}{description[1:].rstrip('.')}"


def _unknown_key(location: Location) -> str:
    keys = list(_schema_at(location[:-1])["properties"])
    hint = similar(str(location[-1]), keys)
    return f"is an unknown key{hint}" if hint else f"is an unknown key; known here: {', '.join(keys)}"


_whole_schema = cache(json_schema)


def _schema_at(location: Location) -> Mapping[str, Any]:
    """Return the part of the config's JSON Schema that describes a key, found by walking down to it."""
    whole = _whole_schema()
    schema: Mapping[str, Any] = whole
    for part in location:
        if isinstance(part, int):
            schema = next(form for form in schema.get("oneOf", (schema,)) if "items" in form)["items"]
            continue
        schema = _followed(schema, whole)
        schema = schema["properties"].get(part) if "properties" in schema else schema["additionalProperties"]
    return _followed(schema, whole)


def _followed(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a schema refers to; of several forms, the mapping: only that one has keys to speak of."""
    for form in schema.get("oneOf", ()):
        if "$ref" in form:
            schema = form | {key: text for key, text in schema.items() if key != "oneOf"}
    if "$ref" not in schema:
        return schema
    others = {key: text for key, text in schema.items() if key != "$ref"}
    return {**whole["$defs"][schema["$ref"].rpartition("/")[2]], **others}
