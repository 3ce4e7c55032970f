"""Each failure is told with what happens next and what to type."""

from __future__ import annotations

import pytest

from pipeline.model import JobState
from pipeline.report.gallery.advice import failure_advice, photo_advice


def test_a_failed_picture_needs_nothing_done() -> None:
    assert failure_advice("failed", "the disk was slow") == (
        "It is tried again later: 'stylewatch watch' does it by itself, 'stylewatch run' at once."
    )


def test_a_picture_that_was_given_up_comes_back_by_a_command() -> None:
    assert failure_advice(JobState.QUARANTINED, "the loss became nan; use a smaller learning_rate").startswith(
        "It is given up until its photo or its settings change; 'stylewatch retry'"
    )


def test_a_photo_that_is_set_aside_comes_back_by_a_good_file() -> None:
    assert "'stylewatch retry' tries it again" in photo_advice("the file is damaged or cut short")


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("the worker process died (SIGKILL), 3 times", "engine.batch_size"),
        ("the worker process made no progress for 600 s and was killed", "state.hang_seconds"),
        ("the program ended unexpectedly each time it worked on this picture", "lost power"),
        ("in/a.jpg: Permission denied", "read the photos"),
    ],
)
def test_a_reason_that_leaves_a_question_open_gets_an_answer(reason: str, advice: str) -> None:
    assert advice in failure_advice("quarantined", reason)
