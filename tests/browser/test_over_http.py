"""The page at an address instead of a file: the same page, under the server's headers, by Chromium."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page

from pipeline.serving.files import SiteFolders
from pipeline.serving.server import Server, listen
from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery, drawn_picture, make_gallery
from tests.serving.sites import make_site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="most of these names can't be there")]

NUMBERED = 40
#: Loads the full picture of each hostile name, and returns how wide those are that came.
LOAD_ALL = """numbered => Promise.all(
    stylewatch.store.entries().filter((entry) => entry.id > numbered).map((entry) => new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve(image.naturalWidth);
        image.onerror = () => resolve(`${entry.output} did not come`);
        image.src = stylewatch.links.output(entry.output);
    })))"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> MadeGallery:
    gallery = make_gallery(tmp_path_factory.mktemp("http") / "Summer", NUMBERED, names=HOSTILE_NAMES)
    for name in HOSTILE_NAMES:
        picture = gallery.output / f"{name.removesuffix('.jpg')}--night.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        with picture.open("wb") as file:
            drawn_picture(1, (32, 24)).save(file, "JPEG")
    return gallery


@dataclass
class Served:
    """What the server answered: path and status."""

    address: str = ""
    answers: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def served(gallery: MadeGallery) -> Iterator[Served]:
    site, served = make_site(SiteFolders(output=gallery.output)).site, Served()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            served.answers.append((environ["PATH_INFO"], status[:3]))
            return start_response(status, headers, *rest)

        return site(environ, start)

    server = Server(application, listen(["127.0.0.1"], 0))
    served.address = f"http://localhost:{server.port}/"
    thread = threading.Thread(target=server.run)
    thread.start()
    yield served
    server.stop()
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def test_the_whole_page_works_and_asks_only_its_server(page: Page, served: Served) -> None:
    faults: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(served.address)
    page.wait_for_function("() => stylewatch.store.progress().complete")
    assert page.url == f"{served.address}gallery/index.html"
    assert page.locator(".tile-name").first.inner_text() == HOSTILE_NAMES[0]
    page.wait_for_function("() => [...document.images].every((image) => image.complete)")
    assert page.evaluate("[...document.images].length") >= 10
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert page.evaluate(LOAD_ALL, NUMBERED) == [32] * len(HOSTILE_NAMES)
    assert {status for _, status in served.answers} == {"200", "302"}
    # Opened again, only its data are sent again.
    served.answers.clear()
    page.reload()
    page.wait_for_function("() => stylewatch.store.progress().complete")
    assert {(path.startswith("/gallery/data/"), status) for path, status in served.answers} == {
        (True, "200"),
        (False, "304"),
    }
    assert [path for path, _ in served.answers if "/thumbs/" in path] == []
    assert faults == []
    assert [url for url in requests if not url.startswith(served.address)] == []


def test_a_picture_alone_is_shown_without_a_complaint(page: Page, served: Served, gallery: MadeGallery) -> None:
    faults: list[str] = []
    drawn_picture(2, (32, 24)).save(gallery.output / "alone.jpg")
    page.on("console", lambda message: faults.append(message.text))
    page.goto(f"{served.address}alone.jpg")
    assert page.evaluate("document.images[0].naturalWidth") == 32
    for _ in range(200):  # the browser asks by itself for an icon of it
        if "/gallery/assets/icon.svg" in dict(served.answers):
            break
        page.wait_for_timeout(10)
    assert ("/favicon.ico", "302") in served.answers
    assert faults == []
