from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.errors import LedgerError
from pipeline.runner.belonging import NOTE_NAME, note_owner, refuse_another


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a state folder and the folder of its pictures, noted there."""
    state, out = tmp_path.resolve() / "state", tmp_path.resolve() / "out"
    state.mkdir()
    out.mkdir()
    note_owner(state, out)
    return state, out


def test_its_own_pictures_are_served_again_and_again(folders: tuple[Path, Path]) -> None:
    refuse_another(*folders)
    note_owner(*folders)
    refuse_another(*folders)


def test_other_pictures_are_refused_in_a_sentence_that_names_all_three(folders: tuple[Path, Path]) -> None:
    state, out = folders
    with pytest.raises(LedgerError) as caught:
        refuse_another(state, out.with_name("other"))
    for path in (state, out, out.with_name("other"), state / NOTE_NAME):
        assert str(path) in str(caught.value)


def test_a_folder_that_was_renamed_is_served_under_its_new_name(folders: tuple[Path, Path]) -> None:
    state, out = folders
    moved = out.rename(out.with_name("moved"))
    refuse_another(state, moved)
    note_owner(state, moved)
    out.mkdir()
    with pytest.raises(LedgerError, match="moved"):
        refuse_another(state, out)


def test_a_tree_that_holds_both_can_be_moved(tmp_path: Path) -> None:
    state = tmp_path / "tree" / "out" / ".stylewatch"
    state.mkdir(parents=True)
    note_owner(state, state.parent)
    moved = (tmp_path / "tree").rename(tmp_path / "elsewhere") / "out"
    (tmp_path / "tree" / "out").mkdir(parents=True)
    refuse_another(moved / ".stylewatch", moved)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_same_folder_under_another_name_is_the_same(folders: tuple[Path, Path]) -> None:
    state, out = folders
    out.with_name("link").symlink_to(out)
    refuse_another(state, out.with_name("link"))


@pytest.mark.parametrize("note", ["", "{", "[]", "{}"])
def test_a_damaged_note_is_written_anew(folders: tuple[Path, Path], note: str) -> None:
    state, out = folders
    (state / NOTE_NAME).write_text(note)
    refuse_another(state, out)
    note_owner(state, out)
    assert json.loads((state / NOTE_NAME).read_text()) == {"output": str(Path("..", "out"))}


def test_a_folder_that_cant_be_written_is_left_to_others_to_complain_about(tmp_path: Path) -> None:
    note_owner(tmp_path / "not there", tmp_path)
