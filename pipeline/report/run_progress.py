"""Counts how far a program is: how many pictures, how fast, how long still. Owns the counting; displays nothing.

There is one backlog: what was made since there was last nothing to do, in however many passes, and what is left.
``total`` is both, and what failed in this pass. A picture that failed and is tried again later is neither done nor
left: once it is due again, it is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.model import (
    BacklogChanged,
    EvaluationShare,
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
from pipeline.report.backlog_count import BacklogCount
from pipeline.report.throughput import Throughput
from pipeline.report.time_left import TimeLeft


@dataclass(slots=True)
class JobProgress:
    """A job that is being worked on, its latest evaluation, and how much of its work is done, 0..1.

    ``evaluation_share``: how much of the evaluation after that one is done, 0..1, as far as that was told.
    """

    job: Job
    progress: Progress | None = None
    share_done: float = 0.0
    evaluation_share: float = 0.0


@dataclass(slots=True)
class RunProgress:
    """The count of the present run's pictures; every ``now`` is in seconds of one monotonic clock."""

    is_planned: bool = False
    made: int = 0
    copied: int = 0
    made_before: int = 0
    finished_before: int = 0
    in_progress: dict[str, JobProgress] = field(default_factory=dict)
    is_loading: bool = False
    _failed: set[Job] = field(default_factory=set)
    _backlog: BacklogCount = field(default_factory=BacklogCount)
    _time_left: TimeLeft = field(default_factory=lambda: TimeLeft(None, 0.0))
    _throughput: Throughput = field(default_factory=Throughput)

    def update(self, event: RunEvent, now: float) -> None:
        """Count one event."""
        self._backlog.update(event)
        self._throughput.update(event, now)
        match event:
            case RunStarted():
                self._start(event, now)
            case NetworkLoading():
                self.is_loading = True
                self.in_progress.clear()  # those of a worker that died
            case BacklogChanged() if not self.is_planned:  # 'try' has no run, only pictures
                self._time_left = TimeLeft(None, now)
            case JobStarted():
                self._begin(event)
            case Progress() if event.token in self.in_progress:
                self._time_left.progress(event, now)
                job = self.in_progress[event.token]
                job.progress, job.share_done = event, self._time_left.share(event.token)
                job.evaluation_share = 0.0
            case EvaluationShare() if event.token in self.in_progress:
                self._time_left.progress_within(event, now)
                job = self.in_progress[event.token]
                job.evaluation_share, job.share_done = event.share, self._time_left.share(event.token)
            case JobFinished():
                self._finish(event, now)
            case JobFailed():
                self._fail(event)
            case RunFinished():
                self.is_loading = False
                self.in_progress.clear()
            case _:
                pass

    def _start(self, event: RunStarted, now: float) -> None:
        self.is_planned = True
        self.made = self.copied = 0
        self._failed.clear()
        self.in_progress.clear()
        self.made_before, self.finished_before = event.made_before, event.done
        self._time_left = TimeLeft(event.estimate, now)

    def _begin(self, event: JobStarted) -> None:
        # There is no event for a job that returned to the queue, as after a worker's death, until it starts again.
        for token in [token for token, other in self.in_progress.items() if other.job == event.job]:
            del self.in_progress[token]
            self._time_left.restart(token)
        self._failed.discard(event.job)
        self.is_loading = False
        self.in_progress[event.token] = JobProgress(event.job)
        self._time_left.begin(event.token, event.job.recipe)

    def _finish(self, event: JobFinished, now: float) -> None:
        self.in_progress.pop(event.token, None)
        self.made += event.artwork is not None
        self.copied += event.artwork is None
        if event.artwork is None:
            self._time_left.drop(event.token)
        else:
            self._time_left.finish(event.token, event.job.recipe, now)

    def _fail(self, event: JobFailed) -> None:
        self.in_progress.pop(event.token, None)
        if event.state == JobState.PENDING:
            self._time_left.restart(event.token)
        else:
            self._time_left.drop(event.token)
            if not event.photo_set_aside:
                self._failed.add(event.job)

    @property
    def failed(self) -> int:
        """Pictures that failed in this pass, those that are tried again later included; none of unusable photos."""
        return len(self._failed)

    @property
    def done(self) -> int:
        """Pictures of this backlog that are made or copied."""
        return self.made_before + self.made + self.copied

    @property
    def left(self) -> int:
        """Pictures of this backlog that are still to be made, those in progress included."""
        return max(self._backlog.total(), len(self.in_progress))

    @property
    def total(self) -> int:
        """Pictures of this backlog, made, left and failed; photos that arrive make them more."""
        return self.done + self.failed + self.left

    def pictures_per_hour(self, now: float) -> float | None:
        """Return the speed of the latest pictures, also of runs before, None before the first one is made."""
        return self._throughput.per_hour(now)

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest will take, None while it is unknown."""
        return self._time_left.seconds(self._backlog.left, now)
