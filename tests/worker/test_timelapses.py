from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.images.timelapse import timelapse_key
from pipeline.model import Artwork, Recipe
from pipeline.model.timelapse_files import frames_path, timelapse_part
from pipeline.worker.timelapses import Timelapse
from tests.fakes import write_photo
from tests.worker.test_worker import an_assignment, work

SHORT = Recipe(size=32, scales=1, iterations=10, timelapse=True)
SHAPE = (24, 32)
KEY = "c" * 64


def run(timelapse: Timelapse, evaluations: range, shape: tuple[int, int] = SHAPE) -> Timelapse:
    for evaluation in evaluations:
        if timelapse.wanted_pixels(evaluation):
            timelapse.prepare_add(evaluation, np.full((*shape, 3), evaluation % 256, np.uint8))()
    return timelapse


def levels(path: Path) -> list[int]:
    with Image.open(path) as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append(image.convert("RGB").getpixel((5, 5))[0])
    return found


def test_every_evaluation_of_a_short_work_is_a_frame_and_the_picture_is_the_last(tmp_path: Path) -> None:
    timelapse, part = run(Timelapse(SHORT, SHAPE), range(1, 11)), tmp_path / "t"
    assert timelapse.evaluations == tuple(range(1, 11))
    assert timelapse.write(part, np.full((*SHAPE, 3), 1.0, np.float32), KEY) == ()
    assert timelapse_key(part) == KEY
    assert levels(part)[-1] == 255
    assert len(levels(part)) == 11


@pytest.mark.parametrize("evaluations", [61, 150, 449, 5000])
def test_frames_are_bounded_and_evenly_spread_whatever_the_evaluations_are(evaluations: int) -> None:
    recipe = replace(SHORT, iterations=evaluations)
    found = run(Timelapse(recipe, SHAPE), range(1, evaluations + 1)).evaluations
    assert found[0] == 1
    assert 30 <= len(found) <= 60
    assert len(set(np.diff(found))) == 1
    assert evaluations - found[-1] < np.diff(found)[0]


def test_work_that_ends_early_still_has_many_frames() -> None:
    recipe = replace(SHORT, scales=3, size=128, iterations=150)
    assert len(run(Timelapse(recipe, SHAPE), range(1, 120)).evaluations) >= 30


def test_frames_of_all_scales_and_previews_have_one_size(tmp_path: Path) -> None:
    timelapse = Timelapse(replace(SHORT, size=1000), (750, 1000))
    assert timelapse.wanted_pixels(1) == 640
    run(timelapse, range(1, 2), (60, 80))
    run(timelapse, range(2, 3), (600, 800))
    assert timelapse.write(tmp_path / "t", np.zeros((750, 1000, 3), np.uint8), KEY) == ()
    with Image.open(tmp_path / "t") as image:
        assert (image.size, image.n_frames) == ((640, 480), 3)


def test_frames_go_on_after_a_resume_and_those_that_come_again_are_not_there_twice(tmp_path: Path) -> None:
    path, recipe = tmp_path / "k.frames", replace(SHORT, iterations=1000)
    whole = run(Timelapse(recipe, SHAPE), range(1, 1001)).evaluations
    before = run(Timelapse(recipe, SHAPE), range(1, 601))
    before.save(path)
    run(before, range(601, 700)).save(path)  # of a later moment than the checkpoint
    resumed = Timelapse(recipe, SHAPE)
    resumed.resume(path, 600)
    assert resumed.evaluations == tuple(number for number in before.evaluations if number <= 600)
    assert run(resumed, range(601, 1001)).evaluations == whole
    assert [each.name for each in tmp_path.iterdir()] == ["k.frames"]


@pytest.mark.parametrize("damage", ["gone", "cut", "foreign", "another size"])
def test_frames_that_can_t_be_used_are_left_out(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "k.frames"
    run(Timelapse(SHORT, (32, 24) if damage == "another size" else SHAPE), range(1, 5)).save(path)
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "foreign":
        path.write_text("no frames")
    resumed = Timelapse(SHORT, SHAPE)
    resumed.resume(path, 4)
    assert resumed.evaluations == ()
    assert run(resumed, range(5, 8)).evaluations == (5, 6, 7)


def test_frames_that_can_t_be_saved_do_no_harm(tmp_path: Path) -> None:
    run(Timelapse(SHORT, SHAPE), range(1, 3)).save(tmp_path / "nowhere" / "k.frames")


def test_what_goes_wrong_is_a_note(tmp_path: Path) -> None:
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    assert Timelapse(SHORT, SHAPE).write(tmp_path / "nowhere" / "t", pixels, KEY) == (
        "no time-lapse: No such file or directory",
    )
    broken = Timelapse(SHORT, SHAPE)
    broken.prepare_add(1, np.zeros((0, 0), np.uint8))()
    assert broken.wanted_pixels(2) == 0
    (note,) = broken.write(tmp_path / "t", pixels, KEY)
    assert note.startswith("no time-lapse: ")
    assert not list(tmp_path.iterdir())


def test_a_picture_whose_recipe_asks_for_it_has_a_time_lapse_beside_its_part_file(tmp_path: Path) -> None:
    recipe = Recipe(size=48, scales=1, timelapse=True)
    lapsed = an_assignment(write_photo(tmp_path / "a.png"), "t1", recipe=recipe)
    plain = an_assignment(write_photo(tmp_path / "b.png"), "t2")
    assert sum(isinstance(event, Artwork) for event in work(lapsed, plain)) == 2
    assert timelapse_key(timelapse_part(lapsed.part_path)) == lapsed.key
    first, last = levels(timelapse_part(lapsed.part_path))
    assert abs(first - 40) < 8  # the photo
    assert abs(last - 215) < 8  # the picture
    assert not timelapse_part(plain.part_path).exists()
    assert timelapse_part(lapsed.part_path).name == ".t1.timelapse.part"


def test_a_resumed_picture_s_time_lapse_begins_with_the_frames_saved_with_its_checkpoint(tmp_path: Path) -> None:
    checkpoint, recipe = tmp_path / f"{KEY}.safetensors", Recipe(size=48, scales=1, timelapse=True, iterations=10)
    checkpoint.write_text("3 1.0")
    run(Timelapse(recipe, (32, 48)), range(1, 4), (32, 48)).save(frames_path(checkpoint))
    assignment = an_assignment(write_photo(tmp_path / "a.png"), recipe=recipe, checkpoint_path=checkpoint)
    work(assignment)
    assert len(levels(timelapse_part(assignment.part_path))) == 3 + 1 + 1
