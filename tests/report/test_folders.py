from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.report.folders import ReportFolders

NOON = datetime(2026, 3, 1, 12)
FILES = {"report.txt": b"all done", "report.csv": b"photo,style", "report.json": b"{}"}


def names(reports: Path) -> list[str]:
    return sorted(path.name for path in reports.iterdir())


def reports_of(tmp_path: Path, *folders: str) -> Path:
    reports = tmp_path / "reports"
    for name in folders:
        (reports / name).mkdir(parents=True)
        for file, data in FILES.items():
            (reports / name / file).write_bytes(data)
    return reports


def test_a_report_is_written_into_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = ReportFolders(tmp_path / "reports")
    written = [folders.write(NOON, FILES) for _ in range(3)]
    assert [folder.name for folder in written] == [
        "2026-03-01-120000",
        "2026-03-01-120000-2",
        "2026-03-01-120000-3",
    ]
    assert {file.name: file.read_bytes() for file in written[2].iterdir()} == FILES


def test_the_oldest_go_beyond_the_limit(tmp_path: Path) -> None:
    reports = reports_of(tmp_path, *(f"2026-01-01-120000{suffix}" for suffix in ("", "-2", "-10", "-9")))
    ReportFolders(reports, 2).prune(NOON)
    assert names(reports) == ["2026-01-01-120000-10", "2026-01-01-120000-9"]
    ReportFolders(reports, 0).prune(NOON)
    assert len(names(reports)) == 2


def test_those_that_are_too_old_go_by_the_date_in_their_name(tmp_path: Path) -> None:
    reports = reports_of(tmp_path, "2025-12-30-120000", "2026-02-19-115959", "2026-02-19-120000", "2026-03-01-000000")
    (reports / "2025-12-30-120000" / "notes.txt").write_text("mine")
    folders = ReportFolders(reports, 100, 10)
    folders.prune(NOON)
    assert names(reports) == ["2025-12-30-120000", "2026-02-19-120000", "2026-03-01-000000"]
    folders.prune(datetime(2027, 1, 1), reports / "2026-02-19-120000")
    assert names(reports) == ["2025-12-30-120000", "2026-02-19-120000"]


def test_a_report_of_an_older_version_is_the_programs_own(tmp_path: Path) -> None:
    reports = reports_of(tmp_path, "2026-01-01-120000", "2026-01-02-120000")
    (reports / "2026-01-01-120000" / "report.txt").unlink()
    ReportFolders(reports, 1).prune(NOON)
    assert names(reports) == ["2026-01-02-120000"]


def test_the_latest_stays_whatever_the_clock_said(tmp_path: Path) -> None:
    reports = reports_of(tmp_path, "2026-01-01-120000", "2027-01-01-120000", "2028-01-01-120000")
    ReportFolders(reports, 1).prune(NOON, reports / "2026-01-01-120000")
    assert names(reports) == ["2026-01-01-120000", "2028-01-01-120000"]


def test_what_is_not_the_programs_own_is_left_alone_and_does_not_count(tmp_path: Path) -> None:
    reports = reports_of(tmp_path, "2020-01-01-120000", "2020-01-02-120000", "2026-01-01-120000", "holiday")
    (reports / "2020-01-01-120000" / "notes.txt").write_text("mine")
    (reports / "2020-01-02-120000" / "report.csv").unlink()
    (reports / "2020-01-02-120000" / "report.csv").mkdir()
    (reports / "2020-01-03-120000").write_text("a file of that name")
    ReportFolders(reports, 1).prune(NOON)
    assert names(reports) == [
        "2020-01-01-120000",
        "2020-01-02-120000",
        "2020-01-03-120000",
        "2026-01-01-120000",
        "holiday",
    ]
    assert (reports / "2020-01-01-120000" / "report.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    elsewhere = reports_of(tmp_path / "elsewhere", "2020-01-01-120000") / "2020-01-01-120000"
    reports = reports_of(tmp_path, "2020-01-02-120000", "2026-01-01-120000")
    (reports / "2020-01-01-120000").symlink_to(elsewhere)
    (reports / "2020-01-02-120000" / "report.json").unlink()
    (reports / "2020-01-02-120000" / "report.json").symlink_to(elsewhere / "report.json")
    ReportFolders(reports, 1).prune(NOON)
    assert names(reports) == ["2020-01-01-120000", "2020-01-02-120000", "2026-01-01-120000"]
    assert (elsewhere / "report.json").exists()


def test_parts_of_a_killed_runs_report_go(tmp_path: Path) -> None:
    reports = reports_of(tmp_path, "2026-01-01-120000", "2026-01-02-120000")
    part = reports / "2026-01-01-120000" / ".report.csv.part"
    part.write_bytes(b"half")
    stuck = reports / "2026-01-02-120000" / ".report.json.part"
    stuck.mkdir()
    ReportFolders(reports).prune(NOON)
    assert (part.exists(), stuck.exists()) == (False, True)


def test_a_folder_that_is_not_there_has_nothing_to_tidy(tmp_path: Path) -> None:
    ReportFolders(tmp_path / "reports", 1).prune(NOON)
    assert names(tmp_path) == []
