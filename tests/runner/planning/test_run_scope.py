"""Runs of some photos only, runs that make pictures again, and what a run says of both before it begins."""

from __future__ import annotations

import os

import pytest
from PIL import Image

from pipeline.errors import UsageError
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance
from pipeline.model import JobFinished, RunFinished, RunStarted
from pipeline.runner.execution.single_pass import PassOptions
from pipeline.runner.planning.run_scope import RunScope, describe_backlog
from tests.fakes import write_painting
from tests.workshop import Workshop


def begun(workshop: Workshop) -> RunStarted:
    (event,) = (event for event in workshop.events if isinstance(event, RunStarted))
    return event


def run(workshop: Workshop, *only: str, redo: str = "", limit: int | None = None) -> RunFinished:
    return workshop.run(PassOptions(limit=limit, scope=RunScope(only, frozenset(redo.split()))))  # type: ignore[arg-type]


def made(workshop: Workshop) -> list[str]:
    return [event.job.photo for event in workshop.events if isinstance(event, JobFinished)]


# --- Only some photos ---------------------------------------------------------------------------------------


@pytest.fixture
def many(workshop: Workshop) -> Workshop:
    for number, name in enumerate(("a.png", "sea/b.png", "sea/deep/c.png", "sea/d-1.png", "town/e.png")):
        workshop.photo(name, shade=number)
    return workshop


def test_only_pictures_of_photos_that_fit_are_made_and_counted(many: Workshop) -> None:
    over = run(many, "sea/**")
    assert (begun(many).photos, begun(many).jobs, begun(many).done, over.finished, over.left) == (3, 3, 0, 3, 0)
    assert sorted(made(many)) == ["sea/b.png", "sea/d-1.png", "sea/deep/c.png"]
    over = run(many, "sea/**", "a.png", limit=1)
    assert (begun(many).jobs, begun(many).done, over.finished, over.left) == (1, 3, 1, 0)
    assert made(many) == ["a.png"]
    assert run(many).finished == 1, "a plain run makes the rest"


def test_a_limit_bounds_a_selection(many: Workshop) -> None:
    over = run(many, "sea/**", limit=2)
    assert (begun(many).jobs, over.finished, over.left) == (2, 2, 1)


def test_photos_that_fit_and_are_done_leave_nothing_to_do(many: Workshop) -> None:
    run(many, "a.png")
    over = run(many, "a.png")
    assert (begun(many).jobs, begun(many).done, over.finished, over.left) == (0, 1, 0, 0)


def test_a_pattern_that_no_photo_fits_is_an_error_with_exit_code_2_before_anything_is_made(many: Workshop) -> None:
    with pytest.raises(
        UsageError, match=r"--only: no photo in the input folder fits 'Sea/\*\*' or 'x'; .* letter case"
    ):
        run(many, "Sea/**", "x")
    assert many.events == []
    assert many.pictures() == []


def test_a_failed_picture_of_the_selection_counts_as_any_other(many: Workshop) -> None:
    many.photo("sea/bad.png", "diverges")
    over = run(many, "sea/bad.png")
    assert (over.finished, over.failed) == (0, 1)


# --- What a change costs, before it costs -------------------------------------------------------------------


def test_a_run_says_why_pictures_are_made_again(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("styles:", "styles:\n  - {name: wave, painting: wave.jpg, recipe: big}")
    workshop.text += "  big: {size: 64, scales: 1}\n"
    write_painting(workshop.folder / "wave.jpg", (20, 90, 200))
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    run(workshop)
    assert (begun(workshop).jobs, begun(workshop).again, begun(workshop).reasons) == (4, 0, {})
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    write_painting(workshop.folder / "wave.jpg", (20, 90, 100))
    workshop.photo("c.png", shade=2)
    run(workshop, limit=0)
    assert (begun(workshop).again, begun(workshop).reasons) == (0, {}), "of no picture"
    over = run(workshop)
    assert over.finished == begun(workshop).jobs == 6
    assert begun(workshop).again == 4
    assert begun(workshop).reasons == {"recipe default changed": 2, "painting of style wave changed": 2}


def test_a_changed_photo_and_a_changed_scale_are_reasons_too(workshop: Workshop) -> None:
    workshop.photo("a.png")
    run(workshop)
    workshop.photo("a.png", shade=5)
    run(workshop)
    assert begun(workshop).reasons == {"the photo's file changed, perhaps not its content": 1}
    workshop.text = workshop.text.replace("painting: night.jpg}", "painting: night.jpg, scale: 2}")
    run(workshop)
    assert begun(workshop).reasons == {"scale of style night changed": 1}


def test_a_setting_that_is_changed_back_costs_nothing(workshop: Workshop) -> None:
    workshop.photo("a.png")
    run(workshop)
    text, workshop.text = workshop.text, workshop.text.replace("size: 48", "size: 32")
    run(workshop, limit=0)
    workshop.text = text
    assert run(workshop).left == begun(workshop).jobs == 0


# --- Kept ---------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(workshop: Workshop) -> Workshop:
    """Return a folder with a picture that was made before the recipe changed, and a photo that came after."""
    workshop.text = workshop.text.replace("out,", "out, on_change: keep,")
    workshop.photo("a.png")
    run(workshop)
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    workshop.photo("b.png", shade=1)
    return workshop


def width_of(workshop: Workshop, name: str) -> int:
    with Image.open(workshop.out / name) as image:
        return image.width


def test_keep_gives_the_new_settings_to_new_photos_only(kept: Workshop) -> None:
    before = sha256_of_file(kept.out / "a--night.jpg")
    over = run(kept)
    assert (begun(kept).jobs, begun(kept).again, over.finished) == (1, 0, 1)
    assert sha256_of_file(kept.out / "a--night.jpg") == before
    assert (width_of(kept, "a--night.jpg"), width_of(kept, "b--night.jpg")) == (48, 32)
    with kept.ledger() as ledger:
        assert describe_backlog(ledger, "newest", "keep") == (
            "no finished picture is made again; 1 picture is kept as it was made, under earlier settings "
            "('run --redo changed' makes it again)"
        )


def test_a_touched_photo_of_a_kept_picture_makes_nothing_again(kept: Workshop) -> None:
    run(kept)
    os.utime(kept.folder / "in" / "a.png", (1, 1))
    before = sha256_of_file(kept.out / "a--night.jpg")
    assert (run(kept).finished, run(kept).left) == (0, 0)
    assert sha256_of_file(kept.out / "a--night.jpg") == before
    with kept.ledger() as ledger:
        assert ledger.queries.kept_count() == 1


def test_a_changed_photo_gets_the_new_settings_in_place(kept: Workshop) -> None:
    run(kept)
    kept.photo("a.png", shade=7)
    assert run(kept).finished == 1
    assert begun(kept).reasons == {"the photo's file changed, perhaps not its content": 1}
    assert width_of(kept, "a--night.jpg") == 32
    provenance = read_provenance(kept.out / "a--night.jpg")
    with kept.ledger() as ledger:
        assert provenance is not None
        assert [row.output for row in ledger.queries.published_with_key(provenance["key"])] == ["a--night.jpg"]


def test_redo_changed_makes_the_kept_ones_again_also_with_a_selection(kept: Workshop) -> None:
    kept.photo("c.png", shade=2)
    run(kept)
    kept.text = kept.text.replace("size: 32", "size: 40")
    assert run(kept, "b.png", redo="changed").finished == 1
    assert begun(kept).reasons == {"recipe default changed": 1}
    assert [width_of(kept, f"{name}--night.jpg") for name in "abc"] == [48, 40, 32]
    assert run(kept).finished == 0
    assert run(kept, redo="changed outdated").finished == 2
    assert [width_of(kept, f"{name}--night.jpg") for name in "abc"] == [40, 40, 40]
    assert kept.pictures().count("a--night-2.jpg") == 0


def test_back_to_repaint_all_are_made_again_and_that_is_said(kept: Workshop) -> None:
    run(kept)
    kept.text = kept.text.replace(" on_change: keep,", "")
    assert run(kept).finished == 1
    assert begun(kept).reasons == {"recipe default changed": 1}


def test_a_copy_of_a_photo_whose_picture_is_kept_is_a_new_photo(kept: Workshop) -> None:
    kept.photo("copy.png")
    assert run(kept).finished == 2
    assert width_of(kept, "copy--night.jpg") == 32


def test_a_renamed_photo_keeps_its_picture_and_its_key_stays_true(kept: Workshop) -> None:
    run(kept)
    before = sha256_of_file(kept.out / "a--night.jpg")
    (kept.folder / "in" / "sea").mkdir()
    (kept.folder / "in" / "a.png").rename(kept.folder / "in" / "sea" / "renamed.png")
    over = run(kept)
    assert (over.finished, over.copied, over.left) == (0, 1, 0)
    assert sha256_of_file(kept.out / "sea" / "renamed--night.jpg") == before
    provenance = read_provenance(kept.out / "sea" / "renamed--night.jpg")
    with kept.ledger() as ledger:
        assert provenance is not None
        assert len(ledger.queries.published_with_key(provenance["key"])) == 2
        assert ledger.queries.kept_count() == 1, "the one under the old name has no photo"
    assert run(kept, redo="changed").finished == 1
    assert width_of(kept, "sea/renamed--night.jpg") == 32


def test_a_photo_that_was_moved_away_and_is_put_back_keeps_its_picture(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("in,", "in, originals: {move: done},").replace(
        "out,", "out, on_change: keep,"
    )
    workshop.photo("a.png")
    run(workshop)
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    (workshop.folder / "done" / "a.png").rename(workshop.folder / "in" / "a.png")
    assert run(workshop).finished == 0
    assert (workshop.folder / "done" / "a.png").exists()
    assert width_of(workshop, "a--night.jpg") == 48
