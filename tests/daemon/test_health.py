"""When the daemon reports that it is alive, and when it does not."""

from __future__ import annotations

import contextlib

import pytest

from pipeline.daemon.health import Health
from pipeline.daemon.notify import Notifier


class FakeHeartbeat:
    def __init__(self) -> None:
        self.beats = 0
        self.last_scan: float | None = None
        self.activity = "waiting"

    def beat(self) -> None:
        self.beats += 1

    def activity_text(self) -> str:
        return self.activity


class RecordingNotifier(Notifier):
    def __init__(self, watchdog_seconds: float) -> None:
        super().__init__("", watchdog_seconds)
        self.sent: list[str] = []

    def __call__(self, *assignments: str) -> None:
        self.sent += assignments

    def count(self, word: str) -> int:
        return self.sent.count(word)


class Harness:
    def __init__(self, watchdog_seconds: float = 20.0) -> None:
        self.now = 1000.0
        self.heartbeat = FakeHeartbeat()
        self.notifier = RecordingNotifier(watchdog_seconds)
        self.health = Health(self.heartbeat, self.notifier, clock=lambda: self.now, now=lambda: 5e9 + self.now)

    def run_for(self, seconds: int, *, is_scanning: bool = True) -> None:
        for _ in range(2 * seconds):
            self.now += 0.5
            if is_scanning:
                self.health.report_scan_alive()
            self.health.report_main_alive()


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_the_first_turn_makes_it_ready_and_none_after_it(harness: Harness) -> None:
    assert harness.notifier.sent == []
    harness.run_for(60)
    assert harness.notifier.sent[0] == "READY=1"
    assert harness.notifier.count("READY=1") == 1
    assert harness.heartbeat.beats == 120


def test_the_watchdog_hears_four_times_as_often_as_it_asks(harness: Harness) -> None:
    harness.run_for(100)
    assert harness.notifier.count("WATCHDOG=1") in (20, 21)


def test_it_hears_every_ten_seconds_even_if_it_asks_for_less() -> None:
    harness = Harness(watchdog_seconds=3600.0)
    harness.run_for(100)
    assert harness.notifier.count("WATCHDOG=1") in (10, 11)


def test_a_service_without_watchdog_does_not_speak_to_it() -> None:
    harness = Harness(watchdog_seconds=0.0)
    harness.run_for(100)
    assert harness.notifier.count("WATCHDOG=1") == 0


def test_a_thread_that_looks_for_more_than_an_hour_silences_both(harness: Harness) -> None:
    harness.health.report_scan_alive()
    harness.run_for(3599, is_scanning=False)
    sent, beats = harness.notifier.count("WATCHDOG=1"), harness.heartbeat.beats
    harness.run_for(600, is_scanning=False)
    assert harness.notifier.count("WATCHDOG=1") - sent <= 1
    assert harness.heartbeat.beats - beats <= 4
    harness.run_for(10)
    assert harness.heartbeat.beats - beats >= 20


def test_while_nobody_looks_at_the_folder_nobody_is_missed(harness: Harness) -> None:
    harness.health.report_scan_alive()
    harness.health.report_scan_ended()
    harness.run_for(7200, is_scanning=False)
    assert harness.heartbeat.beats == 14400


def test_what_it_does_is_told_when_it_changes(harness: Harness) -> None:
    harness.run_for(10)
    harness.heartbeat.activity = "making\nfast"
    harness.run_for(10)
    assert [word for word in harness.notifier.sent if word.startswith("STATUS")] == [
        "STATUS=waiting",
        "STATUS=making fast",
    ]


def test_reading_another_config_is_told_with_the_time_and_its_end(harness: Harness) -> None:
    harness.run_for(1)
    with contextlib.suppress(ZeroDivisionError), harness.health.reloading():
        reloading, since = harness.notifier.sent[-2:]
        raise ZeroDivisionError
    assert reloading == "RELOADING=1"
    assert int(since.removeprefix("MONOTONIC_USEC=")) > 0
    assert harness.notifier.sent[-1] == "READY=1"


def test_a_full_look_is_noted_with_its_time(harness: Harness) -> None:
    harness.health.report_scan_alive()
    assert harness.heartbeat.last_scan is None
    harness.health.report_scan_alive(full_scan=True)
    assert harness.heartbeat.last_scan == 5e9 + 1000.0


def test_the_end_is_told_once(harness: Harness) -> None:
    harness.health.stopping()
    harness.health.stopping()
    assert harness.notifier.sent == ["STOPPING=1"]


def test_without_anybody_to_tell_nothing_is_told() -> None:
    health = Health()
    health.report_main_alive()
    health.report_scan_alive(full_scan=True)
