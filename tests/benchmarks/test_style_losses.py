from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from pipeline.model import StyleLossKind
from tests.benchmarks.style_losses import LOSSES, Judge, pairs
from tests.benchmarks.subjects import Subjects


def subjects(photos: int, paintings: int, *, quick: bool = False) -> Subjects:
    files = [
        tuple(Path(f"{kind}{number}") for number in range(count)) for kind, count in (("p", photos), ("s", paintings))
    ]
    return Subjects(files[0], files[1], Path(), lambda _: None, quick)


def test_every_style_loss_is_compared() -> None:
    assert set(get_args(StyleLossKind)) <= set(LOSSES)


def test_every_photo_and_every_painting_is_in_a_pair() -> None:
    names = [(photo.name, painting.name) for photo, painting in pairs(subjects(3, 2))]
    assert names == [("p0", "s0"), ("p1", "s1"), ("p2", "s0")]
    assert len(list(pairs(subjects(1, 4)))) == 4
    assert len(list(pairs(subjects(3, 2, quick=True)))) == 1


def test_a_picture_is_at_no_distance_from_itself(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        Image.fromarray(random.integers(0, 256, (32, 48, 3), dtype=np.uint8)).save(file)
    pixels, other = (np.asarray(Image.open(file)) for file in files)
    judge = Judge()
    same = judge.distances(pixels, files[0], files[0])
    assert astuple(same) == (0, 0, pytest.approx(0, abs=1e-6), 0)
    different = judge.distances(other, files[0], files[0])
    assert min(astuple(different)) > 1e-4
    assert different.content > 0.1
