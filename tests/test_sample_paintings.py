from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

STYLES = Path(__file__).parents[1] / "configs" / "styles"
SIDE = 128


@pytest.fixture(scope="module")
def painter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("paint", STYLES / "paint.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def painted(painter: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painted")
    painter.main(folder, SIDE)
    return folder


def small(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
        return np.asarray(picture.convert("RGB"), dtype=float) / 255


def test_the_script_paints_every_painting_that_is_shipped_and_no_other(painted: Path) -> None:
    assert {path.name for path in painted.iterdir()} == {path.name for path in STYLES.glob("*.jpg")}


@pytest.mark.parametrize("path", sorted(STYLES.glob("*.jpg")), ids=lambda path: path.stem)
def test_a_shipped_painting_is_the_one_the_script_paints(path: Path, painted: Path) -> None:
    shipped, again = small(path), small(painted / path.name)
    assert shipped.shape == again.shape
    likeness = np.corrcoef(shipped.ravel(), again.ravel())[0, 1]
    assert likeness > 0.93


@pytest.mark.parametrize("path", sorted(STYLES.glob("*.jpg")), ids=lambda path: path.stem)
def test_a_shipped_painting_is_large_enough_to_paint_with_and_small_enough_to_ship(path: Path) -> None:
    assert path.stat().st_size < 300_000
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        assert 900 <= max(picture.size) <= 1100


def test_painting_twice_gives_the_same_files(painter: ModuleType, painted: Path, tmp_path: Path) -> None:
    painter.main(tmp_path, SIDE)
    for path in painted.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
