from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser

from tests.browser.made_gallery import MadeGallery, make_gallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

MANY = 10_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> MadeGallery:
    return make_gallery(tmp_path_factory.mktemp("many") / "Archive", MANY)


def faultless(opened: OpenedPage) -> None:
    assert opened.faults == []
    assert opened.requests_outside() == []


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, small_gallery: MadeGallery) -> Iterator[OpenedPage]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param)
    opened = OpenedPage(context.new_page(), small_gallery.output)
    opened.open(small_gallery)
    yield opened
    faultless(opened)
    context.close()


def test_axe_finds_nothing_in_light_and_dark(themed: OpenedPage) -> None:
    themed.page.locator(".tile-select").nth(1).click()
    themed.page.locator(".selection-commands summary").click()
    assert themed.accessibility_faults() == []
    themed.go("#/pictures?q=nothing-has-this-name")
    themed.page.evaluate("stylewatch.selection.clear()")
    assert themed.accessibility_faults() == []


def test_no_width_scrolls_sideways(themed: OpenedPage) -> None:
    themed.page.locator(".tile-select").nth(1).click()
    themed.page.locator(".selection-commands summary").click()
    for width, height in [(360, 740), (768, 1024), (1440, 900), (3840, 2160)]:
        themed.page.set_viewport_size({"width": width, "height": height})
        themed.settle()
        assert themed.overflow() == 0, width
        right = themed.page.locator(".tile").evaluate_all(
            "tiles => Math.max(...tiles.map((tile) => tile.getBoundingClientRect().right))"
        )
        assert right <= width


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
    faultless(opened)
    context.close()


def test_what_is_gone_above_moves_nothing_that_is_looked_at(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gallery = make_gallery(tmp_path_factory.mktemp("shrinking") / "Shrinking", 900)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = OpenedPage(context.new_page(), gallery.output)
    opened.open(gallery)
    opened.page.evaluate("window.scrollTo(0, 6000)")
    opened.settle()
    place = """() => { const tile = [...document.querySelectorAll('.tile')].find(
        (tile) => tile.getBoundingClientRect().top > 100);
        return [tile.querySelector('.tile-name').textContent, Math.round(tile.getBoundingClientRect().top)]; }"""
    name, top = opened.page.evaluate(place)
    opened.page.evaluate("window.kept = [...document.querySelectorAll('.tile')]")
    gallery.rows = gallery.rows[:-40]
    gallery.write_list(revision="2")
    opened.page.evaluate("stylewatch.store.refresh()")
    opened.wait_for_list()
    assert opened.page.locator(".count").inner_text() == "860 pictures"
    same = """name => Math.round([...document.querySelectorAll('.tile')].find(
        (tile) => tile.querySelector('.tile-name').textContent === name).getBoundingClientRect().top)"""
    assert opened.page.evaluate("window.kept.filter((tile) => tile.isConnected).length") > 10
    assert abs(opened.page.evaluate(same, name) - top) <= 400  # rows break elsewhere, the place stays
    faultless(opened)
    context.close()


def test_while_a_program_works_new_pictures_come_in_without_a_reload(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gallery = make_gallery(tmp_path_factory.mktemp("live") / "Live", 30, live=True, written=100)
    work = {"written": 100, "note": "", "left": 1, "seconds_left": None, "done": 0, "canvases": []}
    gallery.write_script("live.js", "live", work | {"working": True, "catalog_written": 100})
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = OpenedPage(context.new_page(), gallery.output)
    opened.open(gallery)
    catalogs = len([address for address in opened.requests if "catalog.js" in address])
    opened.page.evaluate("stylewatch.store.refresh()")
    assert len([address for address in opened.requests if "catalog.js" in address]) == catalogs
    gallery.rows = [*gallery.rows, replace(gallery.rows[-1], id=31, photo="new.jpg")]
    gallery.changes = {"live": False, "written": 101}
    gallery.write_list(revision="2")
    gallery.write_script("live.js", "live", work | {"working": False, "catalog_written": 101})
    opened.page.evaluate("stylewatch.store.refresh()")
    opened.wait_for_list()
    opened.page.get_by_role("button", name="Show 1 new picture").click()
    opened.settle()
    assert opened.names()[0] == "new.jpg"
    assert opened.page.locator(".count").inner_text() == "31 pictures"
    faultless(opened)
    context.close()


def test_the_focus_stays_on_its_picture_when_others_come_in_or_the_window_changes(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gallery = make_gallery(tmp_path_factory.mktemp("focus") / "Focus", 60)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = OpenedPage(context.new_page(), gallery.output)
    opened.open(gallery)
    opened.page.locator(".tile-link").nth(7).focus()
    focused = "document.activeElement.querySelector('.tile-name')?.textContent"
    assert opened.page.evaluate(focused) == "IMG_52.jpg"
    gallery.rows = [row for row in gallery.rows if row.id != 58]
    gallery.write_list(revision="2")
    opened.page.evaluate("stylewatch.store.refresh()")
    opened.wait_for_list()
    assert "IMG_57.jpg" not in opened.names()
    assert opened.page.evaluate(focused) == "IMG_52.jpg"
    opened.page.set_viewport_size({"width": 700, "height": 900})
    opened.settle()
    assert opened.page.evaluate(focused) == "IMG_52.jpg"
    faultless(opened)
    context.close()


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
    faultless(opened)
    context.close()


def test_on_paper_are_the_first_pictures_and_no_controls(browser: Browser, small_gallery: MadeGallery) -> None:
    context = browser.new_context(viewport={"width": 800, "height": 1100})
    opened = OpenedPage(context.new_page(), small_gallery.output)
    opened.open(small_gallery)
    opened.page.emulate_media(media="print")
    opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert 300 <= opened.page.locator(".tile").count() < 310
    for hidden in (".frame-header", ".toolbar", ".tile-select"):
        assert opened.page.locator(hidden).first.is_hidden()
    opened.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator(".tile").count() < 100
    opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    tops = opened.page.locator(".grid-row").evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().top)")
    assert tops == sorted(set(tops))
    faultless(opened)
    context.close()


def test_it_works_over_http_too(browser: Browser, small_gallery: MadeGallery) -> None:
    handler = partial(QuietHandler, directory=str(small_gallery.output))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        context = browser.new_context()
        opened = OpenedPage(context.new_page(), small_gallery.output)
        opened.page.goto(f"http://127.0.0.1:{server.server_port}/gallery/index.html#/pictures?style=wave")
        opened.wait_for_list()
        assert opened.page.locator(".count").inner_text() == "400 of 1,214 pictures"
        assert opened.page.evaluate("stylewatch.links.photo('a.jpg')") is None
        assert opened.faults == []
        assert any(address.endswith("/data/chunks/0002.js?1") for address in opened.requests)
        assert all(address.startswith(f"http://127.0.0.1:{server.server_port}/") for address in opened.requests)
        context.close()
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_gallery_without_its_list_says_what_to_do(browser: Browser, small_gallery: MadeGallery) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/catalog.js*", lambda route: route.abort())
    page.goto(small_gallery.address)
    message = page.get_by_role("alert")
    message.wait_for()
    assert "make the gallery again" in message.inner_text()
    context.close()
