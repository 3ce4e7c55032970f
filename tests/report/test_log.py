import logging
import re
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.model import (
    EvaluationShare,
    JobState,
    NetworkLoading,
    OriginalMoved,
    OriginalsStay,
    PhotoSetAside,
    PhotosSkipped,
    Remark,
    RunEvent,
    SnapshotSaved,
)
from pipeline.report.log import LOGGER, LogWriter, close_log, configure_log
from tests.report.events import begun, failed, finished, over, progress, started
from tests.report.simulated_run import changed


def told(folder: Path, *events: RunEvent, level: str = "INFO") -> list[str]:
    """Return the lines of the log that these events make, without their time."""
    path = folder / "logs" / "stylewatch.log"
    configure_log(path, level)
    writer = LogWriter()
    for event in events:
        writer(event)
    close_log()
    lines = path.read_text("utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)
    return [line[20:] for line in lines]


def test_a_run_is_told_from_its_beginning_to_its_end_with_one_line_a_picture(tmp_path: Path) -> None:
    assert told(
        tmp_path, started(), NetworkLoading(), begun(), progress(1), finished(), over(slots_used=9, slots_offered=10)
    ) == [
        "INFO    run r1 of my.yaml begins: 3 pictures to make of 2 photos, 1 done already",
        "INFO    zoo/lion.jpg × wave → zoo/lion.jpg--wave.jpg (12.3 s)",
        "INFO    the run is over: 2 pictures made, 1 picture failed in 41.0 s",
    ]


def test_how_a_picture_and_a_run_went_is_for_the_curious(tmp_path: Path) -> None:
    _, losses, _, spared = told(tmp_path, finished(), over(slots_used=987, slots_offered=1000), level="DEBUG")
    assert losses == (
        "DEBUG   zoo/lion.jpg × wave: on cpu; total 1.5, content 0, style 1 at first, "
        "total 0.5, content 0.25, style 0.125 at last"
    )
    assert spared == (
        "DEBUG   4 style targets computed, 3 taken from the cache; 98.7 % of the engine's slots were in use"
    )


def test_skipped_photos_are_told_without_flooding_the_log(tmp_path: Path) -> None:
    one, many = PhotosSkipped.of({"a.gif": "suffix .gif"}), {f"{number}.gif": "suffix .gif" for number in range(1200)}
    lines = told(tmp_path, one, PhotosSkipped.of(many), *[one] * 500, over(photos_skipped={"suffix .gif": 1200}))
    assert lines[:2] == [
        "INFO    a.gif is skipped (suffix .gif)",
        "INFO    1,200 photos skipped (suffix .gif: 1,200)",
    ]
    assert lines[-1].endswith("in 41.0 s; 1,200 photos skipped (suffix .gif: 1,200)")
    assert len(lines) == 21


def test_photos_set_aside_and_failures_are_told_by_weight(tmp_path: Path) -> None:
    lines = told(
        tmp_path,
        PhotoSetAside("half.jpg", "incomplete", "no end"),
        PhotoSetAside("page.jpg", "quarantined", "HTML"),
        failed(photo_set_aside=True),
        failed(),
        failed(state=JobState.PENDING, reason="disk full"),
    )
    assert lines == [
        "INFO    half.jpg waits: no end",
        "WARNING page.jpg is set aside: HTML",
        "ERROR   caf?.jpg × night (fine) failed and is given up: truncated",
        "WARNING caf?.jpg × night (fine) is waiting again: disk full",
    ]


def test_losses_are_told_as_they_go_to_the_curious(tmp_path: Path) -> None:
    events = [progress(n, scale, iterations=25) for scale in (0, 1) for n in range(1, 26)]
    assert told(tmp_path, *events) == []
    lines = told(tmp_path, begun(), *events, level="DEBUG")[1:]
    assert [re.search(r"scale (\d).*evaluation (\d+)", line).groups() for line in lines] == [  # type: ignore[union-attr]
        (scale, n) for scale in "12" for n in ("1", "10", "20", "25")
    ]
    assert lines[0] == (
        "DEBUG   zoo/lion.jpg × wave: 128 px (scale 1 of 2), evaluation 1 of 25: total 0.75, content 0.25, style 0.5"
    )


def test_how_far_an_evaluation_is_is_for_nobody(tmp_path: Path) -> None:
    assert told(tmp_path, EvaluationShare("t1", 0.5), level="DEBUG") == []


def test_intermediate_pictures_are_for_the_curious_by_the_jobs_name_while_it_lasts(tmp_path: Path) -> None:
    events = (begun(), SnapshotSaved("t1", Path("x.png")), finished(artwork=None), SnapshotSaved("t1", Path("y.png")))
    assert told(tmp_path, *events, level="DEBUG")[1:] == [
        "DEBUG   zoo/lion.jpg × wave: intermediate picture x.png",
        "INFO    zoo/lion.jpg × wave → zoo/lion.jpg--wave.jpg (copied from an equal picture)",
        "DEBUG   t1: intermediate picture y.png",
    ]


def test_beginnings_are_for_the_curious(tmp_path: Path) -> None:
    assert told(tmp_path, begun(), level="DEBUG") == ["DEBUG   zoo/lion.jpg × wave is begun: zoo/lion.jpg--wave.jpg"]


def test_a_file_name_cannot_forge_a_line(tmp_path: Path) -> None:
    (line,) = told(tmp_path, PhotoSetAside("a\n2026-01-01 00:00:00 ERROR b\x1b[2J\udce9", "incomplete", "x"))
    assert line.startswith("INFO    a\\n2026-01-01 00:00:00 ERROR b\\x1b[2J\\udce9 waits: x")


def test_the_log_rotates_by_size(tmp_path: Path) -> None:
    path = tmp_path / "stylewatch.log"
    configure_log(path, max_bytes=200, backups=1)
    for number in range(9):
        LOGGER.info("line %d of about eighty characters, so that two or three make a file full", number)
    close_log()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["stylewatch.log", "stylewatch.log.1"]


def test_a_second_call_replaces_the_first(tmp_path: Path) -> None:
    configure_log(tmp_path / "a.log")
    configure_log(tmp_path / "b.log", logging.ERROR)
    LOGGER.error("hello")
    LOGGER.warning("unheard")
    close_log()
    assert (tmp_path / "a.log").read_text() == ""
    assert (tmp_path / "b.log").read_text().endswith("ERROR   hello\n")


def test_a_log_that_cannot_be_opened_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"log: .*stylewatch\.log can't be written"):
        configure_log(tmp_path / "file" / "stylewatch.log")


def test_a_line_that_cannot_be_written_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(tmp_path / "a.log")
    LOGGER.info("%d", "no number")
    LOGGER.info("after")
    close_log()
    assert (tmp_path / "a.log").read_text().endswith("INFO    after\n")
    assert capsys.readouterr().err == ""


def test_where_originals_go_is_told_on_one_line(tmp_path: Path) -> None:
    assert told(tmp_path, OriginalMoved("a\n\x1b.jpg", "/kept/a.jpg"), OriginalsStay("/kept: Permission denied")) == [
        r"INFO    a\n\x1b.jpg is moved to /kept/a.jpg",
        "WARNING /kept: Permission denied",
    ]


def test_remarks_are_told_with_their_job_if_they_have_one(tmp_path: Path) -> None:
    lines = told(tmp_path, begun(), Remark("", "stopping"), Remark("t1", "stopped"), Remark("t1", "no room", True))
    assert lines == [
        "INFO    stopping",
        "INFO    zoo/lion.jpg × wave: stopped",
        "WARNING zoo/lion.jpg × wave: no room",
    ]


def test_many_photos_without_a_picture_are_counted_after_the_first(tmp_path: Path) -> None:
    many = [PhotoSetAside(f"{number}.jpg", "unpaired", "lies in no style's folder") for number in range(5000)]
    lines = told(tmp_path, started(), *many, over())
    assert lines[1] == "WARNING 0.jpg gets no picture: it lies in no style's folder"
    assert len([line for line in lines if "gets no picture" in line]) == 20
    assert lines[21] == (
        "WARNING ... and 4,980 more photos without a picture; the report and the journal name all of them"
    )
    assert len(lines) == 23


def test_a_run_that_makes_pictures_again_says_why(tmp_path: Path) -> None:
    said = told(tmp_path, started(again=2, reasons={"recipe default changed": 2}))
    assert said[0].endswith("1 done already; 1 new picture, 2 to be made again: recipe default changed (2)")


def test_how_long_it_takes_is_told_if_it_is_known_and_a_changed_backlog_only_to_who_debugs(tmp_path: Path) -> None:
    lines = told(tmp_path, started(seconds=1573.2), changed({"default": 5}))
    assert lines[1:] == ["INFO    this takes about 26 min 13 s by the forecast"]
    assert told(tmp_path / "debug", started(), changed({"default": 5}), level="DEBUG")[1:] == [
        "DEBUG   5 pictures to make now, those in progress included"
    ]


def test_photos_that_come_in_numbers_are_logged_as_often_as_the_backlog_doubles(tmp_path: Path) -> None:
    dropped = [changed({"default": left}) for left in range(2, 41)]
    assert told(tmp_path, started(jobs=1, done=0), *dropped)[1:] == [
        f"INFO    {left} pictures to make now, those in progress included" for left in (2, 4, 8, 16, 32)
    ]
