"""The maker of golden files works, for the next version that needs it, and leaves those alone that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import make, subjects

OLD = subjects.FOLDER / "0.1.0"


def test_it_makes_what_it_made_before(tmp_path: Path) -> None:
    # But for the config, which may lack settings until golden files are wanted.
    for part in make.PARTS:
        part(tmp_path)
    made, kept = ({path.name for path in folder.iterdir()} for folder in (tmp_path, OLD))
    assert made >= kept - {"config"}
    for name in ("keys.json", "ledger.json"):
        assert (tmp_path / name).read_text("utf-8") == (OLD / name).read_text("utf-8")


def test_it_changes_no_version_s_files() -> None:
    with pytest.raises(FileExistsError):
        make.make(OLD)
