"""What somebody reads in a mail the morning after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.model import Job, JobFailed, JobFinished, JobStarted, PhotoSetAside
from pipeline.report.text_report import TextReport
from tests.report.events import CAFE, begun, failed, finished


def lines(
    *pictures: JobStarted | JobFinished | JobFailed, photos: Sequence[PhotoSetAside] = (), **changes: Any
) -> list[str]:
    fields = {
        "config": "my.yaml",
        "began": datetime(2026, 3, 1, 22),
        "ended": datetime(2026, 3, 2, 6, 0, 1),
        "outcome": "1 picture made in 41.0 s",
    }
    return TextReport(pictures=pictures, photos=photos, **(fields | changes)).text().splitlines()


def test_the_outcome_the_table_and_what_failed_come_before_the_pictures() -> None:
    assert lines(
        finished(),
        failed(),
        begun(CAFE, "t3"),
        finished(artwork=None, job=Job("copy.png", "wave", "default")),
        photos=[PhotoSetAside("half.jpg", "incomplete", "no end"), PhotoSetAside("a.jpg", "quarantined", "no image")],
    ) == [
        "stylewatch: report of the run of my.yaml",
        "begun 2026-03-01 22:00:00, ended 2026-03-02 06:00:01",
        "1 picture made in 41.0 s.",
        "",
        "style  recipe   made  copied  failed  time each",
        "night  fine        0       0       1",
        "wave   default     1       1       0     12.3 s",
        "",
        "Pictures that failed (1):",
        "  caf?.jpg × night (fine) failed and is given up: truncated",
        "",
        "Photos set aside (1):",
        "  a.jpg is set aside: no image",
        "",
        "Photos without a picture so far (1):",
        "  half.jpg waits: no end",
        "",
        "Pictures made (2):",
        "  zoo/lion.jpg × wave → zoo/lion.jpg--wave.jpg (12.3 s)",
        "  copy.png × wave → copy.png--wave.jpg (copied from an equal picture)",
        "",
        "Pictures begun and left for the next run (1):",
        "  caf?.jpg × night (fine) is waiting again",
    ]


def test_without_pictures_there_is_no_table() -> None:
    assert lines(photos=[PhotoSetAside("a.jpg", "quarantined", "no image")], config="") == [
        "stylewatch: report of a run",
        "begun 2026-03-01 22:00:00, ended 2026-03-02 06:00:01",
        "1 picture made in 41.0 s.",
        "",
        "Photos set aside (1):",
        "  a.jpg is set aside: no image",
    ]


def test_a_name_can_not_forge_a_line() -> None:
    (line,) = lines(photos=[PhotoSetAside("a\nPictures made (9):\x1b", "quarantined", "x")])[5:]
    assert line == r"  a\nPictures made (9):\x1b is set aside: x"
