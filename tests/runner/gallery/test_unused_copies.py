"""Copies are in use as long as a file that they were made of is on record."""

from __future__ import annotations

import time

from pipeline.ledger import Ledger
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.runner.gallery.unused_copies import find_unused_copies
from pipeline.runner.preparation import ledger_file, source_of
from tests.runner.gallery.conftest import Gallery


def unused(gallery: Gallery, *deleted: str, in_seconds: float = 7200.0) -> list[str]:
    folders = gallery.settings().status.folders
    with Ledger.to_read(ledger_file(folders), source_of(folders)) as ledger:
        found = find_unused_copies(GalleryFolder(gallery.folder), ledger, time.time() + in_seconds, deleted)
        return [name.split("/")[0] for name in found]


def test_those_of_pictures_on_record_are_in_use(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()

    assert unused(gallery) == []


def test_with_its_last_picture_a_photos_copies_go_too(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()

    assert unused(gallery, "a--night.jpg") == ["thumbs", "photos", "photos"]


def test_what_equal_pictures_share_is_in_use_until_the_last_of_them_goes(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.workshop.photo("b.png")
    gallery.run()

    assert unused(gallery, "a--night.jpg") == []
    assert unused(gallery, "a--night.jpg", "b--night.jpg") == ["thumbs", "photos", "photos"]


def test_new_copies_stay(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()

    assert unused(gallery, "a--night.jpg", in_seconds=60.0) == []
