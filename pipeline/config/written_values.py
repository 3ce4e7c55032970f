"""Writes values as a config can hold them: YAML text, paths that move with the file, names of styles.

Owns the way back from a value to its text; what is read from that text again is the value.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.config.field_types import MAX_NAME_LENGTH, case_folded, is_forbidden_in_names, resolve
from pipeline.errors import UsageError

#: Text that any version of YAML reads as itself without quotes: neither a number nor a word like "no".
_PLAIN: Final = re.compile(
    r"(?!(?:true|false|null|yes|no|on|off|y|n)$)(?:[^\W\d]|~/|\.\.?/|/)[\w/.-]*(?: [\w/.-]+)*", re.IGNORECASE
)
_UNNAMED: Final = "style"
#: Below this, a float is written as the whole number that it is.
_EXACT: Final = 1e15


def yaml_text(text: str) -> str:
    """Return ``text`` as a YAML scalar on one line: as it is if it can be, else in quotes."""
    if _PLAIN.fullmatch(text):
        return text
    quotes = "'" if text.isprintable() else '"'
    dumped: str = yaml.safe_dump(text, default_style=quotes, allow_unicode=True, width=float("inf"))
    return dumped.removesuffix("\n")


def flow_text(value: Any) -> str:
    """Return a plain value, a list or mapping perhaps, as YAML on one line: ``[relu4_2, relu5_2]``."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_text(str(key))}: {flow_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    return str(value) if isinstance(value, int) else yaml_text(str(value))


def style_and_recipe_text(style: Mapping[str, Any], name: str, recipe: Mapping[str, Any]) -> str:
    """Return a style, and the recipe of that name, as a piece of a config."""
    lines = [
        f"{'    ' if number else '  - '}{key}: {flow_text(value)}"
        for number, (key, value) in enumerate(style.items())
    ]
    lines = ["styles:", *lines, "recipes:", f"  {flow_text(name)}:{'' if recipe else ' {}'}"]
    return "\n".join([*lines, *(f"    {key}: {flow_text(value)}" for key, value in recipe.items())])


def path_text(path: Path, folder: Path, home: Callable[[], Path] = Path.home) -> str:
    """Return how a config in ``folder`` names an absolute path, ``/`` between its parts.

    Relative if it lies in that folder or beside it, so that both can be moved together; else from the home folder on;
    else absolute. Raises UsageError for a path that no config can name.
    """
    for text in _candidates(path, folder, _home_folder(home)):
        if "{output}" not in text and _means(text, path, folder):
            return text
    raise UsageError(
        f"{path} can't be named in a config: '{{output}}', a '~' at the beginning and control characters "
        f"mean something else there; rename it"
    )


def _home_folder(home: Callable[[], Path]) -> Path | None:
    try:
        return home()
    except RuntimeError:  # a user without one, as in some containers
        return None


def _candidates(path: Path, folder: Path, home: Path | None) -> Iterator[str]:
    real = folder.resolve()
    if path.is_relative_to(folder):
        yield path.relative_to(folder).as_posix()
    beside = real.parent
    if beside not in (home, Path(beside.anchor)) and path.is_relative_to(beside):
        yield Path(os.path.relpath(path, real)).as_posix()
    if home and path.is_relative_to(home) and path != home:
        yield f"~/{path.relative_to(home).as_posix()}"
    yield path.as_posix()


def _means(text: str, path: Path, folder: Path) -> bool:
    try:
        return resolve(text, folder) == path.resolve()
    except ValueError:
        return False


def style_names(paintings: Iterable[Path]) -> list[str]:
    """Return a name for the style of each painting, by its file: valid, and unique in any letter case."""
    names: list[str] = []
    taken: set[str] = set()
    for painting in paintings:
        stem = _style_name(painting.stem)
        name, number = stem, 1
        while case_folded(name) in taken:
            number += 1
            ending = f"-{number}"
            name = stem[: MAX_NAME_LENGTH - len(ending)] + ending
        taken.add(case_folded(name))
        names.append(name)
    return names


def _style_name(stem: str) -> str:
    composed = unicodedata.normalize("NFC", stem)
    clean = "".join("_" if is_forbidden_in_names(sign) else sign for sign in composed)
    return clean.strip()[:MAX_NAME_LENGTH].rstrip(". ") or _UNNAMED
