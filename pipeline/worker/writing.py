"""Encodes, writes and hashes pictures behind the engine. Owns the thread and its queue; does not publish."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Final

from pipeline import __version__
from pipeline.engine.events import Finished, Snapshot
from pipeline.errors import (
    CannotRunError,
    CodecError,
    MemoryShortError,
    OutOfMemoryError,
    PaintingChangedError,
    PaintingError,
    StylewatchError,
    UnwritableError,
)
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import Provenance, write_picture, written_as
from pipeline.images.metadata import Metadata
from pipeline.images.publish import storage_error
from pipeline.model import (
    Artwork,
    Assignment,
    Failure,
    FailureKind,
    PictureOptions,
    SnapshotSaved,
)
from pipeline.model.timelapse_files import timelapse_part
from pipeline.picture_settings import record_of
from pipeline.worker.reading import Emit, LoadedTask

_MAX_WAITING: Final = 4
_MAX_WAITING_PREVIEWS: Final = 2

_FAILURE_KINDS: Final = (
    (OutOfMemoryError, FailureKind.SIZE),
    (MemoryShortError, FailureKind.MEMORY),
    (CodecError, FailureKind.CODEC),
    (PaintingChangedError, FailureKind.PAINTING),
    (PaintingError, FailureKind.PAINTING),
    (UnwritableError, FailureKind.UNWRITABLE),
)


class Writer:
    """Writes pictures in the order they come, on a thread; while four wait, a fifth blocks. A context manager.

    ``emit`` gets an Artwork or a Failure for each finished picture and a SnapshotSaved for each snapshot; it is
    called from the writer's thread. Leaving the context waits for all of them.
    """

    def __init__(self, emit: Emit, clock: Callable[[], float], device_name: str) -> None:
        self._emit = emit
        self._clock = clock
        self._device_name = device_name
        self._free_places = threading.Semaphore(_MAX_WAITING)
        self._free_preview_places = threading.Semaphore(_MAX_WAITING_PREVIEWS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._error: BaseException | None = None

    def __enter__(self) -> Writer:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all writes. Raises the error of a failed ``emit``, unless another error is on its way."""
        self._thread.shutdown(wait=True)
        if error is None and self._error is not None:
            raise self._error

    def write(
        self, task: LoadedTask, finished: Finished, then: Callable[[Artwork | Failure], None] = lambda _: None
    ) -> None:
        """Write a finished picture to its assignment's temporary file; ``then`` gets what was emitted."""

        def run() -> None:
            answer = self._written(task, finished)
            self._emit(answer)
            then(answer)

        self.submit(run)

    def write_snapshot(self, assignment: Assignment, snapshot: Snapshot) -> None:
        """Write an intermediate picture, if the assignment has a folder for them."""
        if assignment.snapshot_folder is not None:
            self.submit(lambda: self._save_snapshot(assignment, snapshot))

    def submit(self, task: Callable[[], object]) -> None:
        """Do something on the writer's thread, after everything submitted before. Raises an earlier task's error."""
        self._submit(task, self._free_places)

    def has_room_for_preview(self) -> bool:
        """Tell whether :meth:`submit_preview` would return at once."""
        has_room = self._free_preview_places.acquire(blocking=False)
        if has_room:
            self._free_preview_places.release()
        return has_room

    def submit_preview(self, task: Callable[[], object]) -> None:
        """Do as :meth:`submit`, in places of their own, so that pictures that are finished find theirs free."""
        self._submit(task, self._free_preview_places)

    def flush(self) -> None:
        """Wait until everything submitted so far is done and emitted."""
        self._thread.submit(lambda: None).result()

    def _submit(self, task: Callable[[], object], places: threading.Semaphore) -> None:
        places.acquire()
        if self._error is not None:
            raise self._error  # the pipe is broken, for example: nothing more can be sent

        def run() -> None:
            try:
                task()
            except BaseException as error:
                self._error = error
            finally:
                places.release()

        self._thread.submit(run)

    def _written(self, task: LoadedTask, finished: Finished) -> Artwork | Failure:
        assignment, photo = task.assignment, task.photo
        began = self._clock()
        provenance = _provenance(assignment)
        try:
            notes = write_picture(
                finished.pixels,
                photo.alpha,
                replace(photo.metadata, dpi=_dpi(assignment)),
                provenance,
                assignment.picture,
                assignment.part_path,
                photo_profile=photo.profile,
            )
            sha256 = sha256_of_file(assignment.part_path)
        except StylewatchError as error:
            return Failure(finished.token, failure_kind(error), str(error))
        except OSError as error:
            cause = storage_error(assignment.part_path.parent, error)
            return Failure(finished.token, failure_kind(cause), str(cause))
        except MemoryError:
            return Failure(finished.token, FailureKind.MEMORY, "not enough memory to write the picture just now")
        return Artwork(
            token=finished.token,
            sha256=sha256,
            width=finished.pixels.shape[1],
            height=finished.pixels.shape[0],
            sizes=finished.sizes,
            iterations=finished.iterations,
            first=finished.first,
            last=finished.last,
            seconds=task.seconds + self._clock() - began,
            device=self._device_name,
            cache_hits=finished.cache_hits,
            cache_misses=finished.cache_misses,
            notes=(*photo.notes, *finished.notes, *notes, *_write_timelapse(task, finished)),
            history=finished.history,
        )

    def _save_snapshot(self, assignment: Assignment, snapshot: Snapshot) -> None:
        folder = assignment.snapshot_folder
        assert folder is not None
        path = folder / snapshot_name(snapshot.scale_index, snapshot.iteration)
        provenance, options = _provenance(assignment), PictureOptions(metadata="strip")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            write_picture(snapshot.pixels, None, Metadata(), provenance, options, path)
        except (StylewatchError, OSError, MemoryError):
            # An intermediate picture is optional: if the disk is at fault, the finished one reports it.
            return
        self._emit(SnapshotSaved(snapshot.token, path))


def _write_timelapse(task: LoadedTask, finished: Finished) -> tuple[str, ...]:
    assignment = task.assignment
    if task.timelapse is None:
        return ()
    return task.timelapse.write(timelapse_part(assignment.part_path), finished.pixels, assignment.key)


def snapshot_name(scale_index: int, iteration: int) -> str:
    """Return the name of an intermediate picture's file; ``scale_index`` counts from 0."""
    return f"scale{scale_index + 1}-{iteration:05d}.jpg"


#: Matches these names, and no finished picture's.
SNAPSHOT_NAME: Final = re.compile(r"scale\d+-\d{5,}\.jpg")


def failure_kind(error: StylewatchError) -> FailureKind:
    """Return what an engine's or a writer's error means for the job."""
    for error_type, kind in _FAILURE_KINDS:
        if isinstance(error, error_type):
            return kind
    return FailureKind.STORAGE if isinstance(error, CannotRunError) else FailureKind.ENGINE


def _dpi(assignment: Assignment) -> int:
    rule = assignment.recipe.size_rule
    return rule.dpi if rule is not None else 0


def _provenance(assignment: Assignment) -> Provenance:
    return Provenance(
        style=assignment.style.name,
        recipe=assignment.recipe.name,
        program=f"stylewatch {__version__}",
        key=assignment.key,
        written=written_as(assignment.picture),
        settings=record_of(assignment),
    )
