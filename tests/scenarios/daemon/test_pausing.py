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
from tests.daemon.station import Gate, Station
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


def test_a_lost_folder_pauses_with_one_warning_and_its_return_resumes(station: Station) -> None:
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
        station.folder.rename(station.workshop.folder / "elsewhere")
        station.wait_for(lambda: station.notices("paused"), "the warning")
        (station.workshop.folder / "elsewhere").rename(station.folder)
        station.wait_for(lambda: station.notices("resumed"), "the return")
        station.workshop.photo("b.png", shade=2)
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
    (paused,) = station.notices("paused")
    assert "nothing is taken for deleted" in paused.text
    assert len(station.notices("resumed")) == 1
    assert station.set_aside() == []


def test_a_folder_lost_while_photos_wait_loses_none_of_them(station: Station) -> None:
    gate = Gate()
    for number in range(3):
        station.workshop.photo(f"{number}.png", shade=number)
    with station.working(executor=gate.executor):
        gate.reached.wait()
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 3, "all to be taken in")
        station.folder.rename(station.workshop.folder / "elsewhere")
        gate.open.set()
        station.wait_for(lambda: station.notices("paused"), "the warning")
        (station.workshop.folder / "elsewhere").rename(station.folder)
        station.wait_for_pictures(*(f"{number}--night.jpg" for number in range(3)))
    assert station.told(JobFailed) == []
    assert station.set_aside() == []


def test_an_unmounted_share_is_no_empty_folder(station: Station) -> None:
    share = station.workshop.folder / "share"
    station.workshop.photo("a.png")
    station.folder.rename(share)
    station.folder.mkdir()
    with mounted("--bind", share, station.folder), station.working():
        station.wait_for_pictures("a--night.jpg")
        subprocess.run(["umount", station.folder], check=True)
        station.wait_for(lambda: station.notices("paused"), "the warning")
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 1, "the photo to be still on record")
        with mounted("--bind", share, station.folder):
            station.wait_for(lambda: station.notices("resumed"), "the return")
            station.workshop.photo("b.png", shade=2)
            station.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert len(station.notices("paused")) == 1
    assert station.set_aside() == []


def test_a_disk_with_too_little_room_pauses_once_until_there_is_some(station: Station) -> None:
    station.workshop.text = station.workshop.text.replace("min_free_disk: 0", "min_free_disk: 4 MB")
    station.workshop.out.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", station.workshop.out):
        filler = station.workshop.out / "filler"
        filler.write_bytes(bytes(6_000_000))
        with station.working():
            station.workshop.photo("a.png")
            station.wait_for(lambda: station.notices("paused"), "the warning")
            station.workshop.photo("b.png", shade=2)
            station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 2, "intake to go on")
            filler.unlink()
            station.wait_for(lambda: station.notices("resumed"), "the room to be noticed")
            station.wait_for_pictures("a--night.jpg", "b--night.jpg")
        assert len(station.notices("paused")) == 1


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


def test_one_photos_trouble_is_no_pause_for_the_others(station: Station) -> None:
    station.workshop.text += "state: {retry_seconds: 3600}\n"
    with station.working(executor=Picky):
        for shade, name in enumerate(("bad.png", "odd.png", "a.png", "b.png")):
            station.workshop.photo(name, shade=shade)
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
        station.wait_for(lambda: len(station.told(JobFailed)) == 2, "both failures")
    assert station.notices("paused") == []
    with station.workshop.ledger() as ledger:
        assert [(row.state, row.attempts) for row in ledger.queries.failures()] == [(JobState.FAILED, 1)] * 2


def flaky(*troubles: CannotRunError) -> Callable[[], Executor]:
    left = list(troubles)
    return lambda: Flaky(left)


@pytest.mark.parametrize("trouble", [StorageError("the disk is full"), CannotRunError("the worker died at once")])
def test_what_may_pass_is_told_once_and_waited_for(station: Station, trouble: CannotRunError) -> None:
    station.workshop.photo("a.png")
    with station.working(executor=flaky(trouble, trouble)):
        station.wait_for_pictures("a--night.jpg")
        station.wait_for(lambda: station.notices("resumed"), "the end of the pause")
    assert len(station.notices("paused")) == len(station.notices("resumed")) == 1
    assert str(trouble) in station.notices("paused")[0].text


def test_what_nobody_mends_by_waiting_ends_the_daemon(station: Station) -> None:
    station.workshop.photo("a.png")
    with pytest.raises(WeightsError):
        station.work_until_its_first_report(flaky(WeightsError("the weights are gone")))
    assert [run.reason for run in station.runs()] == ["the weights are gone"]
