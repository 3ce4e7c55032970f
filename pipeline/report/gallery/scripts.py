"""Encodes the gallery's data as scripts that a page can load from the disk. Owns their syntax and their escapes.

Pages opened from the disk may load scripts but read no files, so each data file is a call of one function with plain
values. All of it is ASCII: names may hold anything, also bytes that are not UTF-8, which Python keeps as lone
surrogates; ``<`` is escaped, so that no name ends a script.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

_OBJECT: Final = "stylewatch"


def script(function: str, *values: object) -> bytes:
    """Return a script that calls ``stylewatch.FUNCTION`` with these values; a number that is none becomes null."""
    return f"{_OBJECT}.{function}({','.join(map(_encoded, values))});\n".encode("ascii")


def read_script(data: bytes, function: str) -> list[Any]:
    """Return the values in a script that :func:`script` made. Raises ValueError for anything else."""
    text, begin, end = data.decode("ascii"), f"{_OBJECT}.{function}(", ");\n"
    if not (text.startswith(begin) and text.endswith(end)):
        raise ValueError(f"this is no call of {_OBJECT}.{function}")
    values: list[Any] = json.loads(f"[{text[len(begin) : -len(end)]}]")
    return values


def _encoded(value: object) -> str:
    try:
        text = _json(value)
    except ValueError:
        text = _json(_with_null(value))
    return text.replace("<", "\\u003c")  # only strings can hold it


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _with_null(value: Any) -> Any:
    """Return the value with null for numbers that JSON does not know, like the loss of a failed picture."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _with_null(item) for key, item in value.items()}
    return [_with_null(item) for item in value] if isinstance(value, list | tuple) else value
