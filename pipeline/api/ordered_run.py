"""Runs the engine over photos and gives their pictures in the photos' order, each as soon as it is its turn."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.events import Event, Failed, Finished, Places, Request
from pipeline.engine.faces.guarding import FindFaces, find_faces, guarded_faces
from pipeline.errors import CannotRunError, JobError, MemoryShortError, PaintingError, StylewatchError
from pipeline.images.decode import DecodedPhoto, PixelArray
from pipeline.images.encode import opaque
from pipeline.model import Progress, Recipe, Style

#: Reads a photo, and says what its picture is made by; errors call it by the name.
ReadPhoto = Callable[[object, str], tuple[DecodedPhoto, Recipe]]
#: Called with each evaluation, in the thread that asked for the picture.
ProgressCallback = Callable[[Progress], object]

_LOG: Final = logging.getLogger("stylewatch")
#: Makes what surrounds each piece of the engine's work.
Step = Callable[[], contextlib.AbstractContextManager[None]]


class Engine(Protocol):
    """What is needed of :class:`pipeline.engine.scheduler.stylizer.Stylizer`."""

    def run(self, pull: Callable[[int], Sequence[Request]]) -> Generator[Event, None, None]:
        """Stylize what ``pull`` gives until it gives nothing more."""
        ...


class OrderedRun:
    """One run over photos, all in one style by one recipe, of which each picture has what ``read`` makes of it.

    ``name(index)`` is what errors and the log call a photo. After a photo that fails none behind it is begun any
    more, and its error is raised when it is its turn; with ``go_on`` it is given like a picture. ``find_faces``: what
    finds those that the recipe keeps.
    """

    def __init__(
        self,
        photos: Iterable[object],
        read: ReadPhoto,
        style: Style,
        recipe: Recipe,
        *,
        name: Callable[[int], str],
        go_on: bool,
        find_faces: FindFaces = find_faces,
    ) -> None:
        self._photos = enumerate(photos)
        self._again: list[tuple[int, object]] = []
        self._read = read
        self._find_faces = find_faces
        self._style = style
        self._dpi = recipe.size_rule.dpi if recipe.size_rule else 0
        self._name = name
        self._go_on = go_on
        self._failed_at = math.inf
        self._next = 0
        self._begun: dict[int, tuple[object, PixelArray | None]] = {}
        self._results: dict[int, Image.Image | JobError] = {}

    def pictures(
        self, engine: Engine, progress: ProgressCallback | None, step: Step
    ) -> Iterator[Image.Image | JobError]:
        """Yield a picture or the error for each photo; ``step`` is entered whenever the engine works.

        Raises what concerns all of them, whatever ``go_on`` says: PaintingError, CannotRunError.
        """
        with contextlib.closing(engine.run(self._pull)) as events:
            while True:
                with step():
                    event = next(events, None)
                if event is None:
                    break
                if isinstance(event, Progress) and progress is not None:
                    progress(event)
                self._take(event)
                yield from self._ready()
        yield from self._ready()

    def _pull(self, count: int) -> list[Request]:
        requests: list[Request] = []
        while len(requests) < count and (entry := self._next_photo()) is not None:
            index, photo = entry
            try:
                decoded, recipe = self._read(photo, self._name(index))
            except JobError as error:
                self._fail(index, error)
                continue
            guarded, notes = guarded_faces(recipe, decoded.pixels, self._find_faces)
            self._log(index, (*decoded.notes, *notes))
            self._begun[index] = photo, decoded.alpha
            places = None if guarded is None else Places(guarded=guarded)
            requests.append(
                Request(str(index), decoded.pixels, self._style, recipe, places=places, alpha=decoded.alpha)
            )
        return requests

    def _next_photo(self) -> tuple[int, object] | None:
        while self._again:
            entry = self._again.pop(0)
            if entry[0] < self._failed_at:
                return entry
        return next(self._photos, None) if self._failed_at == math.inf else None

    def _take(self, event: Event) -> None:
        match event:
            case Finished():
                index = int(event.token)
                _, alpha = self._begun.pop(index)
                self._results[index] = self._image(opaque(event.pixels, alpha))
                self._log(index, event.notes)
            case Failed(error=MemoryShortError()):
                index = int(event.token)
                self._again.append((index, self._begun.pop(index)[0]))  # when others have made room
            case Failed():
                del self._begun[int(event.token)]
                self._fail(int(event.token), event.error)

    def _image(self, pixels: NDArray[np.uint8]) -> Image.Image:
        image = Image.fromarray(pixels)
        if self._dpi:
            image.info["dpi"] = (self._dpi, self._dpi)
        return image

    def _fail(self, index: int, error: StylewatchError) -> None:
        if isinstance(error, PaintingError | CannotRunError):
            raise error
        assert isinstance(error, JobError)
        self._results[index] = error
        if not self._go_on:
            self._failed_at = min(self._failed_at, index)

    def _log(self, index: int, notes: Iterable[str]) -> None:
        for note in notes:
            _LOG.warning("%s: %s", self._name(index), note)

    def _ready(self) -> Iterator[Image.Image | JobError]:
        while self._next in self._results:
            result = self._results.pop(self._next)
            self._next += 1
            if isinstance(result, JobError) and not self._go_on:
                raise result
            yield result
