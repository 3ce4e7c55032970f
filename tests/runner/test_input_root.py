from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.intake.mounts import place_without_mount
from pipeline.ledger import Ledger
from pipeline.model import Photo
from pipeline.runner.input_root import InputRoot, holds_files, make_input_folder, open_input
from pipeline.runner.instance.known_mounts import store_input_mount


def test_a_folder_that_is_there_is_there(tmp_path: Path) -> None:
    root = InputRoot(tmp_path)
    root.require()
    assert root.is_there()
    assert not root.replaced_since_last_call()


def test_a_folder_that_was_never_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is gone"):
        InputRoot(tmp_path / "nothing")


def test_a_file_in_its_place_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    with pytest.raises(StorageError, match="Not a directory"):
        InputRoot(tmp_path / "in")


def test_a_folder_that_vanishes_is_missed_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    root = InputRoot(folder)
    folder.rename(tmp_path / "elsewhere")
    assert not root.is_there()
    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        root.require()
    with pytest.raises(StorageError):
        root.replaced_since_last_call()
    (tmp_path / "elsewhere").rename(folder)
    root.require()
    assert not root.replaced_since_last_call()


def test_another_folder_in_its_place_is_told_of_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    root = InputRoot(folder)
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    root.require()
    assert [root.replaced_since_last_call(), root.replaced_since_last_call()] == [True, False]


class Mounts:
    """Where the folder lies, as a test says."""

    def __init__(self, point: str) -> None:
        self.point = Path(point)

    def __call__(self, folder: Path) -> Path:
        return self.point


def test_an_empty_folder_where_a_share_was_mounted_is_a_lost_share(tmp_path: Path) -> None:
    mounts = Mounts("/mnt/nas")
    root = InputRoot(tmp_path, mount_point=mounts)
    mounts.point = Path("/")
    with pytest.raises(StorageError, match="nothing is mounted there any more"):
        root.require()
    mounts.point = Path("/mnt/nas")
    root.require()


def test_a_share_mounted_after_the_start_is_what_counts_from_then_on(tmp_path: Path) -> None:
    mounts = Mounts("/")
    root = InputRoot(tmp_path, mount_point=mounts)
    mounts.point = Path("/mnt/nas")
    root.require()
    mounts.point = Path("/")
    assert not root.is_there()


@dataclass
class Machine:
    """A machine whose mounts a test sets, and an input folder on it with a photo on record or none."""

    folder: Path
    cache: Path
    ledger: Ledger
    mounts: Mounts = field(default_factory=lambda: Mounts("/"))
    planned: str = ""

    def record_photo(self) -> None:
        photo = Photo("a.png", 10, 20, 30)
        self.ledger.photos.record([photo], [photo], [])

    def open(self) -> InputRoot:
        return open_input(
            self.folder,
            self.ledger,
            open_root=lambda folder: InputRoot(folder, mount_point=self.mounts),
            place_without_mount=self.place,
            file=self.cache,
        )

    def make(self) -> str:
        return make_input_folder(
            self.folder, self.ledger, mount_point=self.mounts, place_without_mount=self.place, file=self.cache
        )

    def place(self, folder: Path, mounted: Path) -> Path | None:
        table = self.cache.with_name("fstab")
        table.write_text(self.planned)
        return place_without_mount(folder, mounted, table)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "disk" / "in").mkdir(parents=True)
    with Ledger.rehearsal(tmp_path / "ledger.sqlite3", "in") as ledger:
        yield Machine(tmp_path / "disk" / "in", tmp_path / "mounts.json", ledger)


def test_an_emptied_folder_on_the_mount_that_it_was_on_is_empty(machine: Machine) -> None:
    machine.record_photo()
    for mount in (Path("/"), machine.folder.parent):
        machine.mounts.point = mount
        store_input_mount(machine.folder, mount, machine.cache)
        assert machine.open().is_there()


def test_an_emptied_local_folder_is_empty_though_nothing_is_known_of_its_mount(machine: Machine) -> None:
    machine.record_photo()
    assert machine.open().is_there()


@pytest.mark.parametrize("left", [None, "left.txt"])
def test_a_folder_whose_mount_is_not_there_is_lost_whatever_lies_under_it(machine: Machine, left: str | None) -> None:
    machine.record_photo()
    store_input_mount(machine.folder, machine.folder.parent, machine.cache)
    if left:
        (machine.folder / left).touch()
    with pytest.raises(StorageError) as caught:
        machine.open()
    assert f"mounted at {machine.folder.parent}, and nothing is mounted there now; no photo is" in str(caught.value)
    assert str(machine.cache) in str(caught.value)
    machine.mounts.point = machine.folder.parent
    assert machine.open().is_there()


def test_a_folder_that_holds_the_known_photos_is_the_right_one_whatever_its_mount(machine: Machine) -> None:
    machine.record_photo()
    store_input_mount(machine.folder, machine.folder.parent, machine.cache)
    (machine.folder / "a.png").touch()
    assert machine.open().is_there()


def test_a_share_mounted_over_the_folder_since_then_is_no_loss(machine: Machine) -> None:
    machine.record_photo()
    store_input_mount(machine.folder, Path("/"), machine.cache)
    machine.mounts.point = machine.folder
    assert machine.open().is_there()


def test_where_disks_are_mounted_an_empty_folder_of_an_older_version_is_not_believed(machine: Machine) -> None:
    machine.record_photo()
    machine.planned = f"# disks\nLABEL=photos {machine.folder.parent} ext4 defaults,nofail 0 2\n"
    (machine.folder / "night").mkdir()
    with pytest.raises(StorageError, match=r"is empty, 1 photo lay there.*nothing is mounted at .*disk; no photo is"):
        machine.open()
    machine.mounts.point = machine.folder.parent
    assert machine.open().is_there(), "its disk is there, so it is empty"
    machine.mounts.point = Path("/")
    (machine.folder / "night" / "a.png").touch()
    assert machine.open().is_there(), "there is something in it"


def test_where_disks_are_mounted_an_empty_folder_is_fine_if_nothing_is_known_of_it(machine: Machine) -> None:
    machine.planned = f"LABEL=photos {machine.folder.parent} ext4 defaults 0 2\n"
    assert machine.open().is_there()


def test_a_share_that_drops_between_two_looks_is_lost(machine: Machine) -> None:
    def look(_: Path) -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(StorageError, match=r"in is gone \(No such file or directory\); no photo is treated"):
        open_input(machine.folder, machine.ledger, open_root=lambda folder: InputRoot(folder, mount_point=look))


def test_a_folder_that_never_was_is_made(machine: Machine) -> None:
    machine.folder.rmdir()
    with pytest.raises(StorageError, match=r"in does not exist; make it, mount its disk or share, or correct"):
        machine.open()
    assert machine.make() == f"made the folder {machine.folder}: it did not exist"
    assert machine.make() == ""
    assert machine.open().is_there()


def test_a_folder_that_had_photos_is_not_made_again(machine: Machine) -> None:
    machine.record_photo()
    machine.folder.rmdir()
    assert machine.make() == ""
    with pytest.raises(StorageError, match="in is gone"):
        machine.open()


def test_no_folder_is_made_where_a_disk_is_missing(machine: Machine) -> None:
    machine.folder.rmdir()
    machine.planned = f"LABEL=photos {machine.folder.parent} ext4 defaults 0 2\n"
    assert machine.make() == ""
    machine.planned = ""
    store_input_mount(machine.folder, machine.folder.parent, machine.cache)
    assert machine.make() == ""
    assert not machine.folder.exists()


@pytest.mark.parametrize("folder", ["/mnt/usb-stick-of-nobody/photos", "/no such place/photos"])
def test_no_folder_is_made_among_the_machines_own(machine: Machine, folder: str) -> None:
    machine.folder = Path(folder)
    assert machine.make() == ""
    assert not machine.folder.parent.exists()


def test_a_folder_that_cant_be_made_is_an_error(machine: Machine) -> None:
    machine.folder.rmdir()

    def refuse(_: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    with pytest.raises(StorageError, match=r"does not exist and can't be made \(Read-only file system\)"):
        make_input_folder(machine.folder, machine.ledger, mount_point=refuse, file=machine.cache)


def test_empty_folders_and_hidden_files_make_no_folder_full(tmp_path: Path) -> None:
    assert not holds_files(tmp_path / "nothing")
    (tmp_path / "night" / "2024").mkdir(parents=True)
    (tmp_path / ".cache").mkdir()
    for hidden in (".marker", "night/.DS_Store", ".cache/file"):
        (tmp_path / hidden).touch()
    assert not holds_files(tmp_path)
    (tmp_path / "night" / "2024" / "a.png").touch()
    assert holds_files(tmp_path)
