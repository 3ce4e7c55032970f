"""Disks of state and pictures that are not mounted when a run begins, or go while it works: nothing begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StorageError, UsageError
from pipeline.model import JobStarted, JobState, PhotoSetAside, RunEvent
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.instance.known_mounts import store_input_mount, stored_mount
from tests.workshop import CONFIG, Workshop


@pytest.fixture
def apart(tmp_path: Path) -> Workshop:
    """Return a workshop whose state lies elsewhere, with one picture made."""
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: state}\n")
    workshop.photo("a.png")
    workshop.run()
    return workshop


def taken_away(folder: Path) -> Path:
    """Leave an empty folder under the name, as an unmounted disk does; return where the rest is."""
    disk = folder.rename(folder.with_name(folder.name + " disk"))
    folder.mkdir()
    return disk


def put_back(disk: Path, folder: Path) -> None:
    folder.rmdir()
    disk.rename(folder)


def assert_all_is_as_before(workshop: Workshop, *pictures: str) -> None:
    finished = workshop.run()
    assert (finished.finished, finished.copied, finished.failed) == (0, 0, 0)
    assert workshop.pictures() == sorted(pictures)


@pytest.mark.parametrize("name", ["state", "out"])
def test_a_disk_that_is_not_mounted_is_no_beginning(apart: Workshop, name: str) -> None:
    folder = apart.folder / name
    disk = taken_away(folder)
    with pytest.raises(StorageError, match="mount its disk or share"):
        apart.run()
    assert [path for path in folder.rglob("*") if path.name not in ("instance.lock",)] == []
    for file in folder.iterdir():
        file.unlink()
    put_back(disk, folder)
    assert_all_is_as_before(apart, "a--night.jpg")


def test_pictures_are_not_put_under_the_mount_point_of_a_disk_that_goes(apart: Workshop) -> None:
    apart.photo("b.png", shade=3)
    disks: list[Path] = []

    def unmount(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            disks.append(taken_away(apart.out))

    with pytest.raises(StorageError, match=r"output\.folder: .*is not the folder it was"):
        apart.run(on_event=unmount)
    assert not [path for path in apart.out.rglob("*") if path.is_file()]
    put_back(disks[0], apart.out)
    with apart.ledger() as ledger:
        assert ledger.queries.counts()[JobState.LEASED] == 1
    assert apart.run().finished == 1
    assert apart.pictures() == ["a--night.jpg", "b--night.jpg"]


def test_a_state_folder_with_files_of_the_users_is_refused_and_left_alone(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: archive}\n")
    workshop.photo("a.png")
    mine = tmp_path / "archive" / "unpacked" / "holiday.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    (tmp_path / "archive" / "notes.txt").write_bytes(b"mine, too")
    with pytest.raises(UsageError, match=r"state\.folder: .*notes\.txt"):
        workshop.run()
    assert mine.read_bytes() == b"mine"


def test_a_share_of_photos_that_is_not_mounted_loses_none_of_them(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", "diverges")
    workshop.run()
    folder = workshop.folder / "in"
    assert stored_mount(folder) is not None
    store_input_mount(folder, folder)  # as if it had been a mount of its own
    disk = taken_away(folder)
    (folder / "left").mkdir()
    for look in (workshop.run, workshop.plan):
        with pytest.raises(StorageError, match="nothing is mounted there now; no photo is treated as deleted"):
            look()
    with workshop.ledger() as ledger:
        assert ledger.queries.photo_count() == 2
        assert ledger.queries.counts()[JobState.WITHDRAWN] == 0
    (folder / "left").rmdir()
    put_back(disk, folder)


def test_a_folder_of_photos_that_was_emptied_is_empty(workshop: Workshop) -> None:
    photos = [workshop.photo("a.png"), workshop.photo("sub/b.png", "diverges")]
    workshop.run()
    for photo in photos:
        photo.unlink()
    finished = workshop.run()
    assert (finished.failed, finished.left, workshop.pictures()) == (0, 0, ["a--night.jpg"])
    with workshop.ledger() as ledger:
        assert ledger.queries.photo_count() == 0
        assert (ledger.queries.counts()[JobState.DONE], ledger.queries.counts()[JobState.WITHDRAWN]) == (1, 1)


def test_a_plan_stores_nothing_about_the_mount(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.plan()
    assert stored_mount(workshop.folder / "in") is None


def test_a_share_of_photos_below_the_folder_that_is_not_mounted_is_named_and_its_photos_come_back(
    workshop: Workshop,
) -> None:
    workshop.photo("a.png")
    workshop.photo("nas/b.png", "diverges")
    workshop.run()
    folder = workshop.folder / "in"
    store_input_mount(folder, stored_mount(folder) or folder, below=["nas"])  # as if it had been a mount of its own
    disk = taken_away(folder / "nas")
    workshop.run()
    (told,) = [event for event in workshop.events if isinstance(event, PhotoSetAside)]
    assert (told.path, told.kind) == ("nas", "incomplete")
    assert f"mounted at {folder / 'nas'} is not there; no photo in it is treated as deleted" in told.reason
    put_back(disk, folder / "nas")
    assert workshop.run().failed == 1, "it is tried again"
