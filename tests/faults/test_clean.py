"""``clean`` with real processes: killed between ledger and files, and on a disk that refuses."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.failpoints import VARIABLE
from tests.faults.injection import StorageFaults, needs_injection
from tests.runner.cleaning.cleaned import TWO_STYLES, TwoStyles

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")]


@pytest.fixture
def place(tmp_path: Path) -> TwoStyles:
    place = TwoStyles(tmp_path / "place")
    place.make("a.png", "b.png")
    place.config()
    return place


def clean(place: TwoStyles, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", "clean", "--yes", str(place.folder / "stylewatch.yaml")]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["withdrawn-recorded", "withdrawn-deleted"])
def test_after_a_kill_the_next_one_finishes_and_the_style_can_come_back(place: TwoStyles, name: str) -> None:
    assert clean(place, os.environ | {VARIABLE: name}).returncode == -signal.SIGKILL
    ended = clean(place, dict(os.environ))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert place.images() == ["a--night.jpg", "b--night.jpg"]
    assert place.run().finished == 0
    place.text = TWO_STYLES
    assert place.run().finished == 2
    assert place.images() == ["a--day.jpg", "a--night.jpg", "b--day.jpg", "b--night.jpg"]


@needs_injection
@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS])
def test_what_the_disk_refuses_is_named_and_the_rest_goes(place: TwoStyles, tmp_path: Path, error: int) -> None:
    faults = StorageFaults(tmp_path / "faults")
    faults.fail("unlink", "a--day.jpg", error)
    ended = clean(place, faults.environment())
    assert ended.returncode == 1
    assert "1 file deleted, " in ended.stdout
    assert ended.stderr == f"{place.out / 'a--day.jpg'} was not deleted: {os.strerror(error)}\n"
    assert place.images() == ["a--day.jpg", "a--night.jpg", "b--night.jpg"]
    place.text = TWO_STYLES
    assert place.run().finished == 1
