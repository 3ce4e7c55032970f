"""The messages between an executor and its worker process. Owns their types; does not send them.

The worker sends Ready first. Whenever it has room it sends Pull and gets Assign, sends what happens
(:data:`pipeline.model.ExecutorEvent`), and sends Idle when it was given nothing and has answered everything; then it
waits for Resume or End. Stop may come at any time: the pictures in progress are then finished in time or
return to the queue, and Idle follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import StylewatchError
from pipeline.model import Assignment, ExecutorEvent


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded; it works on ``capacity`` pictures at once."""

    capacity: int


@dataclass(frozen=True, slots=True)
class Pull:
    """Room for ``count`` more."""

    count: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing left to do."""


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """The worker can't work at all: the device is missing, or the weights, or a painting can't be read."""

    error: StylewatchError


FromWorker = Ready | Pull | Idle | WorkerFailed | ExecutorEvent


@dataclass(frozen=True, slots=True)
class Assign:
    """The answer to Pull; empty when there is nothing to do now."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Resume:
    """There may be work again: send Pull."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Begin nothing more; after ``grace_seconds`` save checkpoints of the pictures in progress and requeue them."""

    grace_seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """Exit."""


ToWorker = Assign | Resume | Stop | End
