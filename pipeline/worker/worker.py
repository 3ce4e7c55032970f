"""Makes assignments into pictures. Owns the way from the reader through the engine to the writer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from pipeline.engine.events import (
    CheckpointReady,
    Event,
    Failed,
    Finished,
    Preview,
    Request,
    Resumed,
    RunControl,
    Snapshot,
)
from pipeline.engine.faces.guarding import FindFaces, find_faces
from pipeline.model import (
    Artwork,
    CheckpointRules,
    EvaluationShare,
    Failure,
    FailureKind,
    JobSource,
    Occupancy,
    Progress,
)
from pipeline.worker.checkpoint_policy import CheckpointPolicy
from pipeline.worker.previews import Previews
from pipeline.worker.reading import Emit, LoadedTask, Reader
from pipeline.worker.stop_deadline import StopDeadline
from pipeline.worker.writing import Writer, failure_kind

#: Of each picture it is told at most so often how far its evaluation is.
_SHARE_SECONDS: Final = 1.0


class Engine(Protocol):
    """What a worker needs of :class:`pipeline.engine.scheduler.stylizer.Stylizer`."""

    @property
    def device_name(self) -> str:
        """Return what the engine computes on, for the report."""
        ...

    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl) -> Iterator[Event]:
        """Stylize what ``pull`` gives until it gives nothing more, or until ``control`` suspends it."""
        ...


class Worker:
    """Turns assignments into temporary files, one engine run after another.

    ``emit`` is called from several threads, perhaps at once. ``photos_ahead`` photos are decoded while the engine
    works on others; with 0, none is begun before the finished pictures are written. ``checkpoint_rules``: when
    checkpoints are saved. Once ``stop_deadline`` is set, no picture is begun; once it has passed, checkpoints of the
    pictures in progress are saved and they return to the queue. Pictures that would need more memory than
    ``memory_limit_bytes`` fail before they are begun. ``find_faces``: what finds those that a recipe keeps.
    """

    def __init__(
        self,
        engine: Engine,
        emit: Emit,
        clock: Callable[[], float] = time.monotonic,
        *,
        photos_ahead: int = 0,
        checkpoint_rules: CheckpointRules = CheckpointRules(),
        stop_deadline: StopDeadline | None = None,
        memory_limit_bytes: float = math.inf,
        find_faces: FindFaces = find_faces,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._photos_ahead = photos_ahead
        self._emit = emit
        self._checkpoints = CheckpointPolicy(checkpoint_rules, emit, clock)
        self._previews = Previews(emit, clock)
        self._memory_limit_bytes = memory_limit_bytes
        self._find_faces = find_faces
        self._stop_deadline = stop_deadline or StopDeadline(clock)
        self._tasks: dict[str, LoadedTask] = {}
        self._last_event_at = 0.0

    def work(self, source: JobSource) -> None:
        """Work until ``source`` (asked for at most n assignments at a time) gives none and all are answered.

        Every assignment is answered by exactly one Artwork or Failure, emitted the moment it is known; those that
        were not begun when ``stop_deadline`` was set are not answered at all.
        """
        with (
            Writer(self._emit, self._clock, self._engine.device_name) as writer,
            Reader(
                source, self._emit, self._clock, self._photos_ahead, self._memory_limit_bytes, self._find_faces
            ) as reader,
        ):
            control = RunControl(
                suspend=self._stop_deadline.has_passed,
                wants_checkpoint=self._wants_checkpoint,
                wants_preview=partial(self._wanted_preview_pixels, writer),
                on_share=self._tell_share,
            )
            for event in self._engine.run(lambda count: self._pull(reader, writer, count), control):
                self._divide_time()
                self._handle_event(event, writer)

    def _pull(self, reader: Reader, writer: Writer, count: int) -> list[Request]:
        if self._stop_deadline.is_set:
            return []
        if not self._photos_ahead:
            # After a worker died: finished pictures must not be lost with the photo that kills this one, too.
            writer.flush()
        # With pictures in progress, an empty answer means "not now"; without any it ends the engine's run.
        idle = not self._tasks
        tasks = reader.next_tasks(count, wait=idle)
        for task in tasks:
            self._tasks[task.assignment.token] = task
            self._checkpoints.begin(task)
            self._previews.begin(task)
        if idle:
            self._last_event_at = self._clock()  # the wait counts for no picture
        return [_request_for(task) for task in tasks]

    def _wants_checkpoint(self, token: str) -> bool:
        return self._checkpoints.is_due(self._tasks[token], self._tasks.values())

    def _wanted_preview_pixels(self, writer: Writer, token: str, evaluations: int) -> int:
        if not writer.has_room_for_preview():
            return 0
        task = self._tasks[token]
        frame_pixels = task.timelapse.wanted_pixels(evaluations) if task.timelapse is not None else 0
        return max(frame_pixels, self._previews.wanted_pixels(task, len(self._tasks)))

    def _tell_share(self, token: str, share: float) -> None:
        """Tell how far an evaluation is, now and then; called in the thread that evaluates."""
        task, now = self._tasks[token], self._clock()
        if task.told_at is None or now - task.told_at >= _SHARE_SECONDS:
            task.told_at = now
            self._emit(EvaluationShare(token, share))

    def _divide_time(self) -> None:
        """Add the time since the last event to the pictures in progress, in equal shares."""
        now = self._clock()
        for task in self._tasks.values():
            task.seconds += (now - self._last_event_at) / len(self._tasks)
        self._last_event_at = now

    def _handle_event(self, event: Event, writer: Writer) -> None:
        match event:
            case Occupancy() | Progress():
                self._emit(event)
            case Snapshot():
                writer.write_snapshot(self._tasks[event.token].assignment, event)
            case Preview():
                self._use_preview(event, writer)
            case Resumed():
                self._checkpoints.resume(self._tasks[event.token], event)
            case CheckpointReady():
                self._save_checkpoint(event, writer)
            case Finished():
                self._write(self._tasks.pop(event.token), event, writer)
            case Failed():
                self._handle_failure(event, writer)

    def _use_preview(self, preview: Preview, writer: Writer) -> None:
        task = self._tasks[preview.token]
        uses: list[Callable[[], None]] = []
        if task.timelapse is not None and task.timelapse.wanted_pixels(preview.evaluations):
            uses.append(task.timelapse.prepare_add(preview.evaluations, preview.pixels))
        if self._previews.wanted_pixels(task, len(self._tasks)):
            uses.append(self._previews.prepare_save(task, preview))
        writer.submit_preview(lambda: [use() for use in uses])

    def _write(self, task: LoadedTask, finished: Finished, writer: Writer) -> None:
        def make_copies(answer: Artwork | Failure) -> None:
            if isinstance(answer, Artwork):
                self._previews.finish(task, finished, answer)
            self._previews.remove_live(task)

        writer.write(task, finished, make_copies)

    def _save_checkpoint(self, checkpoint: CheckpointReady, writer: Writer) -> None:
        # On the writer's thread, in its order: a checkpoint is never written after its picture.
        task = self._tasks[checkpoint.token]
        save = self._checkpoints.prepare_save(task, checkpoint)
        if checkpoint.last:
            del self._tasks[checkpoint.token]
            writer.submit(partial(self._checkpoints.requeue, task, checkpoint, save))
            writer.submit(partial(self._previews.remove_live, task))
        else:
            writer.submit(save)

    def _handle_failure(self, failed: Failed, writer: Writer) -> None:
        task, kind = self._tasks.pop(failed.token), failure_kind(failed.error)
        failure = Failure(failed.token, kind, str(failed.error))
        if kind is FailureKind.ENGINE:
            writer.submit(lambda: self._checkpoints.discard(task))
        writer.submit(lambda: self._emit(failure))
        writer.submit(partial(self._previews.remove_live, task))


def _request_for(task: LoadedTask) -> Request:
    assignment = task.assignment
    return Request(
        token=assignment.token,
        photo=task.photo.pixels,
        style=assignment.style,
        recipe=task.recipe,
        checkpoint=assignment.checkpoint_path,
        places=task.places,
        alpha=task.photo.alpha,
    )
