"""YAML text → plain data in which every value knows its line. Refuses to know what the settings mean.

PyYAML scans, parses and composes; the YAML 1.2 core schema decides what a scalar is (``1e4`` is a number,
``22:00`` and ``no`` are text: PyYAML's own rules, from YAML 1.1, say otherwise). Only nulls, booleans, numbers,
text, lists and mappings come out: a file can name no other type, and nothing in it is ever executed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.errors import ConfigError, ConfigProblem

#: Where a value stands in the data: keys and list indices, from the top.
Location = tuple[str | int, ...]

#: Aliases may repeat parts of a file; beyond this many values it is a mistake or an attack.
MAX_VALUES: Final = 50_000

#: Aliases may also nest parts of a file; no setting needs more than a few levels.
MAX_DEPTH: Final = 50

_TOO_DEEP: Final = "is nested too deeply; no setting needs more than a few levels"

_NULL: Final = "tag:yaml.org,2002:null"
_BOOL: Final = "tag:yaml.org,2002:bool"
_INT: Final = "tag:yaml.org,2002:int"
_FLOAT: Final = "tag:yaml.org,2002:float"
_STR: Final = "tag:yaml.org,2002:str"

_CORE_SCHEMA: Final[Mapping[str, re.Pattern[str]]] = {
    _NULL: re.compile(r"(?:null|Null|NULL|~|)\Z"),
    _BOOL: re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    _INT: re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    _FLOAT: re.compile(
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the YAML 1.2 core schema in place of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's attribute


for _tag, _pattern in _CORE_SCHEMA.items():
    _CoreLoader.add_implicit_resolver(_tag, _pattern, None)


@dataclass(frozen=True)
class Document:
    """What a file says. ``places`` holds (line from 1, column) of every value: of its key, or of the list item.

    ``problems`` (duplicate keys, foreign tags, ...) leave the rest of the data readable.
    """

    data: dict[str, Any]
    places: Mapping[Location, tuple[int, int]]
    problems: tuple[tuple[Location, int, str], ...] = ()

    def place(self, location: Location) -> tuple[int, int]:
        """Return (line, column) of a value, or of the nearest mapping or list around it."""
        while location not in self.places:
            location = location[:-1]
        return self.places[location]


def read_document(path: Path) -> Document:
    """Return what the YAML file at ``path`` says. Raises ConfigError for a file that isn't a YAML mapping."""
    text = _read_text(path)
    try:
        node = _compose(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refusal(path, line, f"holds the control character U+{error.character:04X}; remove it") from error
    except yaml.MarkedYAMLError as error:
        raise _refusal(path, *_explained(error)) from error
    except RecursionError as error:
        raise _refusal(path, None, _TOO_DEEP) from error
    if node is None:
        raise _refusal(path, None, "is empty; it needs at least 'styles' (see configs/quickstart.yaml)")
    if not isinstance(node, yaml.MappingNode):
        message = "must hold settings as 'key: value' lines, styles: ... for example; found a list or a single value"
        raise _refusal(path, node.start_mark.line + 1, message)
    builder = _Builder(path, {(): (node.start_mark.line + 1, node.start_mark.column)})
    data = builder.mapping(node, ())
    return Document(data, builder.places, tuple(builder.problems))


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _refusal(path, None, f"can't be read ({error.strerror}); check the path of the config file") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(path, line, "is not UTF-8 text; save the file as UTF-8 in your editor") from error


def _compose(text: str) -> yaml.Node | None:
    loader = _CoreLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _refusal(path: Path, line: int | None, message: str) -> ConfigError:
    return ConfigError([ConfigProblem(str(path), line, "", message)])


#: Beginnings of what PyYAML says → what a user can do about it. ``True``: the line where the construct began.
_PLAIN_WORDS: Final[tuple[tuple[str, bool, str], ...]] = (
    ("found character '\\t'", False, "begins with a tab; YAML is indented with spaces only"),
    ("found character", False, "has text that begins with a sign YAML keeps for itself; put the text in quotes"),
    ("expected alphabetic or numeric", False, "has text that begins with '*' or '&'; put it in quotes: '*.jpg'"),
    (
        "found undefined alias",
        False,
        "begins with '*', an alias of something not defined above; quote patterns: '*x'",
    ),
    ("mapping values are not allowed", False, "has a ':' where none can be; quote text that contains ': '"),
    ("found unexpected end of stream", True, "opens a quote that is never closed"),
    ("expected ',' or ']'", True, "opens a list with '[' that lacks a comma or its ']'"),
    ("expected ',' or '}'", True, "opens a mapping with '{' that lacks a comma or its '}'"),
    ("could not find expected ':'", True, "is no 'key: value'; a space belongs behind the ':'"),
    (
        "expected <block end>",
        False,
        "is indented unlike the lines around it, or has text with { } or quotes to be quoted",
    ),
    ("but found another document", False, "begins a second document with '---'; a config is one document"),
)


def _explained(error: yaml.MarkedYAMLError) -> tuple[int | None, str]:
    problem = error.problem or ""
    for beginning, at_start, words in _PLAIN_WORDS:
        if problem.startswith(beginning):
            mark = error.context_mark if at_start and error.context_mark else error.problem_mark
            return (mark.line + 1 if mark else None), words
    return (error.problem_mark.line + 1 if error.problem_mark else None), f"is not valid YAML: {problem}"


@dataclass
class _Builder:
    """Builds plain data from composed nodes, noting places and problems on the way."""

    path: Path
    places: dict[Location, tuple[int, int]]
    problems: list[tuple[Location, int, str]] = field(default_factory=list)
    values: int = 0
    open_nodes: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, location: Location) -> Any:
        """Return the plain value of any node."""
        self.values += 1
        if self.values > MAX_VALUES:
            message = f"its aliases (*name) multiply to more than {MAX_VALUES:,} values; write fewer"
            raise _refusal(self.path, node.start_mark.line + 1, message)
        if len(location) > MAX_DEPTH:
            raise _refusal(self.path, node.start_mark.line + 1, _TOO_DEEP)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, location)
        if id(node) in self.open_nodes:
            message = "an alias (*name) stands inside of what it refers to; remove it"
            raise _refusal(self.path, node.start_mark.line + 1, message)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            return self.foreign(node, location)
        return self.mapping(node, location) if isinstance(node, yaml.MappingNode) else self.sequence(node, location)

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        """Return a mapping's values by the text of their keys; of a repeated key the first one counts."""
        self.open_nodes.add(id(node))
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.key(key_node, location)
            if key is None:
                continue
            here = (*location, key)
            if key in result:
                message = f"stands here again (first on line {self.places[here][0]}); keep one of the two"
                self.problems.append((here, line, message))
                continue
            self.places[here] = (line, key_node.start_mark.column)
            result[key] = self.value(value_node, here)
        self.open_nodes.remove(id(node))
        return result

    def key(self, node: yaml.Node, location: Location) -> str | None:
        """Return a key's text (``2024`` is a fine name of a recipe), or None with a problem noted."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            self.problems.append((location, line, "has a key that is empty, a list or a mapping; keys are names"))
            return None
        if node.value == "<<" and node.style is None:
            message = "merges with '<<', which YAML 1.2 has no more; repeat the keys, or give an alias to each"
            self.problems.append((location, line, message))
            return None
        return str(node.value)

    def sequence(self, node: yaml.Node, location: Location) -> list[Any]:
        """Return a list's values."""
        self.open_nodes.add(id(node))
        result = []
        for index, item in enumerate(node.value):
            here = (*location, index)
            self.places[here] = (item.start_mark.line + 1, item.start_mark.column)
            result.append(self.value(item, here))
        self.open_nodes.remove(id(node))
        return result

    def scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        """Return a scalar's value by its tag, which the core schema or the file itself has set."""
        text = str(node.value)
        if node.tag == _STR:
            return text
        pattern = _CORE_SCHEMA.get(node.tag)
        if pattern is None or not pattern.match(text) or len(text) > 400:
            return self.foreign(node, location)
        if node.tag == _NULL:
            return None
        return text.lower() == "true" if node.tag == _BOOL else _number(text, node.tag)

    def foreign(self, node: yaml.Node, location: Location) -> None:
        """Note a value of a type that configs don't have."""
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        message = f"is no value of the type {tag} that a config can hold; write plain text, a number, a list or keys"
        self.problems.append((location, node.start_mark.line + 1, message))


def _number(text: str, tag: str) -> int | float:
    if tag == _INT:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    plain = text.lower()
    if plain.endswith((".inf", ".nan")):
        return math.copysign(math.inf, -1 if plain[0] == "-" else 1) if plain.endswith("inf") else math.nan
    return float(text)
