from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pipeline.report.log import close_log, configure_log
from pipeline.report.rotation import rotate


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def fill(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder / "j"


def test_each_backup_goes_one_on_and_the_last_goes(tmp_path: Path) -> None:
    rotate(fill(tmp_path, j="new", j_1="old", j_2="older", j_3="oldest"), 3)
    assert contents(tmp_path) == {"j.1": "new", "j.2": "old", "j.3": "older"}


def test_a_missing_backup_is_no_trouble(tmp_path: Path) -> None:
    rotate(fill(tmp_path, j="new", j_2="older"), 3)
    assert contents(tmp_path) == {"j.1": "new", "j.3": "older"}


def test_without_backups_nothing_stays(tmp_path: Path) -> None:
    rotate(fill(tmp_path, j="new"), 0)
    assert contents(tmp_path) == {}


def test_a_file_that_can_not_go_keeps_its_backups_however_often_it_is_tried(tmp_path: Path) -> None:
    path = fill(tmp_path, j="new", j_1="old", j_2="older")
    (tmp_path / "j.0").mkdir()
    for _ in range(3):
        with pytest.raises(OSError, match=r"j\.0"):
            rotate(path, 2)
    assert contents(tmp_path) == {"j": "new", "j.1": "old", "j.2": "older"}


def test_what_a_kill_left_half_way_becomes_a_backup(tmp_path: Path) -> None:
    rotate(fill(tmp_path, j_0="new", j_1="old"), 2)
    assert contents(tmp_path) == {"j.1": "new", "j.2": "old"}


def test_a_log_that_can_not_be_rotated_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "stylewatch.log"
    (tmp_path / "stylewatch.log.0").mkdir()
    configure_log(path, max_bytes=100, backups=1)
    for number in range(3):
        logging.getLogger("stylewatch").info("line %d, which with the time before it fills half a file", number)
    close_log()
    assert [f"line {number}," in path.read_text() for number in range(3)] == [True] * 3
