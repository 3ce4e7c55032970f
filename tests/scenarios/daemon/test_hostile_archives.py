"""All the hostile, damaged and odd archives of tests.intake, dropped into one watched folder after the other."""

from __future__ import annotations

import pytest

from pipeline.model import JobFailed, JobFinished, PhotoSetAside
from tests.daemon.harness import DaemonHarness
from tests.intake.cases import write
from tests.scenarios.runner.test_hostile_archives import CASES, SMALL, needs_limits, shade_in

pytestmark = pytest.mark.slow


def prepare(harness: DaemonHarness, limited: bool) -> None:
    text = SMALL.replace("settle_seconds: 0,", "settle_seconds: 0.3, rescan_seconds: 3600,")
    if not limited:
        text = text.replace("archive_space: 4 MB, max_archive_size: 8 MB, max_archive_files: 100", "archives: true")
    harness.workshop.text = text.replace("folder: out", "folder: out, format: png")


def told(harness: DaemonHarness) -> dict[tuple[str, str], list[str]]:
    """Return all reasons why a path was set aside, by path and kind."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in harness.events_of(PhotoSetAside):
        found.setdefault((event.path, event.kind), []).append(event.reason)
    return found


@pytest.mark.parametrize("limited", [False, True])
def test_hostile_archives_stop_no_daemon_and_each_is_told_of_once(harness: DaemonHarness, limited: bool) -> None:
    prepare(harness, limited)
    cases = {f"{number:03}": case for number, case in enumerate(CASES) if needs_limits(case) is limited}
    pictures = {f"{folder}/{path}": shade for folder, case in cases.items() for path, shade in case.pictures.items()}
    says = {(f"{folder}/{path}", kind): words for folder, case in cases.items() for path, kind, words in case.says}
    with harness.running():
        for folder, case in cases.items():
            write(case, harness.workshop.folder / "elsewhere" / folder)
            (harness.workshop.folder / "elsewhere" / folder).rename(harness.folder / folder)
        harness.wait_for(lambda: set(harness.finished()) >= pictures.keys(), "their pictures")
        harness.wait_for(lambda: told(harness).keys() >= says.keys(), "their reasons")
        harness.workshop.photo("beside.png", shade=200)
        harness.wait_for(lambda: "beside.png" in harness.finished() and harness.is_idle(), "a good photo")
    made = {
        event.job.photo: shade_in(harness.workshop.out / event.output) for event in harness.events_of(JobFinished)
    }
    assert made == {**pictures, "beside.png": 200}
    assert len(harness.events_of(JobFinished)) == len(made)
    # What only decoding finds out is told of the job, too.
    assert {event.job.photo for event in harness.events_of(JobFailed)} <= {path for path, _ in says}
    reasons = told(harness)
    assert reasons.keys() == says.keys()
    for place, words in says.items():
        (reason,) = reasons[place]
        assert words in reason
