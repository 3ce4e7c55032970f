"""The steps themselves: both ways through them leave the same ledger, at the price that each promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.config.settings import folder_settings, ingest_settings
from pipeline.intake.stability import StabilityTimes, StabilityTracker
from pipeline.runner.ingest.archives import ArchiveIngest
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.ingest.steps import IngestSteps
from pipeline.runner.preparation import ledger_file, resolve_config
from tests.intake.packing import photo, zipped
from tests.workshop import Workshop


def fill(workshop: Workshop) -> None:
    for name in ("a.png", "trip/b.png"):
        workshop.photo(name)
    folder = workshop.folder / "in"
    (folder / "c.zip").write_bytes(zipped(("1.png", photo(1)), ("bad.png", b"no photo")))
    (folder / "letter.jpg").write_text("I am a letter, not a photo.")
    (folder / "half.png").write_bytes(photo(2)[:30])


@contextmanager
def steps_of(workshop: Workshop) -> Iterator[IngestSteps]:
    config = workshop.config()
    with workshop.ledger() as ledger:
        archives = ArchiveIngest(ingest_settings(config), ledger)
        tracker = StabilityTracker(config.input.folder, StabilityTimes(0, 3600), examine=archives.examine)
        settings, resolved = ingest_settings(config), resolve_config(config)
        yield IngestSteps(settings, resolved, ledger, archives, tracker.check, tracker.check)


def in_pieces(workshop: Workshop) -> None:
    with steps_of(workshop) as steps:
        found = steps.scan()
        for seen, archives in (*(([photo], []) for photo in found.photos), ([], found.archives)):
            recorded = steps.record_photos(seen, archives)
            if paths := recorded.to_pair(unchanged=False):
                steps.record_jobs(paths)


def at_once(workshop: Workshop) -> None:
    config = workshop.config()
    with workshop.ledger() as ledger:
        ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)


def on_record(workshop: Workshop) -> list[list[tuple[object, ...]]]:
    connection = sqlite3.connect(ledger_file(folder_settings(workshop.config())))
    try:
        queries = (
            "SELECT path, signature, problem, absence FROM photos ORDER BY path",
            "SELECT photo, style, recipe, state, wanted, current, output FROM jobs ORDER BY photo",
        )
        return [connection.execute(query).fetchall() for query in queries]
    finally:
        connection.close()


def test_a_folder_in_pieces_and_at_once_leave_the_same_ledger(workshop: Workshop) -> None:
    fill(workshop)
    in_pieces(workshop)
    first = on_record(workshop)
    ledger_file(folder_settings(workshop.config())).unlink()
    at_once(workshop)
    assert on_record(workshop) == first
    at_once(workshop)
    in_pieces(workshop)
    assert on_record(workshop) == first, "a second time nothing is new"


def test_known_files_cost_no_transaction_in_pieces(workshop: Workshop) -> None:
    fill(workshop)
    (workshop.folder / "in" / "half.png").unlink()
    at_once(workshop)
    with steps_of(workshop) as steps:
        found = steps.scan()
        before = ledger_version(workshop)
        recorded = [steps.record_photos(found.photos), steps.record_photos([], found.archives)]
        assert [one.to_pair(unchanged=False) for one in recorded] == [[], []]
        assert [one.arrived for one in recorded] == [0, 0]
        assert ledger_version(workshop) == before
        assert sorted(path for one in recorded for path in one.to_pair(unchanged=True)) == [
            "a.png",
            "c.zip/1.png",
            "letter.jpg",
            "trip/b.png",
        ]


def ledger_version(workshop: Workshop) -> bytes:
    """Return the write-ahead log: any transaction that writes makes it longer."""
    file = ledger_file(folder_settings(workshop.config()))
    return file.with_name(f"{file.name}-wal").read_bytes()


def test_archives_are_skipped_and_counted_if_they_are_not_wanted(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, archives: false")
    (workshop.folder / "in" / "c.zip").write_bytes(zipped(("1.png", photo(1))))
    with steps_of(workshop) as steps:
        found = steps.scan()
        assert (found.archives, found.skipped) == ((), {"archive": 1})
        assert steps.scan(["c.zip"]).archives == ()


@pytest.mark.parametrize("whole", [True, False])
def test_photos_that_no_style_wants_are_counted(workshop: Workshop, whole: bool) -> None:
    workshop.text += "pairing: {rules: [{match: 'trip/**', styles: []}]}\n"
    for name in ("a.png", "trip/b.png"):
        workshop.photo(name)
    with steps_of(workshop) as steps:
        recorded = steps.record_photos(steps.scan().photos, whole=whole)
        unpaired = steps.record_jobs(recorded.to_pair(unchanged=True), whole=whole)
        assert (unpaired.count, unpaired.new, unpaired.known) == (1, [], []), (
            "as a rule asks for, so it needs no word"
        )


@pytest.mark.parametrize("whole", [True, False])
def test_photos_that_nothing_gives_a_style_are_explained_if_they_are_new(workshop: Workshop, whole: bool) -> None:
    workshop.text += "pairing: {by: folder, rules: [{match: 'trip/**', styles: []}]}\n"
    for name in ("a.png", "b.png", "trip/c.png", "night/d.png"):
        workshop.photo(name)
    (workshop.folder / "in" / "letter.jpg").write_text("I am a letter, not a photo.")
    with steps_of(workshop) as steps:
        recorded = steps.record_photos(steps.scan().photos, whole=whole)
        unpaired = steps.record_jobs(recorded.to_pair(unchanged=True), new={"a.png"}, whole=whole)
    assert unpaired.count == 3, "the letter counts as a letter"
    assert [(event.path, event.kind) for event in unpaired.new] == [("a.png", "unpaired")]
    assert [event.path for event in unpaired.known] == ["b.png"]
    assert unpaired.new[0].reason == "fits no rule, and lies in no style's folder: night; letter case counts"
