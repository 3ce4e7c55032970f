"""Problems and runs are told as 'status' does, with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.ledger import Ledger
from pipeline.runner.gallery.run_records import RunRecords
from pipeline.runner.gallery.status_page import status_value
from pipeline.runner.preparation import ledger_file, source_of
from tests.runner.gallery.conftest import Gallery


@pytest.fixture
def value(gallery: Gallery) -> dict[str, Any]:
    workshop = gallery.workshop
    workshop.photo("a.png")
    workshop.photo("b.png", "diverges")
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    (workshop.folder / "in" / "d.png").write_bytes((workshop.folder / "in" / "a.png").read_bytes()[:60])
    gallery.run()
    return dict(gallery.value("status.js"))


def test_a_failed_picture_and_a_photo_set_aside_are_told_once_each(value: dict[str, Any]) -> None:
    assert [(found["photo"], found["state"]) for found in value["failures"]] == [("b.png", "failed")]
    assert value["failures_total"] == 1
    assert [found["photo"] for found in value["problems"]] == ["c.jpg"]
    assert all(found["advice"] for found in value["failures"] + value["problems"])


def test_a_file_that_is_not_whole_waits(value: dict[str, Any]) -> None:
    (found,) = value["incomplete"]

    assert found["photo"] == "d.png"
    assert found["time"] > 0


def test_the_last_run_is_told_with_its_speed(value: dict[str, Any]) -> None:
    (run,) = value["runs"]

    assert (run["made"], run["failed"], run["set_aside"]) == (1, 1, 1)
    assert value["throughput"]["pictures_an_hour"] > 0
    assert value["cache"]["hits"] == 1


def test_the_config_and_the_versions_are_named(value: dict[str, Any]) -> None:
    assert "name: night" in value["config"]
    assert value["config_name"] == "stylewatch.yaml"
    assert [name for name, _ in value["versions"]][:3] == ["stylewatch", "engine", "python"]


def test_a_program_at_work_knows_its_speed_best(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    settings = gallery.settings()
    folders = settings.status.folders
    with Ledger.to_read(ledger_file(folders), source_of(folders)) as ledger:
        records = RunRecords(folders.state, folders.output, settings.reports)
        value = status_value(settings, ledger, records, 120.0, 1000.4)

    assert value["throughput"] == {"pictures_an_hour": 120.0, "seconds_a_picture": 30.0}
    assert value["written"] == 1000
