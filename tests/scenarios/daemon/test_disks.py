"""Disks that are full, read-only or gone, under a working daemon: said once, waited for, nothing lost."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import LedgerError
from pipeline.model import JobFailed, JobState
from tests.daemon.harness import DaemonHarness
from tests.scenarios.daemon.test_pausing import mounted

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")]


def write_noise(path: Path, shade: int) -> None:
    """Write a photo whose picture is large: noise does not compress."""
    noise = Image.effect_noise((256, 256), 40).convert("RGB")
    Image.blend(noise, Image.new("RGB", noise.size, (40, 120 + shade, 40)), 0.8).save(path)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def large_pictures(harness: DaemonHarness) -> None:
    text = harness.workshop.text.replace("min_free_disk: 0", "min_free_disk: 0, format: png")
    harness.workshop.text = text.replace("size: 48", "size: 256")
    harness.workshop.out.mkdir()


def made(harness: DaemonHarness) -> list[str]:
    return [name for name in harness.workshop.pictures() if name.endswith("--night.png")]


def assert_told_once(harness: DaemonHarness, words: str) -> None:
    """Each thread may tell what keeps it from writing, but not twice.

    If one of them works again before the other, what is left is said once more ("still paused"), after "resumed".
    """
    paused = [notice.text for notice in harness.notices("paused") if notice.text.startswith("paused: ")]
    assert 1 <= len(paused) <= 2
    assert len(set(paused)) == len(paused)
    assert any(words in text for text in paused)
    assert harness.events_of(JobFailed) == []


def test_a_disk_that_fills_up_under_a_daemon_is_told_once_and_costs_nothing(harness: DaemonHarness) -> None:
    large_pictures(harness)
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", harness.workshop.out), harness.running():
        for number in range(12):
            write_noise(harness.folder / f"{number:02}.png", number)
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        assert len(made(harness)) < 12
        remount(harness.workshop.out, "size=50m")
        harness.wait_for(lambda: len(made(harness)) == 12 and harness.is_idle(), "all pictures")
        for name in made(harness):
            with Image.open(harness.workshop.out / name) as picture:
                picture.load()
        harness.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.DONE] == 12, "all to be done")
        assert not [name for name in harness.workshop.pictures() if name.endswith(".part")]
    assert_told_once(harness, "full")


def test_an_output_that_becomes_read_only_is_told_once_until_it_is_not(harness: DaemonHarness) -> None:
    large_pictures(harness)
    harness.workshop.text += "state: {folder: state}\n"  # a disk with files open for writing can't be made read-only
    with mounted("-t", "tmpfs", "-o", "size=50m", "tmpfs", harness.workshop.out), harness.running():
        write_noise(harness.folder / "a.png", 1)
        harness.wait_for(lambda: made(harness) == ["a--night.png"] and harness.is_idle(), "a picture")
        remount(harness.workshop.out, "ro")
        write_noise(harness.folder / "b.png", 2)
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        remount(harness.workshop.out, "rw")
        harness.wait_for(lambda: len(made(harness)) == 2 and harness.is_idle(), "the other picture")
    assert_told_once(harness, "Read-only file system")


def test_a_disk_mounted_over_the_output_ends_the_daemon_before_it_writes_there(harness: DaemonHarness) -> None:
    def mount_over() -> None:
        harness.workshop.photo("a.png")
        harness.wait_for_pictures("a--night.jpg")
        mount.enter_context(mounted("-t", "tmpfs", "-o", "size=50m", "tmpfs", harness.workshop.out))
        (harness.workshop.out / ".stylewatch").mkdir()
        (harness.workshop.out / ".stylewatch" / "ledger.sqlite3").touch()
        harness.workshop.photo("b.png", shade=2)

    with contextlib.ExitStack() as mount:
        with pytest.raises(LedgerError, match="mounted over the ledger"):
            harness.run_until_error(mount_over)
        assert harness.workshop.pictures() == []
    assert harness.pictures() == ["a--night.jpg"]


def test_an_output_that_was_unmounted_is_told_once_and_waited_for(harness: DaemonHarness) -> None:
    elsewhere = harness.workshop.folder / "elsewhere"
    with harness.running():
        harness.workshop.photo("a.png")
        harness.wait_for_pictures("a--night.jpg")
        harness.workshop.out.rename(elsewhere)
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        shutil.rmtree(harness.workshop.out, ignore_errors=True)
        elsewhere.rename(harness.workshop.out)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_told_once(harness, "the ledger is gone")


def test_a_disk_of_pictures_that_goes_while_nothing_is_made_gets_no_picture_under_its_mount_point(
    harness: DaemonHarness,
) -> None:
    harness.workshop.text += "state: {folder: state}\n"
    elsewhere = harness.workshop.folder / "elsewhere"
    with harness.running():
        harness.workshop.photo("a.png")
        harness.wait_for_pictures("a--night.jpg")
        harness.workshop.out.rename(elsewhere)
        harness.workshop.out.mkdir()
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        assert harness.pictures() == []
        shutil.rmtree(harness.workshop.out)
        elsewhere.rename(harness.workshop.out)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_told_once(harness, "is not the folder it was")
