from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.engine.events import Preview
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import decode
from pipeline.model import (
    Artwork,
    Assignment,
    ExecutorEvent,
    Failure,
    Painting,
    PictureOptions,
    PreviewOptions,
    PreviewSaved,
    Remark,
    Style,
)
from pipeline.model.gallery_files import (
    live_name,
    painting_copy_name,
    photo_copy_name,
    photo_thumbnail_name,
    thumbnail_name,
)
from pipeline.worker import StopDeadline, Worker
from pipeline.worker.previews import Previews
from pipeline.worker.reading import LoadedTask
from tests.fakes import FakeEngine, write_painting, write_photo
from tests.worker.test_worker import an_assignment


def shown(folder: Path, token: str = "t1", kind: str = "fine", **changes: object) -> Assignment:
    painting = write_painting(folder / "night.jpg")
    return an_assignment(
        write_photo(folder / f"{token}.png", kind),
        token,
        style=Style("night", (Painting(painting, sha256_of_file(painting)),)),
        previews=PreviewOptions(folder=folder / "gallery", thumbnail_pixels=24, photo_pixels=40),
        **changes,
    )


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def work(*assignments: Assignment) -> list[ExecutorEvent]:
    waiting, told = list(assignments), list[ExecutorEvent]()

    def source(count: int) -> list[Assignment]:
        return [waiting.pop(0) for _ in range(min(count, len(waiting)))]

    Worker(FakeEngine(steered=False), told.append, Ticks()).work(source)
    return told


def previews_of(told: list[ExecutorEvent]) -> list[PreviewSaved]:
    return [event for event in told if isinstance(event, PreviewSaved)]


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_copies_of_picture_photo_and_painting_come_after_the_picture(tmp_path: Path) -> None:
    assignment = shown(tmp_path)
    told, gallery = work(assignment), tmp_path / "gallery"
    (artwork,) = (event for event in told if isinstance(event, Artwork))
    (saved,) = previews_of(told)
    assert told.index(artwork) < told.index(saved)
    assert saved == PreviewSaved("t1", gallery / thumbnail_name(artwork.sha256), finished=True)
    assert size_of(saved.path) == (24, 16)
    assert size_of(gallery / photo_copy_name(assignment.photo_sha256)) == (40, 27)
    assert size_of(gallery / photo_thumbnail_name(assignment.photo_sha256)) == (24, 16)
    assert size_of(gallery / painting_copy_name(assignment.style.paintings[0].sha256)) == (48, 32)
    with Image.open(saved.path) as image:
        red, green, blue = image.convert("RGB").getpixel((12, 8))
    assert max(abs(red - 215), abs(green - 135), abs(blue - 215)) < 10  # the fake engine inverts colors


def test_when_a_picture_s_copy_is_told_of_all_others_are_there(tmp_path: Path) -> None:
    there: list[set[str]] = []

    def hear(event: ExecutorEvent) -> None:
        if isinstance(event, PreviewSaved):
            there.append({path.parent.parent.name for path in (tmp_path / "gallery").rglob("*.webp")})

    waiting = [shown(tmp_path)]
    Worker(FakeEngine(steered=False), hear, Ticks()).work(lambda _: [waiting.pop()] if waiting else [])
    assert there == [{"thumbs", "photos", "paintings"}]


def test_nothing_is_copied_without_a_gallery(tmp_path: Path) -> None:
    told = work(replace(shown(tmp_path), previews=None))
    assert not previews_of(told)
    assert not (tmp_path / "gallery").exists()


def test_a_transparent_photo_s_picture_is_shown_over_white(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (48, 32), (40, 120, 40, 0)).save(path)
    assignment = replace(
        shown(tmp_path), photo_path=path, photo_sha256=sha256_of_file(path), picture=PictureOptions(format="png")
    )
    (saved,) = previews_of(work(assignment))
    with Image.open(saved.path) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_a_folder_that_can_t_be_written_leaves_the_pictures_and_is_remarked_once(tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("a file")
    told = work(shown(tmp_path), shown(tmp_path, "t2"))
    assert sum(isinstance(event, Artwork) for event in told) == 2
    (remark,) = (event for event in told if isinstance(event, Remark))
    assert remark.warning
    assert not remark.token
    assert str(tmp_path / "gallery") in remark.text
    assert "stylewatch gallery" in remark.text


@pytest.mark.parametrize("error", [MemoryError(), ValueError("encoder error 6")])
def test_any_other_failure_leaves_the_picture_too(tmp_path: Path, error: Exception) -> None:
    told: list[ExecutorEvent] = []

    class Broken:
        @property
        def shape(self) -> tuple[int, int]:
            raise error

    preview = Preview(token="t1", evaluations=1, pixels=Broken())  # type: ignore[arg-type]
    Previews(told.append, Ticks()).prepare_save(loaded(tmp_path), preview)()
    (remark,) = told
    assert isinstance(remark, Remark)


def test_a_live_picture_that_a_browser_reads_just_now_is_no_news(tmp_path: Path) -> None:
    told, task = list[ExecutorEvent](), loaded(tmp_path)

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Access is denied")

    Previews(told.append, Ticks(), refuse).prepare_save(
        task, Preview(token="t1", evaluations=3, pixels=task.photo.pixels / np.float32(255))
    )()
    assert told == []


def test_a_painting_that_was_replaced_is_not_copied_under_the_old_one_s_name(tmp_path: Path) -> None:
    assignment = shown(tmp_path)
    write_painting(tmp_path / "night.jpg", (0, 0, 255))
    told = work(assignment)
    assert any(isinstance(event, Artwork) for event in told)
    assert not any(isinstance(event, Remark) for event in told)
    assert not (tmp_path / "gallery" / "paintings").exists()


def loaded(folder: Path) -> LoadedTask:
    assignment = shown(folder)
    photo = decode(assignment.photo_path.read_bytes(), long_side=48, max_pixels=10_000)
    return LoadedTask(assignment, photo, 0.0, assignment.recipe)


def test_a_picture_in_progress_is_due_every_live_seconds_and_not_while_one_is_written(tmp_path: Path) -> None:
    clock, told = Ticks(), list[ExecutorEvent]()
    previews, task = Previews(told.append, clock), loaded(tmp_path)
    previews.begin(task)
    assert previews.wanted_pixels(task, 1) == 0
    clock.now = 5.0
    assert previews.wanted_pixels(task, 1) == 48
    save = previews.prepare_save(task, Preview(token="t1", evaluations=3, pixels=task.photo.pixels / np.float32(255)))
    clock.now = 20.0
    assert previews.wanted_pixels(task, 1) == 0
    save()
    assert previews.wanted_pixels(task, 1) == 48
    assert told == [PreviewSaved("t1", tmp_path / "gallery" / live_name("t1"))]
    no_live = replace(task.assignment, previews=PreviewOptions(folder=tmp_path, live_seconds=0))
    assert previews.wanted_pixels(replace(task, assignment=no_live), 1) == 0


def test_many_pictures_at_once_and_a_slow_disk_make_previews_rarer(tmp_path: Path) -> None:
    clock, task = Ticks(), loaded(tmp_path)
    previews = Previews(lambda _: setattr(clock, "now", clock.now + 2.0), clock)  # 2 seconds to save one
    previews.begin(task)
    previews.prepare_save(task, Preview(token="t1", evaluations=3, pixels=task.photo.pixels / np.float32(255)))()
    for in_progress, seconds in ((1, 100.0), (4, 400.0)):
        clock.now = seconds - 0.5
        assert not previews.wanted_pixels(task, in_progress)
        clock.now = seconds
        assert previews.wanted_pixels(task, in_progress)


@pytest.mark.parametrize("ending", ["finished", "suspended"])
def test_the_preview_of_a_picture_that_is_not_in_progress_any_more_is_gone(tmp_path: Path, ending: str) -> None:
    clock, told, seen = Ticks(), list[ExecutorEvent](), list[bool]()
    live = tmp_path / "gallery" / live_name("t1")
    stop_deadline = StopDeadline(clock)
    assignment = shown(tmp_path, kind="takes for ever" if ending == "suspended" else "fine")

    def emit(event: ExecutorEvent) -> None:
        told.append(event)
        clock.now += 5.0
        if isinstance(event, PreviewSaved) and not event.finished:
            seen.append(live.is_file())
            stop_deadline.set(0.0)

    waiting = [assignment]
    Worker(FakeEngine(), emit, clock, stop_deadline=stop_deadline).work(lambda _: [waiting.pop()] if waiting else [])
    assert seen
    assert all(seen)
    assert isinstance(next(event for event in told if isinstance(event, Artwork | Failure)), Artwork) == (
        ending == "finished"
    )
    assert not live.exists()
