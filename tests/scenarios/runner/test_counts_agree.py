"""One broken file is one photo, and a picture is a picture, for whoever counts: run, log, report, hooks, status."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli.display import Display
from pipeline.config.settings import status_settings
from pipeline.hooks.calls import HookFolders
from pipeline.model import JobState
from pipeline.report.log import LogWriter, close_log, configure_log
from pipeline.report.summary import Summary
from pipeline.runner.status import collect_status
from tests.intake.packing import zipped
from tests.workshop import Workshop


def no_image(workshop: Workshop) -> None:
    (workshop.folder / "in" / "bad.png").write_text("I am a letter, not a photo.")


def not_decodable(workshop: Workshop) -> None:
    """Make a photo that looks whole from outside, so that only the worker finds out."""
    data = bytearray(workshop.photo("bad.png", shade=3).read_bytes())
    start = data.index(b"IDAT") + 4
    data[start : start + 8] = bytes(8)
    (workshop.folder / "in" / "bad.png").write_bytes(data)


def diverges(workshop: Workshop) -> None:
    workshop.photo("bad.png", "diverges")


def half(workshop: Workshop) -> None:
    data = workshop.photo("bad.png", shade=3).read_bytes()
    (workshop.folder / "in" / "bad.png").write_bytes(data[: len(data) // 2])


def refused_archive(workshop: Workshop) -> None:
    (workshop.folder / "in" / "bad.zip").write_bytes(zipped(("letter.png", b"Dear Vincent,")))


@dataclass(frozen=True)
class Case:
    """A file beside one good photo, with two styles, and what everybody is to say of it."""

    make: Callable[[Workshop], None]
    says: str
    told: int  # lines on the terminal, warnings in the log, calls of on_failure, rows of the report
    counts: str  # by status
    warning: str = ""


CASES = [
    Case(
        no_image,
        "2 pictures made, 1 photo set aside in ",
        1,
        "2 done, 2 quarantined, 1 set aside",
        "1 photo set aside in the last 24 hours",
    ),
    Case(
        not_decodable,
        "2 pictures made, 1 photo set aside in ",
        1,
        "2 done, 2 quarantined, 1 set aside",
        "1 photo set aside in the last 24 hours",
    ),
    Case(diverges, "2 pictures made, 2 pictures failed in ", 2, "2 done, 2 failed, 0 set aside"),
    Case(
        refused_archive,
        "2 pictures made, 1 photo set aside in ",
        1,
        "2 done, 1 set aside",
        "1 photo set aside in the last 24 hours",
    ),
    Case(half, "2 pictures made in ", 0, "2 done, 0 set aside"),
]


@pytest.fixture(params=CASES, ids=lambda case: case.make.__name__)
def case(request: pytest.FixtureRequest, workshop: Workshop) -> Case:
    chosen: Case = request.param
    workshop.text = workshop.text.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: day, painting: night.jpg}"
    )
    workshop.photo("good.png")
    chosen.make(workshop)
    return chosen


def test_all_readers_of_a_run_count_alike(case: Case, workshop: Workshop, tmp_path: Path) -> None:
    finished = workshop.run()
    shown, log, summary = io.StringIO(), tmp_path / "run.log", Summary(tmp_path / "reports")
    display = Display(summary=summary, console=Console(file=shown, width=200))
    hooks = HookFolders(Path("/in"), Path("/out"))
    configure_log(log)
    for event in workshop.events:
        for reader in (LogWriter(), summary, display):
            reader(event)
    close_log()
    assert finished.failed + finished.photos_set_aside == case.told
    *_, ending = shown.getvalue().splitlines()
    assert ending.startswith(case.says)
    problems = [line for line in shown.getvalue().splitlines() if "│" not in line and "bad." in line]
    assert len([line for line in problems if " waits: " not in line]) == case.told
    lines = log.read_text("utf-8").splitlines()
    assert lines[-1].split("over: ")[1].startswith(case.says)
    assert len([line for line in lines if " WARNING " in line or " ERROR " in line]) == case.told
    calls = [call for event in workshop.events if (call := hooks.call_for(event, None)) and call[0] == "on_failure"]
    assert len(calls) == case.told
    assert summary.folder is not None
    with (summary.folder / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["photo"].startswith("bad.")]
    assert len([row for row in rows if row["state"] != "incomplete"]) == case.told


def test_status_counts_pictures_as_pictures_and_photos_as_photos(case: Case, workshop: Workshop) -> None:
    workshop.run()
    status = collect_status(status_settings(workshop.config()))
    pictures = status.pictures
    counts = [f"{count} {state}" for state, count in pictures.counts.items() if count and state in JobState]
    assert ", ".join([*counts, f"{len(pictures.problems)} set aside"]) == case.counts
    assert status.warnings() == ((case.warning,) if case.warning else ())
