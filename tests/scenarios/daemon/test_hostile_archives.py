"""All the hostile, damaged and odd archives of tests.intake, dropped into one watched folder after the other."""

from __future__ import annotations

import pytest

from pipeline.model import JobFailed, JobFinished, PhotoSetAside
from tests.daemon.station import Station
from tests.intake.cases import write
from tests.scenarios.runner.test_hostile_archives import CASES, SMALL, needs_limits, shade_in

pytestmark = pytest.mark.slow


def prepare(station: Station, limited: bool) -> None:
    text = SMALL.replace("settle_seconds: 0,", "settle_seconds: 0.3, rescan_seconds: 3600,")
    if not limited:
        text = text.replace("archive_space: 4 MB, max_archive_size: 8 MB, max_archive_files: 100", "archives: true")
    station.workshop.text = text.replace("folder: out", "folder: out, format: png")


def told(station: Station) -> dict[tuple[str, str], list[str]]:
    """Return all reasons why a path was set aside, by path and kind."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in station.told(PhotoSetAside):
        found.setdefault((event.path, event.kind), []).append(event.reason)
    return found


@pytest.mark.parametrize("limited", [False, True])
def test_hostile_archives_stop_no_daemon_and_each_is_told_of_once(station: Station, limited: bool) -> None:
    prepare(station, limited)
    cases = {f"{number:03}": case for number, case in enumerate(CASES) if needs_limits(case) is limited}
    pictures = {f"{folder}/{path}": shade for folder, case in cases.items() for path, shade in case.pictures.items()}
    says = {(f"{folder}/{path}", kind): words for folder, case in cases.items() for path, kind, words in case.says}
    with station.working():
        for folder, case in cases.items():
            write(case, station.workshop.folder / "elsewhere" / folder)
            (station.workshop.folder / "elsewhere" / folder).rename(station.folder / folder)
        station.wait_for(lambda: set(station.finished()) >= pictures.keys(), "their pictures")
        station.wait_for(lambda: told(station).keys() >= says.keys(), "their reasons")
        station.workshop.photo("beside.png", shade=200)
        station.wait_for(lambda: "beside.png" in station.finished() and station.is_idle(), "a good photo")
    made = {event.job.photo: shade_in(station.workshop.out / event.output) for event in station.told(JobFinished)}
    assert made == {**pictures, "beside.png": 200}
    assert len(station.told(JobFinished)) == len(made)
    assert station.told(JobFailed) == []
    reasons = told(station)
    assert reasons.keys() == says.keys()
    for place, words in says.items():
        (reason,) = reasons[place]
        assert words in reason
