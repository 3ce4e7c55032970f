"""What a program is doing follows from its events, in bounded space."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from pipeline.model import (
    Artwork,
    EvaluationShare,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    Losses,
    Progress,
    RunFinished,
)
from pipeline.report.gallery.live import MOST_POINTS, LiveImage, LivePictures, ended_value

JOB = Job("a.jpg", "night", "default")


def progress(number: int, total: float = 2.5, *, token: str = "t1") -> Progress:
    return Progress(
        token=token,
        scale_index=1,
        scale_count=2,
        size=512,
        iteration=number,
        iterations=150,
        losses=Losses(0.5, 2.0, total),
    )


def value(live: LivePictures, **ids: int) -> dict[str, Any]:
    return live.value(ids, lambda token: LiveImage(f"live/{token}.webp", 3), note="", now=1000.6, monotonic=5.0)


@pytest.fixture
def live() -> LivePictures:
    live = LivePictures()
    live.update(JobStarted("t1", JOB, "a--night.jpg"), 1.0)
    return live


def test_a_picture_that_has_begun_has_no_losses_yet(live: LivePictures) -> None:
    (canvas,) = value(live, t1=7)["canvases"]

    assert (canvas["id"], canvas["photo"], canvas["losses"], canvas["history"]) == (7, "a.jpg", None, [])


def test_a_picture_in_progress_has_its_latest_losses_and_picture(live: LivePictures) -> None:
    live.update(progress(3, 1.23456), 2.0)

    shown = value(live)
    (canvas,) = shown["canvases"]

    assert (shown["written"], shown["working"]) == (1001, True)
    assert (canvas["id"], canvas["image"], canvas["revision"]) == (None, "live/t1.webp", 3)
    assert (canvas["scale_index"], canvas["scale_count"], canvas["size"]) == (1, 2, 512)
    assert (canvas["iteration"], canvas["iterations"]) == (3, 150)
    assert canvas["losses"] == {"content": 0.5, "style": 2.0, "total": 1.23456}
    assert canvas["history"] == [[1, 1.235]]


def test_how_far_an_evaluation_is_is_shown_until_it_is_done(live: LivePictures) -> None:
    def shown() -> list[tuple[float, int]]:
        return [(canvas["evaluation_share"], canvas["iteration"]) for canvas in value(live)["canvases"]]

    live.update(EvaluationShare("t1", 0.25), 2.0)
    live.update(EvaluationShare("unknown", 0.25), 2.0)
    assert shown() == [(0.25, 0)]
    live.update(progress(1), 3.0)
    assert shown() == [(0.0, 1)]
    live.update(EvaluationShare("t1", 0.33333), 4.0)
    assert shown() == [(0.333, 1)]


def test_the_history_is_bounded_and_keeps_its_first_point(live: LivePictures) -> None:
    for number in range(1, 10_001):
        live.update(progress(number, 10_001.0 - number), 2.0)

    history = value(live)["canvases"][0]["history"]

    assert MOST_POINTS // 2 <= len(history) <= MOST_POINTS
    assert history[0] == [1, 10_000.0]
    steps = {later[0] - earlier[0] for earlier, later in pairwise(history)}
    assert len(steps) == 1


@pytest.mark.parametrize("end", ["made", "failed", "run"])
def test_a_picture_is_in_progress_until_it_ends(live: LivePictures, end: str) -> None:
    rest: dict[str, Any] = {"token": "t1", "job": JOB, "key": "k", "output": "a--night.jpg", "attempts": 1}
    run = {"finished": 1, "copied": 0, "failed": 0, "left": 0, "interrupted": False, "seconds": 1.0}
    events = {
        "made": JobFinished(**rest, artwork=_artwork()),
        "failed": JobFailed(**rest, state=JobState.FAILED, reason="r"),
        "run": RunFinished(run_id="r", cache_hits=0, cache_misses=0, **run),  # type: ignore[arg-type]
    }

    live.update(events[end], 3.0)

    assert value(live)["canvases"] == []
    assert value(live)["working"] is False


def test_the_same_job_begun_again_is_one_picture(live: LivePictures) -> None:
    live.update(JobStarted("t2", JOB, "a--night.jpg"), 2.0)

    assert [canvas["token"] for canvas in value(live)["canvases"]] == ["t2"]


def test_what_no_picture_has_begun_with_is_ignored(live: LivePictures) -> None:
    live.update(progress(1, token="unknown"), 2.0)

    assert value(live)["canvases"][0]["losses"] is None


def test_a_program_that_has_ended_shows_nothing() -> None:
    assert ended_value(1000.4) == {
        "written": 1000, "working": False, "note": "", "left": 0, "seconds_left": None, "done": 0, "canvases": [],
    }  # fmt: skip


def _artwork() -> Artwork:
    losses = Losses(0.5, 2.0, 2.5)
    return Artwork(
        token="t1", sha256="0" * 64, width=1, height=1, sizes=(1,), iterations=(1,), first=losses, last=losses,
        seconds=1.0, device="cpu", cache_hits=0, cache_misses=0,
    )  # fmt: skip
