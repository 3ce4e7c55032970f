from __future__ import annotations

import contextlib
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.engine.memory.available import machine_bytes
from pipeline.errors import WeightsError
from pipeline.executors.child import WorkerOptions
from pipeline.executors.local import LocalExecutor, WorkerTimeouts
from pipeline.model import (
    Artwork,
    Assignment,
    EngineSettings,
    EvaluationShare,
    ExecutorEvent,
    Failure,
    FailureKind,
    NetworkLoading,
    Progress,
)
from tests.executors.dying_engine import dying_engine
from tests.executors.interrupted_import import engine_after_ctrl_c
from tests.executors.slow_engine import SECONDS, slow_engine
from tests.fakes import cpu_engine, fake_engine, unfit_engine, write_photo
from tests.worker.test_worker import an_assignment


class Source:
    """Hands out what it was given and remembers how much it was asked for."""

    def __init__(self, *assignments: Assignment) -> None:
        self.waiting = list(assignments)
        self.asked: list[int] = []

    def __call__(self, count: int) -> list[Assignment]:
        self.asked.append(count)
        taken = self.waiting[:count]
        del self.waiting[:count]
        return taken


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    executor = LocalExecutor(EngineSettings(), factory=fake_engine)
    yield executor
    executor.stop()
    executor.close()


def answers(events: list[ExecutorEvent]) -> dict[str, Artwork | Failure]:
    return {event.token: event for event in events if isinstance(event, Artwork | Failure)}


def test_assignments_come_back_as_artworks_from_another_process(tmp_path: Path, executor: LocalExecutor) -> None:
    source = Source(*(an_assignment(write_photo(tmp_path / f"{n}.png", shade=n), f"t{n}") for n in range(3)))
    found = answers(list(executor.run(source)))
    assert sorted(found) == ["t0", "t1", "t2"]
    assert all(isinstance(answer, Artwork) for answer in found.values())


@pytest.mark.skipif(machine_bytes() is None, reason="this system does not tell how much memory it has")
def test_what_this_machine_can_never_hold_fails_at_once(tmp_path: Path) -> None:
    possible = an_assignment(write_photo(tmp_path / "a.png"), "possible")
    photo = write_photo(tmp_path / "b.png", size=(2, 3))
    endless = an_assignment(photo, "endless", recipe=replace(possible.recipe, size=10_000_000))
    with contextlib.closing(LocalExecutor(EngineSettings(), factory=cpu_engine)) as executor:
        found = answers(list(executor.run(Source(endless, possible))))
    assert isinstance(found["possible"], Artwork)
    refused = found["endless"]
    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.SIZE


needs_a_mask = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows can't hold Ctrl-C back")


@needs_a_mask
def test_ctrl_c_while_the_worker_starts_does_not_end_it(tmp_path: Path) -> None:
    with contextlib.closing(LocalExecutor(EngineSettings(), factory=engine_after_ctrl_c)) as executor:
        found = answers(list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png"), "only")))))
    assert isinstance(found["only"], Artwork)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


FIRST_CHILD = """
import sys
from pathlib import Path
from pipeline.executors.local import LocalExecutor
from pipeline.model import EngineSettings
from tests.executors.interrupted_import import engine_after_ctrl_c
from tests.executors.test_local import Source
from tests.worker.test_worker import an_assignment

executor = LocalExecutor(EngineSettings(), factory=engine_after_ctrl_c)
print(type(list(executor.run(Source(an_assignment(Path(sys.argv[1]) / "a.png"))))[-1]).__name__)
executor.close()
"""


@needs_a_mask
def test_ctrl_c_does_not_end_the_first_worker_of_a_program_either(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png")
    command = [sys.executable, "-c", FIRST_CHILD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert done.stdout == "Artwork\n"


def test_the_worker_stays_for_the_next_run(tmp_path: Path, executor: LocalExecutor) -> None:
    first = list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png"), "first"))))
    second = list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png"), "second"))))
    assert isinstance(first[0], NetworkLoading), "which takes seconds, so that people are told"
    assert not [event for event in second if isinstance(event, NetworkLoading)]
    assert isinstance(first[-1], Artwork)
    assert isinstance(second[-1], Artwork)
    assert second[-1].token == "second"


def test_a_killed_worker_costs_only_the_job_it_had_begun(tmp_path: Path, executor: LocalExecutor) -> None:
    deadly = an_assignment(write_photo(tmp_path / "b.png", "kills the worker"), "deadly")
    fine = an_assignment(write_photo(tmp_path / "a.png"), "fine")
    last = an_assignment(write_photo(tmp_path / "c.png"), "last")
    source = Source(fine, deadly, last)
    found: dict[str, Artwork | Failure] = {}
    for event in executor.run(source):
        if isinstance(event, Failure) and event.kind is FailureKind.REQUEUED:
            source.waiting += [assignment for assignment in (fine, deadly, last) if assignment.token == event.token]
        elif isinstance(event, Artwork | Failure):
            found[event.token] = event
    assert isinstance(found["fine"], Artwork)
    assert isinstance(found["last"], Artwork)
    assert isinstance(found["deadly"], Failure)
    assert found["deadly"].kind is FailureKind.CRASH
    assert "SIGKILL" in found["deadly"].reason


def test_what_a_worker_finished_before_it_died_is_heard_though_the_next_job_was_being_chosen(tmp_path: Path) -> None:
    fine = an_assignment(write_photo(tmp_path / "a.png"), "fine")
    deadly = an_assignment(write_photo(tmp_path / "b.png"), "deadly", checkpoint_path=tmp_path / "kept")
    waiting, asked = [fine, deadly], list[int]()

    def source(count: int) -> list[Assignment]:
        asked.append(count)
        if len(asked) == 3:  # until then, nothing is to be read that tells of the death
            for process in multiprocessing.active_children():
                process.join(60)
        return [waiting.pop(0)] if waiting else []

    executor = LocalExecutor(EngineSettings(), factory=dying_engine)
    with contextlib.closing(executor):
        found = answers(list(executor.run(source)))
    assert isinstance(found["fine"], Artwork)
    assert isinstance(found["deadly"], Failure)
    assert found["deadly"].kind is FailureKind.CRASH


@pytest.mark.parametrize(
    ("kind", "reason"), [("hangs", "made no progress for 4 s and was killed"), ("breaks the worker", "SIGSEGV")]
)
def test_a_worker_that_hangs_or_breaks_costs_only_the_job_it_had_begun(
    tmp_path: Path, kind: str, reason: str
) -> None:
    deadly = an_assignment(write_photo(tmp_path / "b.png", kind), "deadly")
    fine = an_assignment(write_photo(tmp_path / "a.png"), "fine")
    source = Source(deadly, fine)
    found: dict[str, Artwork | Failure] = {}
    executor = LocalExecutor(
        EngineSettings(batch_size=1),
        factory=fake_engine,
        worker_options=WorkerOptions(photos_ahead=0),
        timeouts=WorkerTimeouts(hang_seconds=4.0),
    )
    with contextlib.closing(executor):
        for event in executor.run(source):
            if isinstance(event, Artwork | Failure):
                found[event.token] = event
    assert isinstance(found["fine"], Artwork)
    assert isinstance(found["deadly"], Failure)
    assert (found["deadly"].kind, reason in found["deadly"].reason) == (FailureKind.CRASH, True)


def test_a_slow_worker_that_gets_on_is_left_alone(tmp_path: Path) -> None:
    executor = LocalExecutor(EngineSettings(), factory=fake_engine, timeouts=WorkerTimeouts(hang_seconds=4.0))
    steps = 0
    with contextlib.closing(executor):
        for event in executor.run(Source(an_assignment(write_photo(tmp_path / "a.png", "takes for ever")))):
            steps += isinstance(event, Progress)
            assert not isinstance(event, Failure) or event.kind is FailureKind.REQUEUED
            if steps == 250:  # five seconds
                executor.stop()
    assert steps >= 250


@pytest.mark.parametrize("token", ["talks", "is silent"])
def test_an_evaluation_that_takes_longer_than_a_hang_is_none_as_long_as_it_passes_blocks(
    tmp_path: Path, token: str
) -> None:
    executor = LocalExecutor(
        EngineSettings(batch_size=1),
        factory=slow_engine,
        worker_options=WorkerOptions(photos_ahead=0),
        timeouts=WorkerTimeouts(hang_seconds=SECONDS / 2),
    )
    with contextlib.closing(executor):
        events = list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png"), token))))
    answer = answers(events)[token]
    if token == "talks":
        shares = [event.share for event in events if isinstance(event, EvaluationShare)]
        assert isinstance(answer, Artwork)
        assert shares == sorted(shares)
        assert len(shares) >= 2
    else:
        assert isinstance(answer, Failure)
        assert answer.kind is FailureKind.CRASH


def test_after_a_death_the_next_worker_takes_half_as_many(tmp_path: Path) -> None:
    deadly = an_assignment(write_photo(tmp_path / "b.png", "kills the worker"), "deadly")
    source = Source(deadly)
    executor = LocalExecutor(
        EngineSettings(batch_size=8), factory=fake_engine, worker_options=WorkerOptions(photos_ahead=0)
    )
    for event in executor.run(source):
        if isinstance(event, Failure) and not source.waiting and len(source.asked) < 7:
            source.waiting.append(deadly)
    executor.close()
    # Each worker asks for all it has room for, and then for the room that one photo leaves.
    assert source.asked[:8] == [8, 7, 4, 3, 2, 1, 1, 1]


def test_a_worker_that_can_not_work_says_why() -> None:
    executor = LocalExecutor(EngineSettings(), factory=unfit_engine)
    with pytest.raises(WeightsError, match="put them back"):
        list(executor.run(Source()))
    executor.close()


def test_a_stop_gives_back_what_is_not_finished(tmp_path: Path, executor: LocalExecutor) -> None:
    endless = an_assignment(write_photo(tmp_path / "a.png", "takes for ever"), "endless")
    found: list[ExecutorEvent] = []
    for event in executor.run(Source(endless)):
        found.append(event)
        if isinstance(event, Progress):
            executor.stop()
    failure = found[-1]
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.REQUEUED


def test_a_source_that_fails_ends_the_run_and_the_worker(tmp_path: Path, executor: LocalExecutor) -> None:
    def source(count: int) -> list[Assignment]:
        raise RuntimeError("the ledger is gone")

    with pytest.raises(RuntimeError, match="ledger"):
        list(executor.run(source))
    assert isinstance(list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png")))))[-1], Artwork)


def test_whoever_waits_for_the_worker_is_heard_of_several_times_a_second(tmp_path: Path) -> None:
    polls: list[int] = []
    executor = LocalExecutor(EngineSettings(), factory=fake_engine, on_poll=lambda: polls.append(1))
    with contextlib.closing(executor):
        list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png"), "only"))))
    assert len(polls) >= 4, "while it starts and at each of its messages"
