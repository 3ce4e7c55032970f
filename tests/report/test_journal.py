import json
import logging
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest

from pipeline.model import (
    EvaluationShare,
    Losses,
    LossHistory,
    LossPoint,
    PhotoSetAside,
    PreviewSaved,
    RunEvent,
    SnapshotSaved,
)
from pipeline.report.journal import Encoder, Journal
from tests.report.events import CAFE, artwork, begun, failed, finished, over, progress, started
from tests.report.simulated_run import SMALL, changed, forecast

EVENING = datetime(2026, 3, 1, 23, 0, 0, 1500, timezone(timedelta(hours=1)))


def journal(path: Path, max_bytes: int = 0, backups: int = 0) -> Journal:
    return Journal(path, max_bytes, backups, lambda: EVENING)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def write(path: Path, *events: RunEvent, **options: int) -> None:
    reader = journal(path, **options)
    for event in events:
        reader(event)
    reader.close()


def test_every_line_has_time_run_and_event_and_the_events_fields(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.jsonl"
    write(path, started(), finished(), over(counts={"done": 2}))
    first, middle, last = lines(path)
    assert first == {
        "version": 2,
        "time": "2026-03-01T22:00:00.001Z",
        "run": "r1",
        "event": "run_started",
        "config": "my.yaml",
        "photos": 2,
        "jobs": 3,
        "done": 1,
        "again": 0,
        "reasons": {},
        "seconds": None,
        "estimate": None,
        "recipes": {},
        "made_before": 0,
    }
    assert (middle["event"], middle["run"]) == ("job_finished", "r1")
    assert (middle["photo"], middle["style"], middle["recipe"]) == ("zoo/lion.jpg", "wave", "default")
    assert middle["artwork"]["sizes"] == [128, 256]
    assert middle["artwork"]["last"] == {"content": 0.25, "style": 0.125, "total": 0.5}
    assert (last["event"], last["counts"]) == ("run_finished", {"done": 2})


def test_the_estimate_is_an_object_and_a_changed_backlog_is_a_line(tmp_path: Path) -> None:
    estimate = forecast({"default": SMALL})
    write(tmp_path / "j", started(seconds=90.5, estimate=estimate, recipes={"default": 3}), changed({"default": 80}))
    first, second = lines(tmp_path / "j")
    assert (first["seconds"], first["recipes"]) == (90.5, {"default": 3})
    assert first["estimate"]["recipes"]["default"]["evaluations"] == [48.0, 40.0]
    assert (second["event"], second["left"], second["recipes"]) == ("backlog_changed", 80, {"default": 80})


def test_the_losses_of_each_layer_are_no_line_s(tmp_path: Path) -> None:
    known = LossHistory(("style relu1_1",), (LossPoint(1, 0, 0.5, 0.0, (0.5,)),))
    write(tmp_path / "with", finished(artwork=artwork(history=known)))
    write(tmp_path / "without", finished())
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()
    assert "history" not in lines(tmp_path / "with")[0]["artwork"]


def test_no_event_has_a_field_that_every_line_has() -> None:
    heads = {"version", "time", "run", "event", "photo", "style", "recipe"}
    assert not [event for event in get_args(RunEvent) if heads & event.__dataclass_fields__.keys()]


def test_a_line_before_the_run_has_no_run() -> None:
    line = json.loads(Encoder(lambda: EVENING)(PhotoSetAside("a.jpg", "incomplete", "half")))
    assert line["run"] is None
    assert line["event"] == "photo_set_aside"


def test_odd_names_are_written_in_ascii_and_come_back(tmp_path: Path) -> None:
    write(tmp_path / "j", failed(), SnapshotSaved("t", Path("a\nb.png")))
    first, second = lines(tmp_path / "j")
    assert first["photo"] == CAFE.photo
    assert first["state"] == "quarantined"
    assert second["path"] == "a\nb.png"


def test_numbers_json_has_no_word_for_are_null() -> None:
    line = Encoder(lambda: EVENING)(progress(1, losses=Losses(1.0, float("nan"), float("inf"))))
    assert json.loads(line)["losses"] == {"content": 1.0, "style": None, "total": None}


def test_previews_for_the_gallery_and_parts_of_evaluations_are_no_lines(tmp_path: Path) -> None:
    passing = (PreviewSaved("t1", Path("live/t1.webp")), EvaluationShare("t1", 0.5))
    write(tmp_path / "j", begun(), *passing, finished())
    assert [line["event"] for line in lines(tmp_path / "j")] == ["job_started", "job_finished"]


def test_only_the_last_progress_of_each_scale_is_written(tmp_path: Path) -> None:
    seen = [progress(n, scale) for scale in (0, 1) for n in (1, 2, 3)]
    write(tmp_path / "j", begun(), *seen, progress(1, token="other"), finished(), over())
    told = [(line["event"], line.get("scale_index"), line.get("iteration")) for line in lines(tmp_path / "j")]
    assert told == [
        ("job_started", None, None),
        ("progress", 0, 3),
        ("progress", 1, 3),
        ("job_finished", None, None),
        ("run_finished", None, None),
    ]


def test_a_failed_job_tells_how_far_it_came(tmp_path: Path) -> None:
    write(tmp_path / "j", progress(7, token="t2"), failed())
    assert [line["event"] for line in lines(tmp_path / "j")] == ["progress", "job_failed"]


def test_a_line_torn_by_a_crash_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"event": "job_sta')
    write(path, over())
    torn, whole = path.read_text("ascii").splitlines()
    assert torn == '{"event": "job_sta'
    assert json.loads(whole)["event"] == "run_finished"


def test_events_are_appended_to_what_is_there(tmp_path: Path) -> None:
    write(tmp_path / "j", started())
    write(tmp_path / "j", over())
    assert [line["event"] for line in lines(tmp_path / "j")] == ["run_started", "run_finished"]


def test_a_full_journal_becomes_a_backup_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for number in range(5):
        write(path, over(left=number), max_bytes=200, backups=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "journal.jsonl",
        "journal.jsonl.1",
        "journal.jsonl.2",
    ]
    left = [
        lines(path.with_name(name))[0]["left"] for name in ("journal.jsonl", "journal.jsonl.1", "journal.jsonl.2")
    ]
    assert left == [4, 3, 2]


def test_without_backups_a_full_journal_starts_anew(tmp_path: Path) -> None:
    write(tmp_path / "j", over(left=1), over(left=2), max_bytes=200)
    assert [line["left"] for line in lines(tmp_path / "j")] == [2]
    assert len(list(tmp_path.iterdir())) == 1


def test_lines_share_a_file_up_to_the_limit(tmp_path: Path) -> None:
    write(tmp_path / "j", over(), over(), max_bytes=10_000, backups=1)
    assert len(lines(tmp_path / "j")) == 2


def test_each_line_is_on_disk_before_the_next_event(tmp_path: Path) -> None:
    reader = journal(tmp_path / "j")
    reader(started())
    assert len(lines(tmp_path / "j")) == 1
    reader.close()
    reader.close()


def test_a_journal_that_cannot_be_written_warns_once_and_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "j"
    path.mkdir()
    reader = journal(path)
    with caplog.at_level(logging.WARNING, "stylewatch"):
        reader(started())
        reader(begun())
    assert [record.message for record in caplog.records] == [
        f"{path} can't be written (Is a directory), so its events are left out; check the disk and log.journal"
    ]
    path.rmdir()
    reader(over())
    reader.close()
    assert [line["event"] for line in lines(path)] == ["run_finished"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_line_that_only_fits_in_part_is_told_and_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import resource
    import signal

    path = tmp_path / "j"
    reader = journal(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with caplog.at_level(logging.WARNING, "stylewatch"):
            reader(over())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert "only a part of a line was written" in caplog.text
    reader(started())
    reader.close()
    torn, whole = path.read_text("ascii").splitlines()
    assert len(torn) == 100
    assert json.loads(whole)["event"] == "run_started"


def test_the_clock_is_the_systems_unless_told_otherwise(tmp_path: Path) -> None:
    reader = Journal(tmp_path / "j", 0, 0)
    reader(started())
    reader.close()
    (line,) = lines(tmp_path / "j")
    assert abs(datetime.fromisoformat(line["time"]) - datetime.now(UTC)) < timedelta(days=1)


def test_a_line_between_two_runs_has_no_run() -> None:
    encode = Encoder(lambda: EVENING)
    events = (started(), over(), PhotoSetAside("a.jpg", "quarantined", "no image"), started(run_id="r2"))
    assert [json.loads(encode(event))["run"] for event in events] == ["r1", "r1", None, "r2"]
