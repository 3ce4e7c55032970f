"""Photos that show their content, an engine that shows what it painted, and an executor that is interfered with."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache

import numpy as np
from PIL import Image

from pipeline.engine.events import Event, Failed, Finished, Request, RunControl
from pipeline.errors import StylizeError
from pipeline.hashing import sha256_of_bytes
from pipeline.model import ExecutorEvent, Failure, FailureKind, JobSource, Losses, Started
from pipeline.worker import Worker

STYLES = {"night": (10, 20, 30), "day": (200, 210, 220)}
FINE = range(6)
DIVERGES, DEADLY, BROKEN, FOREIGN = 6, 7, 8, 9
CONTENTS = (*FINE, DIVERGES, DEADLY, BROKEN, FOREIGN)


def color(content: int) -> tuple[int, int, int]:
    return (content * 20 + 5, 250 - content * 20, content * 7)


@cache
def photo_bytes(content: int) -> bytes:
    """Return a small photo; what is not fine is a whole container all the same, but the foreign one."""
    if content == FOREIGN:
        return b"I am a letter, not a photo, whatever my name says."
    file = io.BytesIO()
    Image.new("RGB", (16, 16), color(content)).save(file, format="PNG")
    data = file.getvalue()
    # Inside the compressed pixels: the container is whole, the checksum is not.
    return data if content != BROKEN else data[:45] + bytes([data[45] ^ 0xFF]) + data[46:]


@cache
def content_of(data: bytes) -> int | None:
    return next((content for content in CONTENTS if photo_bytes(content) == data), None)


class Killed(BaseException):
    """The end at a fail point."""


class MarkingEngine:
    device_name = "fake"

    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl) -> Iterator[Event]:
        while requests := pull(1):
            for request in requests:
                yield _painted(request)


def _painted(request: Request) -> Event:
    if tuple(int(value) for value in request.photo[0, 0]) == color(DIVERGES):
        return Failed(request.token, StylizeError("the loss became nan"))
    pixels = (255.0 - request.photo.astype(np.float32)) / 255.0
    pixels[8:] = np.array(STYLES[request.style.name], np.float32) / 255.0
    losses = Losses(0.5, 2.0, 2.5)
    return Finished(
        token=request.token,
        pixels=pixels.astype(np.float32),
        sizes=(16,),
        iterations=(1,),
        first=losses,
        last=losses,
        cache_hits=0,
        cache_misses=0,
        notes=(),
    )


@cache
def shown_in(data: bytes) -> tuple[int, str] | None:
    """Return the content and the style that a picture shows; None if it is none of ours. Raises for a damaged one."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGB"))
    marks = {tuple(int(value) for value in pixels[row, 3]) for row in (0, 7)}, tuple(int(v) for v in pixels[12, 3])
    for content in FINE:
        for style, mark in STYLES.items():
            if marks == ({tuple(255 - value for value in color(content))}, mark):
                return content, style
    return None


class MeddledExecutor:
    """The real worker, here and now; before and after each photo the owner does what comes next."""

    def __init__(self, meddle: Callable[[], bool], die: Callable[[], None], at_once: int) -> None:
        self._meddle = meddle
        self._die = die
        self._at_once = at_once
        self._stopped = False

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        while not self._stopped and (assignments := source(self._at_once)):
            for assignment in assignments:
                if self._meddle() or self._stopped:
                    yield Failure(
                        assignment.token, FailureKind.REQUEUED, "returned to the queue: the run was stopped"
                    )
                    continue
                if assignment.photo_sha256 == sha256_of_bytes(photo_bytes(DEADLY)):
                    yield Started(assignment.token)
                    yield Failure(assignment.token, FailureKind.CRASH, "the worker process died (SIGKILL)")
                    continue
                told: list[ExecutorEvent] = []
                waiting = [assignment]
                try:
                    Worker(MarkingEngine(), told.append).work(lambda _: [waiting.pop()] if waiting else [])  # noqa: B023
                except Killed:
                    self._die()  # the writer's thread can't
                    raise
                self._meddle()
                yield from told

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        pass
