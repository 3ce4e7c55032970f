from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.made_gallery import MadeGallery, make_gallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

MANY = 10_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> MadeGallery:
    return make_gallery(tmp_path_factory.mktemp("many") / "Archive", MANY)


@pytest.fixture
def at(opened: OpenedPage) -> Iterator[OpenedPage]:
    """The page at its first view, nothing chosen."""
    opened.go("#/pictures")
    opened.page.evaluate("stylewatch.selection.clear()")
    yield opened
    opened.page.set_viewport_size({"width": 1440, "height": 900})


def test_no_width_scrolls_sideways(at: OpenedPage) -> None:
    at.page.locator(".tile-select").nth(1).click()
    at.page.evaluate("document.querySelector('.selection-commands').open = true")
    for width, height in [(360, 740), (768, 1024), (1440, 900), (3840, 2160)]:
        at.page.set_viewport_size({"width": width, "height": height})
        at.settle()
        assert at.overflow() == 0, width
        right = at.page.locator(".tile").evaluate_all(
            "tiles => Math.max(...tiles.map((tile) => tile.getBoundingClientRect().right))"
        )
        assert right <= width


def test_larger_text_makes_room_for_itself(at: OpenedPage) -> None:
    at.page.set_viewport_size({"width": 1000, "height": 900})
    at.settle()
    width = at.page.locator(".grid").evaluate("grid => grid.clientWidth")
    at.page.evaluate("document.documentElement.style.fontSize = '26px'")
    rows = at.page.locator(".grid-row")
    gap = """rows => rows[1].getBoundingClientRect().top - Math.max(...[...rows[0].querySelectorAll('.tile-note')]
        .map((note) => note.getBoundingClientRect().bottom))"""
    at.settle()
    between = rows.evaluate_all(gap)
    assert at.page.locator(".grid").evaluate("grid => grid.clientWidth") == width
    at.page.evaluate("document.documentElement.style.fontSize = ''")
    at.settle()
    assert between >= 0


def test_10000_pictures_scroll_with_few_elements_and_end_with_the_last(browser: Browser, many: MadeGallery) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = OpenedPage(context.new_page(), many.output)
    opened.page.add_init_script(
        """window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(
           (entry) => entry.value))).observe({type: 'layout-shift', buffered: true});"""
    )
    opened.open(many)
    assert opened.page.locator(".count").inner_text() == "10,000 pictures"
    assert opened.page.evaluate("window.shifts") == []
    elements = []
    for part in (0, 0.25, 0.5, 0.75, 1):
        opened.page.evaluate("part => window.scrollTo(0, part * document.documentElement.scrollHeight)", part)
        opened.settle()
        elements.append(opened.page.evaluate("document.querySelectorAll('*').length"))
    assert max(elements) < 1000
    assert opened.names()[-1] == "IMG_0.jpg"
    assert opened.page.locator(".tile").last.is_visible()
    opened.require_faultless()
    context.close()


def test_what_is_gone_above_moves_nothing_that_is_looked_at(own: OpenedPage, tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "Shrinking", 900)
    own.open(gallery)
    own.page.evaluate("window.scrollTo(0, 6000)")
    own.settle()
    place = """() => { const tile = [...document.querySelectorAll('.tile')].find(
        (tile) => tile.getBoundingClientRect().top > 100);
        return [tile.querySelector('.tile-name').textContent, Math.round(tile.getBoundingClientRect().top)]; }"""
    name, top = own.page.evaluate(place)
    own.page.evaluate("window.kept = [...document.querySelectorAll('.tile')]")
    gallery.rows = gallery.rows[:-40]
    gallery.write_list(revision="2")
    own.page.evaluate("stylewatch.store.refresh()")
    own.wait_for_list()
    assert own.page.locator(".count").inner_text() == "860 pictures"
    same = """name => Math.round([...document.querySelectorAll('.tile')].find(
        (tile) => tile.querySelector('.tile-name').textContent === name).getBoundingClientRect().top)"""
    assert own.page.evaluate("window.kept.filter((tile) => tile.isConnected).length") > 10
    assert abs(own.page.evaluate(same, name) - top) <= 400  # rows break elsewhere, the place stays


def test_while_a_program_works_new_pictures_come_in_without_a_reload(own: OpenedPage, tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "Live", 30, live=True, written=100)
    work = {"written": 100, "note": "", "left": 1, "seconds_left": None, "done": 0, "canvases": []}
    gallery.write_script("live.js", "live", work | {"working": True, "catalog_written": 100})
    own.open(gallery)
    catalogs = len([address for address in own.requests if "catalog.js" in address])
    own.page.evaluate("stylewatch.store.refresh()")
    assert len([address for address in own.requests if "catalog.js" in address]) == catalogs
    gallery.rows = [*gallery.rows, replace(gallery.rows[-1], id=31, photo="new.jpg")]
    gallery.changes = {"live": False, "written": 101}
    gallery.write_list(revision="2")
    gallery.write_script("live.js", "live", work | {"working": False, "catalog_written": 101})
    own.page.evaluate("stylewatch.store.refresh()")
    own.wait_for_list()
    own.page.get_by_role("button", name="Show 1 new picture").click()
    own.settle()
    assert own.names()[0] == "new.jpg"
    assert own.page.locator(".count").inner_text() == "31 pictures"


def test_the_focus_stays_on_its_picture_when_others_come_in_or_the_window_changes(
    own: OpenedPage, tmp_path: Path
) -> None:
    gallery = make_gallery(tmp_path / "Focus", 60)
    own.open(gallery)
    own.page.locator(".tile-link").nth(7).focus()
    focused = "document.activeElement.querySelector('.tile-name')?.textContent"
    assert own.page.evaluate(focused) == "IMG_52.jpg"
    gallery.rows = [row for row in gallery.rows if row.id != 58]
    gallery.write_list(revision="2")
    own.page.evaluate("stylewatch.store.refresh()")
    own.wait_for_list()
    assert "IMG_57.jpg" not in own.names()
    assert own.page.evaluate(focused) == "IMG_52.jpg"
    own.page.set_viewport_size({"width": 700, "height": 900})
    own.settle()
    assert own.page.evaluate(focused) == "IMG_52.jpg"


def test_fingers_select_on_a_phone(browser: Browser, small_gallery: MadeGallery) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    opened = OpenedPage(context.new_page(), small_gallery.output)
    opened.open(small_gallery)
    target = opened.page.locator(".tile-select").nth(1)
    box = target.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44 - 0.5
    target.tap()
    assert opened.page.locator(".selection-head strong").inner_text() == "1 selected"
    assert opened.page.locator("[role=gridcell][aria-selected=true]").count() == 1
    opened.page.locator("summary", has_text="Filters").tap()
    opened.page.get_by_label("Style", exact=True).select_option("wave")
    assert opened.page.locator(".count").inner_text() == "400 of 1,214 pictures"
    opened.page.locator(".tile-link").nth(2).tap()
    assert "#/picture?id=" in opened.page.url
    opened.require_faultless()
    context.close()


def test_on_paper_are_the_first_pictures_and_no_controls(at: OpenedPage) -> None:
    at.page.set_viewport_size({"width": 800, "height": 1100})
    at.page.emulate_media(media="print")
    at.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert 300 <= at.page.locator(".tile").count() < 310
    for hidden in (".frame-header", ".toolbar", ".tile-select"):
        assert at.page.locator(hidden).first.is_hidden()
    at.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert at.page.locator(".tile").count() < 100
    at.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    tops = at.page.locator(".grid-row").evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().top)")
    assert tops == sorted(set(tops))
    at.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    at.page.emulate_media(media="screen")


def test_it_works_over_http_too(own: OpenedPage, small_gallery: MadeGallery) -> None:
    handler = partial(QuietHandler, directory=str(small_gallery.output))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        own.page.goto(f"http://127.0.0.1:{server.server_port}/gallery/index.html#/pictures?style=wave")
        own.wait_for_list()
        assert own.page.locator(".count").inner_text() == "400 of 1,214 pictures"
        assert own.page.evaluate("stylewatch.links.photo('a.jpg')") is None
        assert any(address.endswith("/data/chunks/0002.js?1") for address in own.requests)
        own.requests.clear()
        own.page.goto("about:blank")
        assert all(address.startswith(f"http://127.0.0.1:{server.server_port}/") for address in own.requests)
        own.requests.clear()
        own.page.goto("about:blank")
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_gallery_without_its_list_says_what_to_do(own: OpenedPage, tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "Summer", 1, thumbnails=1)
    (gallery.folder / "data" / "catalog.js").unlink()
    own.page.goto(gallery.address)
    expect(own.page.get_by_role("alert")).to_contain_text("make the gallery again")
    own.page.goto("about:blank")
    own.faults.clear()
    own.requests.clear()
