"""The last runs are on record, whichever version made them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.report.summary import Summary
from pipeline.runner.gallery.run_records import FILE_NAME, RunRecord, RunRecords
from tests.report.events import begun, failed, finished, over, started

RECORD = RunRecord(
    started=959, seconds=41.0, made=2, copied=0, failed=1, left=0, set_aside=0, interrupted=False, reason="",
    cache_hits=3, cache_misses=4, report="reports/r/report.txt",
)  # fmt: skip


@pytest.fixture
def records(tmp_path: Path) -> RunRecords:
    (tmp_path / ".stylewatch").mkdir()
    return RunRecords(tmp_path / ".stylewatch", tmp_path, tmp_path / "reports")


def test_a_run_is_recorded_with_its_report_relative_to_the_pictures(records: RunRecords, tmp_path: Path) -> None:
    records.add(over(), tmp_path / "reports" / "r", now=1000.0)

    assert records.all() == [RECORD]


def test_the_newest_thirty_stay(records: RunRecords) -> None:
    for number in range(32):
        records.add(over(finished=number + 1), None, now=1000.0 + number)

    assert [record.made for record in records.all()] == list(range(32, 2, -1))


def test_a_run_without_anything_to_do_is_none_to_show(records: RunRecords) -> None:
    records.add(over(finished=0, failed=0), None)

    assert records.all() == []


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 1}', '{"version": 1, "runs": [{}]}', '{"version": 2, "runs": []}']
)
def test_a_damaged_or_later_file_is_none(records: RunRecords, tmp_path: Path, text: str) -> None:
    (tmp_path / ".stylewatch" / FILE_NAME).write_text(text)

    assert records.all() == []


def test_what_a_later_version_adds_is_ignored(records: RunRecords, tmp_path: Path) -> None:
    records.add(over(), None, now=1000.0)
    file = tmp_path / ".stylewatch" / FILE_NAME
    value = json.loads(file.read_text())
    value["runs"][0]["mood"] = "good"
    file.write_text(json.dumps(value))

    assert len(records.all()) == 1


def test_without_records_the_reports_tell_of_the_runs(records: RunRecords, tmp_path: Path) -> None:
    summary = Summary(tmp_path / "reports")
    for event in (started(), begun(), finished(), failed(), over()):
        summary(event)
    (tmp_path / "reports" / "not one").mkdir()

    (record,) = records.all()

    assert (record.made, record.failed, record.seconds, record.cache_hits) == (2, 1, 41.0, 3)
    assert summary.folder is not None
    assert record.report == f"reports/{summary.folder.name}/report.txt"


def test_reports_elsewhere_have_no_link(tmp_path: Path) -> None:
    records = RunRecords(tmp_path / "state", tmp_path / "out", tmp_path / "reports")
    (tmp_path / "state").mkdir()

    records.add(over(), tmp_path / "reports" / "r", now=1000.0)

    assert [record.report for record in records.all()] == [None]


def test_the_first_run_on_record_is_not_told_again_by_its_report(records: RunRecords, tmp_path: Path) -> None:
    summary = Summary(tmp_path / "reports")
    for event in (started(), begun(), finished(), over()):
        summary(event)

    records.add(over(), summary.folder)

    assert len(records.all()) == 1


def test_nor_where_the_reports_are_elsewhere(tmp_path: Path) -> None:
    records = RunRecords(tmp_path / "state", tmp_path / "out", tmp_path / "reports")
    (tmp_path / "state").mkdir()
    summary = Summary(tmp_path / "reports")
    for event in (started(), begun(), finished(), over()):
        summary(event)

    records.add(over(), summary.folder)

    assert len(records.all()) == 1


def test_a_report_of_the_first_version_is_read_and_has_no_text_to_link(records: RunRecords, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "2026-03-01-120000"
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "golden" / "0.1.0" / "report.json", folder)

    (record,) = records.all()

    assert (record.made, record.failed, record.cache_misses, record.report) == (2, 1, 4, None)
