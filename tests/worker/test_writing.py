from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.engine.events import Finished
from pipeline.errors import PaintingChangedError, PaintingError, StylewatchError, StylizeError, WeightsError
from pipeline.images.decode import decode
from pipeline.model import Artwork, ExecutorEvent, FailureKind, Losses, PictureOptions, SizeRule
from pipeline.worker.reading import LoadedTask
from pipeline.worker.writing import Writer, failure_kind
from tests.fakes import write_photo
from tests.images.profiles import swapped_rgb
from tests.worker.test_worker import an_assignment

LOSSES = Losses(0.0, 1.0, 1.0)


def loaded_task(folder: Path, token: str) -> LoadedTask:
    photo = write_photo(folder / f"{token}.png")
    decoded = decode(photo.read_bytes(), long_side=48, max_pixels=10_000)
    assignment = an_assignment(photo, token)
    return LoadedTask(assignment, decoded, 2.0, assignment.recipe)


def finished(token: str) -> Finished:
    return Finished(
        token=token,
        pixels=np.full((32, 48, 3), 0.5, dtype=np.float32),
        sizes=(48,),
        iterations=(3,),
        first=LOSSES,
        last=LOSSES,
        cache_hits=0,
        cache_misses=1,
        notes=("a note of the engine",),
    )


def test_many_pictures_are_written_in_their_order_before_the_writer_is_left(tmp_path: Path) -> None:
    told: list[ExecutorEvent] = []
    with Writer(told.append, lambda: 3.0, "fake") as writer:
        for number in range(12):
            writer.write(loaded_task(tmp_path, f"t{number}"), finished(f"t{number}"))
    assert [event.token for event in told] == [f"t{number}" for number in range(12)]
    assert all(isinstance(event, Artwork) and event.seconds == 2.0 for event in told)
    assert all((tmp_path / f".t{number}.part").exists() for number in range(12))


def test_notes_of_photo_engine_and_file_come_together(tmp_path: Path) -> None:
    told: list[ExecutorEvent] = []
    with Writer(told.append, lambda: 3.0, "fake") as writer:
        writer.write(loaded_task(tmp_path, "t"), finished("t"))
    (artwork,) = told
    assert isinstance(artwork, Artwork)
    assert "a note of the engine" in artwork.notes


def test_the_photo_s_profile_reaches_its_picture(tmp_path: Path) -> None:
    told: list[ExecutorEvent] = []
    task = loaded_task(tmp_path, "t")
    task.photo = replace(task.photo, profile=swapped_rgb())
    task.assignment = replace(task.assignment, picture=PictureOptions(format="png", profile="photo"))
    with Writer(told.append, lambda: 3.0, "fake") as writer:
        writer.write(task, finished("t"))
    with Image.open(tmp_path / ".t.part") as image:
        assert image.info["icc_profile"] == swapped_rgb()


def test_a_broken_pipe_is_not_hidden_by_the_thread(tmp_path: Path) -> None:
    def broken(event: ExecutorEvent) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError), Writer(broken, lambda: 3.0, "fake") as writer:
        writer.write(loaded_task(tmp_path, "t"), finished("t"))


def test_a_broken_pipe_ends_the_work_at_the_next_picture(tmp_path: Path) -> None:
    def broken(event: ExecutorEvent) -> None:
        raise BrokenPipeError

    pictures = 0
    with pytest.raises(BrokenPipeError), Writer(broken, lambda: 3.0, "fake") as writer:  # noqa: PT012
        while pictures < 100:
            writer.write(loaded_task(tmp_path, f"t{pictures}"), finished(f"t{pictures}"))
            pictures += 1
    assert pictures < 100


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PaintingError("can't be read"), FailureKind.PAINTING),
        (PaintingChangedError("has changed"), FailureKind.PAINTING),
        (StylizeError("the loss became nan"), FailureKind.ENGINE),
        (WeightsError("gone"), FailureKind.STORAGE),
    ],
)
def test_what_a_photo_is_not_to_blame_for_costs_it_no_attempt(error: StylewatchError, kind: FailureKind) -> None:
    assert failure_kind(error) is kind


def test_a_picture_for_a_sheet_says_its_pixels_an_inch_whatever_its_photo_says(tmp_path: Path) -> None:
    task = loaded_task(tmp_path, "t")
    sheet = replace(task.assignment.recipe, size_rule=SizeRule.parse("10x15 cm @ 240 dpi"))
    assignment = replace(task.assignment, recipe=sheet, picture=PictureOptions(metadata="strip"))
    photo = replace(task.photo, metadata=replace(task.photo.metadata, density=(72.0, 72.0)))
    with Writer(lambda _: None, lambda: 3.0, "fake") as writer:
        writer.write(replace(task, assignment=assignment, photo=photo), finished("t"))
    with Image.open(tmp_path / ".t.part") as image:
        assert image.info["dpi"] == (240, 240)
        assert image.getexif()[0x011A] == 240
