"""The writer's files: which ones a change of the ledger concerns, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.report.gallery.scripts import script
from pipeline.runner.gallery.writer import read_rows
from tests.runner.gallery.conftest import Gallery
from tests.workshop import CONFIG, Workshop


def test_the_photos_are_linked_relative_to_the_page_with_their_names_encoded(tmp_path: Path) -> None:
    gallery = Gallery(Workshop(tmp_path, CONFIG.replace("folder: in", "folder: 'my photos #1'")))
    (tmp_path / "my photos #1").mkdir()

    gallery.run()

    assert gallery.value("catalog.js")["photos_href"] == "../../my%20photos%20%231"


@pytest.mark.parametrize(("folder", "title"), [("out", "summer"), ("paintings", "paintings")])
def test_a_gallery_is_called_by_the_name_that_says_something(tmp_path: Path, folder: str, title: str) -> None:
    gallery = Gallery(Workshop(tmp_path / "summer", CONFIG.replace("folder: out", f"folder: {folder}")))

    gallery.run()

    page = next((tmp_path / "summer").glob("*/gallery/index.html")).read_text("utf-8")
    assert f"<title>{title}</title>" in page


def test_another_output_format_writes_all_rows_again(tmp_path: Path) -> None:
    gallery = Gallery(Workshop(tmp_path))
    gallery.workshop.photo("a.png")
    gallery.run()
    gallery.workshop.text = CONFIG.replace("folder: out", "folder: out, format: png")

    gallery.updates().finish()

    assert gallery.row_of("a.png")["output"] == "a--night.jpg"
    assert gallery.value("catalog.js")["suffix"] == ".png"


@pytest.mark.parametrize(
    "data", [None, b"", script("chunk", 1), script("chunk", 1, {}), script("chunk", 1, {"rows": [[]]})]
)
def test_a_damaged_chunk_has_no_rows(data: bytes | None) -> None:
    assert read_rows(data) == {}


def test_rows_are_found_by_id() -> None:
    assert read_rows(script("chunk", 1, {"rows": [[500, "a.jpg"]]})) == {500: [500, "a.jpg"]}
