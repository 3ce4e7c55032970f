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


def page_of(browser: Browser, gallery: MadeGallery | None, *, has_touch: bool = False) -> Iterator[OpenedPage]:
    """Yield a page, of ``gallery`` if one is given, and close it: opening one is what takes time."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, has_touch=has_touch)
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    opened = OpenedPage(context.new_page(), gallery.output if gallery else Path())
    if gallery is not None:
        opened.open(gallery)
    yield opened
    context.close()


def faultless(page: OpenedPage) -> Iterator[OpenedPage]:
    """Yield a page to a test, which fails unless the page is faultless at its end."""
    page.faults.clear()
    page.requests.clear()
    yield page
    page.require_faultless()


@pytest.fixture(scope="package")
def shared_page(browser: Browser, small_gallery: MadeGallery) -> Iterator[OpenedPage]:
    """One page of the small gallery for all tests of a process."""
    yield from page_of(browser, small_gallery)


@pytest.fixture
def opened(shared_page: OpenedPage) -> Iterator[OpenedPage]:
    """The shared page."""
    yield from faultless(shared_page)


@pytest.fixture(scope="package")
def views_page(browser: Browser, views_gallery: MadeGallery) -> Iterator[OpenedPage]:
    """One page of the views' gallery, of a screen that can be touched, for all tests of a process."""
    yield from page_of(browser, views_gallery, has_touch=True)


@pytest.fixture
def views(views_page: OpenedPage) -> Iterator[OpenedPage]:
    """The views' page."""
    yield from faultless(views_page)


@pytest.fixture(scope="package")
def own_page(browser: Browser) -> Iterator[OpenedPage]:
    """One page for all tests of a process that open galleries of their own."""
    yield from page_of(browser, None)


@pytest.fixture
def own(own_page: OpenedPage, tmp_path: Path) -> Iterator[OpenedPage]:
    """A page for galleries in ``tmp_path``, which is deleted after the page has left it: it reads now and then."""
    own_page.page.goto("about:blank")
    own_page.folder = tmp_path
    try:
        yield from faultless(own_page)
    finally:
        own_page.page.goto("about:blank")
