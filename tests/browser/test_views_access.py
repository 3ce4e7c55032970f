from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.made_details import canvas, live
from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

VIEWS = {
    "#/pictures": ".selection-bar",
    "#/pictures?q=nothing-has-this-name": "#view-pictures .message",
    "#/picture?id=1": ".chart",
    "#/picture?id=5&state=all": ".message-error",
    "#/problems": ".problem",
    "#/work": ".runs",
    "#/live": ".canvas",
    "#/sheets": ".card",
    "#/sheet?id=2026-11-29-201500": ".sheet",
    "#/sheet?id=2026-11-29-201500&cell=1": "dialog[open]",
}


@pytest.fixture
def at(views: OpenedPage, views_gallery: MadeGallery) -> Iterator[OpenedPage]:
    views_gallery.write_script("live.js", "live", live(time.time(), [canvas("abc", HOSTILE_NAMES[0])]))
    views.page.evaluate("stylewatch.store.catalog.live = true")
    views.page.evaluate("stylewatch.store.loadLive()")
    views.page.evaluate("stylewatch.selection.add([1, 2])")
    yield views
    views.page.evaluate("stylewatch.selection.clear()")
    views.page.evaluate("stylewatch.store.catalog.live = false")
    views.page.emulate_media(color_scheme=None)


def show(at: OpenedPage, address: str) -> None:
    at.go(address)
    expect(at.page.locator(VIEWS[address]).first).to_be_visible()
    at.page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    at.settle()


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("address", VIEWS)
def test_nothing_keeps_people_with_disabilities_out(
    at: OpenedPage, address: str, colors: Literal["light", "dark"]
) -> None:
    at.page.emulate_media(color_scheme=colors)
    show(at, address)
    # Nothing but the colors differs.
    assert at.accessibility_faults(*(["color-contrast"] if colors == "dark" else [])) == []


def test_on_a_phone_the_current_view_is_seen_in_the_navigation_and_numbers_are_not_broken(at: OpenedPage) -> None:
    at.page.set_viewport_size({"width": 300, "height": 740})
    show(at, "#/picture?id=1")
    heights = at.page.locator(".chart-table td").evaluate_all("cells => cells.map((cell) => cell.clientHeight)")
    show(at, "#/sheets")
    place = at.page.get_by_role("link", name="Contact sheets").bounding_box()
    at.page.set_viewport_size({"width": 1440, "height": 900})
    assert max(heights) < 50
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 300


@pytest.mark.parametrize("width", [360, 3840])
def test_each_view_fits_any_screen(at: OpenedPage, width: int) -> None:
    at.page.set_viewport_size({"width": width, "height": 900})
    wide = []
    for address in VIEWS:
        show(at, address)
        if at.overflow() > 0:
            wide.append(address)
    at.page.set_viewport_size({"width": 1440, "height": 900})
    assert wide == []
