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
from tests.daemon.station import Station
from tests.scenarios.daemon.test_pausing import mounted

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")]


def write_noise(path: Path, shade: int) -> None:
    """Write a photo whose picture is large: noise does not compress."""
    noise = Image.effect_noise((256, 256), 40).convert("RGB")
    Image.blend(noise, Image.new("RGB", noise.size, (40, 120 + shade, 40)), 0.8).save(path)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def large_pictures(station: Station) -> None:
    text = station.workshop.text.replace("min_free_disk: 0", "min_free_disk: 0, format: png")
    station.workshop.text = text.replace("size: 48", "size: 256")
    station.workshop.out.mkdir()


def made(station: Station) -> list[str]:
    return [name for name in station.workshop.pictures() if name.endswith("--night.png")]


def assert_told_once(station: Station, words: str) -> None:
    """Each thread may tell what keeps it from writing, but not twice."""
    paused = [notice.text for notice in station.notices("paused")]
    assert 1 <= len(paused) <= 2
    assert len(set(paused)) == len(paused)
    assert any(words in text for text in paused)
    assert station.told(JobFailed) == []


def test_a_disk_that_fills_up_under_a_daemon_is_told_once_and_costs_nothing(station: Station) -> None:
    large_pictures(station)
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", station.workshop.out), station.working():
        for number in range(12):
            write_noise(station.folder / f"{number:02}.png", number)
        station.wait_for(lambda: station.notices("paused"), "the warning")
        assert len(made(station)) < 12
        remount(station.workshop.out, "size=50m")
        station.wait_for(lambda: len(made(station)) == 12 and station.is_idle(), "all pictures")
        for name in made(station):
            with Image.open(station.workshop.out / name) as picture:
                picture.load()
        station.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.DONE] == 12, "all to be done")
        assert not [name for name in station.workshop.pictures() if name.endswith(".part")]
    assert_told_once(station, "full")


def test_an_output_that_becomes_read_only_is_told_once_until_it_is_not(station: Station) -> None:
    large_pictures(station)
    station.workshop.text += "state: {folder: state}\n"  # a disk with files open for writing can't be made read-only
    with mounted("-t", "tmpfs", "-o", "size=50m", "tmpfs", station.workshop.out), station.working():
        write_noise(station.folder / "a.png", 1)
        station.wait_for(lambda: made(station) == ["a--night.png"] and station.is_idle(), "a picture")
        remount(station.workshop.out, "ro")
        write_noise(station.folder / "b.png", 2)
        station.wait_for(lambda: station.notices("paused"), "the warning")
        remount(station.workshop.out, "rw")
        station.wait_for(lambda: len(made(station)) == 2 and station.is_idle(), "the other picture")
    assert_told_once(station, "Read-only file system")


def test_a_disk_mounted_over_the_output_ends_the_daemon_before_it_writes_there(station: Station) -> None:
    def mount_over() -> None:
        station.workshop.photo("a.png")
        station.wait_for_pictures("a--night.jpg")
        mount.enter_context(mounted("-t", "tmpfs", "-o", "size=50m", "tmpfs", station.workshop.out))
        (station.workshop.out / ".stylewatch").mkdir()
        (station.workshop.out / ".stylewatch" / "ledger.sqlite3").touch()
        station.workshop.photo("b.png", shade=2)

    with contextlib.ExitStack() as mount:
        with pytest.raises(LedgerError, match="mounted over the ledger"):
            station.work_until_death(mount_over)
        assert station.workshop.pictures() == []
    assert station.pictures() == ["a--night.jpg"]


def test_an_output_that_was_unmounted_is_told_once_and_waited_for(station: Station) -> None:
    elsewhere = station.workshop.folder / "elsewhere"
    with station.working():
        station.workshop.photo("a.png")
        station.wait_for_pictures("a--night.jpg")
        station.workshop.out.rename(elsewhere)
        station.workshop.photo("b.png", shade=2)
        station.wait_for(lambda: station.notices("paused"), "the warning")
        shutil.rmtree(station.workshop.out, ignore_errors=True)
        elsewhere.rename(station.workshop.out)
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_told_once(station, "the ledger is gone")


def test_a_disk_of_pictures_that_goes_while_nothing_is_made_gets_no_picture_under_its_mount_point(
    station: Station,
) -> None:
    station.workshop.text += "state: {folder: state}\n"
    elsewhere = station.workshop.folder / "elsewhere"
    with station.working():
        station.workshop.photo("a.png")
        station.wait_for_pictures("a--night.jpg")
        station.workshop.out.rename(elsewhere)
        station.workshop.out.mkdir()
        station.workshop.photo("b.png", shade=2)
        station.wait_for(lambda: station.notices("paused"), "the warning")
        assert station.pictures() == []
        shutil.rmtree(station.workshop.out)
        elsewhere.rename(station.workshop.out)
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_told_once(station, "is not the folder it was")
