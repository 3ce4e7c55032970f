from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import TIMEOUT_MILLISECONDS
from tests.browser.made_details import PHOTO_THUMBNAIL, make_views_gallery, sheet
from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

SHEET = "#/sheet?id=2026-11-29-201500"


@pytest.fixture
def at(views: OpenedPage) -> OpenedPage:
    """The contact sheet."""
    views.go("#/sheets")
    views.go(SHEET)
    expect(views.page.locator(".sheet").first).to_be_visible()
    return views


def test_the_list_leads_to_the_sheets(views: OpenedPage) -> None:
    views.go("#/sheets")
    card = views.page.locator(".card")
    expect(card).to_contain_text(f"{HOSTILE_NAMES[0]} in night")
    assert "12 pictures" in card.inner_text()
    card.click()
    expect(views.page.locator(".sheet").first).to_be_visible()


def test_a_sheet_is_shown_again_after_one_that_is_not_there(at: OpenedPage) -> None:
    heading = at.page.get_by_role("heading", level=1)
    at.go("#/sheet")
    expect(heading.filter(has_text="No such contact sheet")).to_be_visible()
    at.go(SHEET)
    expect(at.page.locator(".sheet").first).to_be_visible()


def test_without_sheets_a_command_makes_one(at: OpenedPage) -> None:
    at.page.evaluate(
        """() => {
          window.kept = [stylewatch.store.catalog.config_path, stylewatch.store.loadSheets];
          stylewatch.store.catalog.config_path = "it's mine.yaml";
          stylewatch.store.loadSheets = async () => [];
        }"""
    )
    at.go("#/sheets")
    expect(at.page.locator(".view-sheets .command")).to_have_text(
        "stylewatch try 'it'\\''s mine.yaml' --sample 3 --set 'strength=[0.3, 0.5, 0.7]'"
    )
    at.page.evaluate("[stylewatch.store.catalog.config_path, stylewatch.store.loadSheets] = window.kept")


def test_two_settings_are_rows_and_columns_and_photos_are_groups(at: OpenedPage) -> None:
    assert at.page.locator(".sheet-group").count() == 2
    group = at.page.locator(".sheet-group").nth(1)
    assert group.locator("thead th").all_inner_texts() == ["size: 256", "size: 512"]
    heads = [head.replace("\n", " ") for head in group.locator("tbody th").all_inner_texts()]
    assert heads == ["content_weight: 0.01", "content_weight: 0.02", "content_weight: 0.05"]
    assert group.locator("td a img").count() == 5
    assert group.locator(".group-photo").get_attribute("src") == PHOTO_THUMBNAIL
    assert group.locator(".cell-error").inner_text() == "The memory ran out."
    assert "11 of 12 pictures" in at.page.locator(".sheet-note").inner_text()


ARRANGED = """sheet => {
  const {rows, columns, groups} = stylewatch.sheetTable.arrange(sheet);
  const value = ({titles, cells}) => [titles.map((title) => title.value).join(), cells];
  return [rows.name, columns.name, groups.map(value)];
}"""


def arranged(at: OpenedPage, cells: list[tuple[int, str, list[int]]], axes: list[tuple[str, list[str]]]) -> Any:
    sheet = {
        "photos": [{"name": "a.jpg"}, {"name": "b.jpg"}],
        "axes": [{"setting": setting, "values": values} for setting, values in axes],
        "cells": [{"photo": p, "style": style, "recipe": "default", "values": values} for p, style, values in cells],
    }
    return at.page.evaluate(ARRANGED, sheet)


def test_one_setting_is_set_against_the_photos(at: OpenedPage) -> None:
    cells = [(photo, "night", [value]) for photo in range(2) for value in range(2)]
    assert arranged(at, cells, [("seed", ["1", "2"])]) == ["seed", "photo", [["", [[0, 2], [1, 3]]]]]


def test_without_settings_photos_and_styles_are_the_axes(at: OpenedPage) -> None:
    cells = [(photo, style, []) for photo in range(2) for style in ("night", "wave")]
    assert arranged(at, cells, []) == ["photo", "style", [["", [[0, 1], [2, 3]]]]]


def test_a_third_setting_and_styles_are_groups(at: OpenedPage) -> None:
    values = [[a, b, c] for a in range(2) for b in range(2) for c in range(2)]
    cells = [(0, style, value) for style in ("night", "wave") for value in values]
    axes = [("a", ["1", "2"]), ("b", ["3", "4"]), ("c", ["5", "6"])]
    rows, columns, groups = arranged(at, cells, axes)
    assert (rows, columns) == ("a", "b")
    assert [title for title, _ in groups] == ["5,a.jpg,night", "5,a.jpg,wave", "6,a.jpg,night", "6,a.jpg,wave"]
    assert groups[1][1] == [[8, 10], [12, 14]]


def test_heads_stay_in_sight(at: OpenedPage) -> None:
    at.page.set_viewport_size({"width": 390, "height": 600})
    region = at.page.locator(".sheet-scroll").first
    region.evaluate("node => node.scrollTo(120, 200)")
    box, scroll = at.page.locator(".sheet tbody th").first.bounding_box(), region.bounding_box()
    head = at.page.locator(".sheet thead th").first.bounding_box()
    assert box is not None
    assert scroll is not None
    assert head is not None
    assert box["x"] == pytest.approx(scroll["x"], abs=1)
    assert head["y"] == pytest.approx(scroll["y"], abs=1)
    at.page.set_viewport_size({"width": 1440, "height": 900})


def test_a_picture_opens_large_with_its_commands_and_keys(at: OpenedPage) -> None:
    links = at.page.locator(".cell-link")
    links.nth(1).focus()
    at.page.keyboard.press("Enter")
    dialog = at.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading", level=2)).to_have_text("content_weight 0.01, size 512, night")
    at.expect_address(f"{SHEET}&cell=1")
    assert dialog.locator(".comparison-photo").count() == 1
    command = dialog.locator(".command").first.inner_text()
    assert command.startswith("stylewatch adopt stylewatch.yaml ")
    assert dialog.locator(".command").nth(1).inner_text().startswith("stylewatch try stylewatch.yaml --like ")
    at.page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading", level=2)).to_have_text("content_weight 0.02, size 256, night")
    at.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    at.expect_address(SHEET)
    assert at.page.evaluate("document.activeElement.className") == "cell-link"


def test_commands_are_copied_out_of_a_dialog_also_without_the_browsers_clipboard(at: OpenedPage) -> None:
    at.page.evaluate(
        """() => {
          Object.defineProperty(navigator, 'clipboard', {configurable: true, value: undefined});
          window.copied = [];
          document.addEventListener('copy', () => window.copied.push(String(document.activeElement.value)));
        }"""
    )
    at.go(f"{SHEET}&cell=1")
    dialog = at.page.get_by_role("dialog")
    dialog.locator(".command-row button").first.click()
    expect(dialog.locator(".command-row button").first).to_have_text("Copied")
    assert at.page.evaluate("window.copied") == [dialog.locator(".command").first.inner_text() + "\n"]
    at.page.evaluate("delete navigator.clipboard")
    at.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_deep_link_opens_the_picture(at: OpenedPage) -> None:
    at.go("#/sheets")
    at.go(f"{SHEET}&cell=7")
    expect(at.page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(
        "content_weight 0.01, size 512, night"
    )
    at.page.go_back()
    expect(at.page.get_by_role("dialog")).to_be_hidden()


def test_everything_of_a_sheet_is_printed(at: OpenedPage) -> None:
    at.page.emulate_media(media="print")
    assert at.page.locator(".sheet-scroll").first.evaluate("node => getComputedStyle(node).overflow") == "visible"
    assert not at.page.locator(".frame-header").is_visible()
    at.page.emulate_media(media="screen")


@pytest.fixture
def trying(browser: Browser, tmp_path: Path) -> Iterator[OpenedPage]:
    """A page with a clock that the test turns, of a gallery of its own."""
    make_views_gallery(tmp_path / "Summer", HOSTILE_NAMES[:2])
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    opened = OpenedPage(context.new_page(), tmp_path / "Summer")
    opened.page.clock.install()
    yield opened
    context.close()
    assert opened.faults == []


def test_pictures_of_a_try_come_in_while_the_sheet_is_open(trying: OpenedPage) -> None:
    gallery = MadeGallery(trying.folder, [])
    whole = sheet("ab" * 10, HOSTILE_NAMES) | {"time": round(time.time())}
    made = whole["cells"][0] | {"thumb": "", "picture": PHOTO_THUMBNAIL}
    waiting = made | {"picture": None, "width": 0, "values": [1, 0]}
    for cells in ([made, waiting], [made, made | {"values": [1, 0]}]):
        gallery.write_script("sheets/new.js", "sheet", "new", whole | {"id": "new", "cells": cells})
        if cells[1]["picture"] is None:
            trying.page.goto(gallery.address + "#/sheet?id=new")
            expect(trying.page.locator(".cell-empty", has_text="not made yet")).to_have_count(1)
            assert "1 of 2 pictures" in trying.page.locator(".sheet-note").inner_text()
    trying.page.clock.run_for(5100)
    expect(trying.page.locator(".cell-link")).to_have_count(2)
    expect(trying.page.locator(".cell-empty", has_text="not made yet")).to_have_count(0)
