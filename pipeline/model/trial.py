"""A contact sheet: photos, settings with the values that are compared, and a cell for each picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SheetPhoto:
    """A photo: its file, the name that it is shown by, and its content's SHA-256."""

    path: Path
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SheetAxis:
    """A setting, and the values that are compared, as text."""

    setting: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCell:
    """A picture of ``photo`` (an index) in a style by a recipe, with a value (an index) of each of the sheet's axes.

    ``picture`` None: it is not made yet, or failed for the reason ``error``.
    """

    photo: int
    style: str
    recipe: str
    values: tuple[int, ...]
    picture: Path | None = None
    sha256: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    style_loss: float | None = None
    content_loss: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSheet:
    """The pictures of one try. ``started``: seconds since the epoch. ``paintings``: files of each style.

    ``files``: the PNG files that it was rendered into.
    """

    id: str
    title: str
    started: float
    config_name: str
    photos: tuple[SheetPhoto, ...]
    axes: tuple[SheetAxis, ...]
    cells: tuple[SheetCell, ...]
    paintings: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
