"""(j) The gallery's page in Chromium, from the disk: weight of the first view, when it stands, how it scrolls."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row
from tests.browser.chromium import ARGUMENTS, advice, find_chromium
from tests.browser.made_gallery import MadeGallery, make_gallery

TITLE = "j. The gallery's first view"

LAPTOP = (1440, 900)
#: What is in the window is loaded: the moment, and what was read until then.
FIRST_VIEW = """
window.addEventListener('DOMContentLoaded', () => {
    const seen = (image) => image.getBoundingClientRect().top < window.innerHeight;
    const look = () => {
        const images = [...document.querySelectorAll('.tile img')].filter(seen);
        if (images.length && images.every((image) => image.complete && image.naturalWidth)) {
            window.firstView = [performance.now(), images.length];
        } else requestAnimationFrame(look);
    };
    look();
});
"""
SCROLL = """(frames) => new Promise((resolve) => {
    const times = [];
    const step = (now) => {
        times.push(now);
        window.scrollBy(0, 300);
        if (times.length <= frames) requestAnimationFrame(step);
        else resolve(times.slice(1).map((time, index) => time - times[index]));
    };
    requestAnimationFrame(step);
})"""


@dataclass(frozen=True, slots=True)
class FirstView:
    """One look at the page: what was read before the rest of the list, and how soon all stood and was listed."""

    seconds: float
    size: int
    pictures: int
    listed_seconds: float


def rows(subjects: Subjects) -> list[Row]:
    """Open galleries of 10,000 and 100,000 pictures again and again, and scroll through them."""
    counts, looks, frames = ((1000,), 1, 20) if subjects.quick else ((10_000, 100_000), 7, 240)
    result = []
    for count in counts:
        subjects.tell(f"making a gallery of {count:,} pictures ...")
        gallery = _gallery(subjects, count)
        with _browser() as browser:
            views = [first_view(browser, gallery) for _ in range(looks)]
            result += _view_rows(count, views) + _scroll_rows(browser, gallery, frames)
    return result


def _gallery(subjects: Subjects, count: int) -> MadeGallery:
    images = [_reduced(path) for path in subjects.photos + subjects.paintings]

    def crop(number: int, size: tuple[int, int]) -> Image.Image:
        return ImageOps.fit(images[number % len(images)], size, centering=(number % 7 / 6, number % 5 / 4))

    return make_gallery(
        subjects.folder / f"pictures-{count}", count, thumbnails=40 if subjects.quick else 300, draw=crop
    )


def _reduced(path: Path) -> Image.Image:
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((1000, 1000))
    return upright


@contextmanager
def _browser() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        raise SystemExit(advice())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


def first_view(browser: Browser, gallery: MadeGallery, window: tuple[int, int] = LAPTOP) -> FirstView:
    """Open the page in a window of its own, with nothing cached."""
    with _page(browser, window) as page:
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        page.add_init_script(FIRST_VIEW)
        page.goto(gallery.address)
        seconds, pictures = _until(page, "window.firstView")
        listed = _until(page, "stylewatch.store.progress().complete && performance.now()")
        first = itertools.takewhile(lambda address: "/chunks/" not in address, addresses)
        return FirstView(seconds / 1000, sum(map(_size, first)), pictures, listed / 1000)


@contextmanager
def _page(browser: Browser, window: tuple[int, int]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": window[0], "height": window[1]})
    yield context.new_page()
    context.close()


def _until(page: Page, expression: str) -> Any:
    """Return a value of the page as soon as it has one."""
    return page.evaluate(
        f"""() => new Promise((resolve) => {{
            const look = () => {{ const value = {expression}; if (value) resolve(value); else setTimeout(look, 5); }};
            look();
        }})"""
    )


def _size(address: str) -> int:
    return Path(unquote(urlsplit(address).path)).stat().st_size


def _view_rows(count: int, views: list[FirstView]) -> list[Row]:
    pictures = f"{count:,} pictures, {views[0].pictures} in a window of {LAPTOP[0]} × {LAPTOP[1]}"
    median = statistics.median(view.seconds for view in views)
    listed = statistics.median(view.listed_seconds for view in views)
    return [
        Row("read for the first view", f"{max(view.size for view in views) / 1e6:.2f} MB", pictures, goal="1 MB"),
        Row("until the first view stands", f"{median:.2f} s", f"at most {_longest(views):.2f} s", goal="1 s"),
        Row("until all pictures are listed", f"{listed:.2f} s", f"{count:,} pictures"),
    ]


def _longest(views: list[FirstView]) -> float:
    return max(view.seconds for view in views)


def _scroll_rows(browser: Browser, gallery: MadeGallery, frame_count: int) -> list[Row]:
    with _page(browser, LAPTOP) as page:
        page.goto(gallery.address)
        _until(page, "stylewatch.store.progress().complete")
        frames = sorted(page.evaluate(SCROLL, frame_count))
        elements = page.evaluate("document.querySelectorAll('*').length")
    late = frames[int(len(frames) * 0.95)]
    compared = f"median {statistics.median(frames):.0f} ms; {elements} elements"
    return [
        Row(
            f"19 of 20 frames while scrolling {len(gallery.rows):,} pictures",
            f"{late:.0f} ms",
            compared,
            goal="34 ms",
        )
    ]
