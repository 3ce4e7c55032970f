"""Reads YAML into plain data with the line of every value. Does not know what the settings mean.

PyYAML scans, parses and composes; the YAML 1.2 core schema decides what a scalar is (``1e4`` is a number, ``22:00``
and ``no`` are text; PyYAML's own rules, from YAML 1.1, differ). The result holds only nulls, booleans, numbers, text,
lists and mappings: a file can name no other type, and nothing in it is ever executed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.config.document import Document, Location, Problem
from pipeline.errors import ConfigError, ConfigProblem

#: Aliases repeat parts of a file; more values than this are a mistake or an attack.
MAX_VALUES: Final = 50_000

#: Aliases can also nest parts of a file; no setting needs more than a few levels.
MAX_DEPTH: Final = 50

_TOO_DEEP: Final = "is nested too deeply; no setting needs more than a few levels"

#: What to do about a backslash in double quotes.
BACKSLASH_HINT: Final = "use single quotes or forward slashes"

#: A path of Windows in double quotes: of D:\new YAML makes a line break and "ew". Doubled backslashes are fine.
_DRIVE_IN_DOUBLE_QUOTES: Final = re.compile(r'"[A-Za-z]:\\[^\\]')

#: In a flow mapping, {content_weight: 0,02} is 0 and a key 02 without a value.
_BEFORE_COMMA: Final = re.compile(r"[-+]?[0-9]+")
_AFTER_COMMA: Final = re.compile(r"[0-9]+(?:[eE][-+]?[0-9]+| ?[kKMGT]?i?B)?")

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

    def scan_to_next_token(self) -> None:
        """Skip to the next token, over tabs as over spaces (YAML 1.2.2, 6.2) unless they indent something."""
        super().scan_to_next_token()
        while self.peek() == "\t" and not self._at_indenting_tab():
            while self.peek() in " \t":
                self.forward()
            super().scan_to_next_token()

    def _at_indenting_tab(self) -> bool:
        """Return whether nothing but white space comes before the tab in its line, and something after it."""
        before = self.buffer[: self.pointer].rpartition("\n")[2]
        after = self.buffer[self.pointer :].lstrip(" \t")
        return not before.strip() and after[0] not in "#\r\n\0"

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: Any) -> Any:
        """Scan a part of a quoted text; an escape beyond Unicode is an error of YAML, too."""
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError) as error:
            raise yaml.MarkedYAMLError("", start_mark, "expected escape sequence", self.get_mark()) from error


for _tag, _pattern in _CORE_SCHEMA.items():
    _CoreLoader.add_implicit_resolver(_tag, _pattern, None)


@dataclass(frozen=True, slots=True)
class FileKind:
    """What messages about a whole file say of it: what it needs, in which form, what to check if it can't be read."""

    needs: str
    form: str
    check: str


CONFIG: Final = FileKind(
    needs="it needs at least 'styles' (see configs/quickstart.yaml)",
    form="settings as 'key: value' lines, styles: ... for example",
    check="check the path of the config file",
)
RECIPES: Final = FileKind(
    needs="it needs recipes, NAME: {size: 512} for example",
    form="recipes by their names, NAME: {size: 512} for example",
    check="check its permissions, and its path in the config",
)


def read_document(path: Path, kind: FileKind = CONFIG) -> Document:
    """Return the data of the YAML file at ``path``. Raises ConfigError for a file that isn't a YAML mapping."""
    return parse_document(_read_text(path, kind), path, kind)


def parse_document(text: str, path: Path, kind: FileKind = CONFIG) -> Document:
    """Do as :func:`read_document` with the text of a file, which errors call ``path``."""
    try:
        node = _compose(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _config_error(path, line, f"holds the control character U+{error.character:04X}; remove it") from error
    except yaml.MarkedYAMLError as error:
        raise _config_error(path, *_explain_yaml_error(error)) from error
    except RecursionError as error:
        raise _config_error(path, None, _TOO_DEEP) from error
    if node is None:
        raise _config_error(path, None, f"is empty; {kind.needs}")
    if not isinstance(node, yaml.MappingNode):
        message = f"must hold {kind.form}; found a list or a single value"
        raise _config_error(path, node.start_mark.line + 1, message)
    builder = _Builder(path, text, {(): (node.start_mark.line + 1, node.start_mark.column)})
    data = builder.mapping(node, ())
    return Document(data, builder.positions, tuple(builder.problems))


def _read_text(path: Path, kind: FileKind) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _config_error(path, None, f"can't be read ({error.strerror}); {kind.check}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _config_error(path, line, "is not UTF-8 text; save the file as UTF-8 in your editor") from error


def _compose(text: str) -> yaml.Node | None:
    loader = _CoreLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def events_of(text: str) -> Iterator[yaml.Event]:
    """Yield what the parser finds in a text that :func:`parse_document` can read, with its places in it."""
    yield from yaml.parse(text, _CoreLoader)


def _config_error(path: Path, line: int | None, message: str) -> ConfigError:
    return ConfigError([ConfigProblem(str(path), line, "", message)])


#: How a message of PyYAML begins, and what a user can do about it. ``True``: at the line where the construct began.
_EXPLANATIONS: Final[tuple[tuple[str, bool, str], ...]] = (
    ("found character '\\t'", False, "begins with a tab; YAML is indented with spaces only"),
    ("found character", False, "has text that begins with a character that YAML reserves; put the text in quotes"),
    ("expected alphabetic or numeric", False, "has text that begins with '*' or '&'; put it in quotes: '*.jpg'"),
    (
        "found undefined alias",
        False,
        "begins with '*', an alias of something not defined above; quote patterns: '*x'",
    ),
    ("mapping values are not allowed", False, "has a ':' where none is allowed; quote text that contains ': '"),
    (
        "found unknown escape character",
        True,
        f"has text with a \\ in double quotes that YAML can't read; {BACKSLASH_HINT}",
    ),
    ("expected escape sequence", True, f"has text with a \\ in double quotes that YAML can't read; {BACKSLASH_HINT}"),
    ("found unexpected end of stream", True, "opens a quote that is never closed"),
    ("expected ',' or ']'", True, "opens a list with '[' that lacks a comma or its ']'"),
    ("expected ',' or '}'", True, "opens a mapping with '{' that lacks a comma or its '}'"),
    ("could not find expected ':'", True, "is not 'key: value'; put a space after the ':'"),
    (
        "expected <block end>",
        False,
        "is indented unlike the lines around it, or has text with { } or quotes that must be quoted",
    ),
    ("but found another document", False, "begins a second document with '---'; a config is one document"),
)


def _explain_yaml_error(error: yaml.MarkedYAMLError) -> tuple[int | None, str]:
    problem = error.problem or ""
    for beginning, at_start, words in _EXPLANATIONS:
        if problem.startswith(beginning):
            mark = error.context_mark if at_start and error.context_mark else error.problem_mark
            return (mark.line + 1 if mark else None), words
    return (error.problem_mark.line + 1 if error.problem_mark else None), f"is not valid YAML: {problem}"


@dataclass
class _Builder:
    """Builds plain data from composed nodes, recording places and problems on the way."""

    path: Path
    text: str
    positions: dict[Location, tuple[int, int]]
    problems: list[Problem] = field(default_factory=list)
    values: int = 0
    open_nodes: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, location: Location) -> Any:
        """Return the plain value of any node."""
        self.values += 1
        if self.values > MAX_VALUES:
            message = f"its aliases (*name) multiply to more than {MAX_VALUES:,} values; write fewer"
            raise _config_error(self.path, node.start_mark.line + 1, message)
        if len(location) > MAX_DEPTH:
            raise _config_error(self.path, node.start_mark.line + 1, _TOO_DEEP)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, location)
        if id(node) in self.open_nodes:
            message = "an alias (*name) is inside what it refers to; remove it"
            raise _config_error(self.path, node.start_mark.line + 1, message)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            return self.unsupported(node, location)
        return self.mapping(node, location) if isinstance(node, yaml.MappingNode) else self.sequence(node, location)

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        """Return a mapping's values by the text of their keys; of a repeated key the first one counts."""
        self.open_nodes.add(id(node))
        result: dict[str, Any] = {}
        before: yaml.Node | None = None
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            number, before = self.number_with_comma(before, key_node, value_node), value_node
            if number and result:
                self.note_comma(result, location, number, line)
                continue
            key = self.key(key_node, location)
            if key is None:
                continue
            here = (*location, key)
            if key in result:
                message = f"is repeated (first on line {self.positions[here][0]}); keep one of the two"
                self.problems.append(Problem(here, line, message))
                continue
            self.positions[here] = (line, key_node.start_mark.column)
            self.check_backslashes(key_node, here)
            result[key] = self.value(value_node, here)
        self.open_nodes.remove(id(node))
        return result

    def number_with_comma(self, before: yaml.Node | None, key: yaml.Node, value: yaml.Node) -> str:
        """Return the number whose comma split it into the value ``before`` and a key without a value, else ""."""
        parts = (before, key)
        if not all(isinstance(node, yaml.ScalarNode) and node.style is None for node in (*parts, value)):
            return ""
        assert before is not None
        touching = key.start_mark.index == before.end_mark.index + 1
        numeric = _BEFORE_COMMA.fullmatch(before.value) and _AFTER_COMMA.fullmatch(key.value)
        return f"{before.value},{key.value}" if touching and numeric and value.value == "" else ""

    def note_comma(self, result: dict[str, Any], location: Location, number: str, line: int) -> None:
        """Record a number with a comma as the problem of the last key, whose value it is."""
        key = list(result)[-1]
        message = f"has a comma in a number, found {number}{comma_hint(number)}"
        self.problems.append(Problem((*location, key), line, message))
        pointed = number.replace(",", ".")
        result[key] = float(pointed) if _CORE_SCHEMA[_FLOAT].match(pointed) else pointed

    def check_backslashes(self, node: yaml.Node, location: Location) -> None:
        """Record a path of Windows in double quotes, of which YAML makes something else without a word."""
        if isinstance(node, yaml.ScalarNode) and node.style == '"':
            written = self.text[node.start_mark.index : node.end_mark.index]
            if _DRIVE_IN_DOUBLE_QUOTES.match(written):
                message = (
                    f"has a path with \\ in double quotes, where it is an escape, found {written}; {BACKSLASH_HINT}"
                )
                self.problems.append(Problem(location, node.start_mark.line + 1, message))

    def key(self, node: yaml.Node, location: Location) -> str | None:
        """Return a key's text (``2024`` is a fine name of a recipe), or None with a problem noted."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            message = "has a key that is empty, a list or a mapping; keys are names"
            self.problems.append(Problem(location, line, message))
            return None
        if node.value == "<<" and node.style is None:
            message = "merges with '<<', which YAML 1.2 no longer has; repeat the keys, or give an alias to each"
            self.problems.append(Problem(location, line, message))
            return None
        return str(node.value)

    def sequence(self, node: yaml.Node, location: Location) -> list[Any]:
        """Return a list's values."""
        self.open_nodes.add(id(node))
        result = []
        for index, item in enumerate(node.value):
            here = (*location, index)
            self.positions[here] = (item.start_mark.line + 1, item.start_mark.column)
            result.append(self.value(item, here))
        self.open_nodes.remove(id(node))
        return result

    def scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        """Return a scalar's value by its tag, which the core schema or the file itself has set."""
        text = str(node.value)
        self.check_backslashes(node, location)
        if node.tag == _STR:
            return text
        pattern = _CORE_SCHEMA.get(node.tag)
        if pattern is None or not pattern.match(text) or len(text) > 400:
            return self.unsupported(node, location)
        if node.tag == _NULL:
            return None
        return text.lower() == "true" if node.tag == _BOOL else _number(text, node.tag)

    def unsupported(self, node: yaml.Node, location: Location) -> None:
        """Record a value of a type that configs don't have."""
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        message = f"can't be read as {tag}; write plain text, a number, a list or keys"
        self.problems.append(Problem(location, node.start_mark.line + 1, message))


def comma_hint(text: str, *, is_whole: bool = False) -> str:
    """Return what to write instead of a number, a whole one perhaps, with a comma; nothing for other text."""
    if not re.fullmatch(r"[-+]?\d*(,\d+)+([eE][-+]?\d+| ?[kKMGT]?i?B)?", text):
        return ""
    whole = text.replace(",", "")
    if text.count(",") > 1 or (is_whole and re.fullmatch(r"[-+]?\d+,\d{3}", text)):
        return f"; write it without a comma: {whole}"
    also = f", or no comma: {whole}" if re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}\b.*", text) else ""
    return f"; use a point: {text.replace(',', '.')}{also}"


def is_number(text: str) -> bool:
    """Tell whether a plain scalar of this text would be a number."""
    return any(_CORE_SCHEMA[tag].match(text) for tag in (_INT, _FLOAT))


def _number(text: str, tag: str) -> int | float:
    if tag == _INT:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    plain = text.lower()
    if plain.endswith((".inf", ".nan")):
        return math.copysign(math.inf, -1 if plain[0] == "-" else 1) if plain.endswith("inf") else math.nan
    return float(text)
