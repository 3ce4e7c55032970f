"""A whole folder taken in at once, as ``run`` and ``plan`` do."""

from __future__ import annotations

import re
import time

import pytest

from pipeline.config.settings import folder_settings, ingest_settings
from pipeline.errors import StorageError
from pipeline.ledger import Ledger
from pipeline.model import Job
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.preparation import ledger_file, resolve_config, source_of
from tests.intake.packing import photo, zipped
from tests.workshop import Workshop

BY_FOLDER = "pairing: {rules: [{match: 'trip/**', styles: [night]}, {match: '*', styles: []}]}\n"


def ingested(workshop: Workshop) -> tuple[IngestResult, list[Job]]:
    config = workshop.config()
    with workshop.ledger() as ledger:
        result = ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)
        claims = ledger.leases.claim(1000, "name")
        for claim in claims:
            ledger.leases.release(claim.token)
    return result, [claim.job for claim in claims]


def test_photos_in_folders_and_archives_become_jobs(workshop: Workshop) -> None:
    workshop.photo("a.png")
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(("1.png", photo(1)), ("notes.txt", b"a note")))
    (workshop.folder / "in" / "notes.txt").write_text("a note")
    result, jobs = ingested(workshop)
    assert (result.photos, result.set_aside, result.skipped) == (2, [], {"sidecar": 2})
    assert [job.photo for job in jobs] == ["a.png", "trip.zip/1.png"]


def test_photos_that_no_style_wants_are_counted(workshop: Workshop) -> None:
    workshop.text += BY_FOLDER
    for name in ("a.png", "b.png", "trip/c.png"):
        workshop.photo(name)
    result, jobs = ingested(workshop)
    assert (result.photos, result.unpaired) == (3, 2)
    assert [job.photo for job in jobs] == ["trip/c.png"]


def test_what_is_set_aside_comes_with_its_reason_incomplete_files_first(workshop: Workshop) -> None:
    whole = workshop.photo("z.png")
    (workshop.folder / "in" / "half.png").write_bytes(whole.read_bytes()[:30])
    (workshop.folder / "in" / "a.jpg").write_text("I am a letter, not a photo.")
    result, jobs = ingested(workshop)
    assert [(event.path, event.kind) for event in result.set_aside] == [
        ("half.png", "incomplete"),
        ("a.jpg", "quarantined"),
    ]
    assert all(event.reason for event in result.set_aside)
    assert [job.photo for job in jobs] == ["z.png"]
    again, _ = ingested(workshop)
    assert [event.path for event in again.set_aside] == ["half.png"]


def test_a_known_photo_that_is_being_rewritten_keeps_its_job_for_later(workshop: Workshop) -> None:
    path = workshop.photo("a.png")
    data = path.read_bytes()
    assert [job.photo for job in ingested(workshop)[1]] == ["a.png"]
    path.write_bytes(data[:30])
    assert ingested(workshop)[1] == []
    path.write_bytes(data)
    assert [job.photo for job in ingested(workshop)[1]] == ["a.png"]


def test_a_missing_folder_is_an_error_and_no_photo_is_gone(workshop: Workshop) -> None:
    workshop.photo("a.png")
    ingested(workshop)
    folder = workshop.folder / "in"
    folder.rename(workshop.folder / "elsewhere")
    with pytest.raises(StorageError, match="does not exist"):
        ingested(workshop)
    (workshop.folder / "elsewhere").rename(folder)
    assert [job.photo for job in ingested(workshop)[1]] == ["a.png"]


def test_photos_in_no_styles_folder_are_named_once_and_known_from_then_on(workshop: Workshop) -> None:
    workshop.photo("a.png")
    (workshop.folder / "in" / "letter.jpg").write_text("I am a letter, not a photo.")
    ingested(workshop)
    workshop.text += "pairing: {by: folder}\n"
    result, jobs = ingested(workshop)
    assert [(event.path, event.kind) for event in result.set_aside] == [("a.png", "unpaired")], "it had a picture"
    assert [event.path for event in result.known] == ["letter.jpg"]
    workshop.photo("b.png", shade=1)
    result, jobs = ingested(workshop)
    assert [event.path for event in result.set_aside] == ["b.png"]
    assert [event.path for event in result.known] == ["a.png", "letter.jpg"]
    assert jobs == []


def test_an_incomplete_file_is_named_by_each_run_with_its_age(workshop: Workshop) -> None:
    whole = workshop.photo("half.png")
    whole.write_bytes(whole.read_bytes()[:30])
    (told,) = ingested(workshop)[0].set_aside
    assert "for" not in told.reason
    with Ledger.open(
        ledger_file(folder_settings(workshop.config())),
        source_of(folder_settings(workshop.config())),
        clock=lambda: time.time() - 720,
    ) as ledger:
        ledger.incomplete.record({})
        ledger.incomplete.record({"half.png": told.reason})
    (again,) = ingested(workshop)[0].set_aside
    assert re.fullmatch(rf"{re.escape(told.reason)}; it has been so for 12 min \d+ s", again.reason)
