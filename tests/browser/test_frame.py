from __future__ import annotations

from collections.abc import Iterator

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


def test_what_comes_in_above_moves_nothing_and_what_is_gone_leaves(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gallery = make_gallery(tmp_path_factory.mktemp("growing") / "Growing", 900)
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
    gallery.rows = [
        *(row for row in gallery.rows if row.id != 900),
        *(
            row.__class__(id=1000 + n, photo=f"new{n}.jpg", time=row.time, size=row.size, thumb=row.thumb)
            for n, row in enumerate(gallery.rows[-40:])
        ),
    ]
    gallery.write_list(revision="2")
    opened.page.evaluate("stylewatch.store.refresh()")
    opened.wait_for_list()
    assert opened.page.locator(".count").inner_text() == "939 pictures"
    same = f"""() => Math.round([...document.querySelectorAll('.tile')].find(
        (tile) => tile.querySelector('.tile-name').textContent === '{name}').getBoundingClientRect().top)"""
    assert opened.page.evaluate("window.kept.filter((tile) => tile.isConnected).length") > 10
    assert abs(opened.page.evaluate(same) - top) <= 400  # rows break elsewhere, the place stays
    faultless(opened)
    context.close()


def test_a_gallery_without_its_list_says_what_to_do(browser: Browser, small_gallery: MadeGallery) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/catalog.js*", lambda route: route.abort())
    page.goto(small_gallery.address)
    message = page.get_by_role("alert")
    message.wait_for()
    assert "make the gallery again" in message.inner_text()
    context.close()
