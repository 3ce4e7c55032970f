"""A workshop whose gallery is written here and now, and ways to read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import gallery_settings
from pipeline.model import GallerySettings
from pipeline.report.gallery.scripts import read_script
from pipeline.runner.gallery.updates import GalleryUpdates
from tests.workshop import Workshop

_FIELDS = (
    "id", "photo", "output", "style", "recipe", "state", "time", "width", "height", "style_loss", "thumb",
    "photo_thumb",
)  # fmt: skip


class FakeClock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Gallery:
    """The gallery of a workshop, as its page would read it."""

    workshop: Workshop
    clock: FakeClock = field(default_factory=lambda: FakeClock(100.0))

    @property
    def folder(self) -> Path:
        return self.workshop.out / "gallery"

    def settings(self) -> GallerySettings:
        return gallery_settings(self.workshop.config(), "stylewatch.yaml")

    def updates(self) -> GalleryUpdates:
        return GalleryUpdates(self.settings(), clock=self.clock, now=FakeClock(1_800_000_000.0))

    def run(self) -> None:
        """Make the pictures, and bring the gallery up to date as a program does at its end."""
        updates = self.updates()
        self.workshop.run(on_event=lambda _, event: updates.note(event))
        updates.finish()

    def value(self, name: str) -> Any:
        """Return the last value in a data file."""
        data = (self.folder / "data" / name).read_bytes()
        return read_script(data, data.split(b"(")[0].removeprefix(b"stylewatch.").decode())[-1]

    def rows(self) -> dict[int, dict[str, Any]]:
        """Return the rows of all chunks that the catalog names, their fields by name."""
        catalog = self.value("catalog.js")
        chunks = [self.value(f"chunks/{number:04}.js")["rows"] for number, *_ in catalog["chunks"]]
        rows = [dict(zip(_FIELDS, row, strict=True)) for chunk in chunks for row in chunk]
        for row in rows:
            row["state"] = catalog["states"][row["state"]]
            row["style"], row["recipe"] = catalog["styles"][row["style"]], catalog["recipes"][row["recipe"]]
        return {row["id"]: row for row in rows}

    def row_of(self, photo: str) -> dict[str, Any]:
        (row,) = (row for row in self.rows().values() if row["photo"] == photo)
        return row

    def details_of(self, photo: str) -> Any:
        number = self.row_of(photo)["id"]
        return self.value(f"pictures/{number // 500:04}/{number}.js")

    def files(self) -> dict[str, int]:
        """Return all data files with the number that tells whether they were replaced."""
        return {
            path.relative_to(self.folder).as_posix(): path.stat().st_mtime_ns
            for path in (self.folder / "data").rglob("*.js")
        }


@pytest.fixture
def gallery(workshop: Workshop) -> Gallery:
    return Gallery(workshop)
