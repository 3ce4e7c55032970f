"""Which settings make the rows of a contact sheet and which the columns, and where it is broken."""

from __future__ import annotations

import pytest

from pipeline.images.sheet_grid import Grid, arrange, pages
from pipeline.model.trial import ContactSheet, SheetAxis
from tests.images.sheets import axis, sheet_of


def shape(grid: Grid) -> tuple[list[str], list[str], list[tuple[int, int]]]:
    """Return what makes rows and columns, and of each band how many of both."""
    return (
        [dimension.name or dimension.kind for dimension in grid.row_dimensions],
        [dimension.name or dimension.kind for dimension in grid.column_dimensions],
        [(len(band.rows), len(band.columns)) for band in grid.bands],
    )


@pytest.mark.parametrize(
    ("sheet", "rows", "columns", "bands"),
    [
        (sheet_of(), [], [], [(1, 1)]),
        (sheet_of(axes=(axis("w", 3),)), [], ["w"], [(1, 3)]),
        (sheet_of(axes=(axis("w", 3), axis("v", 2))), ["v"], ["w"], [(2, 3)]),
        (sheet_of(4, ("a", "b", "c")), ["photo"], ["style"], [(4, 3)]),
        (sheet_of(6, axes=(axis("w", 3),)), ["photo"], ["w"], [(6, 3)]),
        (sheet_of(4, ("a", "b"), axes=(axis("w", 3),)), ["photo"], ["style", "w"], [(4, 6)]),
        (sheet_of(axes=(axis("seed", 12),)), [], ["seed"], [(1, 6), (1, 6)]),
        (sheet_of(1, ("a", "b"), ("r", "s")), ["style"], ["recipe"], [(2, 2)]),
    ],
)
def test_settings_make_rows_and_columns(
    sheet: ContactSheet, rows: list[str], columns: list[str], bands: list[tuple[int, int]]
) -> None:
    assert shape(arrange(sheet)) == (rows, columns, bands)


@pytest.mark.parametrize(
    "sheet",
    [
        sheet_of(3, ("a", "b"), ("r", "s"), (axis("w", 3), axis("v", 2), axis("u", 4))),
        sheet_of(20),
        sheet_of(1, axes=(axis("w", 50),)),
    ],
)
def test_every_cell_has_one_place(sheet: ContactSheet) -> None:
    grid = arrange(sheet)
    placed = [band.cells[row, column] for band in grid.bands for row in band.rows for column in band.columns]
    assert sorted(map(repr, placed)) == sorted(map(repr, sheet.cells))
    assert all(len(band.columns) <= 8 for band in grid.bands)


def test_combinations_that_were_not_tried_leave_a_gap() -> None:
    whole = sheet_of(1, ("a", "b"), axes=(SheetAxis("w", ("1", "2", "3")),))
    sheet = ContactSheet(
        id="", title="", started=0, config_name="", photos=whole.photos, axes=whole.axes, cells=whole.cells[:4]
    )
    [band] = arrange(sheet).bands
    assert len(band.cells) == 4
    assert len(band.rows) * len(band.columns) == 6


def test_pages_are_cut_between_rows_and_each_begins_with_headings() -> None:
    grid = arrange(sheet_of(10, tuple("abcde")))
    cut = pages(grid, [100] * 10, heading=50, most=460)
    assert [[len(band.rows) for band in page] for page in cut] == [[4], [4], [2]]
    assert [row for page in cut for band in page for row in band.rows] == list(grid.bands[0].rows)


def test_a_row_that_is_higher_than_a_page_has_one_of_its_own() -> None:
    grid = arrange(sheet_of(3, ("a",)), most_columns=2)
    assert [len(page) for page in pages(grid, [900] * len(grid.bands[0].rows), heading=50, most=460)] == [1] * sum(
        len(band.rows) for band in grid.bands
    )


def test_several_bands_share_a_page_if_it_has_room() -> None:
    grid = arrange(sheet_of(axes=(axis("seed", 12),)))
    assert [len(page) for page in pages(grid, [100], heading=50, most=1000)] == [2]
    assert [len(page) for page in pages(grid, [100], heading=50, most=200)] == [1, 1]
