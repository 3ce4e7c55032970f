from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import ARGUMENTS, advice, find_chromium
from tests.browser.made_details import make_views_gallery, write_all_details
from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery, make_gallery
from tests.browser.opened_page import OpenedPage

TIMEOUT_MILLISECONDS = 10_000


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this package in a process, gone before others count processes and threads."""
    program = find_chromium()
    if program is None:
        pytest.fail(advice(), pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def small_gallery(tmp_path_factory: pytest.TempPathFactory) -> MadeGallery:
    """1,200 pictures in three chunks, and hostile names."""
    gallery = make_gallery(tmp_path_factory.mktemp("browser") / "Summer", 1200, names=HOSTILE_NAMES)
    write_all_details(gallery)
    return gallery


@pytest.fixture(scope="session")
def views_gallery(tmp_path_factory: pytest.TempPathFactory) -> MadeGallery:
    """A few pictures in all states, with details, problems, runs and a contact sheet."""
    return make_views_gallery(tmp_path_factory.mktemp("views") / "Summer", HOSTILE_NAMES)


@pytest.fixture(scope="package")
def shared_page(browser: Browser, small_gallery: MadeGallery) -> Iterator[OpenedPage]:
    """One page of the small gallery for all tests of a process: opening it is what takes time."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    opened = OpenedPage(context.new_page(), small_gallery.output)
    opened.open(small_gallery)
    yield opened
    context.close()


@pytest.fixture
def opened(shared_page: OpenedPage) -> Iterator[OpenedPage]:
    """The shared page; a test fails where it wrote to the console, threw, asked, or read outside its folder."""
    shared_page.faults.clear()
    shared_page.requests.clear()
    yield shared_page
    assert shared_page.faults == []
    assert shared_page.requests_outside() == []


@pytest.fixture(scope="package")
def views_page(browser: Browser, views_gallery: MadeGallery) -> Iterator[OpenedPage]:
    """One page of the views' gallery, of a screen that can be touched, for all tests of a process."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, has_touch=True)
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    opened = OpenedPage(context.new_page(), views_gallery.output)
    opened.open(views_gallery)
    yield opened
    context.close()


@pytest.fixture
def views(views_page: OpenedPage) -> Iterator[OpenedPage]:
    """The views' page; a test fails where it wrote to the console, threw, asked, or read outside its folder."""
    views_page.faults.clear()
    views_page.requests.clear()
    yield views_page
    assert views_page.faults == []
    assert views_page.requests_outside() == []


@pytest.fixture(scope="package")
def own_page(browser: Browser) -> Iterator[OpenedPage]:
    """One page for all tests of a process that open galleries of their own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    yield OpenedPage(context.new_page(), Path())
    context.close()


@pytest.fixture
def own(own_page: OpenedPage) -> Iterator[OpenedPage]:
    """A page to open a gallery in; a test fails where it wrote to the console, threw, asked, or read outside it."""
    own_page.faults.clear()
    own_page.requests.clear()
    yield own_page
    assert own_page.faults == []
    assert own_page.requests_outside() == []
