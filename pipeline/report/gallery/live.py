"""What a program is doing, for the gallery: pictures in progress with their losses. Owns the bounded history of them.

One reader of the stream of events; writes nothing. How often its state is written is others' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.model import EvaluationShare, Job, JobStarted, Progress, RunEvent
from pipeline.report.run_progress import RunProgress

LIVE_NAME: Final = "data/live.js"

#: So many points of a picture's loss are shown; with more of them every second one goes.
MOST_POINTS: Final = 60


@dataclass(slots=True)
class _History:
    """Losses by the number of the evaluation, over all scales."""

    evaluations: int = 0
    points: list[list[float]] = field(default_factory=list)
    _step: int = 1

    def add(self, total: float) -> None:
        self.evaluations += 1
        if (self.evaluations - 1) % self._step == 0:
            self.points.append([self.evaluations, float(f"{total:.4g}")])
        if len(self.points) > MOST_POINTS:
            self.points = self.points[::2]
            self._step *= 2


@dataclass(frozen=True, slots=True)
class LiveImage:
    """The latest intermediate picture: its name in the gallery's folder, and a number that grows with each."""

    name: str | None = None
    revision: int = 0


@dataclass(slots=True)
class Canvas:
    """A picture in progress; ``evaluation_share`` 0..1 of the evaluation after the latest one is done."""

    token: str
    job: Job
    history: _History = field(default_factory=_History)
    progress: Progress | None = None
    evaluation_share: float = 0.0


class LivePictures:
    """The pictures in progress, and how far the program is."""

    def __init__(self) -> None:
        self._progress = RunProgress()
        self._canvases: dict[str, Canvas] = {}

    def update(self, event: RunEvent, now: float) -> None:
        """Take one event; ``now`` is in seconds of a monotonic clock."""
        self._progress.update(event, now)
        match event:
            case JobStarted():
                self._canvases[event.token] = Canvas(event.token, event.job)
            case Progress() if event.token in self._canvases:
                canvas = self._canvases[event.token]
                canvas.progress, canvas.evaluation_share = event, 0.0
                canvas.history.add(event.losses.total)
            case EvaluationShare() if event.token in self._canvases:
                self._canvases[event.token].evaluation_share = event.share
            case _:
                pass
        gone = self._canvases.keys() - self._progress.in_progress.keys()
        for token in gone:
            del self._canvases[token]

    def canvases(self) -> tuple[Canvas, ...]:
        """Return the pictures in progress, in the order of their beginning."""
        return tuple(self._canvases.values())

    def pictures_an_hour(self, now: float) -> float | None:
        """Return the speed of the latest pictures, None before the first one."""
        return self._progress.pictures_per_hour(now)

    def value(
        self, ids: Mapping[str, int], image: Callable[[str], LiveImage], *, note: str, now: float, monotonic: float
    ) -> dict[str, Any]:
        """Return what the file holds: ``ids`` of the ledger by token, ``image`` of a token.

        ``now`` is in seconds since the epoch.
        """
        progress, seconds = self._progress, self._progress.seconds_left(monotonic)
        return {
            "written": round(now),
            "working": bool(self._canvases) or progress.is_loading,
            "note": note,
            "left": progress.left,
            "seconds_left": None if seconds is None else round(seconds),
            "done": progress.done,
            "canvases": [
                _canvas_value(canvas, ids.get(canvas.token), image(canvas.token)) for canvas in self.canvases()
            ],
        }


def ended_value(now: float) -> dict[str, Any]:
    """Return what the file holds once no program works any more."""
    nothing: dict[str, Any] = {"left": 0, "seconds_left": None, "done": 0, "canvases": []}
    return {"written": round(now), "working": False, "note": "", **nothing}


def _canvas_value(canvas: Canvas, job_id: int | None, image: LiveImage) -> dict[str, Any]:
    job, progress = canvas.job, canvas.progress
    named = {"id": job_id, "photo": job.photo, "style": job.style, "recipe": job.recipe, "token": canvas.token}
    share = {"evaluation_share": round(canvas.evaluation_share, 3)}
    shown = {"image": image.name, "revision": image.revision, "history": canvas.history.points, **share}
    if progress is None:
        begun = dict.fromkeys(("scale_index", "scale_count", "size", "iteration", "iterations"), 0)
        return named | shown | begun | {"losses": None}
    losses = progress.losses
    return (
        named
        | shown
        | {
            "scale_index": progress.scale_index,
            "scale_count": progress.scale_count,
            "size": progress.size,
            "iteration": progress.iteration,
            "iterations": progress.iterations,
            "losses": {"content": losses.content, "style": losses.style, "total": losses.total},
        }
    )
