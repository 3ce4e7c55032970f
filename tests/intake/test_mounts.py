from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.intake.mounts import knows_kinds, mount_point, mounts_below, place_without_mount, shared_mount

TABLE = r"""
/dev/sda1 / ext4 rw 0 0
server:/photos /mnt/nas nfs4 rw 0 0
//server/x /mnt/my\040share cifs rw 0 0
me@host:/ /home/me/remote fuse.sshfs rw 0 0
/dev/sdb1 /media/usb fuseblk rw 0 0
/dev/sda2 /mnt/nas/local ext4 rw 0 0
broken line
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(TABLE, encoding="ascii")
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/2024", "nfs4"),
        ("/mnt/my share/in", "cifs"),
        ("/home/me/remote/in", "fuse.sshfs"),
        ("/home/me", "fuse.sshfs"),  # a share is mounted inside it
        ("/media/usb", None),
        ("/mnt/nas/local/in", None),
        ("/mnt/nasty", None),
        ("/home/you", None),
    ],
)
def test_shares_are_known_by_their_file_system(table: Path, folder: str, kind: str | None) -> None:
    mount = shared_mount(Path(folder), table)
    assert (mount.kind if mount else None) == kind


def test_without_a_table_every_folder_counts_as_local(tmp_path: Path) -> None:
    assert shared_mount(tmp_path, tmp_path / "nothing") is None


def test_a_system_without_a_table_does_not_claim_to_know(table: Path, tmp_path: Path) -> None:
    assert knows_kinds(table)
    assert not knows_kinds(tmp_path / "nothing")


def test_the_last_mount_at_a_point_counts(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text("a / ext4 rw 0 0\nb /x ext4 rw 0 0\nc /x nfs rw 0 0\n", encoding="ascii")
    mount = shared_mount(Path("/x"), table)
    assert mount is not None
    assert mount.kind == "nfs"


def test_a_folder_lies_on_the_deepest_mount_above_it(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"a / ext4 rw 0 0\nb {tmp_path} ext4 rw 0 0\n", encoding="utf-8")
    folder = tmp_path / "in"
    folder.mkdir()
    assert mount_point(folder, table) == tmp_path


def test_without_a_table_mount_points_are_looked_for(tmp_path: Path) -> None:
    assert mount_point(tmp_path, tmp_path / "nothing").is_mount()


def test_a_folder_that_is_not_there_has_no_mount_point(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mount_point(tmp_path / "nothing")


def test_where_only_an_automounter_waits_nothing_is_mounted(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"a / ext4 rw 0 0\nautomount {tmp_path} autofs rw 0 0\n", encoding="utf-8")
    assert mount_point(tmp_path, table) == Path("/")
    table.write_text(table.read_text() + f"server:/ {tmp_path} nfs rw 0 0\n", encoding="utf-8")
    assert mount_point(tmp_path, table) == tmp_path


@pytest.mark.parametrize(
    ("folder", "mounted", "place"),
    [
        ("/mnt/nas/photos", "/", "/mnt"),
        ("/mnt/nas/photos", "/mnt/nas", None),
        ("/media/me/usb", "/", "/media"),
        ("/run/media/me/usb", "/run", "/run/media"),
        ("/srv/photos/in", "/", "/srv/photos"),
        ("/srv/photos/in", "/srv/photos", None),
        ("/srv/photos old", "/", None),
        ("/home/me/drop", "/", None),
        ("/srv/my photos/in", "/", "/srv/my photos"),
    ],
)
def test_a_disk_is_missed_where_one_should_be(tmp_path: Path, folder: str, mounted: str, place: str | None) -> None:
    planned = tmp_path / "fstab"
    planned.write_text(
        "# /home/me/drop is no mount\nUUID=1 / ext4 defaults 0 1\nUUID=2\t/srv/photos  ext4 nofail 0 2\n"
        "UUID=3 none swap sw 0 0\nUUID=4 /srv/my\\040photos ext4 nofail 0 2\n",
        encoding="ascii",
    )
    assert place_without_mount(Path(folder), Path(mounted), planned) == (Path(place) if place else None)


def test_mounts_below_a_folder_are_found(table: Path, tmp_path: Path) -> None:
    assert mounts_below(Path("/mnt"), table) == {"nas", "my share", "nas/local"}
    assert mounts_below(Path("/mnt/nas"), table) == {"local"}
    assert mounts_below(Path("/mnt"), tmp_path / "nothing") == frozenset()
