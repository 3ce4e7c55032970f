from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.intake.filters import Ignored, Outside

COMPOSED, DECOMPOSED = "Gem\u00e4lde", "Gema\u0308lde"


@pytest.mark.parametrize("pattern", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("path", [COMPOSED, DECOMPOSED])
def test_an_accent_fits_in_both_ways_of_writing_it(pattern: str, path: str) -> None:
    ignored = Ignored([f"/{pattern}/"])
    assert ignored.fits(f"{path}/")
    assert not ignored.fits("Gemalde/")


def test_a_bad_pattern_names_the_setting() -> None:
    with pytest.raises(ConfigError, match=r"input\.ignore"):
        Ignored(["!"])


def test_a_folder_is_known_under_every_name(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    outside = Outside([folder])
    assert outside.holds(str(folder))
    renamed = folder.rename(tmp_path / "OUT")
    assert outside.holds(str(renamed))
    assert not outside.holds(str(tmp_path))


def test_a_folder_that_is_made_later_is_known_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    outside = Outside([folder])
    folder.mkdir()
    assert outside.holds(str(folder))


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Outside([tmp_path]).holds(str(tmp_path / "gone"))
