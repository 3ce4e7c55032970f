"""Sizes of disk space and memory, as people write them: "1 GB", "512 MiB". Owns their bounds."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, StrictInt, WithJsonSchema

from pipeline.config.yaml_source import comma_hint

#: An exabyte: within the range of SQLite's and the file system's integers.
_MAX_BYTES: Final = 10**18
# The program takes half of it, and a block of a large picture another fourth.
_LEAST_MEMORY_BYTES: Final = 2 * 10**9

_BYTE_SIZE_PATTERN: Final = re.compile(r"(\d+(?:\.\d+)?) *([kMGT]?)(i?)B", re.IGNORECASE)


def parse_size(value: Any) -> Any:
    """Return the bytes that text like ``1.5 GB`` or ``512 MiB`` means; anything but text comes back as it is."""
    if not isinstance(value, str):
        return value
    match = _BYTE_SIZE_PATTERN.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"must be a size like '1 GB' or '500 MB', found {value!r}{comma_hint(value.strip())}")
    number, prefix, binary = match.groups()
    size = float(number) * (1024 if binary else 1000) ** " kmgt".index(prefix.lower() or " ")
    if size > _MAX_BYTES:
        raise ValueError(f"must be at most '1000000 TB', found {value!r}")
    return int(size)


ByteSize = Annotated[
    StrictInt,
    Field(ge=0, le=_MAX_BYTES),
    BeforeValidator(parse_size),
    WithJsonSchema(
        {"type": ["string", "integer"], "maximum": _MAX_BYTES, "examples": ["1 GB", "500 MB", 1_000_000_000]}
    ),
]


def _parse_memory(value: Any) -> Any:
    return None if value == "auto" else parse_size(value)


def _dump_memory(value: int | None) -> int | str:
    return "auto" if value is None else value


#: Memory that may be used; None = "auto".
MemorySize = Annotated[
    Annotated[StrictInt, Field(ge=_LEAST_MEMORY_BYTES, le=_MAX_BYTES)] | None,
    BeforeValidator(_parse_memory),
    PlainSerializer(_dump_memory),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "minimum": _LEAST_MEMORY_BYTES,
            "maximum": _MAX_BYTES,
            "examples": ["auto", "8 GB", 8_000_000_000],
        }
    ),
]
