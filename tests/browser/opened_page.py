"""A page in the browser that keeps what must not happen: messages, errors, dialogs, requests out of its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Page, Request, expect

from tests.browser.made_gallery import MadeGallery

AXE = Axe()  # which would read the styles by a request, were it not told to leave that


@dataclass
class OpenedPage:
    """A gallery's page, and what it did that can be seen from outside."""

    page: Page
    folder: Path
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._dialog)

    def _failed(self, request: Request) -> None:
        # A reload breaks off what is on its way.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} {request.failure}")

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, gallery: MadeGallery, hash_text: str = "") -> None:
        """Open the page, at a view if one is given, and wait until the list is read."""
        self.page.goto("about:blank")
        self.folder = gallery.output
        self.page.goto(gallery.address + hash_text)
        self.wait_for_list()

    def wait_for_list(self) -> None:
        """Wait until all chunks of the list are read and shown."""
        # wait_for_function would evaluate a string in the page, which the page's policy refuses.
        self.page.evaluate(
            """() => new Promise((resolve) => {
                const look = () => (stylewatch.store.progress().complete ? resolve() : setTimeout(look, 10));
                look();
            })"""
        )
        self.settle()

    def go(self, hash_text: str) -> None:
        """Show another view of the page that is open."""
        self.page.evaluate("hash => { window.location.hash = hash; }", hash_text)
        self.settle()

    def expect_address(self, end: str) -> None:
        """Wait until the page's address ends so: a step back in the history comes after what is seen of it."""
        expect(self.page).to_have_url(re.compile(f"{re.escape(end)}$"))

    def require_faultless(self) -> None:
        """Fail if the page wrote to the console, threw, opened a dialog, or read outside its folder."""
        assert self.faults == [], self.faults
        assert self.requests_outside() == [], self.requests_outside()

    def settle(self) -> None:
        """Wait until what the page draws in its next frame is drawn."""
        self.page.evaluate(
            """() => new Promise((resolve) => {
                setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(resolve)), 0);
            })"""
        )

    def requests_outside(self) -> list[str]:
        """Return the requests that left the output folder."""
        inside = self.folder.as_uri() + "/"
        return [address for address in self.requests if not address.startswith((inside, "about:blank"))]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def names(self) -> list[str]:
        """Return the names of the pictures that are elements now, in their order."""
        return self.texts(".tile-name")

    def texts(self, selector: str) -> list[str]:
        """Return the text of all elements of a selector."""
        return self.page.locator(selector).all_inner_texts()

    def accessibility_faults(self, *rules: str) -> list[str]:
        """Return what axe-core finds by these of its rules, or by all, each as one line."""
        # Of what passes axe would write down each element, which takes longer than the look at it.
        options: dict[str, Any] = {"preload": False, "resultTypes": ["violations"]}
        options |= {"runOnly": {"type": "rule", "values": [*rules]}} if rules else {}
        found: Iterable[dict[str, Any]] = AXE.run(self.page, options=options).response["violations"]
        return [
            f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
            for violation in found
            for node in violation["nodes"]
        ]
