from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.intake.filters import ExcludedFolders, IgnorePatterns

COMPOSED, DECOMPOSED = "Gem\u00e4lde", "Gema\u0308lde"


@pytest.mark.parametrize("pattern", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("path", [COMPOSED, DECOMPOSED])
def test_an_accent_fits_in_both_ways_of_writing_it(pattern: str, path: str) -> None:
    ignored = IgnorePatterns([f"/{pattern}/"])
    assert ignored.matches(f"{path}/")
    assert not ignored.matches("Gemalde/")


def test_a_bad_pattern_names_the_setting() -> None:
    with pytest.raises(ConfigError, match=r"input\.ignore"):
        IgnorePatterns(["!"])


def test_a_folder_is_known_under_every_name(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    excluded = ExcludedFolders([folder])
    assert excluded.contains(str(folder))
    renamed = folder.rename(tmp_path / "OUT")
    assert excluded.contains(str(renamed))
    assert not excluded.contains(str(tmp_path))


def test_a_folder_that_is_made_later_is_known_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    excluded = ExcludedFolders([folder])
    folder.mkdir()
    assert excluded.contains(str(folder))


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ExcludedFolders([tmp_path]).contains(str(tmp_path / "gone"))
