"""A gallery to be served, made by hand, and a client for it that needs no network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from werkzeug.test import Client, TestResponse

from pipeline.serving.files import SiteFolders
from pipeline.serving.hosts import TrustedHosts
from pipeline.serving.passwords import PasswordCheck
from pipeline.serving.site import Answer, Monitoring, Site

PICTURE = b"\xff\xd8 a picture of 26 bytes \xff\xd9"
THUMB = "gallery/thumbs/ab/abcdef0123456789abcd.webp"


def make_output(output: Path) -> SiteFolders:
    """Make an output folder with a gallery, pictures, and what must not be served."""
    files = {
        "gallery/index.html": b"<!doctype html><title>gallery</title>",
        "gallery/assets/gallery.js": b"'use strict';",
        "gallery/assets/gallery.css": b"body {}",
        "gallery/data/catalog.js": b"stylewatch.catalog({})",
        THUMB: b"RIFF....WEBP",
        "gallery/notes.txt": b"not of the page",
        "a--night.jpg": PICTURE,
        "deep/er/b--night.PNG": b"\x89PNG",
        "deep/c--night.timelapse.webp": b"RIFF",
        "stylewatch.log": b"log",
        "journal.jsonl": b"{}",
        "page.html": b"<script>alert(1)</script>",
        "reports/1/report.txt": b"report",
        ".stylewatch/unpacked/private.jpg": PICTURE,
        ".a--night.jpg": PICTURE,
        "state/unpacked/private.jpg": PICTURE,
    }
    for name, content in files.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(content)
    return SiteFolders(output=output, hidden=(output / "state", output / "not there"))


def odd_picture(output: Path) -> bytes:
    """Make a picture whose name is not UTF-8, with what a link has to encode; returns its name."""
    name = b"Gr\xfc\xdfe & 100% #1?--night.jpg"
    (output / os.fsdecode(name)).write_bytes(PICTURE)
    return name


@dataclass
class Visitor:
    """Asks a site as a browser does, from one address of this or another machine."""

    site: Site
    host: str = "localhost:8765"
    address: str = "127.0.0.1"

    def get(self, path: bytes, method: str = "GET", *, password: str | None = None, **headers: str) -> TestResponse:
        """Return the answer; ``path`` is what the address means, byte for byte."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.site).open(
            "/",
            method=method,
            buffered=True,  # as a server does: read to the end, then closed
            headers={"Host": self.host} | named,
            auth=None if password is None else ("anybody", password),
            environ_overrides={"PATH_INFO": path.decode("latin-1"), "REMOTE_ADDR": self.address},
        )


def make_site(folders: SiteFolders, passwords: PasswordCheck | None = None, **monitoring: Answer) -> Visitor:
    """Return a visitor of a site whose monitors answer what is given."""
    answers = {"health": Answer("0: all is well\n"), "metrics": Answer(b"# EOF\n")} | monitoring
    site = Site(
        folders,
        TrustedHosts(["nas.local"]),
        Monitoring(
            health=lambda in_full: answers.get("details", answers["health"]) if in_full else answers["health"],
            metrics=lambda _: answers["metrics"],
        ),
        passwords=passwords,
    )
    return Visitor(site)
