"""How much disk pictures take, and whether it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.model import PictureFormat, PictureOptions, PreviewOptions, Recipe
from pipeline.runner.planning.disk_need import (
    DiskNeed,
    copies_bytes,
    disk_need,
    timelapse_bytes,
    usual_bytes_per_pixel,
)
from tests.fakes import write_painting
from tests.workshop import Workshop


@pytest.mark.parametrize(
    ("picture_format", "quality", "expected"),
    [
        ("jpeg", 92, 1.15),
        ("jpeg", 96, 1.775),
        ("jpeg", 1, 0.05),
        ("jpeg", 100, 2.4),
        ("webp", 50, 0.3),
        ("png", 92, 2.5),
        ("avif", 75, 0.55),
        ("jxl", 100, 2.25),
    ],
)
def test_the_rule_of_thumb_follows_format_and_quality(
    picture_format: PictureFormat, quality: int, expected: float
) -> None:
    options = PictureOptions(format=picture_format, quality=quality)
    assert usual_bytes_per_pixel(options) == pytest.approx(expected)


def test_sixteen_bits_take_more_than_twice_as_much() -> None:
    assert usual_bytes_per_pixel(PictureOptions(format="png", bit_depth=16)) == 5.8


def test_pictures_of_eight_bits_teach_nothing_about_those_of_sixteen(tmp_path: Path) -> None:
    write_painting(tmp_path / "a.png")
    options = PictureOptions(format="png", bit_depth=16)
    found = disk_need(tmp_path, options, 0, pixels=1000, finished=("a.png",), replaced=())
    assert (found.bytes, found.learned) == (5800, False)


def need(folder: Path, pixels: float, *, finished: tuple[str, ...] = (), replaced: tuple[str, ...] = ()) -> DiskNeed:
    return disk_need(folder, PictureOptions(), 0, pixels=pixels, finished=finished, replaced=replaced)


def test_without_finished_pictures_the_rule_of_thumb_is_used(tmp_path: Path) -> None:
    found = need(tmp_path, 1e6, finished=("gone.jpg",))
    assert (found.bytes, found.learned, found.fits) == (1_150_000, False, True)


def test_finished_pictures_of_the_format_tell_what_a_pixel_takes(tmp_path: Path) -> None:
    write_painting(tmp_path / "a.jpg")  # 96 × 64 pixels
    (tmp_path / "b.png").write_bytes(b"x" * 10**6)
    found = need(tmp_path, 96 * 64 * 10, finished=("a.jpg", "b.png", "gone.jpg"))
    assert (found.bytes, found.learned) == (10 * (tmp_path / "a.jpg").stat().st_size, True)


def test_a_picture_that_is_replaced_gives_its_room_back(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x" * 1000)
    assert need(tmp_path, 2000, replaced=("a.jpg", "deleted.jpg")).bytes == 1300
    assert need(tmp_path, 500, replaced=("a.jpg",)).bytes == 0


@pytest.mark.parametrize(
    ("size", "free", "least", "fits"),
    [(10, 100, 90, True), (11, 100, 90, False), (0, 5, 90, True), (10, None, 90, True)],
)
def test_what_has_to_stay_free_is_not_there_to_be_used(size: int, free: int | None, least: int, fits: bool) -> None:
    assert DiskNeed(bytes=size, free_bytes=free, min_free_bytes=least, learned=True).fits is fits


def test_a_plan_learns_from_the_pictures_that_are_there_and_counts_intermediate_ones(workshop: Workshop) -> None:
    workshop.text += "gallery: {enabled: false}\n"
    workshop.photo("a.png")
    workshop.run()
    workshop.photo("b.png", shade=1)
    plain = workshop.plan().disk
    (picture,) = workshop.pictures()
    assert plain.learned
    assert plain.bytes == pytest.approx((workshop.out / picture).stat().st_size, rel=0.01)
    workshop.text = workshop.text.replace("size: 48", "size: 96")
    bigger = workshop.plan().disk
    assert (bigger.learned, bigger.bytes // plain.bytes) == (True, 7), "two of four times the size, one in place"
    workshop.text = workshop.text.replace("size: 96", "size: 48")
    workshop.text = workshop.text.replace("scales: 1}", "scales: 1, iterations: 40, snapshot_every: 10}")
    assert workshop.plan().disk.bytes >= 3 * plain.bytes


def test_the_gallerys_copies_take_room_too(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.text += "gallery: {enabled: false}\n"
    without = workshop.plan().disk.bytes
    workshop.text = workshop.text.replace("{enabled: false}", "{photo_size: 1000, thumbnail_size: 100}")

    assert workshop.plan().disk.bytes == without + round(0.7 * 0.25 * (2 * 100**2 + 1000**2))


def test_copies_are_counted_by_picture_and_by_photo() -> None:
    options = PreviewOptions(folder=Path(), thumbnail_pixels=100, photo_pixels=0)

    assert copies_bytes(None, 3, 2) == 0
    assert copies_bytes(options, 3, 2) == pytest.approx(3 * 0.7 * 0.25 * 100**2)


def test_time_lapses_are_counted_for_recipes_that_ask_for_them() -> None:
    small, large = (Recipe(size=size, timelapse=True) for size in (200, 2000))
    assert timelapse_bytes(Recipe(size=200), 0.5) == 0
    assert timelapse_bytes(small, 0.5) == pytest.approx(60 * 200**2 * 0.5 * 0.25)
    assert timelapse_bytes(large, 0.5) == pytest.approx(60 * 640**2 * 0.5 * 0.25)
    assert timelapse_bytes(large, 1.0) == 60 * 65_000


def test_a_plan_counts_time_lapses(workshop: Workshop) -> None:
    workshop.photo("a.png")
    without = workshop.plan().disk.bytes
    workshop.text = workshop.text.replace("scales: 1", "scales: 1, timelapse: true")
    assert workshop.plan().disk.bytes - without == pytest.approx(60 * 48 * 32 * 0.25, rel=0.05)
