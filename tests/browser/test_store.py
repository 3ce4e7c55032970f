from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.made_gallery import STYLES, MadeGallery, make_gallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

WRITTEN = 100


@pytest.fixture
def gallery(tmp_path: Path) -> MadeGallery:
    """1,100 pictures in three chunks."""
    return make_gallery(tmp_path / "Summer", 1100, thumbnails=1, written=WRITTEN)


def refresh(own: OpenedPage) -> None:
    """Let the page look for what is new, as it does by itself now and then."""
    own.page.evaluate("stylewatch.store.refresh()")


def count(own: OpenedPage) -> Any:
    return own.page.evaluate("stylewatch.store.entries().length")


@pytest.mark.parametrize(("damaged", "is_live"), [(None, True), (b"stylewatch.chunk(1, {", False)])
def test_a_chunk_that_can_not_be_read_is_named_and_read_later(
    own: OpenedPage, gallery: MadeGallery, damaged: bytes | None, is_live: bool
) -> None:
    gallery.changes = {"live": is_live, "written": WRITTEN}
    gallery.write_list()
    gallery.write_script("live.js", "live", {"written": WRITTEN, "working": True, "catalog_written": WRITTEN})
    chunk = gallery.folder / "data" / "chunks" / "0001.js"
    whole = chunk.read_bytes()
    if damaged is None:
        chunk.unlink()
    else:
        chunk.write_bytes(damaged)
    own.open(gallery)
    expect(own.page.locator(".count")).to_contain_text("a part of the list could not be read; it is tried again")
    chunk.write_bytes(whole)
    refresh(own)
    assert count(own) == 1100
    assert own.page.evaluate("stylewatch.store.progress().failedLoads") == 0
    own.faults.clear()


def test_a_page_without_its_live_file_looks_at_the_list_itself(own: OpenedPage, gallery: MadeGallery) -> None:
    gallery.changes = {"live": True, "written": WRITTEN}
    gallery.write_list()
    own.open(gallery)
    gallery.rows = gallery.rows[:-1]
    gallery.write_list(revision="2")
    refresh(own)
    assert count(own) == 1099
    own.faults.clear()


def test_pictures_of_a_chunk_that_is_gone_are_gone(own: OpenedPage, gallery: MadeGallery) -> None:
    own.open(gallery)
    gallery.rows = [row for row in gallery.rows if row.id >= 500]
    gallery.write_list()
    refresh(own)
    assert count(own) == 601


def test_styles_that_were_numbered_anew_are_called_by_their_names(own: OpenedPage, gallery: MadeGallery) -> None:
    own.open(gallery)
    style = "stylewatch.store.entry(700).style"
    before = own.page.evaluate(style)
    gallery.changes = {"styles": STYLES[::-1]}
    gallery.write_list()
    refresh(own)
    assert own.page.evaluate(style) == STYLES[::-1][STYLES.index(before)] != before


def test_what_has_not_changed_is_not_read_or_sorted_again(own: OpenedPage, gallery: MadeGallery) -> None:
    gallery.changes = {"live": True, "written": WRITTEN}
    gallery.write_list()
    resting = {"written": WRITTEN, "working": False, "note": "resting", "catalog_written": WRITTEN}
    gallery.write_script("live.js", "live", resting)
    own.open(gallery)
    own.page.evaluate("window.kept = stylewatch.store.entries()")
    own.requests.clear()
    refresh(own)
    assert not [address for address in own.requests if "catalog.js" in address]
    gallery.write_script("live.js", "live", resting | {"catalog_written": WRITTEN + 1})
    refresh(own)
    assert [address for address in own.requests if "catalog.js" in address]
    assert own.page.evaluate("stylewatch.store.entries() === window.kept")


def test_older_pictures_stay_listed_while_new_ones_are_wanted(own: OpenedPage, gallery: MadeGallery) -> None:
    first, second, third, *others = gallery.rows
    waiting, without = replace(first, state="pending"), replace(second, state="pending", thumb="")
    gallery.rows = [waiting, without, replace(third, state="rejected"), *others]
    gallery.write_list()
    own.open(gallery)
    listed: set[int] = set(own.page.evaluate("stylewatch.listing.entries({}).map((entry) => entry.id)"))
    assert listed == {row.id for row in (waiting, *others)}
    assert own.page.evaluate("stylewatch.listing.entries({state: 'done'}).length") == len(others)
    expect(own.page.get_by_label("State").locator("option:checked")).to_have_text(f"With a picture ({len(listed):,})")


def test_jobs_that_are_not_listed_are_not_counted_either(own: OpenedPage, gallery: MadeGallery) -> None:
    gallery.changes = {"counts": {"done": 1100, "withdrawn": 400}}
    gallery.write_list()
    own.open(gallery)
    expect(own.page.locator(".count")).to_have_text("1,100 pictures")
