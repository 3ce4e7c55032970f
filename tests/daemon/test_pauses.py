"""Pauses are told once, whichever of both threads meets their cause, and never in silence."""

from __future__ import annotations

from pipeline.daemon.pauses import Pauses
from pipeline.model import WatchNotice


def test_a_cause_that_both_threads_meet_is_told_once() -> None:
    told: list[WatchNotice] = []
    pauses = Pauses(told.append)
    pauses.report("input", "the disk is full")
    pauses.report("work", "the disk is full")
    assert [notice.kind for notice in told] == ["paused"]


def test_a_pause_that_outlives_the_one_it_was_told_with_is_told_then() -> None:
    told: list[WatchNotice] = []
    pauses = Pauses(told.append)
    pauses.report("input", "the disk is full")
    pauses.report("work", "the disk is full")
    pauses.end("input")
    waits = [pauses.report("work", "the disk is full") for _ in range(2)]
    assert waits == [2, 4]
    pauses.end("work")
    assert [notice.kind for notice in told] == ["paused", "resumed", "paused", "resumed"]
    assert told[-1].text == "resumed: pictures can be made again"
