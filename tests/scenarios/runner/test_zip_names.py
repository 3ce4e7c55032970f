"""Names in zips that an earlier version read otherwise: what is finished stays so, what is not is made once."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from pipeline.config.settings import folder_settings
from pipeline.model import JobState
from pipeline.runner.preparation import ledger_file
from tests.intake.packing import photo, replaced, zipped
from tests.workshop import Workshop

#: As earlier versions read it: a byte that is no UTF-8.
BEFORE, NOW = b"trip.zip/Gem\x84lde.png", "trip.zip/Gemälde.png"


@pytest.fixture
def known_before(workshop: Workshop) -> Workshop:
    """Return a workshop with two pictures in the making, of which an earlier version has made the first."""
    workshop.text = workshop.text.replace("folder: in,", "folder: in, order: name,")
    data = zipped(("Gem_lde.png", photo(1)), ("other.png", photo(2)))
    (workshop.folder / "in" / "trip.zip").write_bytes(replaced(data, b"Gem_lde", b"Gem\x84lde"))
    return workshop


def as_before(workshop: Workshop) -> None:
    """Give the photo the name that it had on record."""
    with closing(sqlite3.connect(ledger_file(folder_settings(workshop.config())))) as connection, connection:
        for table, column in (("photos", "path"), ("jobs", "photo")):
            changed = connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (BEFORE, NOW.encode())
            )
            assert changed.rowcount == 1
        if not (workshop.out / "trip.zip").exists():
            connection.execute("DELETE FROM names")  # what the picture was to be called was another name, too


def test_what_is_finished_is_left_alone(known_before: Workshop) -> None:
    assert known_before.run().finished == 2
    as_before(known_before)
    finished = known_before.run()
    assert (finished.finished, finished.copied, finished.failed, finished.left) == (0, 0, 0, 0)
    assert finished.counts["done"] == 2


def test_a_finished_picture_is_copied_to_its_right_name_when_the_archive_is_read_again(
    known_before: Workshop,
) -> None:
    known_before.run()
    as_before(known_before)
    os.utime(known_before.folder / "in" / "trip.zip", (1, 1))
    finished = known_before.run()
    assert (finished.finished, finished.copied, finished.failed) == (0, 1, 0)
    assert [event.job.photo for event in known_before.finished()] == [NOW]


def test_what_is_not_finished_is_made_under_its_right_name(known_before: Workshop) -> None:
    known_before.run(on_event=lambda the_pass, _: the_pass.stop())
    as_before(known_before)
    runs = [known_before.run() for _ in range(3)]
    assert [(run.finished, run.failed, run.photos_set_aside) for run in runs] == [(1, 0, 0), (1, 0, 0), (0, 0, 0)]
    assert known_before.pictures() == ["trip.zip/Gemälde--night.jpg", "trip.zip/other--night.jpg"]
    assert known_before.ledger().queries.counts()[JobState.PENDING] == 0


def test_an_archive_whose_names_with_backslashes_were_refused_is_read_again(workshop: Workshop) -> None:
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(("a\\b.png", photo(1)), ("c.png", photo(2))))
    workshop.text = workshop.text.replace("folder: in,", "folder: in, max_archive_files: 1,")
    workshop.run()
    workshop.text = workshop.text.replace("max_archive_files: 1", "max_archive_files: 2")
    before = "1 of the archive's files are refused, the others are used: 'a\\\\b.png': its name holds a backslash"
    with closing(sqlite3.connect(ledger_file(folder_settings(workshop.config())))) as connection, connection:
        connection.execute("UPDATE photos SET problem = ? WHERE path = ?", (before, b"trip.zip"))
    assert workshop.run().finished == 2
    assert workshop.pictures() == ["trip.zip/a/b--night.jpg", "trip.zip/c--night.jpg"]
    assert workshop.ledger().queries.photo_problems() == []
