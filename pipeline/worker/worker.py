"""The worker: photos from the reader to the engine, pictures from the engine to the writer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from pipeline.engine.events import Broken, Commission, Draft, Event, Finished, Orders, Resumed, Snapshot, Step
from pipeline.model import CheckpointRules, Failure, FailureKind, Occupancy, Progress
from pipeline.worker.checkpoint_policy import Keeper
from pipeline.worker.reading import Reader, Sitting, Source, Tell
from pipeline.worker.stop_deadline import ClosingTime
from pipeline.worker.writing import Writer, kind_of


class Engine(Protocol):
    """What a worker needs of :class:`pipeline.engine.scheduler.stylizer.Stylizer`."""

    @property
    def device_name(self) -> str:
        """Tell what the engine computes on, for the report."""
        ...

    def run(self, pull: Callable[[int], Sequence[Commission]], orders: Orders) -> Iterator[Event]:
        """Stylize what ``pull`` gives until it gives nothing more, or until ``orders`` suspend it."""
        ...


class Worker:
    """Turns assignments into temporary files, one engine run after another.

    ``tell`` is called from several threads, perhaps at once. ``ahead`` photos are decoded while the engine works on
    others; with 0, none is begun either before what is finished is written. ``rules``: how what is made of a picture
    is kept. Once ``closing`` time is announced, no picture is begun; when it has come, those in work are kept and put
    back. Pictures that would need more memory than ``most_bytes`` fail before they are begun.
    """

    def __init__(
        self,
        engine: Engine,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
        *,
        ahead: int = 0,
        rules: CheckpointRules = CheckpointRules(),
        closing: ClosingTime | None = None,
        most_bytes: float = math.inf,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ahead = ahead
        self._tell = tell
        self._keeper = Keeper(rules, tell, clock)
        self._most_bytes = most_bytes
        self._closing = closing or ClosingTime(clock)
        self._sittings: dict[str, Sitting] = {}
        self._last = 0.0

    def work(self, source: Source) -> None:
        """Work until ``source`` (asked for at most n assignments at a time) gives none and all are answered.

        Every assignment is answered by exactly one Artwork or Failure, told the moment it is known; but those that
        were not begun before closing time are not answered at all.
        """
        orders = Orders(suspend=self._closing.has_come, wants_draft=self._wants_draft)
        with (
            Writer(self._tell, self._clock, self._engine.device_name) as writer,
            Reader(source, self._tell, self._clock, self._ahead, self._most_bytes) as reader,
        ):
            for event in self._engine.run(lambda count: self._pull(reader, writer, count), orders):
                self._share_time()
                self._translate(event, writer)

    def _pull(self, reader: Reader, writer: Writer, count: int) -> list[Commission]:
        if self._closing.is_announced:
            return []
        if not self._ahead:
            # A worker that died before: what is finished must not die with the photo that is to blame.
            writer.settle()
        # With pictures in work, an empty answer only means "not now"; without any it would end the engine's run.
        idle = not self._sittings
        sittings = reader.take(count, wait=idle)
        for sitting in sittings:
            self._sittings[sitting.assignment.token] = sitting
            self._keeper.begin(sitting)
        if idle:
            self._last = self._clock()  # nobody pays for the wait
        return [_commission(sitting) for sitting in sittings]

    def _wants_draft(self, token: str) -> bool:
        return self._keeper.is_due(self._sittings[token])

    def _share_time(self) -> None:
        """Divide the time since the last event among the pictures in work: what each costs, however many share it."""
        now = self._clock()
        for sitting in self._sittings.values():
            sitting.seconds += (now - self._last) / len(self._sittings)
        self._last = now

    def _translate(self, event: Event, writer: Writer) -> None:
        match event:
            case Occupancy():
                self._tell(event)
            case Step():
                self._tell(_progress(event))
            case Snapshot():
                writer.snapshot(self._sittings[event.token].assignment, event)
            case Resumed():
                self._keeper.resume(self._sittings[event.token], event)
            case Draft():
                self._keep(event, writer)
            case Finished():
                writer.deliver(self._sittings.pop(event.token), event)
            case Broken():
                self._give_up(event, writer)

    def _keep(self, draft: Draft, writer: Writer) -> None:
        # By the writer's thread, in its order: a checkpoint is never written after its picture.
        sitting = self._sittings[draft.token]
        keep = self._keeper.task(sitting, draft)
        if draft.last:
            del self._sittings[draft.token]
            writer.submit(partial(self._keeper.put_back, sitting, draft, keep))
        else:
            writer.submit(keep)

    def _give_up(self, broken: Broken, writer: Writer) -> None:
        sitting, kind = self._sittings.pop(broken.token), kind_of(broken.error)
        failure = Failure(broken.token, kind, str(broken.error))
        if kind is FailureKind.ENGINE:
            writer.submit(lambda: self._keeper.discard(sitting))
        writer.submit(lambda: self._tell(failure))


def _commission(sitting: Sitting) -> Commission:
    assignment = sitting.assignment
    return Commission(
        token=assignment.token,
        photo=sitting.photo.pixels,
        style=assignment.style,
        recipe=assignment.recipe,
        checkpoint=assignment.checkpoint_path,
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
