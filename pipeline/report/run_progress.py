"""Counts how far a run is: how many pictures, how fast, how long still. Owns the counting; displays nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pipeline.model import (
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    NetworkLoading,
    Progress,
    RunEvent,
    RunFinished,
    RunStarted,
)

#: Sizes about double from scale to scale, so an evaluation takes about four times as long as at the scale before.
_COST_RATIO: Final = 4.0


@dataclass(slots=True)
class JobProgress:
    """A job that is being worked on, and its latest evaluation."""

    job: Job
    progress: Progress | None = None

    def share_done(self) -> float:
        """Return how much of the picture's work is done, 0..1, by iterations and the scales' cost."""
        if self.progress is None:
            return 0.0
        now = self.progress
        costs: list[float] = [_COST_RATIO**scale for scale in range(now.scale_count)]
        here = costs[now.scale_index] * now.iteration / max(1, now.iterations)
        return (sum(costs[: now.scale_index]) + here) / sum(costs)


@dataclass(slots=True)
class RunProgress:
    """The count of a run's pictures. ``began`` and every ``now`` are seconds of one monotonic clock."""

    began: float
    planned: int = 0
    made: int = 0
    copied: int = 0
    failed: int = 0
    of_unusable_photos: int = 0
    finished_before: int = 0
    in_progress: dict[str, JobProgress] = field(default_factory=dict)
    is_loading: bool = False

    def update(self, event: RunEvent) -> None:
        """Count one event."""
        match event:
            case RunStarted():
                self.planned, self.finished_before = event.jobs, event.done
            case NetworkLoading():
                self.is_loading = True
                self.in_progress.clear()  # those of a worker that died
            case JobStarted():
                self.is_loading = False
                self._remove(event.job)
                self.in_progress[event.token] = JobProgress(event.job)
            case Progress() if event.token in self.in_progress:
                self.in_progress[event.token].progress = event
            case JobFinished():
                self.in_progress.pop(event.token, None)
                self.made += event.artwork is not None
                self.copied += event.artwork is None
            case JobFailed():
                self.in_progress.pop(event.token, None)
                self.of_unusable_photos += event.photo_set_aside
                self.failed += event.state != JobState.PENDING and not event.photo_set_aside
            case RunFinished():
                self.is_loading = False
                self.in_progress.clear()
            case _:
                pass

    def _remove(self, job: Job) -> None:
        # There is no event for a job that returned to the queue, as after a worker's death, until it starts again.
        for token in [token for token, other in self.in_progress.items() if other.job == job]:
            del self.in_progress[token]

    @property
    def done(self) -> int:
        """Pictures that are finished or failed in this run, or whose photo was set aside."""
        return self.made + self.copied + self.failed + self.of_unusable_photos

    @property
    def total(self) -> int:
        """Pictures of this run; photos that arrive meanwhile can make them more than planned."""
        return max(self.planned, self.done + len(self.in_progress))

    def pictures_per_second(self, now: float) -> float:
        """Return the speed so far, unfinished pictures counted by their share; 0 while it is unknown."""
        elapsed = now - self.began
        return (self.made + self._unfinished_share()) / elapsed if elapsed > 0 else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest will take at the speed so far, None while it is unknown."""
        speed = self.pictures_per_second(now)
        return (self.total - self.done - self._unfinished_share()) / speed if speed else None

    def _unfinished_share(self) -> float:
        return sum(job.share_done() for job in list(self.in_progress.values()))
