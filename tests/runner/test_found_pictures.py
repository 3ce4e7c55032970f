"""A ledger that is lost: its pictures are known by what stands in them, and neither painted nor copied again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import get_args

import pytest

from pipeline.model import JobState, PictureFormat, Remark
from tests.workshop import CONFIG, Workshop


def lose_the_ledger(workshop: Workshop) -> None:
    shutil.rmtree(workshop.out / ".stylewatch")


def run_again(workshop: Workshop) -> tuple[int, int, int]:
    finished = workshop.run()
    return finished.finished, finished.copied, finished.failed


def contents(workshop: Workshop) -> dict[str, bytes]:
    return {name: (workshop.out / name).read_bytes() for name in workshop.pictures() if "report" not in name}


@pytest.mark.parametrize("picture_format", get_args(PictureFormat))
def test_finished_pictures_are_done_under_a_new_ledger(tmp_path: Path, picture_format: PictureFormat) -> None:
    workshop = Workshop(tmp_path, CONFIG.replace("min_free_disk: 0", f"min_free_disk: 0, format: {picture_format}"))
    for number, name in enumerate(("a.png", "sub/b.png", "sub/c.png")):
        workshop.photo(name, shade=number)
    workshop.run()
    before = contents(workshop)
    lose_the_ledger(workshop)
    workshop.photo("new.png", shade=9)
    assert run_again(workshop) == (1, 0, 0)
    after = contents(workshop)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 1
    with workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 4
    assert run_again(workshop) == (0, 0, 0)


@pytest.mark.parametrize("left", ["nothing", "no bytes", "no ledger"])
def test_whatever_is_left_of_the_ledger(workshop: Workshop, left: str) -> None:
    workshop.photo("a.png")
    workshop.run()
    file = workshop.out / ".stylewatch" / "ledger.sqlite3"
    if left == "nothing":
        lose_the_ledger(workshop)
    else:
        file.unlink()
        if left == "no bytes":
            file.touch()
    assert run_again(workshop) == (0, 0, 0)
    assert workshop.pictures() == ["a--night.jpg"]


def test_names_that_were_numbered_find_their_pictures(workshop: Workshop) -> None:
    workshop.photo("a.png", shade=1)
    workshop.run()
    workshop.photo("a.jpg", shade=2)  # of the same stem, and before a.png
    workshop.run()
    before = contents(workshop)
    assert sorted(before) == ["a--night-2.jpg", "a--night.jpg"]
    lose_the_ledger(workshop)
    assert run_again(workshop) == (0, 0, 0)
    assert contents(workshop) == before


def test_photos_of_equal_content_get_back_the_picture_named_like_them(workshop: Workshop) -> None:
    for name in ("a.png", "b.png", "sub/a.png"):
        workshop.photo(name, shade=1)
    workshop.run()
    lose_the_ledger(workshop)
    assert run_again(workshop) == (0, 0, 0)
    with workshop.ledger() as ledger:
        pairs = {row.job.photo: row.output for row in ledger.queries.finished()}
    assert pairs == {"a.png": "a--night.jpg", "b.png": "b--night.jpg", "sub/a.png": "sub/a--night.jpg"}


def test_a_photo_that_comes_back_later_finds_its_picture(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    workshop.run()
    lose_the_ledger(workshop)
    photo.rename(workshop.folder / "away.png")
    assert run_again(workshop) == (0, 0, 0)
    (workshop.folder / "away.png").rename(photo)
    assert run_again(workshop) == (0, 0, 0)


def test_what_is_wanted_otherwise_now_is_made_beside_the_old_picture(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    before = contents(workshop)
    lose_the_ledger(workshop)
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    assert run_again(workshop) == (1, 0, 0)
    after = contents(workshop)
    assert after["a--night.jpg"] == before["a--night.jpg"]
    assert len(after) == 2


def test_a_picture_that_was_edited_or_deleted_meanwhile_is_made_again(workshop: Workshop) -> None:
    workshop.photo("a.png", shade=1)
    workshop.photo("b.png", shade=2)
    workshop.run()
    lose_the_ledger(workshop)
    (workshop.out / "a--night.jpg").write_bytes(b"edited, and all metadata lost")
    (workshop.out / "b--night.jpg").unlink()
    assert run_again(workshop) == (2, 0, 0)
    assert (workshop.out / "a--night.jpg").read_bytes() == b"edited, and all metadata lost"
    assert workshop.pictures() == ["a--night-2.jpg", "a--night.jpg", "b--night.jpg"]


def test_a_picture_that_goes_between_the_look_and_its_claim_is_made_again(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    lose_the_ledger(workshop)
    with workshop.ledger() as ledger:
        assert ledger.found.count() == 1
    (workshop.out / "a--night.jpg").unlink()
    assert run_again(workshop) == (1, 0, 0)


def test_intermediate_pictures_links_and_hidden_files_are_no_finished_pictures(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("scales: 1", "scales: 1, snapshot_every: 1")
    workshop.photo("a.png")
    workshop.run()
    (workshop.out / "a--night.jpg").rename(workshop.out / ".a--night.jpg")
    os.link(workshop.out / ".a--night.jpg", workshop.folder / "elsewhere.jpg")
    if os.name == "posix":
        (workshop.out / "link.jpg").symlink_to(workshop.folder / "elsewhere.jpg")
    assert list(workshop.out.rglob("scale*.jpg"))
    lose_the_ledger(workshop)
    assert run_again(workshop) == (1, 0, 0)


def test_what_try_made_is_no_finished_picture(workshop: Workshop) -> None:
    """README: 'try' first, then 'run'. The picture of a photo that was tried was never made."""
    workshop.photo("a.png")
    workshop.photo("try/sub/b.png", shade=2)
    workshop.run()
    made_by_try = workshop.out / "try" / "a" / "night.jpg"
    made_by_try.parent.mkdir(parents=True)
    (workshop.out / "a--night.jpg").rename(made_by_try)
    lose_the_ledger(workshop)
    assert run_again(workshop) == (1, 0, 0)
    assert {"a--night.jpg", "try/a/night.jpg", "try/sub/b--night.jpg"} <= set(workshop.pictures())


def test_it_is_said_once(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    lose_the_ledger(workshop)
    said: list[str] = []
    for _ in range(2):
        with workshop.ledger(said.append):
            pass
    assert said == [
        f"the ledger is new; 1 finished picture in {workshop.out.resolve()} will be recognized by the metadata, "
        f"and not made again"
    ]
    assert not [event for event in workshop.events if isinstance(event, Remark)]


def test_plan_tells_of_them(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=3)
    workshop.run()
    assert workshop.plan(lambda _: None).found == 0
    lose_the_ledger(workshop)
    run_plan = workshop.plan(lambda _: None)
    assert (len(run_plan.jobs), run_plan.found) == (2, 2)
    assert not (workshop.out / ".stylewatch").exists()


def test_pictures_in_a_folder_called_gallery_are_found_among_its_copies(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG.replace("min_free_disk: 0", "min_free_disk: 0, format: webp"))
    workshop.photo("gallery/a.png")
    workshop.photo("gallery/thumbs/b.png", shade=1)
    workshop.run()
    picture = workshop.out / "gallery" / "a--night.webp"
    copy = next(path for path in (workshop.out / "gallery" / "thumbs").rglob("*.webp"))
    shutil.copy(picture, copy)  # as if a copy held a provenance: it is no picture all the same
    lose_the_ledger(workshop)
    picture.unlink()
    assert (workshop.out / "gallery" / "thumbs-2" / "b--night.webp").is_file()
    assert run_again(workshop) == (1, 0, 0)
