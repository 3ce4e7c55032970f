"""That tests' files go into memory only where there is room, and that killed runs leave nothing there for long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.folders import another_file_system, folder_in_memory


def test_without_room_or_without_such_a_folder_the_disk_must_do(tmp_path: Path) -> None:
    assert folder_in_memory(tmp_path / "nowhere") is None
    assert folder_in_memory(tmp_path, needed_bytes=1 << 60) is None
    assert list(tmp_path.iterdir()) == []


def test_what_killed_runs_left_is_removed_and_what_others_use_is_not(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"stylewatch-tests-{ended.pid}-a", f"stylewatch-tests-{os.getpid()}-b", "another program's"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    folder = folder_in_memory(tmp_path, needed_bytes=0)
    assert folder is not None
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"stylewatch-tests-{os.getpid()}-b", "another program's", folder.name}


def test_another_file_system_is_another_one(tmp_path: Path) -> None:
    other = another_file_system(tmp_path)
    assert other is None or other.stat().st_dev != tmp_path.stat().st_dev
