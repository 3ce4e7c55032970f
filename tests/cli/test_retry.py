"""``retry``: what gets another attempt, and what it says of the rest."""

from __future__ import annotations

import json

from tests.cli.invocation import Invoke, Result, config_of, config_with_failures
from tests.workshop import CONFIG, Workshop


def test_retry_without_a_ledger_has_nothing_to_try_and_makes_none(invoke: Invoke, workshop: Workshop) -> None:
    assert invoke("retry", config_of(workshop)) == Result(0, "0 pictures will be tried by the next run\n", "")
    assert not workshop.out.exists()


def test_retry_of_a_photo_before_any_run_is_bad_usage_too(invoke: Invoke, workshop: Workshop) -> None:
    before = invoke("retry", config_of(workshop), "nope.jpg")
    assert before.code == 2
    assert not workshop.out.exists()
    workshop.run()
    assert invoke("retry", config_of(workshop), "nope.jpg") == before


def test_retry_gives_all_failed_and_quarantined_another_chance(invoke: Invoke, workshop: Workshop) -> None:
    path = config_with_failures(workshop)
    assert invoke("retry", path).out == "2 pictures will be tried by the next run\n"
    counts = json.loads(invoke("status", "--json", path).out)["counts"]
    assert (counts["pending"], counts["failed"], counts["quarantined"]) == (2, 0, 0)


def test_the_gallery_shows_at_once_what_is_to_be_tried_again(invoke: Invoke, workshop: Workshop) -> None:
    path = config_with_failures(workshop)
    assert invoke("gallery", path).code == 0
    status = workshop.out / "gallery" / "data" / "status.js"
    assert "the loss became nan" in status.read_text("ascii")
    invoke("retry", path)
    assert "the loss became nan" not in status.read_text("ascii")


def test_retry_of_one_photo_leaves_the_others_alone(invoke: Invoke, workshop: Workshop) -> None:
    path = config_with_failures(workshop)
    assert invoke("retry", path, "b.png").out == "1 picture will be tried by the next run\n"
    counts = json.loads(invoke("status", "--json", path).out)["counts"]
    assert (counts["pending"], counts["quarantined"]) == (1, 1)


def test_retry_of_a_photo_that_never_failed_is_bad_usage(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("retry", config_with_failures(workshop), "a.png", "nowhere.png")
    assert result.code == 2
    assert "a.png, nowhere.png" in result.err


def test_a_deleted_picture_stays_deleted_until_retry_missing(invoke: Invoke, workshop: Workshop) -> None:
    for number, name in enumerate(("a.png", "sub/b.png", "c.png")):
        workshop.photo(name, shade=number)
    workshop.run()
    path = config_of(workshop)
    (workshop.out / "a--night.jpg").unlink()
    (workshop.out / "sub" / "b--night.jpg").unlink()
    (workshop.out / "sub").rmdir()
    assert workshop.run().finished == 0
    assert invoke("retry", path).out == "0 pictures will be tried by the next run\n"
    assert invoke("retry", "--missing", path).out == "2 pictures will be tried by the next run\n"
    assert workshop.run().finished == 2
    assert workshop.pictures() == ["a--night.jpg", "c--night.jpg", "sub/b--night.jpg"]


def test_retry_missing_of_one_photo_leaves_other_deleted_pictures_deleted(invoke: Invoke, workshop: Workshop) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        workshop.photo(name, shade=number)
    workshop.run()
    for picture in workshop.out.glob("*.jpg"):
        picture.unlink()
    assert invoke("retry", "--missing", config_of(workshop), "b.png").code == 0
    workshop.run()
    assert workshop.pictures() == ["b--night.jpg"]


def test_retry_missing_names_the_photos_that_have_left_the_folder(invoke: Invoke, workshop: Workshop) -> None:
    for number in range(7):
        workshop.photo(f"{number}.png", shade=number)
    workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: kept}")
    workshop.run()
    workshop.photo("here.png", shade=7)
    workshop.text = CONFIG
    workshop.run()
    for picture in workshop.out.glob("*.jpg"):
        picture.unlink()
    path = config_of(workshop)
    result = invoke("retry", "--missing", path, "3.png")
    assert (result.code, result.out) == (0, "0 pictures will be tried by the next run\n")
    assert result.err == (
        "1 deleted picture can't be made again while the photo is not in the input folder: "
        f"3.png (moved to {workshop.folder / 'kept' / '3.png'})\n"
    )
    result = invoke("retry", "--missing", path)
    assert (result.code, result.out) == (0, "1 picture will be tried by the next run\n")
    assert result.err.startswith("7 deleted pictures can't be made again while the photo is not in")
    assert result.err.endswith("4.png), 2 more\n")
    assert workshop.run().finished == 1
    (workshop.folder / "kept" / "3.png").rename(workshop.folder / "in" / "3.png")
    workshop.run()
    assert invoke("retry", "--missing", path, "3.png").out == "1 picture will be tried by the next run\n"
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["3--night.jpg", "here--night.jpg"]


def test_retry_missing_says_of_a_skipped_photo_why_it_is_skipped(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    (workshop.out / "a--night.jpg").unlink()
    workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, skip: {suffixes: [.png]}")
    workshop.run()
    assert invoke("retry", "--missing", config_of(workshop)).err == (
        "1 deleted picture can't be made again while the photo is skipped or not in the input folder: "
        "a.png (skipped: suffix .png)\n"
    )
