"""A stop gives the worker time: to finish, then to keep what it has; and it never hangs."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import LedgerError
from pipeline.executors.child import WorkerOptions
from pipeline.executors.local import LocalExecutor, WorkerTimeouts
from pipeline.model import (
    Artwork,
    Assignment,
    EngineSettings,
    ExecutorEvent,
    Failure,
    FailureKind,
    NetworkLoading,
    Progress,
    Remark,
    Started,
)
from tests.executors.slow_engine import SAVING_SECONDS, slowly_saving_engine
from tests.executors.test_local import Source, answers
from tests.fakes import fake_engine, kept_in, stillborn_engine, write_photo
from tests.worker.test_worker import an_assignment


@contextlib.contextmanager
def executor(*, hang_seconds: float = 0.0, grace_seconds: float = 0.0, **options: Any) -> Iterator[LocalExecutor]:
    timeouts = WorkerTimeouts(hang_seconds, grace_seconds)
    made = LocalExecutor(EngineSettings(), timeouts=timeouts, **{"factory": fake_engine, **options})
    with contextlib.closing(made):
        yield made


def endless(folder: Path, token: str = "endless") -> Assignment:
    photo = write_photo(folder / f"{token}.png", "takes for ever")
    return an_assignment(photo, token, checkpoint_path=folder / f"{token}.safetensors")


def run_until_progress(worker: LocalExecutor, source: Source, steps: int = 1) -> list[ExecutorEvent]:
    """Stop after so many evaluations of an endless picture."""
    found: list[ExecutorEvent] = []
    for event in worker.run(source):
        found.append(event)
        if sum(isinstance(event, Progress) for event in found) == steps:
            worker.stop()
    return found


def test_a_stop_saves_a_checkpoint_and_the_next_run_resumes_it(tmp_path: Path) -> None:
    with executor() as worker:
        found = run_until_progress(worker, Source(endless(tmp_path)), 3)
    failure = found[-1]
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.REQUEUED
    assert failure.reason.endswith("it will be resumed there")
    evaluations, _ = kept_in(tmp_path / "endless.safetensors")
    assert evaluations >= 3
    with executor() as worker:
        found = run_until_progress(worker, Source(endless(tmp_path)), 3)
    assert any(isinstance(event, Remark) and f"evaluation {evaluations} of" in event.text for event in found)
    assert kept_in(tmp_path / "endless.safetensors")[0] >= evaluations + 3


def test_a_run_that_is_left_saves_checkpoints_of_what_is_in_progress(tmp_path: Path) -> None:
    with executor() as worker, contextlib.closing(worker.run(Source(endless(tmp_path)))) as events:
        assert any(isinstance(event, Progress) for event in events)
    assert kept_in(tmp_path / "endless.safetensors")[0] >= 1


def test_a_run_that_fails_saves_checkpoints_of_what_is_in_progress(tmp_path: Path) -> None:
    progressed: list[Progress] = []

    def fail() -> None:
        if progressed:
            raise LedgerError("the ledger is locked")

    def work_on() -> None:
        for event in worker.run(Source(endless(tmp_path))):
            progressed.extend([event] if isinstance(event, Progress) else [])

    with executor(on_poll=fail) as worker, pytest.raises(LedgerError):
        work_on()
    assert kept_in(tmp_path / "endless.safetensors")[0] >= 1


def test_a_run_that_is_left_does_not_wait_for_a_worker_that_hangs(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", "hangs")
    with executor(hang_seconds=1.0) as worker:
        with contextlib.closing(worker.run(Source(an_assignment(photo)))) as events:
            assert any(isinstance(event, Started) for event in events)
        assert multiprocessing.active_children() == []


@pytest.mark.parametrize("is_left", [True, False])
def test_checkpoints_may_be_written_for_long_one_after_another(tmp_path: Path, is_left: bool) -> None:
    source = Source(*(endless(tmp_path, f"t{number}") for number in range(3)))
    begun = 0
    with (
        executor(factory=slowly_saving_engine, hang_seconds=1.5 * SAVING_SECONDS) as worker,
        contextlib.closing(worker.run(source)) as events,
    ):
        for event in events:
            begun += isinstance(event, Started)
            if begun == 3 and isinstance(event, Progress):
                if is_left:
                    break
                worker.stop()
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


def test_what_is_finished_within_the_grace_is_finished(tmp_path: Path) -> None:
    photos = [write_photo(tmp_path / f"{n}.png", shade=n) for n in range(8)]
    source = Source(*(an_assignment(photo, photo.stem) for photo in photos))
    found: list[ExecutorEvent] = []
    with executor(grace_seconds=60.0) as worker:
        for event in worker.run(source):
            found.append(event)
            if isinstance(event, Progress):
                worker.stop()
    answered = answers(found)
    assert any(isinstance(answer, Artwork) for answer in answered.values())
    assert all(isinstance(answer, Artwork) or answer.kind is FailureKind.REQUEUED for answer in answered.values())
    assert len(answered) + len(source.waiting) == 8


def test_every_picture_is_answered_once(tmp_path: Path) -> None:
    source = Source(*(endless(tmp_path, f"t{number}") for number in range(6)))
    with executor() as worker:
        found = run_until_progress(worker, source)
    told = [event.token for event in found if isinstance(event, Artwork | Failure)]
    assert len(told) == len(set(told)) == 6 - len(source.waiting)


def test_a_worker_that_does_not_come_to_its_end_is_killed(tmp_path: Path) -> None:
    fine, hung = write_photo(tmp_path / "a.png"), write_photo(tmp_path / "b.png", "hangs")
    found: list[ExecutorEvent] = []
    with executor(hang_seconds=1.0, worker_options=WorkerOptions(photos_ahead=0)) as worker:
        for event in worker.run(Source(an_assignment(fine, "fine"), an_assignment(hung, "hung"))):
            found.append(event)
            if isinstance(event, Artwork):  # by now, the engine is at the second one
                worker.stop()
    assert found[-1] == Failure("hung", FailureKind.REQUEUED, "returned to the queue: the run was stopped")


def test_a_stop_before_the_worker_has_anything_ends_it_at_once(tmp_path: Path) -> None:
    with executor(grace_seconds=1000.0) as worker:
        worker.stop()
        assert list(worker.run(Source(endless(tmp_path)))) == []
        source = Source()
        assert source.asked == []


def test_a_worker_that_dies_while_it_is_stopped_is_reported(tmp_path: Path) -> None:
    found: list[ExecutorEvent] = []
    with executor(grace_seconds=1000.0) as worker:
        for event in worker.run(Source(endless(tmp_path))):
            found.append(event)
            if isinstance(event, Progress):
                worker.stop()
                for process in multiprocessing.active_children():
                    process.kill()
    assert isinstance(found[-1], Failure)
    assert found[-1].kind is FailureKind.CRASH


def test_a_worker_that_dies_before_it_is_ready_is_no_trouble_to_a_stop() -> None:
    def stop_at_its_death() -> None:
        for process in multiprocessing.active_children():
            process.join()
        worker.stop()

    with executor(factory=stillborn_engine, on_poll=stop_at_its_death) as worker:
        loading, told = worker.run(Source())
    assert loading == NetworkLoading()
    assert isinstance(told, Remark)
    assert told.text == (
        "the worker process died (SIGKILL: probably out of memory) before it could begin with no picture in progress"
    )


def test_a_stop_is_not_kept_waiting_by_a_worker_that_is_to_be_started_later() -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        worker.stop()

    with executor(factory=stillborn_engine, sleep=sleep) as worker:
        loading, told = worker.run(Source())
    assert loading == NetworkLoading()
    assert isinstance(told, Remark)
    assert told.text.endswith("the next one is started in 1 s")
    assert slept == [0.1]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_signal_to_all_of_a_services_processes_does_not_end_the_worker(tmp_path: Path) -> None:
    found: list[ExecutorEvent] = []
    with executor() as worker:
        for event in worker.run(Source(endless(tmp_path))):
            found.append(event)
            steps = sum(isinstance(event, Progress) for event in found)
            if steps == 1:
                for process in multiprocessing.active_children():
                    assert process.pid is not None
                    os.kill(process.pid, signal.SIGTERM)
            if steps == 10:
                worker.stop()
    assert isinstance(found[-1], Failure)
    assert found[-1].kind is FailureKind.REQUEUED


ABANDONS_ITS_WORKER = """
import sys
from pathlib import Path
from pipeline.executors.local import LocalExecutor
from pipeline.model import EngineSettings
from tests.executors.test_local import Source
from tests.fakes import fake_engine
from tests.worker.test_worker import an_assignment

executor = LocalExecutor(EngineSettings(), factory=fake_engine)
print(len(list(executor.run(Source(an_assignment(Path(sys.argv[1]) / "a.png"))))))
"""


@pytest.mark.slow
def test_a_program_that_forgets_its_worker_ends_all_the_same(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png")
    command = [sys.executable, "-c", ABANDONS_ITS_WORKER, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3], check=True
    )
    assert int(done.stdout) > 1
