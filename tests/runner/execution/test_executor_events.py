"""What a pass does with each event that an executor can yield."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline import __version__
from pipeline.errors import StorageError, UnwritableError
from pipeline.failpoints import failpoint_listener
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance
from pipeline.images.previews import save_live
from pipeline.model import (
    ExecutorEvent,
    Failure,
    FailureKind,
    JobSource,
    JobStarted,
    JobState,
    Losses,
    PreviewSaved,
    RunEvent,
    RunFinished,
    Started,
)
from pipeline.runner.execution.single_pass import SinglePass
from tests.fakes import HISTORY
from tests.workshop import InProcessExecutor, Workshop


class Answers(InProcessExecutor):
    """Answers the first assignment with a failure of the given kind, the others as they deserve."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__()
        self._kind = kind

    def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
        (first,) = source(1)
        yield Started(first.token)
        first.part_path.write_text("half")
        yield Failure(first.token, self._kind, "it went wrong")
        yield from super().run(source)


class Dies(InProcessExecutor):
    """A worker that dies after it has shown the picture in progress."""

    def __init__(self) -> None:
        super().__init__()
        self.live: Path | None = None

    def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
        (first,) = source(1)
        yield Started(first.token)
        assert first.previews is not None
        self.live = save_live(first.previews, first.token, np.zeros((8, 8, 3), np.uint8))
        yield PreviewSaved(first.token, self.live)
        assert self.live.exists()
        yield Failure(first.token, FailureKind.CRASH, "the worker died")
        assert not self.live.exists()


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    for number in range(2):
        workshop.photo(f"{number}.png", shade=number)
    return workshop


@pytest.mark.parametrize(
    ("kind", "state", "failed"),
    [
        (FailureKind.PHOTO, JobState.QUARANTINED, 0),
        (FailureKind.ENGINE, JobState.FAILED, 1),
        (FailureKind.MEMORY, JobState.FAILED, 1),
        (FailureKind.UNREADABLE, JobState.FAILED, 1),
        (FailureKind.CODEC, JobState.FAILED, 1),
        (FailureKind.MASK, JobState.QUARANTINED, 1),
        (FailureKind.GONE, JobState.WITHDRAWN, 0),
        (FailureKind.CHANGED, JobState.PENDING, 0),
    ],
)
def test_a_failure_brings_its_job_into_its_state_and_the_rest_is_done(
    workshop: Workshop, kind: FailureKind, state: JobState, failed: int
) -> None:
    finished = workshop.run(executor=Answers(kind))
    assert (finished.finished, finished.failed) == (1, failed)
    assert [(event.state, event.reason) for event in workshop.failed()] == [(state, "it went wrong")]
    assert finished.photos_set_aside == (kind is FailureKind.PHOTO)
    assert finished.counts[state] == 1
    assert len(workshop.pictures()) == 1


def test_it_is_on_record_how_each_picture_was_made_and_copied(workshop: Workshop) -> None:
    workshop.run()
    workshop.photo("copy of 0.png", shade=0)
    workshop.run()
    with workshop.ledger() as ledger:
        by_photo = {row.job.photo: ledger.gallery.details(row.id) for row in ledger.gallery.rows(0, 9)}
        totals = ledger.totals.read()
    made, copy = by_photo["0.png"], by_photo["copy of 0.png"]
    assert made is not None
    assert copy is not None
    assert made.facts is not None
    photo = workshop.folder / "in" / "0.png"
    assert (made.facts.width, made.facts.height) == (made.row.width, made.row.height) == (48, 32)
    assert (made.facts.photo_sha256, made.facts.program) == (sha256_of_file(photo), f"stylewatch {__version__}")
    assert (made.facts.first, made.facts.last) == (Losses(0.5, 2.0, 2.5), Losses(0.4, 1.0, 1.4))
    assert (made.facts.device, made.facts.cache_hits, made.row.style_loss) == ("fake (2 at once)", 1, 1.0)
    assert made.facts.history == HISTORY
    in_the_file = read_provenance(workshop.out / made.row.output)
    assert in_the_file is not None
    assert made.facts.settings == in_the_file["settings"]
    assert (made.copied, copy.copied, copy.facts) == (False, True, made.facts)
    assert (totals.pictures_made, totals.pictures_copied, totals.failures) == (2, 1, {})
    assert totals.seconds["fake (2 at once)"].buckets[-1] == (math.inf, 2)


def test_a_crash_puts_the_job_back_into_the_same_run(workshop: Workshop) -> None:
    finished = workshop.run(executor=Answers(FailureKind.CRASH))
    assert (finished.finished, finished.failed, finished.left) == (2, 0, 0)


def test_a_job_put_back_is_no_failure_and_nobodys_fault(workshop: Workshop) -> None:
    finished = workshop.run(executor=Answers(FailureKind.REQUEUED))
    assert (finished.finished, finished.failed, workshop.failed()) == (2, 0, [])
    assert {event.attempts for event in workshop.finished()} == {1}


def test_a_picture_that_can_not_be_put_down_fails_alone_and_is_given_up_in_the_end(workshop: Workshop) -> None:
    states = []
    for _ in range(3):
        finished = workshop.run(executor=Answers(FailureKind.UNWRITABLE))
        states += [event.state for event in workshop.failed()]
    assert states == [JobState.FAILED, JobState.FAILED, JobState.QUARANTINED]
    assert workshop.failed()[0].reason.endswith("--night.jpg can't be saved: it went wrong")
    assert (len(workshop.pictures()), finished.left) == (1, 0)


def test_a_photo_that_can_not_be_read_while_its_folder_is_gone_costs_nothing(workshop: Workshop) -> None:
    def unmount(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            (workshop.folder / "in").rename(workshop.folder / "away")

    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        workshop.run(executor=Answers(FailureKind.UNREADABLE), on_event=unmount)
    assert workshop.failed() == []


def test_a_picture_that_can_not_be_put_down_where_nothing_can_costs_nothing(workshop: Workshop) -> None:
    workshop.text += "state: {folder: state}\n"

    class Unmounts(InProcessExecutor):
        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            (first,) = source(1)
            yield Started(first.token)
            workshop.out.rename(workshop.folder / "away")
            yield Failure(first.token, FailureKind.UNWRITABLE, "it went wrong")

    with pytest.raises(StorageError, match="out can't be written"):
        workshop.run(executor=Unmounts())
    assert workshop.failed() == []


def test_a_picture_whose_name_is_refused_in_the_end_fails_alone(workshop: Workshop) -> None:
    refused: list[str] = []

    def refuse(name: str) -> None:
        if name == "artwork-recorded" and not refused:
            refused.append(name)
            raise UnwritableError("that name is refused")

    with failpoint_listener(refuse):
        finished = workshop.run()
    assert (finished.finished, finished.failed, finished.left) == (1, 1, 0)
    (failed,) = workshop.failed()
    assert (failed.state, failed.attempts) == (JobState.FAILED, 1)
    assert len(workshop.pictures()) == 1
    assert workshop.run().finished == 1


def test_trouble_with_the_disk_stops_the_run_without_costing_an_attempt(workshop: Workshop) -> None:
    with pytest.raises(StorageError, match="it went wrong"):
        workshop.run(executor=Answers(FailureKind.STORAGE))
    last = workshop.events[-1]
    assert isinstance(last, RunFinished)
    assert (last.left, last.failed, last.reason) == (2, 0, "it went wrong")
    assert workshop.failed() == []
    assert workshop.pictures() == []
    assert workshop.run().finished == 2


def test_a_stop_before_the_first_job_makes_nothing(workshop: Workshop) -> None:
    finished = workshop.run(on_event=lambda the_pass, _: the_pass.stop())
    assert (finished.interrupted, finished.finished, finished.left) == (True, 0, 2)


def test_a_stop_at_the_first_job_takes_no_second(workshop: Workshop) -> None:
    class AsksOn(InProcessExecutor):
        def stop(self) -> None:
            """Go on asking: the pass itself has to say that there is nothing more."""

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.stop()

    finished = workshop.run(executor=AsksOn(), on_event=stop)
    assert (finished.interrupted, finished.finished, finished.left) == (True, 1, 1)


def test_the_output_folder_is_made_even_if_nothing_else_lies_in_it(workshop: Workshop) -> None:
    workshop.text += "state: {folder: state}\n"
    assert workshop.run().finished == 2
    assert workshop.pictures() == ["0--night.jpg", "1--night.jpg"]


def test_a_failed_job_waits_as_the_config_says_and_a_run_does_not(workshop: Workshop) -> None:
    workshop.text += "state: {retry_seconds: 100, max_retry_seconds: 1000}\n"
    before = time.time()
    workshop.run(executor=Answers(FailureKind.ENGINE))
    with workshop.ledger() as ledger:
        due = ledger.jobs.next_due()
        assert due is not None
        assert 50 <= due - before <= 110
        assert ledger.jobs.requeue_due() == 0
    assert workshop.run().finished == 1


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (FailureKind.MEMORY, JobState.FAILED),
        (FailureKind.CODEC, JobState.FAILED),
        (FailureKind.SIZE, JobState.QUARANTINED),
    ],
)
def test_only_what_does_not_fit_even_alone_is_given_up(
    workshop: Workshop, kind: FailureKind, state: JobState
) -> None:
    workshop.run()
    workshop.photo("last.png", shade=9)
    for _ in range(3):
        workshop.run(executor=Answers(kind))
    assert [event.state for event in workshop.failed()] == [state]
    with workshop.ledger() as ledger:
        assert ledger.queries.photo_problems() == []
    workshop.run()
    assert len(workshop.finished()) == (state is JobState.FAILED)
    workshop.text = workshop.text.replace("size: 48", "size: 40")
    assert workshop.run().finished == 3, "another recipe brings it back"


def test_a_worker_that_dies_leaves_no_picture_in_progress_for_the_gallery(workshop: Workshop) -> None:
    executor = Dies()
    workshop.run(executor=executor)
    assert executor.live is not None
    assert any(isinstance(event, PreviewSaved) for event in workshop.events)
