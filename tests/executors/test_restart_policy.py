"""A worker's death is told, once, and neither deaths nor new workers go on for ever."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from pipeline.errors import CannotRunError
from pipeline.executors.child import WorkerOptions
from pipeline.executors.local import LocalExecutor
from pipeline.executors.restart_policy import RestartPolicy, crash_message
from pipeline.model import Artwork, Assignment, EngineSettings, ExecutorEvent, JobSource, JobState, Remark
from tests.executors.test_local import Source
from tests.fakes import FakeEngine, fake_engine, frail_engine, stillborn_engine, write_photo
from tests.worker.test_worker import an_assignment
from tests.workshop import Workshop

BEFORE = "the worker process died (SIGKILL: probably out of memory) before it could begin"


def texts(events: list[ExecutorEvent]) -> list[str]:
    remarks = [event for event in events if isinstance(event, Remark)]
    assert all(remark.warning and not remark.token for remark in remarks)
    return [remark.text for remark in remarks]


def test_each_worker_in_a_row_that_begins_nothing_delays_the_next_one_longer_until_none_is_started() -> None:
    restarts = RestartPolicy()
    assert [restarts.next_delay_seconds() for _ in range(4)] == [1, 4, 16, None]
    restarts.reset()
    assert restarts.next_delay_seconds() == 1


def test_a_death_is_told_with_its_cause_and_what_follows() -> None:
    def told(in_progress: int, *, counts_as_crash: bool, delay_seconds: float = 0, next_batch: int = 0) -> str:
        return crash_message(
            "it died",
            in_progress,
            counts_as_crash=counts_as_crash,
            delay_seconds=delay_seconds,
            next_batch=next_batch,
        )

    assert told(3, counts_as_crash=False, next_batch=2) == (
        "it died with 3 pictures in progress; they return to the queue; the next one makes at most 2 at a time"
    )
    assert told(1, counts_as_crash=True, next_batch=1) == (
        "it died with 1 picture in progress; that counts as a crash of it; the next one makes one at a time"
    )
    assert (
        told(2, counts_as_crash=True) == "it died with 2 pictures in progress; that counts as a crash of each of them"
    )
    assert told(0, counts_as_crash=False, delay_seconds=4) == (
        "it died with no picture in progress; the next one is started in 4 s"
    )


def run_until_it_can_not(executor: LocalExecutor, source: JobSource) -> tuple[list[ExecutorEvent], CannotRunError]:
    found: list[ExecutorEvent] = []
    with contextlib.closing(executor), pytest.raises(CannotRunError) as caught:
        found.extend(executor.run(source))
    return found, caught.value


def test_workers_that_die_before_they_are_ready_are_started_a_few_times_with_growing_delays() -> None:
    slept: list[float] = []
    polls: list[None] = []
    executor = LocalExecutor(
        EngineSettings(), factory=stillborn_engine, sleep=slept.append, on_poll=lambda: polls.append(None)
    )
    found, error = run_until_it_can_not(executor, Source())
    assert str(error) == f"{BEFORE}, 4 times in a row; 'stylewatch check' may tell why"
    assert texts(found) == [
        f"{BEFORE} with no picture in progress; the next one is started in {seconds} s" for seconds in (1, 4, 16)
    ]
    assert sum(slept) == pytest.approx(21, abs=0.5)
    assert max(slept) == 0.1
    assert len(polls) >= len(slept), "whoever watches for a standstill is told that there is none"


def test_so_are_those_after_one_that_was_ready_once(tmp_path: Path) -> None:
    executor = LocalExecutor(
        EngineSettings(machine_folder=tmp_path),
        factory=frail_engine,
        sleep=lambda _: None,
        worker_options=WorkerOptions(photos_ahead=0),
    )
    deadly = an_assignment(write_photo(tmp_path / "b.png", "kills the worker"))

    def source(count: int) -> list[Assignment]:
        (tmp_path / "broken").touch()
        return [deadly]

    found, error = run_until_it_can_not(executor, source)
    assert str(error) == f"{BEFORE}, 4 times in a row; 'stylewatch check' may tell why"
    first, *others = texts(found)
    assert "with 1 picture in progress; that counts as a crash of it" in first
    assert len(others) == 3


def test_a_worker_that_is_ready_and_dies_before_it_begins_is_not_started_for_ever_either(tmp_path: Path) -> None:
    executor = LocalExecutor(
        EngineSettings(), factory=fading_engine, sleep=lambda _: None, worker_options=WorkerOptions(photos_ahead=0)
    )
    found, error = run_until_it_can_not(executor, Source(an_assignment(write_photo(tmp_path / "a.png"))))
    assert "exit code 7), 4 times in a row" in str(error)
    assert len(texts(found)) == 3


class FadingEngine(FakeEngine):
    @property
    def device_name(self) -> str:
        return "a device"

    @device_name.setter
    def device_name(self, name: str) -> None:
        pass

    def run(self, *_: object) -> None:  # type: ignore[override]
        os._exit(7)


def fading_engine(settings: EngineSettings) -> FadingEngine:
    return FadingEngine()


def test_an_idle_worker_that_dies_is_replaced_and_told(tmp_path: Path) -> None:
    executor = LocalExecutor(EngineSettings(), factory=fake_engine, sleep=lambda _: None)
    with contextlib.closing(executor):
        list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png")))))
        assert executor._worker is not None
        executor._worker._process.kill()
        found = list(executor.run(Source(an_assignment(tmp_path / "a.png", "second"))))
    assert isinstance(found[-1], Artwork)
    (told,) = texts(found)
    assert told.endswith("with no picture in progress; the next one makes one at a time")


def test_a_pass_comes_to_its_end_though_every_worker_dies_with_what_it_begins(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.text += "state: {max_crashes: 2}\n"
    for number in range(2):
        workshop.photo(f"{number}.png", "kills the worker", shade=number)
    executor = LocalExecutor(EngineSettings(batch_size=4), factory=fake_engine)
    with contextlib.closing(executor):
        finished = workshop.run(executor=executor)
    assert (finished.failed, finished.left) == (2, 0)
    crashes = [(event.job.photo, event.state) for event in workshop.failed()]
    assert sorted(crashes) == [
        (photo, state) for photo in ("0.png", "1.png") for state in (JobState.PENDING, JobState.QUARANTINED)
    ]
    deaths = [event.text for event in workshop.events if isinstance(event, Remark)]
    together = [text for text in deaths if "they return to the queue" in text]
    assert len(deaths) == len(crashes) + len(together)
    assert len(together) <= 2, "at four and at two a time"
