"""Why finished pictures are made again, and when they are kept."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from pipeline.hashing import SettingsParts, job_key
from pipeline.ledger.claim_queue import ALL
from pipeline.model import ChangeCause, JobState, OnChange

PARTS = {
    "s1": SettingsParts("p1", "y1", "r1", "w1"),
    "recipe": SettingsParts("p1", "y1", "r2", "w1"),
    "painting": SettingsParts("p2", "y1", "r1", "w1"),
    "scale": SettingsParts("p1", "y2", "r1", "w1"),
    "weights": SettingsParts("p1", "y1", "r1", "w2"),
    "both": SettingsParts("p2", "y1", "r2", "w1"),
}
#: Of recipes that start from an image, which is in the hash of the recipe, too.
IMAGES = {
    "image": SettingsParts("p1", "y1", "r3", "w1", "i1", "without"),
    "another image": SettingsParts("p1", "y1", "r4", "w1", "i2", "without"),
    "another recipe, too": SettingsParts("p1", "y1", "r5", "w1", "i2", "other"),
}


def finished(house, *paths: str, settings: str = "s1") -> None:
    """Let each photo have a finished picture, of the content and the settings that its key says."""
    house.scan(*map(house.photo, paths))
    house.ledger.changes.record_settings(PARTS)
    want(house, settings, *paths)
    for claim in house.ledger.leases.claim(99, "name"):
        house.ledger.photos.note_sha256(claim.job.photo, content(claim.job.photo))
        house.finish(claim, key_of(claim.job.photo, settings), sha256=f"picture of {claim.job.photo}")


def content(path: str, version: int = 0) -> str:
    return f"{path} {version}"


def key_of(path: str, settings: str) -> str:
    return job_key(content(path), settings)


def want(house, settings: str, *paths: str, on_change: OnChange = "repaint") -> None:
    house.ledger.jobs.record([house.wanted(path, settings=settings) for path in paths], ".jpg", on_change=on_change)
    house.ledger.jobs.recognize(on_change)


def causes(house, on_change: OnChange = "repaint", limit: int = ALL) -> list[tuple[ChangeCause, ...]]:
    keep = on_change == "keep"
    found = [picture.causes for picture in house.ledger.changes.pending("1", "name", keep=keep, limit=limit)]
    if limit == ALL:
        counted = house.ledger.changes.count("1", keep=keep)
        assert counted == Counter(("night", "default", each) for each in found if each), "the quick way says the same"
    return found


def test_a_new_picture_has_no_cause(house) -> None:
    house.pending("a.jpg")
    assert causes(house) == [()]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("recipe", ("recipe",)),
        ("painting", ("paintings",)),
        ("scale", ("style",)),
        ("weights", ("weights",)),
        ("both", ("recipe", "paintings")),
        ("never recorded", ("settings",)),
    ],
)
def test_what_changed_is_the_cause(house, settings: str, expected: tuple[ChangeCause, ...]) -> None:
    finished(house, "a.jpg")
    assert causes(house) == []
    want(house, settings, "a.jpg")
    assert causes(house) == [expected]


def test_another_image_to_start_from_is_no_other_recipe(house) -> None:
    house.ledger.changes.record_settings(IMAGES)
    finished(house, "a.jpg", settings="image")
    for settings, expected in (
        ("another image", ("start_image",)),
        ("another recipe, too", ("recipe", "start_image")),
        ("s1", ("recipe",)),  # which starts from no image
    ):
        want(house, settings, "a.jpg")
        assert causes(house) == [expected]


def test_of_an_image_that_an_older_version_has_not_recorded_the_recipe_is_the_cause_once(house) -> None:
    before = {
        name: dataclasses.replace(each, start_image="", recipe_without_image="") for name, each in IMAGES.items()
    }
    house.ledger.changes.record_settings(before)
    finished(house, "a.jpg", settings="image")
    house.ledger.changes.record_settings({"another image": IMAGES["another image"]})
    want(house, "another image", "a.jpg")
    assert causes(house) == [("recipe",)]
    house.ledger.changes.record_settings(IMAGES)
    assert causes(house) == [("start_image",)]


def test_a_touched_or_changed_photo_is_the_cause(house) -> None:
    finished(house, "a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    assert causes(house) == [("file",)]
    house.ledger.photos.note_sha256("a.jpg", content("a.jpg", 1))
    assert causes(house) == [("photo",)]


def test_another_engine_is_the_cause_if_that_is_asked_for_and_a_missing_picture_is(house) -> None:
    finished(house, "a.jpg", "b.jpg")
    house.ledger.jobs.redo([house.wanted("b.jpg").job])
    assert causes(house) == [("missing",)]
    house.ledger.jobs.redo_outdated("2")
    assert [picture.causes for picture in house.ledger.changes.pending("2", "name", keep=False)] == [("engine",)] * 2


def test_only_the_first_ones_are_asked_about(house) -> None:
    finished(house, "a.jpg", "b.jpg", "c.jpg")
    want(house, "recipe", "a.jpg", "b.jpg", "c.jpg")
    assert len(causes(house, limit=2)) == 2


def test_settings_that_are_changed_back_make_nothing_again(house) -> None:
    finished(house, "a.jpg")
    want(house, "recipe", "a.jpg")
    want(house, "s1", "a.jpg")
    assert house.state() is JobState.DONE
    assert causes(house) == []


def test_a_photo_that_changed_meanwhile_is_not_taken_for_the_old_one(house) -> None:
    finished(house, "a.jpg")
    want(house, "recipe", "a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    want(house, "s1", "a.jpg")
    assert causes(house) == [("file",)]
    house.ledger.photos.note_sha256("a.jpg", content("a.jpg", 1))
    want(house, "s1", "a.jpg")
    assert causes(house) == [("photo",)]


# --- Kept ---------------------------------------------------------------------------------------------------


def test_finished_pictures_are_kept_and_new_photos_get_the_new_settings(house) -> None:
    finished(house, "a.jpg")
    house.scan(house.photo("a.jpg"), house.photo("b.jpg"))
    want(house, "recipe", "a.jpg", "b.jpg", on_change="keep")
    assert house.states() == {"done": 1, "pending": 1}
    assert house.ledger.queries.kept_count() == 1
    claim = house.claim()
    assert (claim.job.photo, claim.settings_sha256) == ("b.jpg", "recipe")
    (row,) = house.ledger.queries.published_with_key(key_of("a.jpg", "s1"))
    assert row.output == "a--night.jpg", "its key stays true"


def test_a_kept_picture_whose_photo_changes_is_made_with_the_new_settings(house) -> None:
    finished(house, "a.jpg")
    want(house, "recipe", "a.jpg", on_change="keep")
    house.scan(house.photo("a.jpg", version=1))
    assert causes(house, "keep") == [("file",)]
    assert house.claim().settings_sha256 == "recipe"


def test_redo_changed_makes_the_kept_ones_again_and_no_others(house) -> None:
    finished(house, "a.jpg", "b.jpg")
    house.scan(house.photo("a.jpg"), house.photo("b.jpg"), house.photo("c.jpg"))
    want(house, "recipe", "a.jpg", "b.jpg", "c.jpg", on_change="keep")
    house.finish(house.claim(), "c")
    assert house.ledger.jobs.redo_changed(lambda photo: photo != "b.jpg") == 1
    assert causes(house, "keep") == [("recipe",)]
    want(house, "recipe", "a.jpg", "b.jpg", "c.jpg", on_change="keep")
    assert house.states() == {"done": 2, "pending": 1}, "it stays pending until it is made"
    claim = house.claim()
    assert (claim.job.photo, claim.settings_sha256, claim.published_sha256) == ("a.jpg", "recipe", "picture of a.jpg")
    house.finish(claim, "new")
    assert house.ledger.queries.kept_count() == 1


def test_redo_changed_leaves_alone_what_has_no_photo_any_more(house) -> None:
    finished(house, "a.jpg")
    want(house, "recipe", "a.jpg", on_change="keep")
    house.scan()
    assert house.ledger.jobs.redo_changed() == 0
    assert house.state() is JobState.DONE


def test_from_keep_back_to_repaint_all_kept_ones_are_made_again(house) -> None:
    finished(house, "a.jpg")
    want(house, "recipe", "a.jpg", on_change="keep")
    want(house, "recipe", "a.jpg")
    assert causes(house) == [("recipe",)]
    assert house.ledger.queries.kept_count() == 0


def test_keep_also_keeps_what_a_change_has_made_due_but_was_not_made_again_yet(house) -> None:
    finished(house, "a.jpg", "b.jpg", "c.jpg")
    want(house, "recipe", "a.jpg", "b.jpg", "c.jpg")
    house.finish(house.claim(), "new", sha256="new")
    failed = house.claim()
    house.ledger.leases.fail(failed.token, "nan", costs_attempt=True, max_attempts=1)
    want(house, "recipe", "a.jpg", "b.jpg", "c.jpg", on_change="keep")
    assert house.states() == {"done": 3}
    assert house.ledger.queries.kept_count() == 2


def test_a_style_that_is_removed_and_returns_with_other_settings_is_kept(house) -> None:
    finished(house, "a.jpg")
    house.ledger.jobs.record([], ".jpg", on_change="keep")
    assert house.state() is JobState.WITHDRAWN
    want(house, "painting", "a.jpg", on_change="keep")
    assert house.state() is JobState.DONE
    assert house.ledger.queries.kept_count() == 1


def test_a_failed_job_without_a_picture_gets_the_new_settings(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "nan", costs_attempt=True, max_attempts=1)
    want(house, "recipe", "a.jpg", on_change="keep")
    claim = house.claim()
    assert (claim.settings_sha256, claim.attempts) == ("recipe", 0)


def test_a_job_in_progress_when_the_config_changes_gets_the_new_settings_next(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    want(house, "recipe", "a.jpg", on_change="keep")
    house.finish(claim)
    assert house.claim().settings_sha256 == "recipe"


def test_an_edit_of_the_config_is_judged_by_what_the_picture_was_made_with(house) -> None:
    finished(house, "a.jpg")
    want(house, "painting", "a.jpg", on_change="keep")
    want(house, "both", "a.jpg")
    assert causes(house) == [("recipe", "paintings")]


def test_a_picture_that_turns_out_the_same_counts_as_made_with_what_is_wanted_unless_it_is_kept(house) -> None:
    finished(house, "a.jpg", "b.jpg")
    want(house, "recipe", "a.jpg", "b.jpg", on_change="keep")
    house.scan(house.photo("a.jpg", version=1), house.photo("b.jpg", version=1))
    for claim, kept in zip(house.ledger.leases.claim(2, "name"), (True, False), strict=True):
        house.ledger.leases.complete_unchanged(claim.token, key_of(claim.job.photo, "s1"), kept=kept)
    assert house.states() == {"done": 2}
    assert house.ledger.queries.kept_count() == 1


def test_of_a_selection_only_its_pictures_are_counted(house) -> None:
    finished(house, "a.jpg", "b.jpg", "c.jpg")
    want(house, "recipe", "a.jpg", "b.jpg", "c.jpg")
    house.ledger.queue.select(lambda photo: photo != "a.jpg", "name")
    assert causes(house) == [("recipe",)] * 2


def test_a_new_photo_under_the_name_of_one_that_was_moved_away_has_a_new_picture(house) -> None:
    finished(house, "a.jpg")
    house.ledger.moves.begin("a.jpg", "/done/a.jpg")
    house.ledger.moves.end("a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    assert causes(house) == [()]


def test_a_copied_picture_counts_as_made_with_its_own_settings_also_after_a_kill(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.ledger.leases.use_settings(claim.token, "earlier")
    house.reopen()
    (lease,) = house.ledger.leases.all()
    assert lease.settings_sha256 == "earlier"
    house.finish(claim, "its key")
    assert house.ledger.queries.kept_count() == 1
