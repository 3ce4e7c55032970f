from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.made_gallery import NEWEST_SECONDS, MadeGallery, Row, make_gallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow


@pytest.fixture
def gallery(tmp_path: Path) -> MadeGallery:
    return make_gallery(tmp_path / "Summer", 120, thumbnails=6)


@pytest.fixture
def opened(own: OpenedPage, gallery: MadeGallery) -> OpenedPage:
    own.open(gallery)
    return own


def come(opened: OpenedPage, gallery: MadeGallery, count: int) -> None:
    """Let so many pictures come, newest first, and the page hear of them."""
    first, thumb = len(gallery.rows) + 1, gallery.rows[0].thumb
    new = [
        Row(id=first + number, photo=f"new{first + number}.jpg", time=NEWEST_SECONDS + number, thumb=thumb)
        for number in range(count)
    ]
    gallery.rows = [*gallery.rows, *new]
    gallery.write_list(revision=f"with {count}")
    # What the page does by itself once a minute, or as a program at work says so.
    opened.page.evaluate(
        """() => new Promise((resolve) => {
          for (const [number, name] of [[0, 'catalog.js'], [1, 'chunks/0000.js']]) {
            const script = document.createElement('script');
            script.src = `data/${name}?new`;
            script.addEventListener('load', () => number && resolve());
            setTimeout(() => document.head.append(script), number * 50);
          }
        })"""
    )
    opened.settle()


def test_new_pictures_wait_for_a_click_and_nothing_moves(opened: OpenedPage, gallery: MadeGallery) -> None:
    opened.page.evaluate("window.scrollTo(0, 600)")
    opened.settle()
    before = opened.names(), opened.page.evaluate("window.scrollY")
    come(opened, gallery, 5)
    button = opened.page.get_by_role("button", name="Show 5 new pictures")
    expect(button).to_be_in_viewport()
    assert (opened.names(), opened.page.evaluate("window.scrollY")) == before
    button.click()
    opened.settle()
    assert opened.names()[:5] == [f"new{number}.jpg" for number in range(125, 120, -1)]
    assert opened.page.evaluate("window.scrollY") == 0
    assert opened.page.evaluate("document.activeElement.innerText").startswith("new125.jpg")
    expect(button).to_be_hidden()
    assert opened.page.locator(".count").inner_text() == "125 pictures"


def test_who_changes_the_filter_sees_all_there_is(opened: OpenedPage, gallery: MadeGallery) -> None:
    come(opened, gallery, 1)
    expect(opened.page.get_by_role("button", name="Show 1 new picture")).to_be_visible()
    opened.go("#/pictures?q=new")
    assert opened.names() == ["new121.jpg"]
    expect(opened.page.locator(".arrivals")).to_be_hidden()
