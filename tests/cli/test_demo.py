"""``demo``: the sample photos it writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.hashing import sha256_of_file
from tests.cli.saying import Said, Say


def test_demo_writes_two_photos_and_never_twice(say: Say, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    folder = tmp_path / "photos"
    said = say("demo", folder)
    assert said.lines == [str(folder / "cat.jpg"), str(folder / "coffee.jpg")]
    before = [sha256_of_file(Path(line)) for line in said.lines]
    assert say("demo", folder) == Said(0, f"the sample photos are in {folder} already\n", "")
    assert [sha256_of_file(Path(line)) for line in said.lines] == before


def test_demo_without_its_extra_says_what_to_install(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)  # as if it were not installed
    said = say("demo", tmp_path / "photos")
    assert said.code == 2
    assert "pip install" in said.err
    assert not (tmp_path / "photos").exists()
