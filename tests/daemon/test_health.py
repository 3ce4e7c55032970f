"""Who is told that the daemon gets on, and when nobody is."""

from __future__ import annotations

import contextlib

import pytest

from pipeline.daemon.health import Health
from pipeline.daemon.notify import Notifier


class FakeHeart:
    def __init__(self) -> None:
        self.beats = 0
        self.last_scan: float | None = None
        self.doing = "waiting"

    def beat(self) -> None:
        self.beats += 1

    def words(self) -> str:
        return self.doing


class Listening(Notifier):
    def __init__(self, watchdog_seconds: float) -> None:
        super().__init__("", watchdog_seconds)
        self.heard: list[str] = []

    def __call__(self, *assignments: str) -> None:
        self.heard += assignments

    def count(self, word: str) -> int:
        return self.heard.count(word)


class Ward:
    def __init__(self, watchdog_seconds: float = 20.0) -> None:
        self.now = 1000.0
        self.heart = FakeHeart()
        self.ear = Listening(watchdog_seconds)
        self.health = Health(self.heart, self.ear, clock=lambda: self.now, now=lambda: 5e9 + self.now)

    def turn_for(self, seconds: int, *, scan_loop: bool = True) -> None:
        for _ in range(2 * seconds):
            self.now += 0.5
            if scan_loop:
                self.health.scan_is_alive()
            self.health.main_is_alive()


@pytest.fixture
def ward() -> Ward:
    return Ward()


def test_the_first_turn_makes_it_ready_and_none_after_it(ward: Ward) -> None:
    assert ward.ear.heard == []
    ward.turn_for(60)
    assert ward.ear.heard[0] == "READY=1"
    assert ward.ear.count("READY=1") == 1
    assert ward.heart.beats == 120


def test_the_watchdog_hears_four_times_as_often_as_it_asks(ward: Ward) -> None:
    ward.turn_for(100)
    assert ward.ear.count("WATCHDOG=1") in (20, 21)


def test_it_hears_every_ten_seconds_even_if_it_asks_for_less() -> None:
    ward = Ward(watchdog_seconds=3600.0)
    ward.turn_for(100)
    assert ward.ear.count("WATCHDOG=1") in (10, 11)


def test_a_service_without_watchdog_does_not_speak_to_it() -> None:
    ward = Ward(watchdog_seconds=0.0)
    ward.turn_for(100)
    assert ward.ear.count("WATCHDOG=1") == 0


def test_a_thread_that_looks_for_more_than_an_hour_silences_both(ward: Ward) -> None:
    ward.health.scan_is_alive()
    ward.turn_for(3599, scan_loop=False)
    heard, beats = ward.ear.count("WATCHDOG=1"), ward.heart.beats
    ward.turn_for(600, scan_loop=False)
    assert ward.ear.count("WATCHDOG=1") - heard <= 1
    assert ward.heart.beats - beats <= 4
    ward.turn_for(10)
    assert ward.heart.beats - beats >= 20


def test_while_nobody_looks_at_the_folder_nobody_is_missed(ward: Ward) -> None:
    ward.health.scan_is_alive()
    ward.health.scan_has_ended()
    ward.turn_for(7200, scan_loop=False)
    assert ward.heart.beats == 14400


def test_what_it_does_is_told_when_it_changes(ward: Ward) -> None:
    ward.turn_for(10)
    ward.heart.doing = "painting\nfast"
    ward.turn_for(10)
    assert [word for word in ward.ear.heard if word.startswith("STATUS")] == [
        "STATUS=waiting",
        "STATUS=painting fast",
    ]


def test_reading_another_config_is_told_with_the_time_and_its_end(ward: Ward) -> None:
    ward.turn_for(1)
    with contextlib.suppress(ZeroDivisionError), ward.health.reloading():
        reloading, since = ward.ear.heard[-2:]
        raise ZeroDivisionError
    assert reloading == "RELOADING=1"
    assert int(since.removeprefix("MONOTONIC_USEC=")) > 0
    assert ward.ear.heard[-1] == "READY=1"


def test_a_full_look_is_noted_with_its_time(ward: Ward) -> None:
    ward.health.scan_is_alive()
    assert ward.heart.last_scan is None
    ward.health.scan_is_alive(full_scan=True)
    assert ward.heart.last_scan == 5e9 + 1000.0


def test_the_end_is_told_once(ward: Ward) -> None:
    ward.health.stopping()
    ward.health.stopping()
    assert ward.ear.heard == ["STOPPING=1"]


def test_without_anybody_to_tell_nothing_is_told() -> None:
    health = Health()
    health.main_is_alive()
    health.scan_is_alive(full_scan=True)
