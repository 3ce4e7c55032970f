from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.settings import gallery_settings
from pipeline.errors import StorageError
from pipeline.report.gallery.scripts import read_script
from pipeline.runner.gallery.first_page import write_first_page
from pipeline.runner.gallery.writer import page_of
from pipeline.runner.instance.lock import instance_lock
from tests.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def write(workshop: Workshop) -> None:
    write_first_page(gallery_settings(workshop.config(), "stylewatch.yaml"))


def test_a_page_without_pictures_is_written_and_no_ledger_is_made(workshop: Workshop) -> None:
    write(workshop)
    page = page_of(workshop.out)
    assert page is not None
    [catalog] = read_script((page.parent / "data" / "catalog.js").read_bytes(), "catalog")
    assert (catalog["chunks"], catalog["latest"], catalog["live"]) == ([], [], False)
    assert (page.parent / "data" / "status.js").is_file()
    assert (page.parent / "data" / "live.js").is_file()
    assert read_script((page.parent / "data" / "sheets.js").read_bytes(), "sheets") == [[]]
    assert not list(workshop.out.rglob("ledger*"))


def test_the_page_of_a_folder_without_one_lists_what_was_made_before(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    assert page_of(workshop.out) is None
    write(workshop)
    page = page_of(workshop.out)
    assert page is not None
    [catalog] = read_script((page.parent / "data" / "catalog.js").read_bytes(), "catalog")
    assert [row[1] for row in catalog["latest"]] == ["a.png"]


def test_a_program_at_work_writes_the_page_itself(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    with instance_lock(workshop.config().state.folder, "stylewatch watch"):
        write(workshop)
    assert page_of(workshop.out) is None


def test_a_page_is_written_once(workshop: Workshop) -> None:
    write(workshop)
    catalog = workshop.out / "gallery" / "data" / "catalog.js"
    before = catalog.stat().st_mtime_ns
    write(workshop)
    assert catalog.stat().st_mtime_ns == before


def test_the_users_page_stays(workshop: Workshop) -> None:
    page = workshop.out / "gallery" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>mine</h1>")
    with pytest.raises(StorageError, match="is not stylewatch's and stays as it is"):
        write(workshop)
    assert page.read_text() == "<h1>mine</h1>"


def test_a_run_goes_on_with_it(workshop: Workshop) -> None:
    write(workshop)
    workshop.photo("a.png")
    assert workshop.run().finished == 1
