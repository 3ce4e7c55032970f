from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.runner.instance.relative_paths import are_same, relative_to_folder, resolve_from_folder


@pytest.mark.parametrize("other", ["out", "deeper/out", "in/out", "."])
def test_what_is_noted_is_found_again_also_after_both_were_moved(tmp_path: Path, other: str) -> None:
    folder, path = tmp_path / "tree" / other, tmp_path / "tree" / "in"
    name = relative_to_folder(folder, path)
    assert resolve_from_folder(folder, name) == path
    assert resolve_from_folder(tmp_path / "moved" / other, name) == tmp_path / "moved" / "in"


def test_folders_are_the_same_only_if_they_are_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert are_same(tmp_path / "a", tmp_path / "a" / ".." / "a")
    assert not are_same(tmp_path / "a", tmp_path)
    assert not are_same(tmp_path / "gone", tmp_path / "gone")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_the_same_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert are_same(tmp_path / "link", tmp_path)
