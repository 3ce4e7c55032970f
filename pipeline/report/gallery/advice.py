"""Says what to do about a failed picture or a photo that is set aside. Owns these sentences; reasons are others'.

A reason says what happened, and mostly what to do about its cause; the advice says what happens next by itself, and
what to type. The few reasons that leave a question open are known by their words, as failures have no kind on record.
"""

from __future__ import annotations

from typing import Final

from pipeline.model import JobState

_RETRY: Final = "'stylewatch retry' tries it again"

#: Words of the reasons that don't say what to do, and what helps then.
_CAUSES: Final = (
    (
        "worker process died",
        "Mostly the memory ran out: a smaller engine.batch_size or size helps, 'stylewatch check' tests it.",
    ),
    (
        "and was killed",
        "'stylewatch check' tests the machine; state.hang_seconds says how long a silent worker is waited for.",
    ),
    ("ended unexpectedly", "If the machine lost power or was restarted each time, the picture is not to blame."),
    ("ermission denied", "Let the user that runs stylewatch read the photos and write the pictures."),
)


def failure_advice(state: str, reason: str) -> str:
    """Return what to do about a picture in the state failed or quarantined."""
    if state == JobState.FAILED:
        again = "It is tried again later: 'stylewatch watch' does it by itself, 'stylewatch run' at once."
        return f"{_cause(reason)}{again}"
    return f"{_cause(reason)}It is given up until its photo or its settings change; {_RETRY}."


def photo_advice(reason: str) -> str:
    """Return what to do about a photo that is set aside."""
    return f"{_cause(reason)}With a whole, readable file in its place its pictures are made; {_RETRY} as it is."


def incomplete_advice() -> str:
    """Return what to do about a file that is not whole yet."""
    return "If it is not being copied any more, copy it again: once it is whole, its pictures are made."


def _cause(reason: str) -> str:
    return next((f"{advice} " for words, advice in _CAUSES if words in reason), "")
