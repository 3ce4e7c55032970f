"""Reads, hashes and decodes photos ahead of the engine. Owns a thread and a bounded queue."""

from __future__ import annotations

import dataclasses
import io
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from pipeline.engine.events import Places
from pipeline.engine.faces.guarding import FindFaces, find_faces
from pipeline.engine.memory.requirements import least_need_at
from pipeline.errors import CodecError, PhotoError
from pipeline.failpoints import failpoint
from pipeline.images.decode import DecodedPhoto, decode, fit, read_size
from pipeline.images.formats import longest_side_pixels, roomier_format
from pipeline.intake.containers import examine_open
from pipeline.intake.safe_open import open_assigned, unreadable
from pipeline.model import (
    Assignment,
    ExecutorEvent,
    Failure,
    FailureKind,
    JobSource,
    PictureOptions,
    Recipe,
    Started,
)
from pipeline.worker.claimed_content import UnusableFileError, claimed_content
from pipeline.worker.places import places_of, with_faces
from pipeline.worker.timelapses import Timelapse

Emit = Callable[[ExecutorEvent], None]


@dataclass(slots=True)
class LoadedTask:
    """An assignment with its decoded photo, and the seconds spent on it: reading, then its share of the engine.

    ``saved_at``: when its last checkpoint was saved, or work began. ``saved_evaluations``: how many evaluations are
    in that checkpoint, 0 = there is none. ``waits_to_be_saved``: one is due, but another was being written.
    ``shown_at``: when its last preview was saved, or work began. ``told_at``: when it was last told
    how far its evaluation is, None = never. ``timelapse``: its frames so far, None if it gets none. ``places``: what
    differs by place in it, None = nothing. ``recipe``: what this photo's picture is made by, the assignment's with
    its size in pixels.
    """

    assignment: Assignment
    photo: DecodedPhoto
    seconds: float
    recipe: Recipe
    saved_at: float = 0.0
    saved_evaluations: int = 0
    waits_to_be_saved: bool = False
    shown_at: float = 0.0
    told_at: float | None = None
    timelapse: Timelapse | None = None
    places: Places | None = None


class Reader:
    """Gives decoded photos of a source's assignments, at most ``photos_ahead`` decoded before they are asked for.

    A context manager. ``emit`` gets Started before a photo's first byte is read (so that the parent knows which photo
    killed the process, should one do so) and a Failure for each photo that can't be decoded, or whose picture would
    need more than ``memory_limit_bytes``; it is called from the reader's thread. With ``photos_ahead`` 0 there is no
    thread: photos are read when they are asked for.
    """

    def __init__(
        self,
        source: JobSource,
        emit: Emit,
        clock: Callable[[], float],
        photos_ahead: int,
        memory_limit_bytes: float = math.inf,
        find_faces: FindFaces = find_faces,
    ) -> None:
        self._source = source
        self._find_faces = find_faces
        self._emit = emit
        self._clock = clock
        self._photos_ahead = photos_ahead
        self._memory_limit_bytes = memory_limit_bytes
        self._changed = threading.Condition()
        self._ready: deque[LoadedTask] = deque()
        self._source_is_empty = False
        self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read_ahead, name="reader", daemon=True)

    def __enter__(self) -> Reader:
        """Start reading."""
        if self._photos_ahead:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread; photos that were ready are dropped without an answer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._photos_ahead:
            self._thread.join()

    def next_tasks(self, count: int, *, wait: bool) -> list[LoadedTask]:
        """Return at most ``count`` decoded photos: what is ready, or with ``wait`` at least one if there is any.

        An empty list in spite of ``wait`` means that the source gave nothing. Raises what the source raised.
        """
        if not self._photos_ahead:
            return self._read_now(count)
        with self._changed:
            self._source_is_empty = False  # it may have new assignments by now
            self._changed.notify_all()
            if wait:
                self._changed.wait_for(lambda: self._ready or self._source_is_empty or self._error)
            if self._error is not None:
                raise self._error
            tasks = [self._ready.popleft() for _ in range(min(count, len(self._ready)))]
            self._changed.notify_all()
        return tasks

    def _read_now(self, count: int) -> list[LoadedTask]:
        tasks: list[LoadedTask] = []
        while len(tasks) < count and (assignments := self._source(count - len(tasks))):
            tasks += filter(None, map(self._read, assignments))
        return tasks

    def _read_ahead(self) -> None:
        try:
            while self._has_room():
                assignments = self._source(1)
                tasks = list(filter(None, map(self._read, assignments)))
                with self._changed:
                    self._ready.extend(tasks)
                    self._source_is_empty = not assignments
                    self._changed.notify_all()
        except BaseException as error:  # raised again by next_tasks()
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait until there is room for one more photo and the source may have one; False when it is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (len(self._ready) < self._photos_ahead and not self._source_is_empty)
            )
            return not self._closed

    def _read(self, assignment: Assignment) -> LoadedTask | None:
        self._emit(Started(assignment.token))
        began = self._clock()
        try:
            photo, recipe = _decoded(assignment, self._memory_limit_bytes)
            masked = places_of(assignment, photo)
            places, notes = with_faces(masked, recipe, photo, self._find_faces)
        except UnusableFileError as problem:
            self._emit(Failure(assignment.token, problem.kind, str(problem)))
            return None
        except MemoryError:
            self._emit(Failure(assignment.token, FailureKind.MEMORY, "not enough memory to read the photo just now"))
            return None
        failpoint("worker-decoded")
        timelapse = Timelapse(recipe, photo.pixels.shape[:2]) if recipe.timelapse else None
        photo = dataclasses.replace(photo, notes=(*photo.notes, *notes))
        return LoadedTask(assignment, photo, self._clock() - began, recipe=recipe, timelapse=timelapse, places=places)


def _decoded(assignment: Assignment, memory_limit_bytes: float) -> tuple[DecodedPhoto, Recipe]:
    """Return the photo at its picture's size, and what that is made by. Raises UnusableFileError, MemoryError."""
    data, lack = _without_unwritten_end(_bytes_of(assignment))
    try:
        recipe = assignment.recipe
        if recipe.size_rule is not None:
            recipe = recipe.for_photo(*read_size(io.BytesIO(data)))
            _check_format(recipe, assignment.picture)
        # No shape has more pixels than the square.
        if least_need_at(recipe, recipe.size**2) > memory_limit_bytes:
            _check_memory(recipe, data, memory_limit_bytes)
        return decode(data, long_side=recipe.size, max_pixels=assignment.max_pixels), recipe
    except PhotoError as error:
        raise UnusableFileError(FailureKind.PHOTO, f"{lack}; {error}" if lack else str(error)) from error
    except CodecError as error:
        raise UnusableFileError(FailureKind.CODEC, str(error)) from error


def _without_unwritten_end(data: bytes) -> tuple[bytes, str]:
    """Return a photo's bytes, and what an incomplete one lacks, "" for others.

    An incomplete photo comes here once it has not changed for long, since some are whole all the same. But codecs
    take zeros, where space was set aside and never written, for picture data: only without them do they notice.
    """
    check = examine_open(io.BytesIO(data), len(data))
    return (data.rstrip(b"\0"), check.reason) if check.kind == "incomplete" else (data, "")


def _check_format(recipe: Recipe, options: PictureOptions) -> None:
    """Raise UnusableFileError for a picture that would be too large for its file's format."""
    longest = longest_side_pixels(options.format)
    if recipe.size > longest:
        raise UnusableFileError(
            FailureKind.FORMAT,
            f"a {options.format} file holds at most {longest:,} pixels a side, and the picture would have "
            f"{recipe.size:,}; use max_size: {longest} in recipe {recipe.name!r}, or output.format: "
            f"{roomier_format(options.format, recipe.size)}",
        )


def _check_memory(recipe: Recipe, data: bytes, memory_limit_bytes: float) -> None:
    """Raise UnusableFileError for a picture that would need more memory than the machine has in all.

    To try it would take the memory from every other program and end with a killed process.
    Raises as :func:`pipeline.images.decode.decode` does.
    """
    width, height = fit(read_size(io.BytesIO(data)), recipe.size)
    need = least_need_at(recipe, height * width)
    if need > memory_limit_bytes:
        raise UnusableFileError(
            FailureKind.SIZE,
            f"a picture of {width} × {height} pixels takes about {need / 1e9:,.0f} GB of memory, more than this "
            f"machine has or engine.memory leaves; use a smaller size in recipe {recipe.name!r}",
        )


def _bytes_of(assignment: Assignment) -> bytes:
    try:
        return claimed_content(partial(open_assigned, assignment), assignment.photo_sha256, "the photo")
    except FileNotFoundError as error:
        raise UnusableFileError(FailureKind.GONE, "the photo is gone") from error
    except OSError as error:
        kind = FailureKind.ENGINE if isinstance(error, PermissionError) else FailureKind.UNREADABLE
        raise UnusableFileError(kind, unreadable(assignment.job.photo, error)) from error
