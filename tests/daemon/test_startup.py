from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.startup import Startup, StoppedError
from pipeline.errors import LedgerError, LedgerLockedError, StorageError
from pipeline.model import WatchNotice

LOCKED = LedgerLockedError("another process keeps it locked")
GONE = StorageError("the folder is gone")


@dataclass
class Harness:
    """A thread that starts, with a fake sleep; it is stopped after so many calls of that."""

    sleeps_left: int = 1000
    notices: list[WatchNotice] = field(default_factory=list)
    waits: int = 0
    slept: float = 0.0

    def __post_init__(self) -> None:
        self.pauses = PauseTracker(self.notices.append)
        self.startup = Startup(self.pauses, lambda: self.sleeps_left <= 0, self._count_wait, sleep=self._sleep)

    def _count_wait(self) -> None:
        self.waits += 1

    def _sleep(self, seconds: float) -> None:
        self.sleeps_left -= 1
        self.slept += seconds

    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.notices]


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def action() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return action


def test_what_works_at_once_is_told_by_nobody() -> None:
    harness = Harness()
    assert harness.startup.retry_until_done(failing(), "work") == "done"
    assert harness.notices == []
    assert harness.slept == 0


def test_what_may_pass_is_told_once_and_tried_again_soon() -> None:
    harness = Harness()
    assert harness.startup.retry_until_done(failing(*[GONE] * 10), "input") == "done"
    assert harness.kinds() == ["paused", "resumed"]
    assert "the folder is gone" in harness.notices[0].text
    assert harness.slept <= 50
    assert harness.waits > 50


def test_a_lock_is_told_as_such() -> None:
    harness = Harness()
    assert harness.startup.retry_until_done(failing(LOCKED, LOCKED), "work") == "done"
    assert harness.notices[-1] == WatchNotice("resumed", "resumed: the ledger can be written again")
    assert harness.kinds() == ["paused", "resumed"]


def test_what_does_not_pass_is_raised_at_once() -> None:
    harness = Harness()
    with pytest.raises(LedgerError, match="damaged"):
        harness.startup.retry_until_done(failing(LedgerError("damaged")), "work")
    assert harness.notices == []


def test_whoever_is_stopped_begins_nothing() -> None:
    harness = Harness(sleeps_left=3)
    with pytest.raises(StoppedError):
        harness.startup.retry_until_done(failing(*[GONE] * 10), "input")
    assert harness.kinds() == ["paused"]


def test_a_lock_while_it_works_is_waited_for_until_it_is_over() -> None:
    harness = Harness(sleeps_left=1)
    assert [harness.startup.keep_waiting("locked"), harness.startup.keep_waiting("locked")] == [True, True]
    assert harness.kinds() == ["paused"]
    harness.startup.acquired()
    assert harness.kinds() == ["paused", "resumed"]
    assert harness.waits == 3
    harness.sleeps_left = 0
    assert not harness.startup.keep_waiting("locked")


def test_a_file_that_fails_in_a_way_nobody_foresaw_is_waited_for_too() -> None:
    harness = Harness()
    assert (
        harness.startup.retry_until_done(failing(OSError(errno.EIO, "Input/output error", "/disk/file")), "work")
        == "done"
    )
    assert harness.kinds() == ["paused", "resumed"]
    assert "/disk/file: Input/output error" in harness.notices[0].text
