from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline.errors import LedgerError, StorageError, UsageError
from pipeline.runner.instance.folder_marks import (
    OUTPUT_MARK,
    STATE_MARK,
    OutputFolderCheck,
    mark_folders,
    other_states,
    require_folders,
    require_no_foreign_files,
)

Folders = tuple[Path, Path]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Return a state folder and, elsewhere, the folder of its pictures, both marked."""
    state, out = tmp_path.resolve() / "state", tmp_path.resolve() / "out"
    state.mkdir()
    out.mkdir()
    mark_folders(state, out)
    return state, out


@pytest.fixture
def nested(tmp_path: Path) -> Folders:
    """Return a state folder where it is by default, and the folder of its pictures, both marked."""
    out = tmp_path.resolve() / "tree" / "out"
    out.mkdir(parents=True)
    mark_folders(out / ".stylewatch", out)
    return out / ".stylewatch", out


def unmount(folder: Path) -> Path:
    """Leave an empty folder under the name; return where the rest is."""
    gone = folder.rename(folder.with_name(folder.name + " on a disk"))
    folder.mkdir()
    return gone


def mount(disk: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    disk.rename(folder)


# --- what belongs together --------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["folders", "nested"])
def test_its_own_pictures_are_served_again_and_again(which: str, request: pytest.FixtureRequest) -> None:
    own: Folders = request.getfixturevalue(which)
    marks = [(own[0] / STATE_MARK).read_bytes(), (own[1] / OUTPUT_MARK).read_bytes()]
    require_folders(*own)
    assert mark_folders(*own) == ""
    assert [(own[0] / STATE_MARK).read_bytes(), (own[1] / OUTPUT_MARK).read_bytes()] == marks


def test_other_pictures_are_refused_in_a_sentence_that_names_all_three(folders: Folders) -> None:
    state, out = folders
    with pytest.raises(LedgerError) as caught:
        require_folders(state, out.with_name("other"))
    for path in (state, out, out.with_name("other"), state / STATE_MARK):
        assert str(path) in str(caught.value)


def test_pictures_of_another_state_are_refused_wherever_its_own_are(folders: Folders, nested: Folders) -> None:
    shutil.rmtree(folders[1])
    with pytest.raises(LedgerError, match="belongs to the pictures in"):
        require_folders(folders[0], nested[1])


def test_pictures_that_were_moved_are_served_under_their_new_name_and_it_is_said(folders: Folders) -> None:
    state, out = folders
    moved = out.rename(out.with_name("moved"))
    require_folders(state, moved)
    assert mark_folders(state, moved) == f"the pictures of {out} are in {moved} now"
    assert mark_folders(state, moved) == ""
    out.mkdir()
    with pytest.raises(LedgerError, match="moved"):
        require_folders(state, out)


def test_a_copy_of_the_pictures_on_another_disk_is_served_too(folders: Folders) -> None:
    state, out = folders
    shutil.copytree(out, out.with_name("copy"))
    require_folders(state, out.with_name("copy"))
    assert "are in" in mark_folders(state, out.with_name("copy"))


def test_a_tree_that_holds_both_can_be_moved(nested: Folders) -> None:
    tree = nested[1].parent
    moved = tree.rename(tree.with_name("elsewhere")) / "out"
    (tree / "out").mkdir(parents=True)
    require_folders(moved / ".stylewatch", moved)
    assert mark_folders(moved / ".stylewatch", moved) == ""


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_same_folder_under_another_name_is_the_same(folders: Folders) -> None:
    state, out = folders
    out.with_name("link").symlink_to(out)
    require_folders(state, out.with_name("link"))
    assert mark_folders(state, out.with_name("link")) == ""


def test_several_state_folders_know_one_folder_of_pictures(folders: Folders) -> None:
    state, out = folders
    second = state.with_name("second")
    require_folders(second, out)
    mark_folders(second, out)
    require_folders(state, out)
    shutil.rmtree(second)
    require_folders(state, out)
    with pytest.raises(StorageError):
        require_folders(second, out)


# --- what is missing --------------------------------------------------------------------------------------


def test_a_state_whose_disk_is_not_mounted_is_waited_for(folders: Folders) -> None:
    state, out = folders
    disk = unmount(state)
    with pytest.raises(StorageError) as caught:
        require_folders(state, out)
    assert str(state) in str(caught.value)
    assert str(out / OUTPUT_MARK) in str(caught.value)
    assert list(state.iterdir()) == []
    mount(disk, state)
    require_folders(state, out)


def test_a_lost_state_can_be_given_up_as_the_sentence_says(folders: Folders) -> None:
    state, out = folders
    unmount(state)
    (out / OUTPUT_MARK).unlink()
    require_folders(state, out)


def test_a_state_without_its_mark_is_served_if_its_ledger_is_there(folders: Folders) -> None:
    state, out = folders
    (state / STATE_MARK).unlink()
    (state / "ledger.sqlite3").write_bytes(b"a ledger")
    require_folders(state, out)


def test_pictures_whose_disk_is_not_mounted_are_waited_for(folders: Folders) -> None:
    state, out = folders
    disk = unmount(out)
    with pytest.raises(StorageError) as caught:
        require_folders(state, out)
    assert str(out) in str(caught.value)
    assert str(state / STATE_MARK) in str(caught.value)
    out.rmdir()
    with pytest.raises(StorageError):
        require_folders(state, out)
    out.mkdir()
    mount(disk, out)
    require_folders(state, out)


def test_pictures_that_lost_their_mark_are_served_as_the_sentence_says(folders: Folders) -> None:
    state, out = folders
    unmount(out)
    (state / STATE_MARK).unlink()
    (state / "ledger.sqlite3").write_bytes(b"a ledger")
    require_folders(state, out)


def test_a_disk_that_goes_while_pictures_are_made_is_noticed(folders: Folders) -> None:
    _, out = folders
    check = OutputFolderCheck(out)
    check.require()
    disk = unmount(out)
    with pytest.raises(StorageError, match="mount its disk or share again"):
        check.require()
    mount(disk, out)
    check.require()


def test_a_folder_without_a_mark_is_not_guarded(tmp_path: Path) -> None:
    OutputFolderCheck(tmp_path).require()


@pytest.mark.parametrize("mark", ["", "{", "[]", "{}", '{"output": 3}'])
def test_a_damaged_state_mark_is_written_anew(nested: Folders, mark: str) -> None:
    state, out = nested
    (state / STATE_MARK).write_text(mark)
    require_folders(state, out)
    mark_folders(state, out)
    assert json.loads((state / STATE_MARK).read_text())["output"] == ".."


def test_a_mark_of_an_older_version_gets_an_id(folders: Folders) -> None:
    state, out = folders
    shutil.rmtree(out / OUTPUT_MARK.parent)
    (state / STATE_MARK).write_text(json.dumps({"output": str(Path("..", "out"))}))
    require_folders(state, out)
    mark_folders(state, out)
    assert (
        json.loads((state / STATE_MARK).read_text())["output_id"] == json.loads((out / OUTPUT_MARK).read_text())["id"]
    )


def test_an_older_versions_state_still_serves_one_folder_only(folders: Folders) -> None:
    state, out = folders
    (state / STATE_MARK).write_text(json.dumps({"output": str(Path("..", "out"))}))
    with pytest.raises(LedgerError, match="belongs to the pictures in"):
        require_folders(state, out.with_name("other"))


@pytest.mark.parametrize("mark", [STATE_MARK, OUTPUT_MARK])
def test_a_mark_that_cant_be_read_is_trouble_with_its_disk(folders: Folders, mark: str | Path) -> None:
    folder = folders[0] if mark == STATE_MARK else folders[1]
    (folder / mark).unlink()
    (folder / mark).mkdir()
    with pytest.raises(StorageError, match="can't be read"):
        require_folders(*folders)


def test_a_mark_that_cant_be_written_is_trouble_with_its_disk(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StorageError, match="can't be written"):
        mark_folders(tmp_path / "state", tmp_path / "out")


# --- what is somebody else's ------------------------------------------------------------------------------


def test_a_folder_with_files_of_the_users_never_becomes_a_state_folder(tmp_path: Path) -> None:
    for name in ("holiday.jpg", "b.jpg", "c.jpg", "d.jpg", ".DS_Store", "lost+found"):
        (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"\(b.jpg, c.jpg, d.jpg and 1 more\)") as caught:
        require_no_foreign_files(tmp_path, ())
    assert str(tmp_path) in str(caught.value)


def test_files_that_the_config_puts_there_and_the_programs_own_are_not_foreign(tmp_path: Path) -> None:
    for name in ("stylewatch.log", "instance.lock", "unpacked", "ledger.sqlite3"):
        (tmp_path / name).touch()
    (tmp_path / "styles" / "all").mkdir(parents=True)
    require_no_foreign_files(tmp_path, (tmp_path / "stylewatch.log", tmp_path / "styles" / "all"))
    require_no_foreign_files(tmp_path / "not there", ())


def test_what_a_state_folder_gets_later_is_its_owners_business(folders: Folders) -> None:
    (folders[0] / "ledger backup.sqlite3").write_bytes(b"mine")
    require_no_foreign_files(folders[0], ())


def test_the_other_state_folders_of_the_same_pictures_are_known(folders: Folders, tmp_path: Path) -> None:
    state, out = folders
    another = tmp_path.resolve() / "another"
    another.mkdir()
    mark_folders(another, out)
    assert other_states(state, out) == [out / ".stylewatch", another]
    (out / ".stylewatch").mkdir(exist_ok=True)
    assert other_states(out / ".stylewatch", out) == [state, another]
