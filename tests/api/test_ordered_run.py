"""Pictures come in the photos' order, whatever order the engine finishes them in; a failure is its photo's alone."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.api.ordered_run import OrderedRun
from pipeline.engine.events import Event, Failed, Finished, Places, Request
from pipeline.engine.faces.face_map import Face
from pipeline.errors import (
    JobError,
    MemoryShortError,
    OutOfMemoryError,
    PaintingChangedError,
    PaintingError,
    PhotoError,
    StylewatchError,
    StylizeError,
)
from pipeline.images.decode import DecodedPhoto
from pipeline.images.metadata import Metadata
from pipeline.model import Losses, Progress, Recipe, SizeRule, Style

LOSSES = Losses(1.0, 2.0, 3.0)


class Backwards:
    """Takes ``capacity`` requests at a time and finishes the last one first; fails those it has an error for."""

    def __init__(self, capacity: int = 2, errors: dict[int, StylewatchError] | None = None) -> None:
        self.capacity = capacity
        self.errors = errors or {}
        self.begun: list[int] = []
        self.closed = False

    def run(self, pull: object) -> Generator[Event, None, None]:
        assert callable(pull)
        try:
            while requests := pull(self.capacity):
                yield from self._paint(requests)
        finally:
            self.closed = True

    def _paint(self, requests: Sequence[Request]) -> Generator[Event, None, None]:
        self.begun += [int(request.token) for request in requests]
        for request in reversed(requests):
            if error := self.errors.pop(int(request.token), None):
                yield Failed(request.token, error)
                continue
            yield Progress(
                token=request.token, scale_index=0, scale_count=1, size=4, iteration=1, iterations=1, losses=LOSSES
            )
            yield Finished(
                token=request.token,
                pixels=request.photo.astype(np.float32) / 255,
                sizes=(4,),
                iterations=(1,),
                first=LOSSES,
                last=LOSSES,
                cache_hits=0,
                cache_misses=0,
                notes=("memory was short",) if request.token == "1" else (),
            )


def read(photo: object, name: str) -> tuple[DecodedPhoto, Recipe]:
    if isinstance(photo, StylewatchError):
        raise photo
    assert isinstance(photo, int)
    alpha = np.zeros((3, 4), np.uint8) if photo == 99 else None
    notes = ("odd profile",) if photo == 7 else ()
    return DecodedPhoto(np.full((3, 4, 3), photo, np.uint8), alpha, Metadata(), notes), Recipe()


def a_run(photos: Iterable[object], *, go_on: bool = False) -> OrderedRun:
    return OrderedRun(photos, read, Style("s", ()), Recipe(), name="photos[{}]".format, go_on=go_on)


def shades(results: Iterable[Image.Image | JobError]) -> list[object]:
    return [result if isinstance(result, JobError) else result.getpixel((0, 0))[0] for result in results]  # type: ignore[index]


def pictures(photos: Iterable[object], engine: Backwards, *, go_on: bool = False) -> list[object]:
    return shades(a_run(photos, go_on=go_on).pictures(engine, None, contextlib.nullcontext))


@pytest.mark.parametrize("capacity", [1, 2, 3, 10])
def test_pictures_come_in_the_order_of_the_photos(capacity: int) -> None:
    assert pictures(range(7), Backwards(capacity)) == list(range(7))


def test_a_picture_comes_as_soon_as_it_is_its_turn_and_photos_are_taken_as_there_is_room() -> None:
    taken = []

    def photos() -> Generator[int, None, None]:
        for number in range(6):
            taken.append(number)
            yield number

    found = a_run(photos()).pictures(Backwards(2), None, contextlib.nullcontext)
    assert taken == []
    next(found)
    next(found)
    assert taken == [0, 1]
    next(found)
    assert taken == [0, 1, 2, 3]


def test_a_failure_is_raised_in_its_turn_and_nothing_is_begun_after_it() -> None:
    engine, error = Backwards(1), PhotoError("damaged")
    found = a_run([1, error, 2, 3]).pictures(engine, None, contextlib.nullcontext)
    assert shades([next(found)]) == [1]
    with pytest.raises(PhotoError) as caught:
        next(found)
    assert caught.value is error
    assert engine.begun == [0]


def test_a_failure_closes_the_engine_whoever_still_has_the_error() -> None:
    engine = Backwards(2, {0: StylizeError("nan")})
    found = a_run([1, 2, 3]).pictures(engine, None, contextlib.nullcontext)
    with pytest.raises(StylizeError) as caught:
        next(found)
    assert caught.traceback  # a notebook keeps it, with all its frames
    assert engine.closed


def test_with_go_on_the_others_are_made() -> None:
    broken, diverged, large = PhotoError("damaged"), StylizeError("nan"), OutOfMemoryError("too large")
    engine = Backwards(2, {2: diverged, 4: large})
    assert pictures([1, broken, 2, 3, 4, 5], engine, go_on=True) == [1, broken, diverged, 3, large, 5]


def test_photos_that_all_fail_give_their_errors() -> None:
    errors = [PhotoError(str(number)) for number in range(3)]
    assert pictures(errors, Backwards(), go_on=True) == errors
    assert pictures([], Backwards()) == []


def test_a_photo_that_found_no_memory_beside_others_is_begun_again() -> None:
    engine = Backwards(2, {1: MemoryShortError("just now")})
    assert pictures([10, 20, 30], engine) == [10, 20, 30]
    assert engine.begun == [0, 1, 1, 2]


def test_a_photo_that_waits_for_memory_is_made_although_one_behind_it_failed() -> None:
    diverged = StylizeError("nan")
    engine = Backwards(3, {0: MemoryShortError("just now"), 1: diverged, 2: MemoryShortError("just now")})
    found = a_run([10, 20, 30, 40]).pictures(engine, None, contextlib.nullcontext)
    assert shades([next(found)]) == [10]
    with pytest.raises(StylizeError) as caught:
        next(found)
    assert caught.value is diverged
    assert engine.begun == [0, 1, 2, 0]


@pytest.mark.parametrize("error", [PaintingError("too small"), PaintingChangedError("replaced")])
def test_what_concerns_all_photos_is_raised_at_once(error: StylewatchError) -> None:
    engine = Backwards(2, {1: error})
    with pytest.raises(type(error)):
        pictures([1, 2, 3], engine, go_on=True)
    assert engine.closed


def test_progress_has_the_number_of_the_photo() -> None:
    heard: list[Progress] = []
    list(a_run(range(3)).pictures(Backwards(2), heard.append, contextlib.nullcontext))
    assert [each.token for each in heard] == ["1", "0", "2"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("stop")])
def test_what_a_listener_raises_ends_the_run(error: BaseException) -> None:
    def listen(_: Progress) -> None:
        raise error

    engine = Backwards()
    with pytest.raises(type(error)):
        list(a_run(range(3)).pictures(engine, listen, contextlib.nullcontext))
    assert engine.closed


def test_a_run_that_is_left_closes_the_engine() -> None:
    engine = Backwards()
    found = a_run(range(3)).pictures(engine, None, contextlib.nullcontext)
    next(found)
    assert isinstance(found, Generator)
    found.close()
    assert engine.closed


def test_only_the_engines_work_is_in_a_step() -> None:
    inside = []

    @contextlib.contextmanager
    def step() -> Generator[None, None, None]:
        inside.append(True)
        yield
        inside.pop()

    def listen(_: Progress) -> None:
        assert not inside

    for _ in a_run(range(3)).pictures(Backwards(), listen, step):
        assert not inside


def test_transparent_parts_are_white_in_the_picture() -> None:
    assert pictures([98, 99], Backwards()) == [98, 255]


def test_notes_about_a_photo_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "stylewatch"):
        pictures([7, 8], Backwards())
    assert caplog.messages == ["photos[0]: odd profile", "photos[1]: memory was short"]


def test_faces_that_the_recipe_keeps_are_told_to_the_engine_and_the_log(caplog: pytest.LogCaptureFixture) -> None:
    places: list[Places | None] = []

    class Noting(Backwards):
        def _paint(self, requests: Sequence[Request]) -> Generator[Event, None, None]:
            places.extend(request.places for request in requests)
            return super()._paint(requests)

    def find_faces(photo: npt.NDArray[Any]) -> tuple[Face, ...]:
        return (Face(2, 1, 4, 3, 0.9),) if photo.max() == 8 else ()

    keeping = Recipe(keep_faces=0.5)

    def read_to_keep(photo: object, name: str) -> tuple[DecodedPhoto, Recipe]:
        return read(photo, name)[0], keeping

    run = OrderedRun(
        [8, 9], read_to_keep, Style("s", ()), keeping, name="photos[{}]".format, go_on=False, find_faces=find_faces
    )
    assert len(list(run.pictures(Noting(), None, contextlib.nullcontext))) == 2
    with_face, without = places
    assert without is None
    assert with_face is not None
    assert with_face.guarded is not None
    assert (with_face.guarded.shape, float(with_face.guarded.max())) == ((3, 4), 0.5)
    assert "photos[0]: keep_faces: 1 face was found and kept by 0.5" in caplog.messages
    assert "photos[1]: keep_faces: no face was found" in caplog.messages


def test_pictures_for_a_sheet_say_their_pixels_an_inch() -> None:
    sheet = Recipe(size_rule=SizeRule.parse("a6 @ 150 dpi"))
    run = OrderedRun([8], read, Style("s", ()), sheet, name="photos[{}]".format, go_on=False)
    (picture,) = run.pictures(Backwards(2), None, contextlib.nullcontext)
    assert isinstance(picture, Image.Image)
    assert picture.info["dpi"] == (150, 150)
