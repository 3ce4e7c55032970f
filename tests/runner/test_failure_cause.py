"""A disk is told from one file's own trouble by trying, and the test leaves nothing behind."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from pipeline.errors import StorageError, UnwritableError
from pipeline.ledger import Claim
from pipeline.model import Failure, FailureKind
from pipeline.runner.failure_cause import (
    TEST_FILE,
    FailureCause,
    remove_test_file,
    require_readable,
    require_writable,
)
from pipeline.runner.input_root import InputRoot
from tests.runner.execution.claimed import claim_all
from tests.workshop import Workshop


class Disk:
    """An input folder of which some files can't be read."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.broken: set[str] = set()
        self.read: list[str] = []
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"content")
        self.root = InputRoot(folder)
        self.now = 0.0
        self.seconds_a_file = 0.0

    def can_read(self, folder: Path, path: str) -> bool:
        self.read.append(path)
        self.now += self.seconds_a_file
        return path not in self.broken

    def require(self, path: str) -> None:
        require_readable(self.root, path, can_read=self.can_read, clock=lambda: self.now)


def test_one_photo_among_others_is_its_own_trouble(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "a.jpg", "b.jpg")
    disk.require("a.jpg")
    assert disk.read == ["b.jpg"]
    require_readable(disk.root, "a.jpg")


def test_a_photo_without_others_is_its_own_trouble(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "trip/a.jpg")
    (tmp_path / "empty.jpg").touch()  # can be read without any disk
    disk.require("trip/a.jpg")
    assert disk.read == []


def test_a_folder_none_of_whose_files_can_be_read_is_the_disks(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "a.jpg", "b.jpg", "trip/c.jpg")
    disk.broken = {"a.jpg", "b.jpg", "trip/c.jpg"}
    with pytest.raises(StorageError, match=r"neither a\.jpg nor other files .* check its disk"):
        disk.require("a.jpg")
    assert sorted(disk.read) == ["b.jpg", "trip/c.jpg"]


def test_a_broken_folder_beside_a_good_one_is_not_the_disks(tmp_path: Path) -> None:
    names = [f"old/{number}.jpg" for number in range(30)]
    disk = Disk(tmp_path, *names, "new/good.jpg")
    disk.broken = set(names)
    disk.require("old/3.jpg")


def test_a_disk_that_takes_long_to_fail_is_not_tried_for_ever(tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(60)]
    disk = Disk(tmp_path, *names)
    disk.broken = set(names)
    disk.seconds_a_file = 1.0
    with pytest.raises(StorageError):
        disk.require("0.jpg")
    assert len(disk.read) < 15


def test_a_folder_that_is_gone_says_so_itself(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "in", "a.jpg", "b.jpg")
    disk.folder.rename(tmp_path / "away")
    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        disk.require("a.jpg")
    assert disk.read == []


def test_a_folder_that_can_be_written_is_as_before(tmp_path: Path) -> None:
    (tmp_path / TEST_FILE).write_text("left by a killed process")
    require_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_nothing_is_written_through_a_link_under_the_tests_name(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / TEST_FILE).symlink_to(tmp_path / "mine")
    require_writable(tmp_path)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_folder_that_is_gone_or_none_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(StorageError, match=f"{name} can't be written"):
            require_writable(tmp_path / name)
    remove_test_file(tmp_path / "nowhere")


@pytest.fixture
def claim(workshop: Workshop) -> Claim:
    workshop.photo("a.png")
    with workshop.ledger() as ledger:
        (claim,) = claim_all(workshop, ledger)
    return claim


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), FailureKind.GONE),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), FailureKind.MEMORY),
        (OSError(errno.EIO, "Input/output error"), FailureKind.UNREADABLE),
        (PermissionError(errno.EACCES, "Permission denied"), FailureKind.UNREADABLE),
    ],
)
def test_an_error_of_one_photo_is_a_failure_of_that_kind_while_its_folder_is_there(
    tmp_path: Path, claim: Claim, error: OSError, kind: FailureKind
) -> None:
    disk = Disk(tmp_path / "disk", "a.png", "b.png")
    cause = FailureCause(disk.root, tmp_path)
    assert cause.of_photo(claim, error).kind is kind
    disk.folder.rename(tmp_path / "away")
    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        cause.of_photo(claim, error)


@pytest.mark.parametrize("kind", [FailureKind.GONE, FailureKind.UNREADABLE, FailureKind.STORAGE])
def test_a_workers_failure_is_the_shares_where_that_is_gone(tmp_path: Path, claim: Claim, kind: FailureKind) -> None:
    disk = Disk(tmp_path / "disk", "a.png", "b.png")
    cause, failure = FailureCause(disk.root, tmp_path), Failure(claim.token, kind, "why")
    assert cause.with_disk_checked(failure, claim) == failure
    disk.folder.rename(tmp_path / "away")
    checked = cause.with_disk_checked(failure, claim)
    assert checked.kind is FailureKind.STORAGE
    assert "no photo is treated as deleted" in checked.reason


def test_a_picture_that_can_not_be_saved_is_named_unless_nothing_can_be_saved_there(
    tmp_path: Path, claim: Claim
) -> None:
    disk, out = Disk(tmp_path / "disk", "a.png"), tmp_path / "pictures"
    cause, failure = FailureCause(disk.root, out), Failure(claim.token, FailureKind.UNWRITABLE, "why")
    with pytest.raises(StorageError, match="pictures can't be written"):
        cause.of_picture(claim, UnwritableError("why"))
    assert cause.with_disk_checked(failure, claim).kind is FailureKind.STORAGE
    out.mkdir()
    for found in (
        cause.of_picture(claim, UnwritableError("why")),
        cause.with_disk_checked(failure, claim),
    ):
        assert found == Failure(claim.token, FailureKind.UNWRITABLE, "the picture a--night.jpg can't be saved: why")
