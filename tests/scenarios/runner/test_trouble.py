"""Passes with photos, folders or an engine in trouble: what that costs, and whom."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path

import pytest

from pipeline.config.settings import folder_settings, ingest_settings, pass_settings
from pipeline.errors import PaintingChangedError, StorageError
from pipeline.ledger import Ledger
from pipeline.ledger.queries import Queries
from pipeline.model import (
    Assignment,
    ExecutorEvent,
    JobFailed,
    JobFinished,
    JobSource,
    JobStarted,
    JobState,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    RunStarted,
)
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import ledger_file, resolve_config, source_of
from tests.fakes import LookingEngine, write_painting, write_photo
from tests.intake.nesting import nested
from tests.workshop import InProcessExecutor, Workshop

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def test_a_broken_photo_is_quarantined_and_the_rest_is_done(workshop: Workshop) -> None:
    workshop.photo("a.png")
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    finished = workshop.run()
    assert workshop.pictures() == ["a--night.jpg"]
    assert (finished.failed, finished.photos_set_aside) == (0, 1)
    aside = [event for event in workshop.events if isinstance(event, PhotoSetAside)]
    assert [(event.path, event.kind) for event in aside] == [("b.jpg", "quarantined")]


def test_old_known_failures_do_not_count_again(workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    workshop.run()
    finished = workshop.run()
    assert (finished.failed, finished.photos_set_aside) == (0, 0)
    assert finished.counts["quarantined"] == 1


def test_a_photo_that_decoding_refuses_is_quarantined_in_all_its_styles(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, max_megapixels: 0.0001")
    workshop.text = workshop.text.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: day, painting: night.jpg}"
    )
    workshop.photo("a.png")
    finished = workshop.run()
    assert finished.counts["quarantined"] == 2
    assert finished.left == 0


def test_a_half_copied_photo_is_left_for_the_next_run(workshop: Workshop) -> None:
    whole = workshop.photo("a.png").read_bytes()
    (workshop.folder / "in" / "a.png").write_bytes(whole[: len(whole) // 2])
    finished = workshop.run()
    assert (finished.failed, workshop.pictures()) == (0, [])
    assert [event.kind for event in workshop.events if isinstance(event, PhotoSetAside)] == ["incomplete"]
    (workshop.folder / "in" / "a.png").write_bytes(whole)
    assert workshop.run().finished == 1


def test_a_failure_of_the_engine_is_tried_again_by_later_runs_and_then_given_up(workshop: Workshop) -> None:
    workshop.photo("a.png", "diverges")
    states = []
    for _ in range(4):
        finished = workshop.run()
        states.append((finished.failed, [event.state for event in workshop.failed()]))
    assert states == [
        (1, [JobState.FAILED]),
        (1, [JobState.FAILED]),
        (1, [JobState.QUARANTINED]),
        (0, []),
    ]


def test_short_memory_costs_no_attempt(workshop: Workshop) -> None:
    workshop.photo("a.png", "comes when memory is short")
    for _ in range(5):
        workshop.run()
        assert [event.state for event in workshop.failed()] == [JobState.FAILED]


def test_a_picture_that_does_not_fit_even_alone_is_given_up_in_the_end(workshop: Workshop) -> None:
    workshop.photo("a.png", "needs too much memory")
    states = []
    for _ in range(4):
        workshop.run()
        states.append([event.state for event in workshop.failed()])
    assert states == [[JobState.FAILED], [JobState.FAILED], [JobState.QUARANTINED], []]


def test_a_photo_that_kills_its_worker_is_given_up_and_the_rest_goes_on(workshop: Workshop) -> None:
    workshop.photo("deadly.png")
    workshop.photo("fine.png", shade=1)
    finished = workshop.run()
    assert [event.state for event in workshop.failed()] == [
        JobState.PENDING,
        JobState.PENDING,
        JobState.QUARANTINED,
    ]
    assert workshop.pictures() == ["fine--night.jpg"]
    assert finished.failed == 1


def run_and_meddle(workshop: Workshop, meddle: Callable[[Path], object]) -> RunFinished:
    """Make a pass over two photos, one of which is meddled with while the other has its turn."""
    for name in ("a.png", "b.png"):
        workshop.photo(name, shade=ord(name[0]))

    def meddle_with_the_other(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            meddle(workshop.folder / "in" / {"a.png": "b.png", "b.png": "a.png"}[event.job.photo])

    return workshop.run(on_event=meddle_with_the_other)


def test_a_photo_that_vanishes_before_its_turn_is_told_of(workshop: Workshop) -> None:
    finished = run_and_meddle(workshop, lambda photo: photo.unlink(missing_ok=True))
    assert (finished.finished, finished.failed, finished.left) == (1, 0, 0)
    assert [(event.state, event.reason) for event in workshop.failed()] == [(JobState.WITHDRAWN, "the photo is gone")]


def test_a_photo_that_changes_before_its_turn_waits_for_the_next_run(workshop: Workshop) -> None:
    finished = run_and_meddle(workshop, lambda photo: write_photo(photo, size=(64, 48), shade=77))
    assert (finished.finished, finished.failed, finished.left) == (1, 0, 1)
    assert workshop.run().finished == 1


@needs_links
@pytest.mark.parametrize("place", ["trip/a.png", "trip"])
@pytest.mark.parametrize("known", [False, True], ids=["new", "on record"])
def test_a_link_put_in_the_place_of_a_photo_or_its_folder_is_not_followed(
    workshop: Workshop, place: str, known: bool
) -> None:
    photo, secret = workshop.photo("trip/a.png"), write_photo(workshop.folder / "secret" / "a.png", shade=7)
    workshop.photo("b.png", shade=1)
    for path in (photo, secret):  # of one size and time
        path.write_bytes(path.read_bytes().ljust(300, b"\0"))
        os.utime(path, (1, 1))
    if known:
        workshop.run()
        workshop.text = workshop.text.replace("size: 48", "size: 64")
    before = [(workshop.out / name).read_bytes() for name in workshop.pictures()]

    def swap(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            (workshop.folder / "in" / place).rename(workshop.folder / "away")
            (workshop.folder / "in" / place).symlink_to(secret if place.endswith(".png") else secret.parent)

    finished = workshop.run(on_event=swap)
    assert (finished.finished, finished.failed, finished.left) == (1, 0, 1)
    (told,) = workshop.failed()
    assert (told.job.photo, told.state) == ("trip/a.png", JobState.PENDING)
    assert "links are not followed" in told.reason
    if known:
        assert (workshop.out / "trip" / "a--night.jpg").read_bytes() == before[1]
    else:
        assert workshop.pictures() == ["b--night.jpg"]
    finished = workshop.run()
    assert (finished.finished, finished.left) == (0, 0)


@needs_links
def test_a_link_put_there_between_the_claim_and_the_worker_is_not_followed(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    copy = write_photo(workshop.folder / "secret.png")
    assert copy.read_bytes() == photo.read_bytes(), "not even to the same content"

    class Swaps(InProcessExecutor):
        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            def swapping(count: int) -> Sequence[Assignment]:
                assignments = source(count)
                if assignments:
                    photo.unlink()
                    photo.symlink_to(copy)
                return assignments

            yield from super().run(swapping)

    finished = workshop.run(executor=Swaps())
    assert (finished.finished, finished.failed, finished.left) == (0, 0, 1)
    assert [event.state for event in workshop.failed()] == [JobState.PENDING]


@needs_links
def test_a_fifo_put_in_the_place_of_a_photo_is_not_waited_for(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")

    def swap(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            photo.unlink()
            os.mkfifo(photo)

    assert workshop.run(on_event=swap).left == 1


def test_a_folder_that_is_unmounted_during_a_run_stops_it_and_nothing_is_taken_for_deleted(
    workshop: Workshop,
) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def unmount(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            (workshop.folder / "in").rename(workshop.folder / "elsewhere")

    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        workshop.run(on_event=unmount)
    (workshop.folder / "elsewhere").rename(workshop.folder / "in")
    workshop.run()
    assert len(workshop.pictures()) == 3


def test_a_missing_input_folder_stops_the_run(workshop: Workshop) -> None:
    (workshop.folder / "in").rmdir()
    with pytest.raises(StorageError):
        workshop.run()


def test_too_little_disk_stops_the_run_before_anything_is_made(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("min_free_disk: 0", "min_free_disk: 1000000 TB")
    workshop.photo("a.png")
    with pytest.raises(StorageError, match="min_free_disk"):
        workshop.run()
    last = workshop.events[-1]
    assert isinstance(last, RunFinished)
    assert "min_free_disk" in last.reason
    assert last.left == 1


def test_a_file_in_the_way_of_a_pictures_folder_fails_that_picture_only(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sub/b.png", shade=1)
    workshop.out.mkdir()
    (workshop.out / "sub").write_text("somebody's notes")
    finished = workshop.run()
    assert (finished.finished, finished.failed, finished.left) == (1, 1, 0)
    (failed,) = workshop.failed()
    assert "sub can't be made" in failed.reason
    (workshop.out / "sub").unlink()
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]


def test_a_folder_nested_a_thousand_deep_is_told_once_and_costs_nothing_else(workshop: Workshop) -> None:
    photo = workshop.photo("a.png").read_bytes()
    with nested(workshop.folder / "in", "d", 1000, {1: photo, 999: photo}):
        finished = workshop.run()
    assert (finished.finished, finished.copied, finished.failed) == (1, 1, 0)
    (aside,) = [event for event in workshop.events if isinstance(event, PhotoSetAside)]
    assert "more than 200 folders deep" in aside.reason


def test_failures_are_told_with_their_reasons(workshop: Workshop) -> None:
    workshop.photo("a.png", "diverges")
    workshop.run()
    (failure,) = (event for event in workshop.events if isinstance(event, JobFailed))
    assert failure.reason == "the loss became nan"
    with workshop.ledger() as ledger:
        assert [row.reason for row in ledger.queries.failures()] == ["the loss became nan"]


def test_a_name_too_long_for_the_system_fails_its_picture_only_and_leaves_no_lease(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    too_long = "/".join(["x" * 200] * 30)
    workshop.text = workshop.text.replace("{folder: out,", '{folder: out, name: "{folder}/{stem}--{style}",')
    workshop.photo(f"{too_long[:2600]}/c.png", shade=2)
    workshop.text = workshop.text.replace("{folder}/", "{folder}/{folder}/")
    finished = workshop.run()
    assert (finished.finished, finished.failed, finished.left) == (2, 1, 0)
    assert "shorter or plainer output.name" in workshop.failed()[0].reason
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []


def test_a_painting_that_is_replaced_during_a_run_ends_it_and_the_next_one_paints_with_the_new_one(
    workshop: Workshop,
) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def replace_it(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobFinished) and not workshop.failed():
            write_painting(workshop.folder / "night.jpg", (10, 10, 200))

    with pytest.raises(PaintingChangedError, match=r"night\.jpg has changed since this run began"):
        workshop.run(executor=InProcessExecutor(LookingEngine), on_event=replace_it)
    (finished,) = (event for event in workshop.events if isinstance(event, RunFinished))
    assert (finished.finished, finished.failed, finished.left) == (1, 0, 2)
    assert "night.jpg" in finished.reason
    with workshop.ledger() as ledger:
        assert [claim.attempts for claim in ledger.leases.claim(3, "name")] == [0, 0]
    assert workshop.run(executor=InProcessExecutor(LookingEngine)).finished == 3


@pytest.mark.parametrize("harm", [Path.unlink, lambda painting: (painting.unlink(), painting.mkdir())])
def test_a_painting_that_is_lost_during_a_run_ends_it_and_is_no_photos_fault(
    workshop: Workshop, harm: Callable[[Path], object]
) -> None:
    painting = workshop.folder / "night.jpg"
    whole = painting.read_bytes()
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def lose_it(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobFinished):
            harm(painting)

    with pytest.raises(PaintingChangedError, match=r"the painting .*night\.jpg can't be read"):
        workshop.run(executor=InProcessExecutor(LookingEngine), on_event=lose_it)
    assert workshop.failed() == []
    assert (finished_in(workshop).finished, finished_in(workshop).failed, finished_in(workshop).left) == (1, 0, 2)
    if painting.is_dir():
        painting.rmdir()
    painting.write_bytes(whole)
    with workshop.ledger() as ledger:
        claims = ledger.leases.claim(3, "name")
        assert [(claim.attempts, claim.consecutive_failures) for claim in claims] == [(0, 0), (0, 0)]
    assert workshop.run(executor=InProcessExecutor(LookingEngine)).finished == 2


def finished_in(workshop: Workshop) -> RunFinished:
    """Return the one RunFinished told, as the last event."""
    assert [type(event) for event in workshop.events].count(RunFinished) == 1
    last = workshop.events[-1]
    assert isinstance(last, RunFinished)
    return last


class EndsBadly(InProcessExecutor):
    """Makes all pictures; then something happens."""

    def __init__(self, ending: Callable[[], object]) -> None:
        super().__init__()
        self.ending = ending

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        yield from super().run(source)
        self.ending()


class UnreadableQueries(Queries):
    """Queries of a ledger whose counts can't be read any more."""

    def counts(self) -> dict[JobState, int]:
        raise StorageError("the ledger can't be read")


class Unreadable(Ledger):
    """A ledger whose counts can't be read from some moment on."""

    def break_down(self) -> None:
        self.queries = UnreadableQueries(self._store)


def test_an_error_while_the_pass_sums_up_is_told_with_what_is_known(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", "diverges")
    config = workshop.config()
    with Unreadable.open(ledger_file(folder_settings(config)), source_of(folder_settings(config))) as ledger:
        executor = EndsBadly(ledger.break_down)
        resolved = resolve_config(config)
        the_pass = SinglePass(pass_settings(config), resolved, ledger, executor, workshop.events.append)
        with pytest.raises(StorageError, match="can't be read"):
            the_pass.run(partial(ingest, ingest_settings(config), resolved, ledger))
    finished = finished_in(workshop)
    assert (finished.finished, finished.failed, finished.left) == (1, 1, 1)
    assert finished.counts["done"] == 1
    assert finished.reason == "the ledger can't be read"


def test_an_error_that_nobody_foresaw_is_told_too_and_raised(workshop: Workshop) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a mistake of ours")

    workshop.photo("a.png")
    with pytest.raises(ZeroDivisionError):
        workshop.run(executor=EndsBadly(fail))
    assert finished_in(workshop).reason == "unexpected ZeroDivisionError: a mistake of ours"
    assert finished_in(workshop).finished == 1


def test_an_error_while_photos_set_aside_are_told_ends_the_run_in_order(workshop: Workshop) -> None:
    def fail(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, PhotoSetAside):
            raise StorageError("the log's disk is gone")

    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    with pytest.raises(StorageError):
        workshop.run(on_event=fail)
    assert finished_in(workshop).reason == "the log's disk is gone"
