"""When file events are given up for polling. What a scan makes of that: test_scan_loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.daemon.event_watch import EventWatch
from pipeline.daemon.watch_policy import WatchMode, WatchPolicy
from pipeline.model import WatchNotice


@dataclass
class FakeWatcher:
    refusal: str = ""
    failed: str = ""
    unwatched: str = ""
    is_running: bool = False

    def start(self) -> str:
        self.is_running = not self.refusal
        return self.refusal

    def failure(self) -> str:
        return self.failed

    def unwatched_reason(self, folders: int) -> str:
        return self.unwatched

    def stop(self) -> None:
        self.is_running = False


@dataclass
class Harness:
    mode: WatchMode = "events"
    notices: list[WatchNotice] = field(default_factory=list)
    watchers: list[FakeWatcher] = field(default_factory=list)
    refusal: str = ""

    def __post_init__(self) -> None:
        policy = WatchPolicy(folder="in", mode=self.mode, rescan_seconds=300)
        self.watch = EventWatch(policy, self.make_watcher, self.notices.append)
        self.watch.start()

    def make_watcher(self) -> FakeWatcher:
        self.watchers.append(FakeWatcher(self.refusal))
        return self.watchers[-1]

    def texts(self) -> list[str]:
        return [notice.text for notice in self.notices]


def test_a_replaced_folder_is_watched_by_a_new_watcher_without_a_word() -> None:
    harness = Harness()
    harness.watch.restart()
    assert [watcher.is_running for watcher in harness.watchers] == [False, True]
    assert harness.texts() == ["watching in by file events"]


def test_a_replaced_folder_that_can_not_be_watched_is_polled_with_the_reason() -> None:
    harness = Harness()
    harness.refusal = "the limit is reached"
    harness.watch.restart()
    assert harness.texts()[1:] == ["polling in, at most every 5.0 s: the limit is reached"]
    assert harness.watch.rescan_seconds() == 5.0
    harness.watch.restart()
    assert len(harness.watchers) == 2, "polling is for good"


def test_a_polled_folder_has_no_watcher_to_fail_or_to_restart() -> None:
    harness = Harness("polling")
    harness.watch.restart()
    assert harness.watchers == []
    assert not harness.watch.has_failed()
    assert harness.watch.check_coverage(1000) is None


def test_a_failure_is_told_once() -> None:
    harness = Harness()
    assert not harness.watch.has_failed()
    harness.watchers[0].failed = "the thread has died"
    assert [harness.watch.has_failed(), harness.watch.has_failed()] == [True, False]
    assert harness.texts()[1:] == ["polling in, at most every 5.0 s: the thread has died"]


def test_unwatched_folders_take_two_checks_in_a_row() -> None:
    harness = Harness()
    for unwatched, rescan_after in (("1 of 2", 1.0), ("", None), ("1 of 2", 1.0), ("1 of 2", 0.0)):
        harness.watchers[0].unwatched = unwatched
        assert harness.watch.check_coverage(2) == rescan_after
    assert harness.texts()[1:] == ["polling in, at most every 5.0 s: 1 of 2"]
    assert not harness.watchers[0].is_running
