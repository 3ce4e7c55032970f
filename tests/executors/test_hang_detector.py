"""When a silent worker is given up, without waiting."""

from __future__ import annotations

from pipeline.executors.hang_detector import Patience


def test_silence_is_borne_for_as_long_as_the_setting_says() -> None:
    patience = Patience(3.0)
    assert [patience.wait(1.0) for _ in range(4)] == [False, False, False, True]


def test_every_word_begins_a_new_silence() -> None:
    patience = Patience(3.0)
    for _ in range(10):
        assert not patience.wait(2.0)
        patience.hear()


def test_zero_is_patience_for_ever() -> None:
    assert not Patience(0.0).wait(1e9)


def test_a_slow_engine_is_known_by_its_slowest_evaluation() -> None:
    patience = Patience(10.0)
    patience.wait(9.0)
    patience.hear()
    assert not patience.wait(90.0)
    assert patience.wait(0.1)


def test_patience_can_be_tightened_but_a_slow_worker_keeps_its_pace() -> None:
    patience = Patience(1000.0)
    assert not patience.wait(400.0)
    patience.tighten(5.0)
    assert not patience.wait(4.0)
    assert patience.wait(2.0)
    slow = Patience(0.0)
    slow.wait(3.0)
    slow.hear()
    slow.tighten(5.0)
    assert not slow.wait(29.0)
    assert slow.wait(2.0)
