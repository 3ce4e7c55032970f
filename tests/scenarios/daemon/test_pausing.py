"""What makes the daemon pause, and that it goes on by itself. Real watcher, real mounts where that is allowed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.errors import CannotRunError, StorageError, WeightsError
from pipeline.executors import Executor
from pipeline.model import ExecutorEvent, Failure, FailureKind, JobFailed, JobSource, JobState
from tests.daemon.harness import DaemonHarness, Gate
from tests.workshop import InProcessExecutor


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[Path]:
    """Mount something for the time of the block; the last argument is where."""
    if not sys.platform.startswith("linux"):
        pytest.skip("mounts as Linux does")
    ended = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"may not mount here: {ended.stderr.strip()}")
    try:
        yield Path(arguments[-1])
    finally:
        subprocess.run(["umount", "--lazy", str(arguments[-1])], check=False)


def test_a_lost_folder_pauses_with_one_warning_and_its_return_resumes(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
        harness.folder.rename(harness.workshop.folder / "elsewhere")
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        (harness.workshop.folder / "elsewhere").rename(harness.folder)
        harness.wait_for(lambda: harness.notices("resumed"), "the return")
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    (paused,) = harness.notices("paused")
    assert "no photo is treated as deleted" in paused.text
    assert len(harness.notices("resumed")) == 1
    assert harness.set_aside() == []


def test_a_folder_lost_while_photos_wait_loses_none_of_them(harness: DaemonHarness) -> None:
    gate = Gate()
    for number in range(3):
        harness.workshop.photo(f"{number}.png", shade=number)
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 3, "all to be taken in")
        harness.folder.rename(harness.workshop.folder / "elsewhere")
        gate.open.set()
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        (harness.workshop.folder / "elsewhere").rename(harness.folder)
        harness.wait_for_pictures(*(f"{number}--night.jpg" for number in range(3)))
    assert harness.events_of(JobFailed) == []
    assert harness.set_aside() == []


def test_an_unmounted_share_is_no_empty_folder(harness: DaemonHarness) -> None:
    share = harness.workshop.folder / "share"
    harness.workshop.photo("a.png")
    harness.folder.rename(share)
    harness.folder.mkdir()
    with mounted("--bind", share, harness.folder), harness.running():
        harness.wait_for_pictures("a--night.jpg")
        subprocess.run(["umount", harness.folder], check=True)
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 1, "the photo to be still on record")
        with mounted("--bind", share, harness.folder):
            harness.wait_for(lambda: harness.notices("resumed"), "the return")
            harness.workshop.photo("b.png", shade=2)
            harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert len(harness.notices("paused")) == 1
    assert harness.set_aside() == []


def test_a_disk_with_too_little_room_pauses_once_until_there_is_some(harness: DaemonHarness) -> None:
    harness.workshop.text = harness.workshop.text.replace("min_free_disk: 0", "min_free_disk: 4 MB")
    harness.workshop.out.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", harness.workshop.out):
        filler = harness.workshop.out / "filler"
        filler.write_bytes(bytes(6_000_000))
        with harness.running():
            harness.workshop.photo("a.png")
            harness.wait_for(lambda: harness.notices("paused"), "the warning")
            harness.workshop.photo("b.png", shade=2)
            harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 2, "intake to go on")
            filler.unlink()
            harness.wait_for(lambda: harness.notices("resumed"), "the room to be noticed")
            harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
        assert len(harness.notices("paused")) == 1


class Flaky(InProcessExecutor):
    """Can't write its first pictures; a worker that dies at once has only its error."""

    def __init__(self, troubles: list[CannotRunError]) -> None:
        super().__init__()
        self.troubles = troubles

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        if self.troubles:
            trouble = self.troubles.pop()
            if not isinstance(trouble, StorageError):
                raise trouble
            (assignment,) = source(1)
            yield Failure(assignment.token, FailureKind.STORAGE, str(trouble))
        yield from super().run(source)


class Picky(InProcessExecutor):
    """Can neither read one photo nor write the picture of another one."""

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        while assignments := source(1):
            (assignment,) = assignments
            kinds = {"bad.png": FailureKind.UNREADABLE, "odd.png": FailureKind.UNWRITABLE}
            if kind := kinds.get(assignment.job.photo):
                yield Failure(assignment.token, kind, "Input/output error")
            else:
                waiting = [assignment]
                yield from super().run(lambda count: [waiting.pop()] if waiting else [])  # noqa: B023


def test_one_photos_trouble_is_no_pause_for_the_others(harness: DaemonHarness) -> None:
    harness.workshop.text += "state: {retry_seconds: 3600}\n"
    with harness.running(executor=Picky):
        for shade, name in enumerate(("bad.png", "odd.png", "a.png", "b.png")):
            harness.workshop.photo(name, shade=shade)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
        harness.wait_for(lambda: len(harness.events_of(JobFailed)) == 2, "both failures")
    assert harness.notices("paused") == []
    with harness.workshop.ledger() as ledger:
        assert [(row.state, row.attempts) for row in ledger.queries.failures()] == [(JobState.FAILED, 1)] * 2


def flaky(*troubles: CannotRunError) -> Callable[[], Executor]:
    left = list(troubles)
    return lambda: Flaky(left)


@pytest.mark.parametrize("trouble", [StorageError("the disk is full"), CannotRunError("the worker died at once")])
def test_what_may_pass_is_told_once_and_waited_for(harness: DaemonHarness, trouble: CannotRunError) -> None:
    harness.workshop.photo("a.png")
    with harness.running(executor=flaky(trouble, trouble)):
        harness.wait_for_pictures("a--night.jpg")
        harness.wait_for(lambda: harness.notices("resumed"), "the end of the pause")
    assert len(harness.notices("paused")) == len(harness.notices("resumed")) == 1
    assert str(trouble) in harness.notices("paused")[0].text


def test_what_nobody_mends_by_waiting_ends_the_daemon(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with pytest.raises(WeightsError):
        harness.run_until_first_report(flaky(WeightsError("the weights are gone")))
    assert [run.reason for run in harness.runs()] == ["the weights are gone"]
