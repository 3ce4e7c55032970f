"""The worker: photos from the reader to the engine, pictures from the engine to the writer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from pipeline.engine.events import Broken, Commission, Event, Finished, Snapshot, Step
from pipeline.model import Failure, Occupancy, Progress
from pipeline.worker.reading import Reader, Sitting, Source, Tell
from pipeline.worker.writing import Writer, kind_of


class Engine(Protocol):
    """What a worker needs of :class:`pipeline.engine.stylizer.Stylizer`."""

    @property
    def device_name(self) -> str:
        """Tell what the engine computes on, for the report."""
        ...

    def run(self, pull: Callable[[int], Sequence[Commission]]) -> Iterator[Event]:
        """Stylize what ``pull`` gives until it gives nothing more."""
        ...


class Worker:
    """Turns assignments into temporary files, one engine run after another.

    ``tell`` is called from several threads, perhaps at once. ``ahead`` photos are decoded while the engine works on
    others.
    """

    def __init__(
        self, engine: Engine, tell: Tell, clock: Callable[[], float] = time.monotonic, *, ahead: int = 0
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ahead = ahead
        self._tell = tell
        self._sittings: dict[str, Sitting] = {}
        self._last = 0.0

    def work(self, source: Source) -> None:
        """Work until ``source`` (asked for at most n assignments at a time) gives none and all are answered.

        Every assignment is answered by exactly one Artwork or Failure, told the moment it is known.
        """
        with (
            Writer(self._tell, self._clock, self._engine.device_name) as writer,
            Reader(source, self._tell, self._clock, self._ahead) as reader,
        ):
            for event in self._engine.run(lambda count: self._pull(reader, count)):
                self._share_time()
                self._translate(event, writer)

    def _pull(self, reader: Reader, count: int) -> list[Commission]:
        # With pictures in work, an empty answer only means "not now"; without any it would end the engine's run.
        idle = not self._sittings
        sittings = reader.take(count, wait=idle)
        self._sittings.update({sitting.assignment.token: sitting for sitting in sittings})
        if idle:
            self._last = self._clock()  # nobody pays for the wait
        return [_commission(sitting) for sitting in sittings]

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
            case Finished():
                writer.deliver(self._sittings.pop(event.token), event)
            case Broken():
                del self._sittings[event.token]
                self._tell(Failure(event.token, kind_of(event.error), str(event.error)))


def _commission(sitting: Sitting) -> Commission:
    assignment = sitting.assignment
    return Commission(
        token=assignment.token, photo=sitting.photo.pixels, style=assignment.style, recipe=assignment.recipe
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
