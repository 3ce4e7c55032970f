from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from pipeline.runner.cleaning.own_files import find_snapshots, find_tries, own_file
from tests.runner.cleaning.cleaned import SNAPSHOTS, TWO_STYLES, TwoStyles

WITH_SNAPSHOTS = TWO_STYLES.replace("scales: 1", f"scales: 1, {SNAPSHOTS}")
SNAPSHOT = "scale1-00001.jpg"


def below(folder: Path, files: object) -> list[str]:
    return [file.path.relative_to(folder).as_posix() for file in files]  # type: ignore[attr-defined]


def tries(workshop: TwoStyles) -> list[str]:
    return below(workshop.out, find_tries(workshop.out))


def snapshots(workshop: TwoStyles, *ended: str, still_open: tuple[str, ...] = ()) -> list[str]:
    return below(workshop.out, find_snapshots(workshop.out, ended, still_open))


def test_the_pictures_of_tries_are_known_with_their_snapshots(workshop: TwoStyles) -> None:
    workshop.try_out(text=WITH_SNAPSHOTS)
    workshop.try_out(text=WITH_SNAPSHOTS)
    assert sorted(tries(workshop)) == sorted(
        [
            f"try/sea/day-snapshots/{SNAPSHOT}",
            f"try/sea/night-snapshots/{SNAPSHOT}",
            *(f"try/sea/{name}.jpg" for name in ("day", "day-2", "night", "night-2")),
        ]
    )


@pytest.mark.parametrize("picture_format", ["avif", "jxl"])
def test_tries_of_every_format_are_known(workshop: TwoStyles, picture_format: str) -> None:
    workshop.try_out(text=TWO_STYLES.replace("min_free_disk: 0", f"min_free_disk: 0, format: {picture_format}"))
    assert sorted(tries(workshop)) == [f"try/sea/{name}.{picture_format}" for name in ("day", "night")]


def test_what_people_put_among_the_tries_stays(workshop: TwoStyles) -> None:
    workshop.try_out()
    folder = workshop.out / "try" / "sea"
    (folder / "night.jpg").rename(folder / "best.jpg")
    Image.open(folder / "day.jpg").save(folder / "night.jpg")  # without metadata
    (folder / "notes.txt").write_text("day is too dark")
    (folder / "night-snapshots").mkdir()
    (folder / "night-snapshots" / SNAPSHOT).write_bytes(b"mine")
    (workshop.out / "try" / "day.jpg").write_bytes((folder / "day.jpg").read_bytes())
    assert tries(workshop) == ["try/sea/day.jpg"]


def test_a_try_that_another_program_has_written_again_stays(workshop: TwoStyles) -> None:
    workshop.try_out()
    path = workshop.out / "try" / "sea" / "day.jpg"
    with Image.open(path) as picture:
        exif = picture.getexif()
        exif[0x0131] = "A Painter's Program 3.0"
        picture.load()
        picture.save(path, exif=exif)
    assert tries(workshop) == ["try/sea/night.jpg"]


def test_what_a_killed_try_left_goes_once_no_other_can_be_at_it(workshop: TwoStyles) -> None:
    workshop.try_out()
    part = workshop.out / "try" / "sea" / ".stylewatch-0123456789abcdef.part"
    part.write_bytes(b"half a picture")
    (part.parent / ".stylewatch-mine.part").write_bytes(b"mine")
    assert len(tries(workshop)) == 2
    written = part.stat().st_mtime_ns
    assert len(list(find_tries(workshop.out, now_ns=lambda: written + 3599 * 10**9))) == 2
    later = below(workshop.out, find_tries(workshop.out, now_ns=lambda: written + 3601 * 10**9))
    assert later == ["try/sea/.stylewatch-0123456789abcdef.part", "try/sea/day.jpg", "try/sea/night.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_not_followed(workshop: TwoStyles) -> None:
    workshop.try_out()
    elsewhere = workshop.folder / "elsewhere" / "sea"
    (workshop.out / "try" / "sea").rename(elsewhere)
    (workshop.out / "try" / "sea").symlink_to(elsewhere)
    (workshop.out / "try" / "b").mkdir()
    (workshop.out / "try" / "b" / "day.jpg").symlink_to(elsewhere / "day.jpg")
    assert tries(workshop) == []
    assert own_file(workshop.out / "try" / "b" / "day.jpg") is None


def test_snapshots_of_finished_pictures_are_known(workshop: TwoStyles) -> None:
    workshop.make("a.png", "sub/b.png", text=WITH_SNAPSHOTS)
    foreign = workshop.out / "snapshots" / "a--day" / "scale1-00002.jpg"
    foreign.write_bytes(b"mine")
    (foreign.parent / "copy of scale1-00001.jpg").write_bytes((foreign.parent / SNAPSHOT).read_bytes())
    assert snapshots(workshop, "a--day.jpg", "sub/b--night.jpg", "gone.jpg") == [
        f"snapshots/a--day/{SNAPSHOT}",
        f"snapshots/sub/b--night/{SNAPSHOT}",
    ]


def test_snapshots_that_a_picture_in_progress_has_too_stay(workshop: TwoStyles) -> None:
    workshop.make("a.png", text=WITH_SNAPSHOTS)
    assert snapshots(workshop, "a--day.jpg", "a--night.jpg", still_open=("a--day.png",)) == [
        f"snapshots/a--night/{SNAPSHOT}"
    ]


def test_a_file_that_was_written_again_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    found = own_file(path)
    assert found is not None
    assert found.is_unchanged()
    path.write_bytes(b"another")
    assert not found.is_unchanged()
    assert own_file(tmp_path) is None
