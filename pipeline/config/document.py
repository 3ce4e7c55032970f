"""What a YAML file holds, as plain data with the place of every value. Reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

#: The location of a value in the data: keys and list indices, from the top.
Location = tuple[str | int, ...]


class Problem(NamedTuple):
    """Something wrong that leaves the rest of the data readable. ``file``: the imported one it stands in, or None."""

    location: Location
    line: int | None
    message: str
    file: Path | None = None


@dataclass(frozen=True)
class ImportedRecipes:
    """A file that a config imports, and the recipes in it, by name and as they are written."""

    file: Path
    recipes: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """The data of a file. ``positions`` holds (line from 1, column) of every value: of its key, or of the list item.

    ``problems``: duplicate keys, unsupported tags, ... What comes from ``imports`` has the place that it has there,
    and its file in ``files``.
    """

    data: dict[str, Any]
    positions: Mapping[Location, tuple[int, int]]
    problems: tuple[Problem, ...] = ()
    imports: tuple[ImportedRecipes, ...] = ()
    files: Mapping[Location, Path] = field(default_factory=dict)

    def position(self, location: Location) -> tuple[int, int]:
        """Return (line, column) of a value, or of the nearest mapping or list around it."""
        return self.positions[self._nearest(location)]

    def file(self, location: Location) -> Path | None:
        """Return the imported file in which :meth:`position` is; None if it is the document's own."""
        return self.files.get(self._nearest(location))

    def _nearest(self, location: Location) -> Location:
        while location not in self.positions:
            location = location[:-1]
        return location
