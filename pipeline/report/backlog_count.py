"""Counts what is still to be made, by the events of a run. Owns what each event means for that count."""

from __future__ import annotations

from collections import Counter

from pipeline.model import BacklogChanged, Job, JobFailed, JobFinished, JobState, RunEvent, RunStarted


class BacklogCount:
    """The pictures that are ``left``, by recipe, those in progress included.

    One that failed is not among them, unless it returned to the queue at once.
    """

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()

    def update(self, event: RunEvent) -> None:
        """Count one event."""
        match event:
            case RunStarted():
                self._set(event.jobs, event.recipes)
            case BacklogChanged():
                self._set(event.left, event.recipes)
            case JobFinished():
                self._end(event.job)
            case JobFailed() if event.state != JobState.PENDING:
                self._end(event.job)
            case _:
                pass

    def total(self) -> int:
        """Return how many are left."""
        return self.left.total()

    def _set(self, count: int, recipes: dict[str, int]) -> None:
        # An event without recipes stands for pictures of one kind.
        left = Counter(recipes or {"default": count})
        self.left = Counter({recipe: number for recipe, number in left.items() if number > 0})

    def _end(self, job: Job) -> None:
        recipe = job.recipe if self.left[job.recipe] else next(iter(+self.left), job.recipe)
        left = Counter(self.left)
        left[recipe] -= 1
        self.left = +left  # replaced, not changed: the terminal's thread may be reading it
