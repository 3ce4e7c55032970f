"""The worker: photos from the reader to the engine, pictures from the engine to the writer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from pipeline.engine.events import CheckpointReady, Event, Failed, Finished, Request, Resumed, RunControl, Snapshot
from pipeline.model import CheckpointRules, Failure, FailureKind, Occupancy, Progress
from pipeline.worker.checkpoint_policy import CheckpointPolicy
from pipeline.worker.reading import Emit, LoadedTask, Reader, Source
from pipeline.worker.stop_deadline import StopDeadline
from pipeline.worker.writing import Writer, kind_of


class Engine(Protocol):
    """What a worker needs of :class:`pipeline.engine.scheduler.stylizer.Stylizer`."""

    @property
    def device_name(self) -> str:
        """Tell what the engine computes on, for the report."""
        ...

    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl) -> Iterator[Event]:
        """Stylize what ``pull`` gives until it gives nothing more, or until ``control`` suspend it."""
        ...


class Worker:
    """Turns assignments into temporary files, one engine run after another.

    ``emit`` is called from several threads, perhaps at once. ``ahead`` photos are decoded while the engine works on
    others; with 0, none is begun either before what is finished is written. ``rules``: how what is made of a picture
    is kept. Once ``stop_deadline`` is set, no picture is begun; once it has passed, those in work are kept and put
    back. Pictures that would need more memory than ``most_bytes`` fail before they are begun.
    """

    def __init__(
        self,
        engine: Engine,
        emit: Emit,
        clock: Callable[[], float] = time.monotonic,
        *,
        ahead: int = 0,
        rules: CheckpointRules = CheckpointRules(),
        stop_deadline: StopDeadline | None = None,
        most_bytes: float = math.inf,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ahead = ahead
        self._emit = emit
        self._checkpoints = CheckpointPolicy(rules, emit, clock)
        self._most_bytes = most_bytes
        self._stop_deadline = stop_deadline or StopDeadline(clock)
        self._tasks: dict[str, LoadedTask] = {}
        self._last = 0.0

    def work(self, source: Source) -> None:
        """Work until ``source`` (asked for at most n assignments at a time) gives none and all are answered.

        Every assignment is answered by exactly one Artwork or Failure, told the moment it is known; but those that
        were not begun before stop_deadline time are not answered at all.
        """
        control = RunControl(suspend=self._stop_deadline.has_passed, wants_checkpoint=self._wants_checkpoint)
        with (
            Writer(self._emit, self._clock, self._engine.device_name) as writer,
            Reader(source, self._emit, self._clock, self._ahead, self._most_bytes) as reader,
        ):
            for event in self._engine.run(lambda count: self._pull(reader, writer, count), control):
                self._share_time()
                self._translate(event, writer)

    def _pull(self, reader: Reader, writer: Writer, count: int) -> list[Request]:
        if self._stop_deadline.is_set:
            return []
        if not self._ahead:
            # A worker that died before: what is finished must not die with the photo that is to blame.
            writer.settle()
        # With pictures in work, an empty answer only means "not now"; without any it would end the engine's run.
        idle = not self._tasks
        tasks = reader.take(count, wait=idle)
        for task in tasks:
            self._tasks[task.assignment.token] = task
            self._checkpoints.begin(task)
        if idle:
            self._last = self._clock()  # nobody pays for the wait
        return [_request_of(task) for task in tasks]

    def _wants_checkpoint(self, token: str) -> bool:
        return self._checkpoints.is_due(self._tasks[token])

    def _share_time(self) -> None:
        """Divide the time since the last event among the pictures in work: what each costs, however many share it."""
        now = self._clock()
        for task in self._tasks.values():
            task.seconds += (now - self._last) / len(self._tasks)
        self._last = now

    def _translate(self, event: Event, writer: Writer) -> None:
        match event:
            case Occupancy() | Progress():
                self._emit(event)
            case Snapshot():
                writer.snapshot(self._tasks[event.token].assignment, event)
            case Resumed():
                self._checkpoints.resume(self._tasks[event.token], event)
            case CheckpointReady():
                self._keep(event, writer)
            case Finished():
                writer.deliver(self._tasks.pop(event.token), event)
            case Failed():
                self._give_up(event, writer)

    def _keep(self, checkpoint: CheckpointReady, writer: Writer) -> None:
        # By the writer's thread, in its order: a checkpoint is never written after its picture.
        task = self._tasks[checkpoint.token]
        keep = self._checkpoints.task(task, checkpoint)
        if checkpoint.last:
            del self._tasks[checkpoint.token]
            writer.submit(partial(self._checkpoints.put_back, task, checkpoint, keep))
        else:
            writer.submit(keep)

    def _give_up(self, broken: Failed, writer: Writer) -> None:
        task, kind = self._tasks.pop(broken.token), kind_of(broken.error)
        failure = Failure(broken.token, kind, str(broken.error))
        if kind is FailureKind.ENGINE:
            writer.submit(lambda: self._checkpoints.discard(task))
        writer.submit(lambda: self._emit(failure))


def _request_of(task: LoadedTask) -> Request:
    assignment = task.assignment
    return Request(
        token=assignment.token,
        photo=task.photo.pixels,
        style=assignment.style,
        recipe=assignment.recipe,
        checkpoint=assignment.checkpoint_path,
    )
