"""The ledger kept in step with a real folder, change by change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config.settings import ingest_settings
from pipeline.errors import StorageError
from pipeline.intake.stability import StabilityTimes, StabilityTracker
from pipeline.ledger import Ledger
from pipeline.model import Job, JobState
from pipeline.runner.ingest.incremental import IncrementalIngest, IngestChanges
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import resolve_config
from tests.workshop import Workshop


@dataclass
class Desk:
    workshop: Workshop
    incremental_ingest: IncrementalIngest
    ledger: Ledger

    def pending(self) -> list[str]:
        claims = self.ledger.leases.claim(1000, "name")
        for claim in claims:
            self.ledger.leases.release(claim.token)
        return [claim.job.photo for claim in claims]

    def finish(self, photo: str) -> None:
        for claim in self.ledger.leases.claim(1000, "name"):
            if claim.job.photo == photo:
                self.ledger.leases.complete(
                    claim.token, key="key", output=claim.output, picture_sha256="0", engine_version="1"
                )
            else:
                self.ledger.leases.release(claim.token)


@contextmanager
def a_desk(workshop: Workshop) -> Iterator[Desk]:
    config = workshop.config()
    tracker = StabilityTracker(config.input.folder, StabilityTimes(0, 3600))
    with workshop.ledger() as ledger:
        yield Desk(
            workshop,
            IncrementalIngest(
                ingest_settings(config), resolve_config(config), ledger, tracker, InputRoot(config.input.folder)
            ),
            ledger,
        )


@pytest.fixture
def desk(workshop: Workshop) -> Iterator[Desk]:
    with a_desk(workshop) as desk:
        yield desk


def test_a_whole_folder_is_ingested_and_the_next_time_nothing_has_changed(desk: Desk) -> None:
    for name in ("a.png", "trip/b.png"):
        desk.workshop.photo(name)
    changes = desk.incremental_ingest.ingest_folder()
    assert (changes.photos, changes.folders, changes.arrived, changes.gone) == (2, 2, 2, 0)
    assert desk.pending() == ["a.png", "trip/b.png"]
    assert desk.incremental_ingest.ingest_folder().is_empty


def test_a_hinted_path_is_ingested_alone(desk: Desk) -> None:
    desk.incremental_ingest.ingest_folder()
    for name in ("a.png", "b.png"):
        desk.workshop.photo(name)
    assert desk.incremental_ingest.ingest_paths(["a.png"]).arrived == 1
    assert desk.pending() == ["a.png"]


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_photo_that_is_gone_waits_for_its_return_and_is_reported_once(desk: Desk, everywhere: bool) -> None:
    photo = desk.workshop.photo("trip/a.png")
    desk.incremental_ingest.ingest_folder()
    data, inode_kept = photo.read_bytes(), photo.with_name("kept.txt")
    inode_kept.hardlink_to(photo)

    def ingest(path: str) -> IngestChanges:
        return desk.incremental_ingest.ingest_folder() if everywhere else desk.incremental_ingest.ingest_paths([path])

    photo.unlink()
    found = ingest("trip")
    assert [(event.path, event.kind) for event in found.set_aside] == [("trip/a.png", "gone")]
    assert (found.gone, desk.pending()) == (1, [])
    assert ingest("trip").is_empty
    photo.hardlink_to(inode_kept)  # the very same file is back: a share that was lost, for example
    assert (ingest("trip").arrived, desk.pending()) == (1, ["trip/a.png"])
    photo.unlink()
    ingest("trip")
    photo.write_bytes(data)
    assert (ingest("trip").arrived, desk.pending()) == (1, ["trip/a.png"])


def test_a_finished_photo_may_go_without_a_word(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    desk.incremental_ingest.ingest_folder()
    desk.finish("a.png")
    photo.unlink()
    changes = desk.incremental_ingest.ingest_paths(["a.png"])
    assert (changes.gone, changes.set_aside) == (1, [])
    assert desk.ledger.queries.counts()[JobState.DONE] == 1


def test_a_changed_photo_is_pending_again(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    desk.incremental_ingest.ingest_folder()
    desk.finish("a.png")
    desk.workshop.photo("a.png", shade=9)
    assert desk.incremental_ingest.ingest_paths(["a.png"]).arrived == 1
    assert desk.pending() == ["a.png"]


def test_a_queued_photo_that_is_being_rewritten_can_t_be_claimed(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    desk.incremental_ingest.ingest_folder()
    photo.write_bytes(photo.read_bytes()[:30])
    changes = desk.incremental_ingest.ingest_paths(["a.png"])
    assert [(event.path, event.kind) for event in changes.set_aside] == [("a.png", "incomplete")]
    assert desk.pending() == []
    assert desk.ledger.photos.unexamined() == ["a.png"]
    desk.workshop.photo("a.png", shade=9)
    desk.incremental_ingest.ingest_paths(["a.png"])
    assert desk.pending() == ["a.png"]


def test_an_incomplete_photo_is_reported_once_and_examined_again(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    photo.write_bytes(photo.read_bytes()[:30])
    assert len(desk.incremental_ingest.ingest_folder().set_aside) == 1
    assert desk.incremental_ingest.ingest_folder().set_aside == []
    assert desk.incremental_ingest.seconds_left() is not None
    assert desk.incremental_ingest.due() == []
    photo.unlink()
    desk.incremental_ingest.ingest_paths(["a.png"])
    assert desk.incremental_ingest.seconds_left() is None


def test_a_file_that_is_no_photo_is_quarantined_once(desk: Desk) -> None:
    (desk.workshop.folder / "in" / "a.jpg").write_text("I am a letter, not a photo.")
    assert [event.kind for event in desk.incremental_ingest.ingest_folder().set_aside] == ["quarantined"]
    assert desk.incremental_ingest.ingest_folder().is_empty
    assert desk.incremental_ingest.ingest_paths(["a.jpg"]).is_empty
    assert desk.ledger.queries.counts()[JobState.QUARANTINED] == 1


def test_the_first_ingest_follows_a_changed_config(workshop: Workshop) -> None:
    workshop.photo("a.png")
    with a_desk(workshop) as desk:
        desk.incremental_ingest.ingest_folder()
        desk.finish("a.png")
    workshop.text = workshop.text.replace("name: night", "name: day")
    with a_desk(workshop) as desk:
        assert desk.incremental_ingest.ingest_folder().is_empty
        assert [(claim.job) for claim in desk.ledger.leases.claim(9, "name")] == [Job("a.png", "day", "default")]
        assert desk.ledger.queries.counts()[JobState.WITHDRAWN] == 1


def test_a_lost_folder_is_no_mass_deletion(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    desk.incremental_ingest.ingest_folder()
    folder = desk.workshop.folder / "in"
    folder.rename(folder.with_name("elsewhere"))
    for ingest in (desk.incremental_ingest.ingest_folder, lambda: desk.incremental_ingest.ingest_paths(["a.png"])):
        with pytest.raises(StorageError):
            ingest()
    assert desk.pending() == ["a.png"]


def test_more_photos_than_one_transaction_takes_are_all_ingested(desk: Desk) -> None:
    folder: Path = desk.workshop.folder / "in"
    data = desk.workshop.photo("0.png").read_bytes()
    for number in range(1, 2500):
        (folder / f"{number}.png").write_bytes(data)
    assert desk.incremental_ingest.ingest_folder().arrived == 2500
    assert desk.ledger.queries.photo_count() == 2500
    for number in range(2400):
        (folder / f"{number}.png").unlink()
    assert desk.incremental_ingest.ingest_folder().gone == 2400
    assert len(desk.pending()) == 100


def test_the_end_of_the_program_ends_an_ingest(workshop: Workshop) -> None:
    workshop.photo("a.png")
    config = workshop.config()
    tracker = StabilityTracker(config.input.folder, StabilityTimes(0, 3600))
    with workshop.ledger() as ledger:
        root = InputRoot(config.input.folder)
        incremental_ingest = IncrementalIngest(
            ingest_settings(config), resolve_config(config), ledger, tracker, root, is_stopped=lambda: True
        )
        assert incremental_ingest.ingest_folder().is_empty
        assert ledger.queries.photo_count() == 0


def test_an_original_that_is_being_moved_is_not_missed(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    desk.incremental_ingest.ingest_folder()
    desk.finish("a.png")
    desk.ledger.moves.begin("a.png", str(desk.workshop.folder / "done" / "a.png"))
    photo.unlink()
    assert desk.incremental_ingest.ingest_folder().gone == 0
    assert desk.incremental_ingest.ingest_paths(["a.png"]).gone == 0
    desk.ledger.moves.end("a.png")
    assert desk.ledger.queries.counts()[JobState.DONE] == 1


def test_a_photo_in_no_styles_folder_is_named_once_however_often_it_is_seen(workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    workshop.photo("early.png")
    (workshop.folder / "in" / "letter.jpg").write_text("I am a letter, not a photo.")

    def told(changes: IngestChanges) -> list[tuple[str, str]]:
        return [(event.path, event.kind) for event in changes.set_aside]

    with a_desk(workshop) as desk:
        first = desk.incremental_ingest.ingest_folder()
        assert sorted(told(first)) == [("early.png", "unpaired"), ("letter.jpg", "quarantined")]
        assert first.known == []
        workshop.photo("Night/late.png", shade=1)
        assert told(desk.incremental_ingest.ingest_paths(["Night/late.png"])) == [("Night/late.png", "unpaired")]
        for again in (desk.incremental_ingest.ingest_folder(), desk.incremental_ingest.ingest_paths(["early.png"])):
            assert (told(again), again.known) == ([], [])
    with a_desk(workshop) as desk:  # after a start or a reload
        again = desk.incremental_ingest.ingest_folder()
        assert told(again) == []
        assert sorted(event.path for event in again.known) == ["Night/late.png", "early.png", "letter.jpg"]


def test_an_incomplete_file_is_on_record_until_it_is_whole_or_gone_and_named_once(workshop: Workshop) -> None:
    folder, whole = workshop.folder / "in", workshop.photo("whole.png").read_bytes()
    for name in ("a.png", "b.png", "sub/c.png"):
        workshop.photo(name).write_bytes(whole[:30])

    def on_record(desk: Desk) -> list[str]:
        return [file.path for file in desk.ledger.incomplete.all()]

    with a_desk(workshop) as desk:
        first = desk.incremental_ingest.ingest_folder()
        assert [event.path for event in first.set_aside] == ["a.png", "b.png", "sub/c.png"]
        assert on_record(desk) == ["a.png", "b.png", "sub/c.png"]
        (folder / "b.png").write_bytes(whole)
        desk.incremental_ingest.ingest_paths(["b.png"])
        assert on_record(desk) == ["a.png", "sub/c.png"]
    with a_desk(workshop) as desk:  # after a start or a reload
        again = desk.incremental_ingest.ingest_folder()
        assert again.set_aside == []
        assert [(event.path, event.kind) for event in again.known] == [
            ("a.png", "incomplete"),
            ("sub/c.png", "incomplete"),
        ]
        (folder / "sub" / "c.png").unlink()
        desk.incremental_ingest.ingest_paths(["sub"])
        assert on_record(desk) == ["a.png"]
        (folder / "a.png").unlink()
        desk.incremental_ingest.ingest_folder()
        assert on_record(desk) == []


def test_a_slow_copy_is_on_record_without_a_word_until_it_is_over(workshop: Workshop) -> None:
    file = workshop.photo("a.png")
    data, clock = file.read_bytes(), [0.0]
    config = workshop.config()
    tracker = StabilityTracker(
        config.input.folder, StabilityTimes(2, 3600), trust_times=False, clock=lambda: clock[0]
    )
    with workshop.ledger() as ledger:
        ingest = IncrementalIngest(
            ingest_settings(config), resolve_config(config), ledger, tracker, InputRoot(config.input.folder)
        )
        ingest.ingest_folder()
        for size in range(10, 70):
            assert ledger.incomplete.all() == []
            file.write_bytes(data[:size])
            clock[0] += 1
            assert ingest.ingest_paths(["a.png"]).is_empty
        assert [(found.path, found.reason) for found in ledger.incomplete.all()] == [
            ("a.png", "it is still being written")
        ]
        file.write_bytes(data)
        ingest.ingest_paths(["a.png"])
        clock[0] += 2
        assert ingest.ingest_paths(["a.png"]).arrived == 1
        assert ledger.incomplete.all() == []


def test_a_share_below_the_folder_that_is_away_loses_no_photo_and_is_named_once(workshop: Workshop) -> None:
    folder, mounted = workshop.folder / "in", {"nas", ".snapshots"}
    for name in ("a.png", "nas/b.png", "nas/sub/c.png"):
        workshop.photo(name)
    config = workshop.config()
    root = InputRoot(folder, mounts_below=lambda _: frozenset(mounted))
    tracker = StabilityTracker(folder, StabilityTimes(0, 3600))

    def pending(ledger: Ledger) -> list[str]:
        claims = ledger.leases.claim(1000, "name")
        for claim in claims:
            ledger.leases.release(claim.token)
        return [claim.job.photo for claim in claims]

    with workshop.ledger() as ledger:
        ingest = IncrementalIngest(ingest_settings(config), resolve_config(config), ledger, tracker, root)
        ingest.ingest_folder()
        share = (folder / "nas").rename(workshop.folder / "share")
        (folder / "nas").mkdir()
        mounted.clear()
        for changes in (ingest.ingest_folder(), ingest.ingest_paths(["nas/b.png"])):
            told = [(event.path, event.kind) for event in changes.set_aside]
            assert told == ([("nas", "incomplete")] if changes.gone else [])
            assert pending(ledger) == ["a.png"], "the others can't be read now"
            assert [file.path for file in ledger.incomplete.all()] == ["nas"]
        (folder / "nas").rmdir()
        share.rename(folder / "nas")
        mounted.add("nas")
        assert ingest.ingest_folder().arrived == 2
        assert pending(ledger) == ["a.png", "nas/b.png", "nas/sub/c.png"]
        assert ledger.incomplete.all() == []
