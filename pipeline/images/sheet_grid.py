"""Arranges the cells of a contact sheet in rows and columns. Owns which settings go where; draws nothing.

What all cells share (the one photo, the one style) is a matter of the sheet's head. Of the rest, some dimensions make
the columns and the others the rows, so that the sheet comes out neither a ribbon nor a tower. Rows with too many
columns are broken, and each part begins with its own headings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from pipeline.model.trial import ContactSheet, SheetCell

#: What a dimension is about: photos and paintings are shown, the others only written.
Kind = Literal["photo", "style", "recipe", "setting"]

MOST_COLUMNS: Final = 8
_PROPORTION: Final = 1.5
#: How much a level of nested headings counts against the proportions.
_NESTING: Final = 0.35
#: ... and how much a break in nested columns.
_BREAKING: Final = 0.7
#: ... and photos beside each other, whose pictures differ in height.
_PHOTOS_ACROSS: Final = 1.2


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something in which cells differ: its ``name`` ("" for photos and styles), and a label for each value."""

    kind: Kind
    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A part of a sheet: headings of columns, and of rows, each one index a dimension; cells by row and column."""

    columns: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[int, ...], ...]
    cells: Mapping[tuple[tuple[int, ...], tuple[int, ...]], SheetCell]


@dataclass(frozen=True, slots=True)
class Grid:
    """The dimensions of columns and rows, the outer ones first, and the bands, all of which have the same rows."""

    column_dimensions: tuple[Dimension, ...]
    row_dimensions: tuple[Dimension, ...]
    bands: tuple[Band, ...]


def arrange(sheet: ContactSheet, *, most_columns: int = MOST_COLUMNS) -> Grid:
    """Return a sheet's cells in rows and columns."""
    dimensions, keys = _dimensions(sheet)
    numbers = range(len(dimensions))
    candidates = [numbers[start:] for start in range(len(numbers) + 1)] + [[number] for number in numbers]
    columns = min(
        candidates,
        key=lambda chosen: (
            _unfitness(chosen, keys, most_columns)
            + _PHOTOS_ACROSS * any(dimensions[number].kind == "photo" for number in chosen)
        ),
    )
    rows = [number for number in numbers if number not in columns]
    by_place = {
        (tuple(key[row] for row in rows), tuple(key[column] for column in columns)): cell
        for key, cell in zip(keys, sheet.cells, strict=True)
    }
    row_keys = tuple(sorted({row for row, _ in by_place}))
    column_keys = sorted({column for _, column in by_place})
    return Grid(
        tuple(dimensions[number] for number in columns),
        tuple(dimensions[number] for number in rows),
        tuple(Band(part, row_keys, by_place) for part in _parts(column_keys, most_columns)),
    )


def _dimensions(sheet: ContactSheet) -> tuple[list[Dimension], list[tuple[int, ...]]]:
    """Return the dimensions in which the cells differ, and each cell's indices in these."""
    styles = tuple(dict.fromkeys(cell.style for cell in sheet.cells))
    recipes = tuple(dict.fromkeys(cell.recipe for cell in sheet.cells))
    every = [
        Dimension("photo", "", tuple(photo.name for photo in sheet.photos)),
        Dimension("style", "", styles),
        Dimension("recipe", "recipe", recipes),
        *(Dimension("setting", axis.setting, axis.values) for axis in sheet.axes),
    ]
    indices = [
        (cell.photo, styles.index(cell.style), recipes.index(cell.recipe), *cell.values) for cell in sheet.cells
    ]
    used = [number for number in range(len(every)) if len({index[number] for index in indices}) > 1]
    return [every[number] for number in used], [tuple(index[number] for number in used) for index in indices]


def _unfitness(columns: Sequence[int], keys: Sequence[tuple[int, ...]], most_columns: int) -> float:
    across = len({tuple(key[number] for number in columns) for key in keys})
    down = len({tuple(value for number, value in enumerate(key) if number not in columns) for key in keys})
    bands = math.ceil(across / most_columns)
    proportion = math.ceil(across / bands) / (down * bands)
    nested = max(0, len(columns) - 1)
    return abs(math.log(proportion / _PROPORTION)) + _NESTING * nested + _BREAKING * (bands - 1) * nested


def _parts(columns: Sequence[tuple[int, ...]], most: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield the columns in parts of almost the same length."""
    count = math.ceil(len(columns) / most)
    length = math.ceil(len(columns) / count)
    yield from (tuple(columns[start : start + length]) for start in range(0, len(columns), length))


def pages(grid: Grid, heights: Sequence[float], heading: float, most: float) -> list[tuple[Band, ...]]:
    """Return the bands, cut between rows, for pages of at most this height: ``heights`` of the rows, and a heading's.

    A row that is higher than a page has one of its own.
    """
    found: list[list[Band]] = [[]]
    left = most
    for band, (number, row) in chain.from_iterable(
        ((band, each) for each in enumerate(band.rows)) for band in grid.bands
    ):
        begins = number == 0
        need = heights[number] + (heading if begins or not found[-1] else 0.0)
        if need > left and found[-1]:
            found.append([])
            left, need, begins = most, heights[number] + heading, True
        left -= need
        if begins:
            found[-1].append(Band(band.columns, (row,), band.cells))
        else:
            before = found[-1][-1]
            found[-1][-1] = Band(before.columns, (*before.rows, row), before.cells)
    return [tuple(page) for page in found]
