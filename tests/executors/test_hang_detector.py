"""When a silent worker is given up, without waiting."""

from __future__ import annotations

from pipeline.executors.hang_detector import HangDetector


def test_silence_is_allowed_for_as_long_as_the_setting_says() -> None:
    hang_detector = HangDetector(3.0)
    assert [hang_detector.add_silence(1.0) for _ in range(4)] == [False, False, False, True]


def test_every_message_begins_a_new_silence() -> None:
    hang_detector = HangDetector(3.0)
    for _ in range(10):
        assert not hang_detector.add_silence(2.0)
        hang_detector.message_received()


def test_zero_is_no_timeout() -> None:
    assert not HangDetector(0.0).add_silence(1e9)


def test_a_slow_engine_is_known_by_its_slowest_evaluation() -> None:
    hang_detector = HangDetector(10.0)
    hang_detector.add_silence(9.0)
    hang_detector.message_received()
    assert not hang_detector.add_silence(90.0)
    assert hang_detector.add_silence(0.1)


def test_the_timeout_can_be_shortened_but_a_slow_worker_keeps_its_pace() -> None:
    hang_detector = HangDetector(1000.0)
    assert not hang_detector.add_silence(400.0)
    hang_detector.restart(5.0)
    assert not hang_detector.add_silence(4.0)
    assert hang_detector.add_silence(2.0)
    slow = HangDetector(0.0)
    slow.add_silence(3.0)
    slow.message_received()
    slow.restart(5.0)
    assert not slow.add_silence(29.0)
    assert slow.add_silence(2.0)
