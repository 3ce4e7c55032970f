"""What runs next to the GPU: job -> bytes read once, hashed, decoded -> stylized -> encoded temporary file.

Owns that sequence and turns whatever goes wrong in it into a :class:`Failure`. Refuses the ledger: it is told
what to do, and publishes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline import __version__
from pipeline.engine.events import Broken, Commission, Event, Finished, Snapshot, Step
from pipeline.errors import CannotRunError, OutOfMemoryError, PhotoError, StylewatchError
from pipeline.failpoints import failpoint
from pipeline.hashing import sha256_of_bytes, sha256_of_file
from pipeline.images.decode import DecodedPhoto, decode
from pipeline.images.encode import Provenance, write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import (
    Artwork,
    Assignment,
    Checkpoint,
    ExecutorEvent,
    Failure,
    FailureKind,
    PictureOptions,
    Progress,
    Started,
)

Source = Callable[[int], Sequence[Assignment]]
Tell = Callable[[ExecutorEvent], None]


class Engine(Protocol):
    """What a worker needs of :class:`pipeline.engine.stylizer.Stylizer`."""

    @property
    def device_name(self) -> str:
        """Tell what the engine computes on, for the report."""
        ...

    def run(self, pull: Callable[[int], Sequence[Commission]]) -> Iterator[Event]:
        """Stylize what ``pull`` gives until it gives nothing more."""
        ...


@dataclass(slots=True)
class _Sitting:
    """An assignment being worked on, with what encoding needs of its photo."""

    assignment: Assignment
    photo: DecodedPhoto
    started: float


class Worker:
    """Turns assignments into temporary files, one engine run after another."""

    def __init__(self, engine: Engine, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._tell = tell
        self._clock = clock
        self._sittings: dict[str, _Sitting] = {}

    def work(self, source: Source) -> None:
        """Work until ``source`` (asked for at most n assignments at a time) gives none and all are answered.

        Every assignment is answered by exactly one Artwork or Failure, told the moment it is known.
        """
        for event in self._engine.run(lambda count: self._pull(source, count)):
            self._translate(event)

    def _pull(self, source: Source, count: int) -> list[Commission]:
        commissions: list[Commission] = []
        while len(commissions) < count:
            assignments = source(count - len(commissions))
            if not assignments:
                break
            commissions += filter(None, map(self._begin, assignments))
        return commissions

    def _begin(self, assignment: Assignment) -> Commission | None:
        # Told before the first byte is read: should this photo kill the process, the parent knows which one it was.
        self._tell(Started(assignment.token))
        started = self._clock()
        try:
            photo = _read(assignment)
        except _UnreadableError as problem:
            self._tell(Failure(assignment.token, problem.kind, str(problem)))
            return None
        failpoint("worker-decoded")
        self._sittings[assignment.token] = _Sitting(assignment, photo, started)
        return Commission(
            token=assignment.token, photo=photo.pixels, style=assignment.style, recipe=assignment.recipe
        )

    def _translate(self, event: Event) -> None:
        sitting = self._sittings[event.token]
        match event:
            case Step():
                self._tell(_progress(event))
            case Snapshot():
                self._save_snapshot(sitting, event)
            case Finished():
                del self._sittings[event.token]
                self._tell(self._deliver(sitting, event))
            case Broken():
                del self._sittings[event.token]
                self._tell(Failure(event.token, _kind_of(event.error), str(event.error)))

    def _save_snapshot(self, sitting: _Sitting, event: Snapshot) -> None:
        folder = sitting.assignment.snapshot_folder
        if folder is None:
            return
        path = folder / f"scale{event.scale_index + 1}-{event.iteration:05d}.jpg"
        provenance, options = _provenance(sitting.assignment), PictureOptions(metadata="strip")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            write_picture(event.pixels, None, Metadata(), provenance, options, path)
        except (StylewatchError, OSError):
            # An intermediate picture is a courtesy: the finished one will meet the same disk and tell.
            return
        self._tell(Checkpoint(event.token, path))

    def _deliver(self, sitting: _Sitting, event: Finished) -> Artwork | Failure:
        assignment = sitting.assignment
        try:
            notes = write_picture(
                event.pixels,
                sitting.photo.alpha,
                sitting.photo.metadata,
                _provenance(assignment),
                assignment.picture,
                assignment.part_path,
            )
            sha256 = sha256_of_file(assignment.part_path)
        except StylewatchError as error:
            return Failure(event.token, _kind_of(error), str(error))
        except OSError as error:
            return Failure(event.token, FailureKind.STORAGE, str(error))
        return Artwork(
            token=event.token,
            sha256=sha256,
            width=event.pixels.shape[1],
            height=event.pixels.shape[0],
            sizes=event.sizes,
            iterations=event.iterations,
            first=event.first,
            last=event.last,
            seconds=self._clock() - sitting.started,
            device=self._engine.device_name,
            cache_hits=event.cache_hits,
            cache_misses=event.cache_misses,
            notes=(*sitting.photo.notes, *event.notes, *notes),
        )


def _progress(step: Step) -> Progress:
    return Progress(
        token=step.token,
        scale_index=step.scale_index,
        scale_count=step.scale_count,
        size=step.size,
        iteration=step.iteration,
        iterations=step.iterations,
        losses=step.losses,
    )


class _UnreadableError(Exception):
    """A photo that can't be begun, with what to do about it."""

    def __init__(self, kind: FailureKind, reason: str) -> None:
        self.kind = kind
        super().__init__(reason)


def _read(assignment: Assignment) -> DecodedPhoto:
    data = _bytes_of(assignment.photo_path)
    if sha256_of_bytes(data) != assignment.photo_sha256:
        raise _UnreadableError(FailureKind.CHANGED, "the photo changed after it was taken in")
    try:
        return decode(data, long_side=assignment.recipe.size, max_pixels=assignment.max_pixels)
    except PhotoError as error:
        raise _UnreadableError(FailureKind.PHOTO, str(error)) from error
    except MemoryError as error:
        raise _UnreadableError(FailureKind.MEMORY, "not enough memory to decode the photo") from error


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _UnreadableError(FailureKind.GONE, "the photo is gone") from error
    except PermissionError as error:
        raise _UnreadableError(FailureKind.ENGINE, "the photo can't be read: permission denied") from error
    except OSError as error:
        raise _UnreadableError(FailureKind.STORAGE, f"the photo can't be read: {error.strerror}") from error


def _provenance(assignment: Assignment) -> Provenance:
    return Provenance(
        style=assignment.style.name,
        recipe=assignment.recipe.name,
        program=f"stylewatch {__version__}",
        key=assignment.key,
    )


def _kind_of(error: StylewatchError) -> FailureKind:
    if isinstance(error, OutOfMemoryError):
        return FailureKind.MEMORY
    # A painting that can't be used fails its own style's pictures only; the other styles go on.
    return FailureKind.STORAGE if isinstance(error, CannotRunError) else FailureKind.ENGINE
