import csv
import dataclasses
import errno
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.model import (
    IncompleteFile,
    Job,
    JobState,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    RunStarted,
    SnapshotSaved,
)
from pipeline.report.rows import Row
from pipeline.report.summary import Summary
from tests.faults.injection import StorageFaults, needs_injection
from tests.report.events import CAFE, LION, artwork, begun, failed, finished, over, started

ROOT = Path(__file__).parents[2]

_REPORT = """
import sys
from pathlib import Path
from pipeline.report.summary import Summary
from tests.report.events import finished, over, started
reader = Summary(Path(sys.argv[1]), keep=1)
reader(started())
reader(finished())
reader(over())
print(reader.write_error)
"""


def clock() -> Iterator[datetime]:
    now = datetime(2026, 3, 1, 22, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    while True:
        yield now
        now += timedelta(seconds=30)


def summary(tmp_path: Path, *events: RunEvent) -> Summary:
    ticks = clock()
    next_tick = next(ticks)
    times = iter([next_tick, next_tick, *[next(ticks) for _ in range(3)]])
    reader = Summary(tmp_path / "reports", lambda: next(times))
    for event in events:
        reader(event)
    return reader


def table(reader: Summary) -> list[dict[str, str]]:
    assert reader.folder is not None
    with (reader.folder / "report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_finished_job_is_a_row_with_all_its_figures(tmp_path: Path) -> None:
    picture = finished(artwork=artwork(notes=("no room for XMP",)))
    reader = summary(tmp_path, started(), begun(), picture, SnapshotSaved("t1", Path("x")), over())
    assert reader.folder == tmp_path / "reports" / "2026-03-01-220005"
    assert sorted(file.name for file in reader.folder.iterdir()) == ["report.csv", "report.json", "report.txt"]
    (row,) = table(reader)
    assert row == {
        "photo": "zoo/lion.jpg",
        "style": "wave",
        "recipe": "default",
        "output": "zoo/lion.jpg--wave.jpg",
        "state": "done",
        "reason": "",
        "copied": "no",
        "attempts": "1",
        "width": "256",
        "height": "192",
        "sizes": "128 256",
        "iterations": "50 40",
        "seconds": "12.3",
        "device": "cpu",
        "first_content": "0.0",
        "first_style": "1.0",
        "first_total": "1.5",
        "last_content": "0.25",
        "last_style": "0.125",
        "last_total": "0.5",
        "cache_hits": "1",
        "cache_misses": "2",
        "notes": "no room for XMP",
        "key": "k1",
    }


def test_a_photo_that_was_set_aside_has_a_row_in_the_csv(tmp_path: Path) -> None:
    reader = Summary(tmp_path)
    reader(PhotoSetAside("letter.jpg", "quarantined", "it is a text"))
    reader(
        RunFinished(
            run_id="r",
            finished=0,
            copied=0,
            failed=1,
            left=0,
            interrupted=False,
            seconds=1.0,
            cache_hits=0,
            cache_misses=0,
        )
    )
    assert reader.folder is not None
    (row,) = csv.DictReader((reader.folder / "report.csv").read_text(encoding="utf-8").splitlines())
    assert (row["photo"], row["state"], row["reason"]) == ("letter.jpg", "quarantined", "it is a text")


def test_the_json_report_has_totals_and_photos_set_aside_too(tmp_path: Path) -> None:
    half = PhotoSetAside("half.jpg", "incomplete", "no end")
    reader = summary(tmp_path, started(), half, begun(CAFE, "t2"), failed(), over(interrupted=True))
    assert reader.folder is not None
    report = json.loads((reader.folder / "report.json").read_text("ascii"))
    assert report["version"] == 2
    assert report["run"] == {
        "run_id": "r1",
        "config": "my.yaml",
        "photos_found": 2,
        "pictures_to_make": 3,
        "pictures_done_before": 1,
        "pictures_to_make_again": 0,
        "reasons_to_make_again": {},
        "pictures_to_make_by_recipe": {},
        "pictures_made_by_earlier_passes": 0,
        "estimated_seconds": None,
        "started": "2026-03-01T22:00:05+01:00",
        "ended": "2026-03-01T22:00:35+01:00",
        "pictures_made": 2,
        "pictures_copied": 0,
        "pictures_failed": 1,
        "pictures_left": 0,
        "interrupted": True,
        "planned_end": False,
        "seconds": 41.0,
        "cache_hits": 3,
        "cache_misses": 4,
        "slots_used": 0,
        "slots_offered": 0,
        "reason": "",
        "pictures_by_state": {},
        "incomplete": [],
        "photos_set_aside": 0,
        "photos_skipped": {},
        "notes": [],
    }
    assert report["set_aside"] == [{"path": "half.jpg", "kind": "incomplete", "reason": "no end"}]
    (job,) = report["pictures"]
    assert (job["photo"], job["state"], job["reason"]) == (CAFE.photo, "quarantined", "truncated")
    assert (job["attempts"], job["seconds"], job["sizes"]) == (2, None, [])


def test_what_is_to_be_said_of_all_pictures_stands_in_the_report(tmp_path: Path) -> None:
    reader = summary(tmp_path, started(), finished(), over(notes=("night.jpg has 96 pixels",)))
    assert reader.folder is not None
    assert "\nNotes (1):\n  night.jpg has 96 pixels\n" in (reader.folder / "report.txt").read_text("utf-8")
    report = json.loads((reader.folder / "report.json").read_text("ascii"))
    assert report["run"]["notes"] == ["night.jpg has 96 pixels"]


def test_skipped_photos_are_counted_by_reason_in_all_three(tmp_path: Path) -> None:
    reader = summary(tmp_path, started(), finished(), over(photos_skipped={"suffix .gif": 1200, "screenshot": 1}))
    assert reader.folder is not None
    report = json.loads((reader.folder / "report.json").read_text("ascii"))
    assert report["run"]["photos_skipped"] == {"suffix .gif": 1200, "screenshot": 1}
    assert [(row["photo"], row["state"], row["reason"]) for row in table(reader)[1:]] == [
        ("", "skipped", "1,200 photos: suffix .gif"),
        ("", "skipped", "1 photo: screenshot"),
    ]
    text = (reader.folder / "report.txt").read_text("utf-8")
    assert "in 41.0 s; 1,201 photos skipped (suffix .gif: 1,200, screenshot: 1)." in text


def test_no_field_of_the_beginning_hides_one_of_the_end_in_the_json(tmp_path: Path) -> None:
    reader = summary(tmp_path, started(), failed(), over())
    assert reader.folder is not None
    run = json.loads((reader.folder / "report.json").read_text("ascii"))["run"]
    fields = [len(dataclasses.fields(event)) for event in (RunStarted, RunFinished)]
    left_out = 2  # the forecast's details, and what is there when there was nothing to do
    assert len(run) == sum(fields) - left_out - 1 + 2, "run_id once, when it started and when it ended"


def test_a_job_tried_twice_is_one_row_and_one_put_back_is_pending(tmp_path: Path) -> None:
    again = failed(LION, "t1", state=JobState.FAILED)
    reader = summary(tmp_path, started(), begun(), again, begun(), finished(attempts=2), begun(CAFE))
    assert [(row.photo, row.state, row.attempts) for row in reader.rows()] == [
        (LION.photo, "done", 2),
        (CAFE.photo, "pending", None),
    ]
    assert reader.folder is None


def test_a_copied_picture_has_no_figures(tmp_path: Path) -> None:
    (row,) = summary(tmp_path, finished(artwork=None)).rows()
    assert row == Row(
        photo=LION.photo,
        style="wave",
        recipe="default",
        output="zoo/lion.jpg--wave.jpg",
        state="done",
        copied=True,
        attempts=1,
        key="k1",
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_name_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path, start: str) -> None:
    job = Job(f"{start}cmd|' /C calc'!A1.jpg", "night", "default")
    (row,) = table(summary(tmp_path, failed(job), over()))
    assert row["photo"] == f"'{job.photo}"


def test_bytes_that_are_not_utf8_are_escaped_in_the_table(tmp_path: Path) -> None:
    (row,) = table(summary(tmp_path, failed(), over()))
    assert row["photo"] == "caf\\udce9.jpg"


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    first = summary(tmp_path, started(), finished(), over())
    second = summary(tmp_path, started(), finished(), over())
    third = summary(tmp_path, started(), finished(), over())
    assert [reader.folder.name for reader in (first, second, third) if reader.folder] == [
        "2026-03-01-220005",
        "2026-03-01-220005-2",
        "2026-03-01-220005-3",
    ]


def test_the_next_run_starts_with_an_empty_table(tmp_path: Path) -> None:
    half = PhotoSetAside("half.jpg", "incomplete", "no end")
    reader = summary(tmp_path, started(), half, finished(), over(), started())
    assert (reader.rows(), reader.folder) == ((), None)
    reader(failed())
    reader(over())
    assert reader.folder is not None
    report = json.loads((reader.folder / "report.json").read_text("ascii"))
    assert (report["set_aside"], len(report["pictures"])) == ([], 1)


def test_a_run_that_did_nothing_has_no_report_and_old_ones_go_all_the_same(tmp_path: Path) -> None:
    old = tmp_path / "reports" / "2025-01-01-120000"
    old.mkdir(parents=True)
    reader = Summary(tmp_path / "reports", lambda: datetime(2026, 3, 1, 22), keep_days=365)
    reader(started())
    reader(over(finished=0, failed=0))
    assert (reader.folder, reader.write_error, old.exists()) == (None, "", False)


@pytest.mark.parametrize(
    "event", [failed(), finished(artwork=None), begun(), PhotoSetAside("a.jpg", "incomplete", "no end")]
)
def test_a_run_that_did_anything_has_one(tmp_path: Path, event: RunEvent) -> None:
    assert summary(tmp_path, started(), event, over()).folder is not None


def test_a_photo_that_the_worker_set_aside_has_one_row_for_all_its_pictures(tmp_path: Path) -> None:
    aside = PhotoSetAside(CAFE.photo, "quarantined", "truncated")
    reader = summary(tmp_path, started(), begun(CAFE, "t2"), aside, failed(photo_set_aside=True), over())
    (row,) = table(reader)
    assert (row["style"], row["state"], row["reason"]) == ("", "quarantined", "truncated")


def test_a_report_that_cannot_be_written_is_told_and_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "reports").write_bytes(b"")
    with caplog.at_level(logging.WARNING, "stylewatch"):
        reader = summary(tmp_path, started(), finished(), over())
    assert reader.folder is None
    assert "the report can't be written: " in caplog.text
    assert "(File exists)" in caplog.text
    assert reader.write_error in caplog.text


def test_a_stray_part_of_any_kind_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "reports" / "2026-01-01-120000" / ".report.csv.part").mkdir(parents=True)
    assert summary(tmp_path, started(), finished(), over()).folder is not None


def test_reports_beyond_the_limit_go(tmp_path: Path) -> None:
    reader = Summary(tmp_path / "reports", keep=2)
    for _ in range(3):
        reader(started())
        reader(finished())
        reader(over())
    assert reader.folder is not None
    assert len(list((tmp_path / "reports").iterdir())) == 2
    assert reader.folder.is_dir()


@needs_injection
def test_a_folder_that_can_not_be_listed_costs_no_report(tmp_path: Path) -> None:
    faults = StorageFaults(tmp_path / "faults")
    faults.fail("list", tmp_path / "reports", errno.EIO)
    command = [sys.executable, "-c", _REPORT, tmp_path / "reports"]
    said = subprocess.run(
        command, cwd=ROOT, env=faults.environment(), check=True, capture_output=True, text=True
    ).stdout
    assert f"old reports can't be removed: {tmp_path / 'reports'} (Input/output error); see log.reports" in said
    assert len(list((tmp_path / "reports").glob("*/report.json"))) == 1


def test_the_clock_is_local_unless_told_otherwise(tmp_path: Path) -> None:
    reader = Summary(tmp_path)
    reader(finished())
    reader(over())
    assert reader.folder is not None
    assert reader.folder.name.startswith("2")


def set_aside(reader: Summary) -> list[tuple[str, str]]:
    rows = table(reader) if reader.folder else []
    return [(row["photo"], row["reason"]) for row in rows if not row["style"]]


def test_photos_set_aside_between_two_runs_are_in_the_report_of_the_next_one_only(tmp_path: Path) -> None:
    def run(reader: Summary) -> list[tuple[str, str]]:
        reader(started())
        reader(over())
        return set_aside(reader)

    reader = Summary(tmp_path)
    assert run(reader) == []
    reader(PhotoSetAside("letter.jpg", "quarantined", "it is a text"))
    reader(PhotoSetAside("astray.jpg", "unpaired", "lies in no style's folder"))
    assert run(reader) == [("letter.jpg", "it is a text"), ("astray.jpg", "lies in no style's folder")]
    assert run(reader) == []


def test_a_file_that_is_incomplete_is_in_each_report_with_its_age(tmp_path: Path) -> None:
    end = datetime(2026, 3, 1, 22, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    half = IncompleteFile("half.jpg", "no end", end.timestamp() - 720)
    new = IncompleteFile("new.jpg", "no end", end.timestamp() - 3)
    reader = Summary(tmp_path, lambda: end)
    for event in (started(), PhotoSetAside("new.jpg", "incomplete", "no end"), over(incomplete=(half, new))):
        reader(event)
    assert set_aside(reader) == [("new.jpg", "no end"), ("half.jpg", "no end; it has been so for 12 min 0 s")]
    assert reader.folder is not None
    recorded = json.loads((reader.folder / "report.json").read_text("ascii"))["run"]["incomplete"]
    assert recorded[0] == {"path": "half.jpg", "reason": "no end", "since": "2026-03-01T20:48:05+00:00"}
    assert [file["since"] for file in recorded[1:]] == ["2026-03-01T21:00:02+00:00"]


@pytest.mark.parametrize(("age_seconds", "has_report"), [(40, True), (42, False)])
def test_a_run_that_only_found_a_file_incomplete_again_has_no_report(
    tmp_path: Path, age_seconds: float, has_report: bool
) -> None:
    end = datetime(2026, 3, 1, 22, 0, 5, tzinfo=UTC)
    half = IncompleteFile("half.jpg", "no end", end.timestamp() - age_seconds)
    reader = Summary(tmp_path, lambda: end)
    for event in (started(), PhotoSetAside("half.jpg", "incomplete", "no end"), over(incomplete=(half,))):
        reader(event)
    assert (reader.folder is not None, any(tmp_path.iterdir())) == (has_report, has_report)


def test_one_that_became_whole_has_its_job_only(tmp_path: Path) -> None:
    reader = Summary(tmp_path)
    for event in (PhotoSetAside(LION.photo, "incomplete", "no end"), started(), begun(), finished(), over()):
        reader(event)
    assert [(row["photo"], row["state"]) for row in table(reader)] == [(LION.photo, "done")]
