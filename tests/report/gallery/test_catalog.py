"""The catalog says which chunks there are, and is read again by the next program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.report.gallery.catalog import Catalog, Chunk, GalleryTexts, read_catalog
from pipeline.report.gallery.scripts import script
from tests.report.gallery.test_rows import row

TEXTS = GalleryTexts(
    program="stylewatch 0.1.0",
    title="output",
    photos_href="../../input",
    suffix=".jpg",
    config_path="c.yaml",
    ledger="abc",
)


def value(catalog: Catalog, **changed: Any) -> dict[str, Any]:
    return catalog.value(TEXTS, {"done": 1}, [row()], now=1_700_000_002.4, is_live=True) | changed


def filled() -> Catalog:
    catalog = Catalog()
    catalog.chunks = {3: Chunk(2, 1_700_000_001, "r3"), 0: Chunk(500, 1_600_000_000, "r0")}
    return catalog


def test_the_catalog_lists_chunks_by_number_and_the_newest_pictures() -> None:
    written = value(filled())

    assert written["chunks"] == [[0, 500, 1_600_000_000, "r0"], [3, 2, 1_700_000_001, "r3"]]
    assert written["latest"] == [[6123, "sea/a.jpg", 0, 0, 0, 0, 1_700_000_001, 0, 0, None, "", ""]]
    assert (written["styles"], written["recipes"]) == (["night"], ["default"])
    assert (written["version"], written["written"], written["counts"]) == (1, 1_700_000_002, {"done": 1})
    assert (written["output_href"], written["photos_href"], written["live"]) == ("..", "../../input", True)


def test_the_next_program_knows_what_is_written() -> None:
    catalog = filled()
    data = script("catalog", value(catalog))

    assert read_catalog(data, TEXTS) == catalog


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"stylewatch.catalog(",
        script("catalog", []),
        script("catalog", value(filled(), version=2)),
        script("catalog", value(filled(), ledger="of another config")),
        script("catalog", value(filled(), states=["done"])),
        script("catalog", value(filled(), chunks=[[1, 2]])),
    ],
    ids=["none", "empty", "cut short", "a list", "a later version", "another ledger", "other states", "damaged"],
)
def test_what_can_not_be_relied_on_is_made_again(data: bytes | None) -> None:
    assert read_catalog(data, TEXTS) == Catalog()


def test_another_suffix_or_program_makes_all_chunks_again() -> None:
    data = script("catalog", value(filled()))

    assert read_catalog(data, replace(TEXTS, suffix=".png")) == Catalog()
    assert read_catalog(data, replace(TEXTS, program="stylewatch 0.2.0")) == Catalog()
