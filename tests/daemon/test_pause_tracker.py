"""Pauses are reported once, whichever of both threads meets their cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.daemon.health import Health
from pipeline.daemon.pause_tracker import PauseReason, PauseTracker
from pipeline.model import WatchNotice
from pipeline.report.heartbeat import Heartbeat, read_heartbeat
from tests.daemon.test_health import RecordingNotifier


def test_a_cause_that_both_threads_meet_is_told_once() -> None:
    notices: list[WatchNotice] = []
    pauses = PauseTracker(notices.append)
    pauses.report("input", "the disk is full")
    pauses.report("work", "the disk is full")
    assert [notice.kind for notice in notices] == ["paused"]


def test_what_is_over_is_said_of_the_folder_and_of_a_ledger_that_kept_it_from_being_looked_at() -> None:
    notices: list[WatchNotice] = []
    pauses = PauseTracker(notices.append)
    pauses.report("input", "the ledger can't be read")
    pauses.end("input")
    assert notices[-1].text == "resumed: photos can be looked for again"


def test_a_pause_that_outlives_the_one_it_was_told_with_is_told_then() -> None:
    notices: list[WatchNotice] = []
    pauses = PauseTracker(notices.append)
    pauses.report("input", "the disk is full")
    pauses.report("work", "the disk is full")
    pauses.end("input")
    waits = [pauses.report("work", "the disk is full") for _ in range(2)]
    assert waits == [2, 4]
    pauses.end("work")
    assert [notice.kind for notice in notices] == ["paused", "resumed", "paused", "resumed"]
    assert notices[-1].text == "resumed: pictures can be made again"


@pytest.mark.parametrize(
    ("first_to_end", "left"), [("work", "the share is gone"), ("input", "the disk is full")], ids=["later", "earlier"]
)
def test_status_names_the_reason_that_is_left(tmp_path: Path, first_to_end: PauseReason, left: str) -> None:
    notices: list[WatchNotice] = []
    now = [1000.0]
    with Heartbeat(tmp_path, "watch", clock=lambda: now[0]) as heartbeat:
        systemd = RecordingNotifier(0)
        health = Health(heartbeat, systemd, clock=lambda: now[0])

        def emit(notice: WatchNotice) -> None:
            notices.append(notice)
            now[0] += 10
            heartbeat(notice)
            health.report_main_alive()

        def paused() -> str:
            sign = read_heartbeat(tmp_path)
            assert sign is not None
            assert sign.paused == (sign.activity_text if sign.activity == "paused" else "")
            return sign.paused

        pauses = PauseTracker(emit)
        pauses.report("input", "the share is gone")
        pauses.report("work", "the disk is full")
        assert "the disk is full" in paused()
        pauses.end(first_to_end)
        assert paused() == f"still paused: {left}; work resumes by itself once that is fixed"
        assert systemd.sent[-1] == f"STATUS={paused()}"
        assert [notice.kind for notice in notices] == ["paused", "paused", "resumed", "paused"]
        pauses.end("input")
        pauses.end("work")
        assert paused() == ""
        assert [notice.kind for notice in notices[4:]] == ["resumed"]


def test_of_three_reasons_the_latest_of_those_left_is_told() -> None:
    notices: list[WatchNotice] = []
    pauses = PauseTracker(notices.append)
    reasons: tuple[PauseReason, ...] = ("input", "work", "ledger")
    for reason in reasons:
        pauses.report(reason, f"{reason} is broken")
    pauses.end("ledger")
    assert notices[-1].text.startswith("still paused: work is broken")
    pauses.end("input")
    assert notices[-1].text.startswith("still paused: work is broken")
    pauses.end("work")
    assert notices[-1].kind == "resumed"
