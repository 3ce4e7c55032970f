from __future__ import annotations

import io
import re
import struct
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.engine.memory.requirements import least_need_at
from pipeline.model import (
    Assignment,
    ExecutorEvent,
    Failure,
    FailureKind,
    PictureOptions,
    SizeRule,
    Started,
)
from pipeline.worker.reading import Reader
from tests.fakes import write_photo
from tests.worker.test_worker import an_assignment


class Source:
    """Gives one assignment after the other, and lets a test wait until it was asked so many times."""

    def __init__(self, *assignments: Assignment) -> None:
        self.waiting = list(assignments)
        self.asked = 0
        self.changed = threading.Condition()

    def __call__(self, count: int) -> list[Assignment]:
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
            taken = self.waiting[:count]
            del self.waiting[:count]
        return taken

    def wait_until(self, condition: Callable[[Source], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), timeout=30)


@pytest.fixture
def assignments(tmp_path: Path) -> list[Assignment]:
    return [an_assignment(write_photo(tmp_path / f"{n}.png", shade=n), f"t{n}") for n in range(6)]


def reader(source: Source, ahead: int = 2, told: list[ExecutorEvent] | None = None) -> Reader:
    return Reader(source, (told if told is not None else []).append, lambda: 0.0, ahead)


def tokens(tasks: list) -> list[str]:
    return [task.assignment.token for task in tasks]


def test_photos_are_decoded_before_they_are_asked_for_but_not_too_many(assignments: list[Assignment]) -> None:
    source, told = Source(*assignments), list[ExecutorEvent]()
    with reader(source, told=told) as ahead:
        source.wait_until(lambda it: it.asked == 2)
        assert len(source.waiting) == 4
        taken = ahead.next_tasks(1, wait=True)
        source.wait_until(lambda it: it.asked == 3)
    assert tokens(taken) == ["t0"]
    assert told[0] == Started("t0")


def test_all_photos_come_in_order_and_then_none(assignments: list[Assignment]) -> None:
    with reader(Source(*assignments)) as ahead:
        taken = []
        while tasks := ahead.next_tasks(2, wait=True):
            taken += tokens(tasks)
    assert taken == [f"t{n}" for n in range(6)]


def test_without_waiting_only_what_is_ready_comes() -> None:
    gate = threading.Event()

    def slow(count: int) -> list[Assignment]:
        assert gate.wait(30)
        return []

    with Reader(slow, lambda _: None, lambda: 0.0, 2) as ahead:
        assert ahead.next_tasks(4, wait=False) == []
        gate.set()


def test_a_source_that_was_dry_is_asked_again_when_somebody_wants_more(assignments: list[Assignment]) -> None:
    source = Source()
    with reader(source) as ahead:
        assert ahead.next_tasks(1, wait=True) == []
        source.waiting += assignments[:1]
        assert tokens(ahead.next_tasks(1, wait=True)) == ["t0"]


def test_what_the_source_raises_reaches_whoever_takes() -> None:
    def broken(count: int) -> list[Assignment]:
        raise EOFError("the parent is gone")

    with Reader(broken, lambda _: None, lambda: 0.0, 2) as ahead, pytest.raises(EOFError, match="parent"):
        ahead.next_tasks(1, wait=True)


def test_a_photo_that_can_not_be_decoded_is_answered_and_passed_over(
    assignments: list[Assignment], tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    told: list[ExecutorEvent] = []
    with reader(Source(an_assignment(text, "text"), assignments[0]), told=told) as ahead:
        assert tokens(ahead.next_tasks(1, wait=True)) == ["t0"]
    assert [event.token for event in told if isinstance(event, Failure)] == ["text"]


def test_with_nothing_ahead_a_photo_is_read_when_it_is_asked_for(assignments: list[Assignment]) -> None:
    source = Source(*assignments)
    with reader(source, ahead=0) as ahead:
        assert source.asked == 0
        assert tokens(ahead.next_tasks(2, wait=True)) == ["t0", "t1"]
        assert source.asked == 1


def test_a_photo_that_memory_is_short_for_is_not_the_photos_fault(tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    head = struct.pack(">IIBBBBB", 2**30, 1, 8, 2, 0, 0, 0)
    wide.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    told: list[ExecutorEvent] = []
    assignment = an_assignment(wide, "wide", max_pixels=2**40)
    with reader(Source(assignment), ahead=0, told=told) as ahead:
        assert ahead.next_tasks(1, wait=True) == []
    assert told[1:] == [Failure("wide", FailureKind.MEMORY, "not enough memory to read the photo just now")]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_a_photo_whose_library_is_missing_is_not_the_photos_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heic = tmp_path / "a.heic"
    heic.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    told: list[ExecutorEvent] = []
    with reader(Source(an_assignment(heic, "heic")), ahead=0, told=told) as ahead:
        assert ahead.next_tasks(1, wait=True) == []
    (failure,) = told[1:]
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.CODEC


def test_a_picture_that_this_machine_can_never_hold_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    wide = an_assignment(write_photo(tmp_path / "wide.png", size=(200, 2)), "wide")
    recipe = replace(wide.recipe, size=4000)
    memory_limit_bytes = least_need_at(recipe, 2667 * 4000) - 1
    upright = an_assignment(write_photo(tmp_path / "upright.png", size=(2, 3)), "upright")
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    damaged = an_assignment(tmp_path / "damaged.png", "damaged")
    told: list[ExecutorEvent] = []
    source = Source(*(replace(assignment, recipe=recipe) for assignment in (upright, damaged, wide)))
    with Reader(source, told.append, lambda: 0.0, 0, memory_limit_bytes) as now:
        assert tokens(now.next_tasks(3, wait=True)) == ["wide"]
    refused, unreadable = (event for event in told if isinstance(event, Failure))
    assert (refused.token, refused.kind) == ("upright", FailureKind.SIZE)
    assert re.search(r"2667 × 4000 pixels takes about \d+ GB .* smaller size in recipe 'default'", refused.reason)
    assert (unreadable.token, unreadable.kind) == ("damaged", FailureKind.PHOTO)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def detailed() -> Image.Image:
    """Return a picture whose compressed data is long: codecs take pages of zeros in it for picture data."""
    pixels = np.random.default_rng(3).integers(0, 256, (200, 300, 3), np.uint8)
    return Image.fromarray(pixels).resize((600, 400), Image.Resampling.BICUBIC)


def read_all(photos: dict[str, bytes], folder: Path) -> tuple[set[str], dict[str, str]]:
    """Return which photos could be decoded, and why not the others."""
    for name, data in photos.items():
        (folder / name).write_bytes(data)
    told: list[ExecutorEvent] = []
    with reader(Source(*(an_assignment(folder / name, name) for name in photos)), ahead=0, told=told) as ahead:
        decoded = {token for _ in photos for token in tokens(ahead.next_tasks(1, wait=True))}
    failures = [event for event in told if isinstance(event, Failure)]
    assert {failure.kind for failure in failures} <= {FailureKind.PHOTO}
    return decoded, {failure.token: failure.reason for failure in failures}


FORMATS: dict[str, dict[str, object]] = {
    "jpeg": {"quality": 90},
    "progressive.jpeg": {"progressive": True},
    "png": {},
    "webp": {"quality": 95},
    "lossless.webp": {"lossless": True},
    "avif": {"quality": 95, "speed": 10},
    "gif": {},
    "bmp": {},
    "tiff": {},
    "lzw.tiff": {"compression": "tiff_lzw"},
    "deflate.tiff": {"compression": "tiff_adobe_deflate"},
}


@pytest.mark.parametrize("name", FORMATS)
def test_half_a_photo_never_becomes_one_whatever_takes_its_other_half(name: str, tmp_path: Path) -> None:
    whole = saved(detailed(), name.rpartition(".")[2].upper(), **FORMATS[name])
    half = whole[: len(whole) // 2]
    photos = {f"whole.{name}": whole, f"cut.{name}": half}
    if "bmp" not in name and "tiff" not in name:  # which can't be told from black pixels
        photos[f"set aside.{name}"] = half.ljust(len(whole), b"\0")
    decoded, reasons = read_all(photos, tmp_path)
    assert decoded == {f"whole.{name}"}
    for reason in reasons.values():
        assert " is incomplete: " in reason


def test_what_lacks_only_its_end_is_a_photo(tmp_path: Path) -> None:
    picture = detailed()
    jpeg, gif, png = saved(picture, "JPEG"), saved(picture, "GIF"), saved(picture, "PNG")
    photos = {
        "trailer.jpg": jpeg[:-2] + b"a trailer of a kind that nobody knows",
        "zeros.gif": gif[:-1] + b"\0\0",
        "no end.png": png[: png.index(b"IEND") - 4],
    }
    decoded, reasons = read_all(photos, tmp_path)
    assert (decoded, reasons) == (set(photos), {})


def by_rule(assignment: Assignment, words: str, **others: Any) -> Assignment:
    rule = SizeRule.parse(words)
    return replace(assignment, recipe=replace(assignment.recipe, size=4000, size_rule=rule, **others))


def test_a_photo_decides_the_size_of_its_picture_by_a_rule(tmp_path: Path) -> None:
    flat = an_assignment(write_photo(tmp_path / "flat.png", size=(300, 100)), "flat")
    upright = an_assignment(write_photo(tmp_path / "upright.png", size=(20, 40)), "upright")
    source = Source(*(by_rule(each, "original", max_size=250, scales=0) for each in (flat, upright)))
    with reader(source, ahead=0) as now:
        tasks = now.next_tasks(2, wait=True)
    assert [task.photo.pixels.shape for task in tasks] == [(83, 250, 3), (40, 20, 3)]
    assert [(task.recipe.size, task.recipe.size_rule) for task in tasks] == [(250, None), (40, None)]
    assert all(task.assignment.recipe.size_rule for task in tasks)


def test_a_picture_that_its_format_can_not_hold_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    wide = an_assignment(write_photo(tmp_path / "wide.png", size=(17_000, 1)), "wide")
    told: list[ExecutorEvent] = []
    assignment = replace(by_rule(wide, "original"), picture=PictureOptions(format="webp"))
    with reader(Source(assignment), ahead=0, told=told) as now:
        assert now.next_tasks(1, wait=True) == []
    assert told[1:] == [
        Failure(
            "wide",
            FailureKind.FORMAT,
            "a webp file holds at most 16,383 pixels a side, and the picture would have 17,000; use max_size: 16383 "
            "in recipe 'default', or output.format: jpeg",
        )
    ]
