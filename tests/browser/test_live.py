from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import TIMEOUT_MILLISECONDS
from tests.browser.made_details import canvas, live
from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery, drawn_picture
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

IMAGE = "live/abc.webp"


@pytest.fixture
def at(views: OpenedPage, views_gallery: MadeGallery) -> Iterator[OpenedPage]:
    """The live view, while a program works."""
    (views_gallery.folder / "live").mkdir(exist_ok=True)
    drawn_picture(1, (300, 200)).save(views_gallery.folder / IMAGE)
    views.page.evaluate("stylewatch.store.catalog.live = true")
    views.go("#/live")
    yield views
    views.page.evaluate("stylewatch.store.catalog.live = false")


def say(at: OpenedPage, gallery: MadeGallery, canvases: Sequence[Mapping[str, Any]], **changes: Any) -> None:
    """Write what the program says, and have it read now."""
    gallery.write_script("live.js", "live", live(changes.pop("written", time.time()), canvases, **changes))
    at.page.evaluate("stylewatch.store.loadLive()")


def test_pictures_in_progress_are_shown_with_losses_and_a_curve(at: OpenedPage, views_gallery: MadeGallery) -> None:
    say(
        at,
        views_gallery,
        [canvas("abc", HOSTILE_NAMES[0], image=IMAGE, revision=1), canvas("d", "b.jpg", losses=None)],
    )
    canvases = at.page.locator(".canvas")
    assert canvases.count() == 2
    text = canvases.nth(0).inner_text()
    assert HOSTILE_NAMES[0] in text
    assert "Size 2 of 2 (256 px) · evaluation 30 of at most 60" in text
    assert "Loss 0.05 = style 0.03 + content 0.02" in text
    assert len((canvases.nth(0).locator(".spark polyline").get_attribute("points") or "").split()) == 3
    assert canvases.nth(0).get_by_role("progressbar").evaluate("bar => bar.value") == 0.75
    expect(canvases.nth(0).locator("img")).to_have_attribute("src", f"{IMAGE}?1")
    assert canvases.nth(1).locator("img").count() == 0
    assert (
        at.page.locator(".live-state").inner_text() == "2 pictures in progress, 120 made, 20 left, about 1 h 7 min."
    )
    assert at.page.locator(".navigation").get_by_role("link", name="Live").inner_text() == "Live 2"


def test_before_the_first_picture_no_number_is_shown(at: OpenedPage, views_gallery: MadeGallery) -> None:
    say(at, views_gallery, [])
    assert at.page.locator(".live-state").inner_text().startswith("The first picture begins soon, 120 made")
    assert at.page.get_by_role("link", name="Live").inner_text() == "Live"


def test_a_newer_picture_replaces_the_older_one_in_the_same_place(at: OpenedPage, views_gallery: MadeGallery) -> None:
    first, second = canvas("abc", "a.jpg", image=IMAGE, revision=1), canvas("d", "b.jpg")
    say(at, views_gallery, [first, second])
    at.page.locator(".canvas").nth(1).evaluate("node => { node.dataset.kept = 'yes'; }")
    say(at, views_gallery, [first | {"revision": 2}, second | {"iteration": 31}])
    expect(at.page.locator(".canvas").nth(0).locator("img")).to_have_attribute("src", f"{IMAGE}?2")
    assert at.page.locator(".canvas").nth(1).get_attribute("data-kept") == "yes"
    assert "evaluation 31" in at.page.locator(".canvas").nth(1).inner_text()
    say(at, views_gallery, [second])
    assert at.page.locator(".canvas").count() == 1


def test_a_picture_in_progress_is_shown_whole(at: OpenedPage, views_gallery: MadeGallery) -> None:
    drawn_picture(2, (200, 200)).save(views_gallery.folder / "live/tall.webp")
    say(at, views_gallery, [canvas("tall", "a.jpg", image="live/tall.webp", revision=1)])
    image = at.page.locator(".canvas-stage img")
    expect(image).to_be_visible()
    outer, inner = at.page.locator(".canvas-stage").bounding_box(), image.bounding_box()
    assert inner == outer
    assert image.evaluate("image => getComputedStyle(image).objectFit") == "contain"


def test_a_program_that_died_is_told_with_its_last_sign_of_life(at: OpenedPage, views_gallery: MadeGallery) -> None:
    say(at, views_gallery, [canvas("abc", "a.jpg")], written=time.time() - 200)
    assert "No sign of life since" in at.page.locator(".live-state").inner_text()
    assert "3 min ago" in at.page.locator(".live-state").inner_text()
    assert at.page.locator(".navigation").get_by_role("link", name="Live").inner_text() == "Live"
    say(at, views_gallery, [], working=False, note="resting until 22:00", written=time.time() - 2)
    assert at.page.locator(".live-state").inner_text() == (
        "No picture is in progress: resting until 22:00. Last sign of life just now."
    )


def test_without_a_program_the_view_says_what_would_be_shown(at: OpenedPage, views_gallery: MadeGallery) -> None:
    say(at, views_gallery, [], working=False, written=time.time() - 7200)
    at.page.evaluate("stylewatch.store.catalog.live = false")
    at.go("#/work")
    at.go("#/live")
    words = at.page.locator(".live-state").inner_text()
    assert words.startswith("No program is at work.")
    assert words.endswith("Last sign of life 2 h 0 min ago.")


@pytest.fixture
def working(browser: Browser, views_gallery: MadeGallery) -> Iterator[OpenedPage]:
    """A page opened while a program works, with a clock that the test turns."""
    views_gallery.changes = {**views_gallery.changes, "live": True}
    views_gallery.write_list()
    views_gallery.write_script("live.js", "live", live(time.time(), [canvas("abc", "a.jpg")]))
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    opened = OpenedPage(context.new_page(), views_gallery.output)
    opened.page.clock.install()
    yield opened
    context.close()
    views_gallery.changes = {**views_gallery.changes, "live": False}
    views_gallery.write_list()


def test_the_small_file_is_read_again_every_two_seconds(working: OpenedPage, views_gallery: MadeGallery) -> None:
    working.page.goto(views_gallery.address + "#/live")
    working.page.clock.run_for(2500)
    expect(working.page.locator(".canvas")).to_have_count(1)
    views_gallery.write_script("live.js", "live", live(time.time(), [canvas("abc", "a.jpg"), canvas("d", "b.jpg")]))
    working.page.clock.run_for(2500)
    expect(working.page.locator(".canvas")).to_have_count(2)
    assert working.faults == []
