"""What an executor and its worker process say to each other over their pipe. Owns the words, not the talk.

The worker speaks first (Ready), then asks (Pull) whenever it has room and is answered (Assign), tells what
happens (:data:`pipeline.model.ExecutorEvent`), and says Idle when it was given nothing and owes nothing; then
it waits for Resume or End. Stop may come at any time: what is in work is then finished in time or put back, and Idle
follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import StylewatchError
from pipeline.model import Assignment, ExecutorEvent


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded; it works on ``capacity`` pictures at once."""

    capacity: int
    device: str


@dataclass(frozen=True, slots=True)
class Pull:
    """Room for ``count`` more."""

    count: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing left to do."""


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """The worker can't work at all: no such device, no weights, a painting that can't be read."""

    error: StylewatchError


FromWorker = Ready | Pull | Idle | WorkerFailed | ExecutorEvent


@dataclass(frozen=True, slots=True)
class Assign:
    """The answer to Pull; empty when there is nothing to do now."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Resume:
    """There may be work again: pull."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Begin nothing more; in ``grace_seconds`` keep what is made of the pictures in work and put them back."""

    grace_seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """Exit."""


ToWorker = Assign | Resume | Stop | End
