"""``demo``: the sample photos it writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.hashing import sha256_of_file
from tests.cli.invocation import Invoke, Result


def test_demo_writes_two_photos_and_never_twice(invoke: Invoke, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    folder = tmp_path / "photos"
    result = invoke("demo", folder)
    assert result.lines == [str(folder / "cat.jpg"), str(folder / "coffee.jpg")]
    before = [sha256_of_file(Path(line)) for line in result.lines]
    assert invoke("demo", folder) == Result(0, f"the sample photos are in {folder} already\n", "")
    assert [sha256_of_file(Path(line)) for line in result.lines] == before


def test_demo_without_its_extra_says_what_to_install(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)  # as if it were not installed
    result = invoke("demo", tmp_path / "photos")
    assert result.code == 2
    assert "pip install" in result.err
    assert not (tmp_path / "photos").exists()
