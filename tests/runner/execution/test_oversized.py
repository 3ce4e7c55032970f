"""A size that does not fit is found out once for many photos, and tried again when memory may be free."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from pipeline.model import Assignment, ExecutorEvent, Failure, FailureKind, JobSource, JobState, Painting, Style
from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.execution.session import Session
from pipeline.runner.instance.folder_marks import OutputFolderCheck
from tests.fakes import write_photo
from tests.worker.test_worker import an_assignment
from tests.workshop import InProcessExecutor, Workshop

TOO_LARGE = "a picture of 48 × 32 pixels does not fit into the device's memory, even alone"


class Giants(InProcessExecutor):
    """Works hours on each picture only to find that it does not fit; ``tried`` are the photos it got."""

    def __init__(self, advance: float = 0.0) -> None:
        super().__init__()
        self.tried: list[str] = []

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        while assignments := source(1):
            self.tried.append(assignments[0].job.photo)
            yield Failure(assignments[0].token, FailureKind.SIZE, TOO_LARGE)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def assignment_of(folder: Path, name: str, size: tuple[int, int]) -> Assignment:
    return an_assignment(write_photo(folder / name, size=size), name)


def test_what_has_as_many_pixels_is_spared_what_has_fewer_is_tried(tmp_path: Path) -> None:
    oversized = OversizedPictures(200.0, Clock())
    known = assignment_of(tmp_path, "known.png", (96, 64))
    oversized.work_began("known.png")
    assert oversized.note(known, TOO_LARGE) == 100

    def find(size: tuple[int, int]) -> tuple[str, float] | None:
        return oversized.find(assignment_of(tmp_path, "other.png", size))

    assert find((96, 64)) == find((64, 96)) == find((500, 500)) == (TOO_LARGE, 100)
    assert find((96, 48)) is None
    smaller = replace(known.recipe, size=40)
    other = Style("day", (Painting(tmp_path / "day.jpg", "1" * 64),))
    assert oversized.find(replace(known, recipe=smaller)) is None
    assert oversized.find(replace(known, style=other)) is None
    assert oversized.find(replace(known, photo_path=tmp_path / "gone.png")) is None


def test_it_is_believed_for_ten_times_as_long_as_it_took_to_find_out(tmp_path: Path) -> None:
    clock = Clock()
    oversized = OversizedPictures(200.0, clock)
    known = assignment_of(tmp_path, "known.png", (96, 64))
    oversized.work_began("known.png")
    clock.now += 500
    assert oversized.note(known, TOO_LARGE) == 5000
    clock.now += 4999
    assert oversized.find(known) == (TOO_LARGE, 1)
    clock.now += 1
    assert oversized.find(known) is None


def test_a_photo_whose_header_can_not_be_read_teaches_nothing(tmp_path: Path) -> None:
    oversized = OversizedPictures(200.0, Clock())
    known = assignment_of(tmp_path, "known.png", (96, 64))
    oversized.note(replace(known, photo_path=tmp_path / "gone.png"), TOO_LARGE)
    assert oversized.find(known) is None


def test_a_pass_tries_one_of_many_giants_and_tells_the_same_of_all(workshop: Workshop) -> None:
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)
    giants = Giants()
    finished = workshop.run(executor=giants)
    assert len(giants.tried) == 1
    assert finished.failed == 5
    assert {event.reason for event in workshop.failed()} == {TOO_LARGE}
    assert {event.state for event in workshop.failed()} == {JobState.FAILED}
    for _ in range(2):
        workshop.run(executor=giants)
    assert len(giants.tried) == 3, "each run tries one"
    assert {event.state for event in workshop.failed()} == {JobState.QUARANTINED}
    assert len(workshop.failed()) == 5


def test_a_smaller_recipe_brings_all_of_them_back(workshop: Workshop) -> None:
    for number in range(2):
        workshop.photo(f"{number}.png", shade=number)
    for _ in range(3):
        workshop.run(executor=Giants())
    assert workshop.run().counts[JobState.QUARANTINED] == 2
    workshop.text = workshop.text.replace("size: 48", "size: 40")
    assert workshop.run().finished == 2


def test_passes_of_one_program_share_what_they_know_and_photos_wait_until_it_may_have_changed(
    workshop: Workshop,
) -> None:
    clock, giants = Clock(), Giants()
    session = Session(OutputFolderCheck(workshop.out), OversizedPictures(20_000.0, clock))
    for number in range(2):
        workshop.photo(f"{number}.png", shade=number)
        workshop.run(executor=giants, session=session)
    assert len(giants.tried) == 1
    with workshop.ledger() as ledger:
        due = ledger.jobs.next_due()
    assert due is not None
    assert due > time.time() + 9_900, "no attempt is counted before somebody may find out anew"
    clock.now += 10_000
    workshop.run(executor=giants, session=session)
    assert len(giants.tried) == 2
