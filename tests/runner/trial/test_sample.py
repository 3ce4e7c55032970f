from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UsageError
from pipeline.images.look import Look
from pipeline.model import IngestSettings
from pipeline.runner.trial.sample import MOST_CANDIDATES, sample_photos, spread_over_folders


def names(settings: IngestSettings, count: int) -> list[str]:
    return [path.relative_to(settings.folder).as_posix() for path in sample_photos(settings, count)]


def color(path: Path, red: int, green: int, blue: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 40), (red, green, blue)).save(path)


def test_photos_that_look_different_are_picked_and_always_the_same(tmp_path: Path) -> None:
    for number in range(12):
        color(tmp_path / f"red{number:02}.png", 200 + number, 10, 10)
    color(tmp_path / "blue.png", 10, 10, 220)
    color(tmp_path / "white.png", 250, 250, 250)
    settings = IngestSettings(folder=tmp_path)
    picked = names(settings, 3)
    assert picked == names(settings, 3)
    assert {"blue.png", "white.png"} <= set(picked)


def test_photos_of_equal_look_come_from_several_folders(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        for number in range(3):
            color(tmp_path / folder / f"{number}.png", 90, 90, 90)
    assert {name.partition("/")[0] for name in names(IngestSettings(folder=tmp_path), 3)} == {"a", "b", "c"}


def test_unreadable_photos_are_passed_over_and_fewer_are_fine(tmp_path: Path) -> None:
    color(tmp_path / "a.png", 1, 2, 3)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    (tmp_path / "empty.png").touch()
    assert names(IngestSettings(folder=tmp_path), 6) == ["a.png"]


def test_a_folder_without_a_photo_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    with pytest.raises(UsageError, match="has no photo outside archives that can be read; name a PHOTO"):
        sample_photos(IngestSettings(folder=tmp_path), 2)


def test_what_the_config_ignores_is_not_picked(tmp_path: Path) -> None:
    color(tmp_path / "a.png", 1, 2, 3)
    color(tmp_path / "_rejected" / "b.png", 200, 2, 3)
    assert names(IngestSettings(folder=tmp_path, ignore=("_rejected/",)), 2) == ["a.png"]


def test_of_a_large_folder_only_so_many_are_read_and_it_is_said(tmp_path: Path) -> None:
    for number in range(MOST_CANDIDATES + 50):
        (tmp_path / f"{number:04}.jpg").touch()
    read: list[Path] = []
    said: list[str] = []

    def describe(path: Path, max_pixels: int) -> Look:
        read.append(path)
        return np.array([int(path.stem), max_pixels], np.float32)

    picked = sample_photos(IngestSettings(folder=tmp_path), 2, describe, said.append)
    assert len(picked) == 2
    assert len(read) == MOST_CANDIDATES
    assert said == ["Looking at 200 of 250 photos for 2 that differ ..."]


def test_candidates_are_spread_over_folders_and_within_them() -> None:
    paths = [f"a/{number:03}" for number in range(100)] + ["b/1", "b/2"] + [f"c/{number}" for number in range(5)]
    assert spread_over_folders(paths, 8) == ["a/000", "a/033", "a/066", "b/1", "b/2", "c/0", "c/1", "c/3"]
    assert spread_over_folders(paths, 500) == paths
    assert spread_over_folders([f"{number}/x" for number in range(10)], 3) == ["0/x", "3/x", "6/x"]
