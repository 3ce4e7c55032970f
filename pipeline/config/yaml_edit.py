"""Changes single settings in the text of a YAML file, and leaves every other character as it is.

Libraries that write YAML anew keep comments and quotes, but indent, align and wrap in a way of their own. Here the
events of the parser that reads configs tell where a value stands, and only that is replaced. What the text then means
is for the caller to check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import yaml

from pipeline.config.document import Location
from pipeline.config.written_values import flow_text, yaml_text
from pipeline.config.yaml_source import events_of

_LINE_END: Final = re.compile(r"[^\r\n]*")
#: A "#" in a quoted text may look like one, too.
_COMMENT: Final = re.compile(r"(?:^|\s)#", re.MULTILINE)
_LINE_BREAK: Final = re.compile(r"\r\n|\n|\r")
_MAX_LINE: Final = 100


class NotEditableError(ValueError):
    """A place that can't be changed by itself; says why."""


@dataclass(slots=True)
class _Node:
    """A value where it stands in the text; ``start`` is that of its anchor, if it has one."""

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    end: int
    column: int
    is_flow: bool = False
    text: str = ""
    entries: list[tuple[_Node, _Node]] = field(default_factory=list)
    items: list[_Node] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Where its content ends: a block's last child, without the comments behind it."""
        children = [value for _, value in self.entries] or self.items
        return children[-1].last if children and not self.is_flow else self.end

    @property
    def is_block(self) -> bool:
        return self.kind in ("mapping", "sequence") and not self.is_flow

    @property
    def is_empty(self) -> bool:
        return self.kind == "scalar" and self.start == self.end


def set_value(text: str, location: Location, value: Any) -> str:
    """Return the text with another value at ``location``, whose mapping or list is there; a new key comes last.

    Raises NotEditableError.
    """
    found = _find(text, location)
    if found is not None:
        return _replaced(text, *found, flow_text(value))
    container = _find(text, location[:-1]) if location[:-1] else (None, _root(text))
    if container is None:
        raise NotEditableError("the place is not there")
    key, owner = container
    if owner.is_empty:
        return _replaced(text, key, owner, flow_text({str(location[-1]): value}))
    return _inserted(text, owner, str(location[-1]), value)


def remove_value(text: str, location: Location) -> str:
    """Return the text without the key at ``location``.

    Raises NotEditableError, also if it is the only one, or if a comment would go with it.
    """
    owner = _root(text) if len(location) == 1 else _require(text, location[:-1])
    names = [key.text for key, _ in owner.entries]
    if owner.kind != "mapping" or location[-1] not in names or len(names) == 1:
        raise NotEditableError("it can't be taken out")
    index = names.index(str(location[-1]))
    begin, end = _flow_part(owner, index) if owner.is_flow else _lines_of(text, *owner.entries[index])
    if _COMMENT.search(text, begin, end):
        raise NotEditableError("a comment is about it")
    return text[:begin] + text[end:]


def _flow_part(owner: _Node, index: int) -> tuple[int, int]:
    """Return begin and end of an entry of a flow mapping with a comma; there is another one."""
    key, value = owner.entries[index]
    if index + 1 < len(owner.entries):
        return key.start, owner.entries[index + 1][0].start
    return owner.entries[index - 1][1].end, value.end


def _lines_of(text: str, key: _Node, value: _Node) -> tuple[int, int]:
    """Return begin and end of the lines of a block mapping's entry."""
    begin = _line_start(text, key.start)
    if text[begin : key.start].strip():  # behind the "-" of a list's item
        raise NotEditableError("it can't be taken out")
    return begin, _next_line(text, value.last)


def is_block(text: str, location: Location) -> bool:
    """Tell whether the mapping at ``location`` has a line for each key."""
    found = _find(text, location)
    return found is not None and found[1].is_block


def _replaced(text: str, key: _Node | None, value: _Node, new: str) -> str:
    if not value.is_block and not value.is_empty:
        return text[: value.start] + new + text[value.end :]
    if key is None:
        raise NotEditableError("it is a part of a list that has a line for each item")
    colon = text.index(":", key.end) + 1
    if value.is_empty:
        return f"{text[:colon]} {new}{text[colon:]}"
    behind = text[colon : _line_end(text, colon)].strip()
    comment = f"  {behind}" if behind.startswith("#") else ""
    return f"{text[:colon]} {new}{comment}{text[value.last :]}"


def _inserted(text: str, owner: _Node, key: str, value: Any) -> str:
    if owner.kind != "mapping":
        raise NotEditableError("it repeats another part of the file (by an alias), or is no mapping")
    entry = f"{yaml_text(key)}: {flow_text(value)}"
    if owner.is_flow:
        if not owner.entries:
            return text[: owner.end - 1] + entry + text[owner.end - 1 :]
        last = owner.entries[-1][1]
        comma = " , " if last.is_empty else ", "
        return text[: last.end] + comma + entry + text[last.end :]
    indent = " " * owner.column
    if isinstance(value, Mapping) and value and _wants_block(owner, entry, indent):
        step = indent + " " * _step(owner)
        lines = [
            f"{indent}{yaml_text(key)}:",
            *(f"{step}{yaml_text(str(k))}: {flow_text(v)}" for k, v in value.items()),
        ]
    else:
        lines = [indent + entry]
    return _with_lines(text, owner.last, lines)


def _wants_block(owner: _Node, entry: str, indent: str) -> bool:
    """Tell whether a new mapping gets a line for each key: as its neighbors do, or else if it would be too long."""
    neighbors = [value.is_block for _, value in owner.entries if value.kind == "mapping" and value.entries]
    return neighbors[-1] if neighbors else len(indent + entry) > _MAX_LINE


def _step(owner: _Node) -> int:
    steps = [value.column - owner.column for _, value in owner.entries if value.is_block and value.kind == "mapping"]
    return next((step for step in steps if step > 0), 2)


def _with_lines(text: str, behind: int, lines: list[str]) -> str:
    """Return the text with lines behind the one in which the position ``behind`` is."""
    found = _LINE_BREAK.search(text)
    line_break = found[0] if found else "\n"
    at = _next_line(text, behind)
    before = "" if at == 0 or text[at - 1] in "\r\n" else line_break
    return text[:at] + before + line_break.join(lines) + line_break + text[at:]


def _line_start(text: str, position: int) -> int:
    return max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1


def _line_end(text: str, position: int) -> int:
    rest = _LINE_END.match(text, position)
    return rest.end() if rest else position


def _next_line(text: str, position: int) -> int:
    end = _line_end(text, position)
    found = _LINE_BREAK.match(text, end)
    return found.end() if found else end


def _require(text: str, location: Location) -> _Node:
    found = _find(text, location)
    if found is None:
        raise NotEditableError("the place is not there")
    return found[1]


def _find(text: str, location: Location) -> tuple[_Node | None, _Node] | None:
    """Return the value at a location with its key, None as the key of a list's item; None if it is not there."""
    key: _Node | None = None
    node = _root(text)
    for part in location:
        if node.kind == "alias":
            raise NotEditableError("it repeats another part of the file (by an alias)")
        if isinstance(part, int):
            if part >= len(node.items):
                return None
            key, node = None, node.items[part]
            continue
        found = [entry for entry in node.entries if entry[0].text == part]
        if not found:
            return None
        key, node = found[0]
    return key, node


def _root(text: str) -> _Node:
    events = iter(events_of(text))
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            return _node(next(events), events, text)
    raise NotEditableError("it is empty")


def _node(event: Any, events: Iterator[Any], text: str) -> _Node:
    start, end, column = event.start_mark.index, event.end_mark.index, event.start_mark.column
    if isinstance(event, yaml.AliasEvent):
        return _Node("alias", start, end, column)
    if isinstance(event, yaml.ScalarEvent):
        if event.style in ("|", ">"):  # the parser lets them end where the next line begins
            end = start + len(text[start:end].rstrip())
        return _Node("scalar", start, end, column, text=event.value)
    node = _Node("mapping", start, end, column, is_flow=bool(event.flow_style))
    if isinstance(event, yaml.SequenceStartEvent):
        node.kind = "sequence"
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            node.items.append(_node(event, events, text))
    else:
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            node.entries.append((_node(event, events, text), _node(next(events), events, text)))
        if node.entries and not node.is_flow:
            node.column = node.entries[0][0].column  # an anchor may stand before it, in another line
    node.end = event.end_mark.index
    return node
