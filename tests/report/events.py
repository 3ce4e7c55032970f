"""Events of an imagined run, for the tests of their readers."""

from typing import Any

from pipeline.model import (
    Artwork,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    Losses,
    Progress,
    RunFinished,
    RunStarted,
)

LION = Job("zoo/lion.jpg", "wave", "default")
CAFE = Job("caf\udce9.jpg", "night", "fine")


def started(**changes: Any) -> RunStarted:
    return RunStarted(**{"run_id": "r1", "config": "my.yaml", "photos": 2, "jobs": 3, "done": 1, **changes})


def begun(job: Job = LION, token: str = "t1") -> JobStarted:
    return JobStarted(token, job, f"{job.photo}--{job.style}.jpg")


def progress(iteration: int, scale_index: int = 0, token: str = "t1", **changes: Any) -> Progress:
    fields = {"scale_count": 2, "size": 128 << scale_index, "iterations": 50, "losses": Losses(0.25, 0.5, 0.75)}
    return Progress(token=token, iteration=iteration, scale_index=scale_index, **{**fields, **changes})


def artwork(**changes: Any) -> Artwork:
    fields = {
        "token": "t1",
        "sha256": "ab",
        "width": 256,
        "height": 192,
        "sizes": (128, 256),
        "iterations": (50, 40),
        "first": Losses(0.0, 1.0, 1.5),
        "last": Losses(0.25, 0.125, 0.5),
        "seconds": 12.34,
        "device": "cpu",
        "cache_hits": 1,
        "cache_misses": 2,
    }
    return Artwork(**{**fields, **changes})


def finished(job: Job = LION, token: str = "t1", **changes: Any) -> JobFinished:
    fields = {"key": "k1", "output": f"{job.photo}--{job.style}.jpg", "attempts": 1, "artwork": artwork(token=token)}
    return JobFinished(token=token, job=job, **{**fields, **changes})


def failed(job: Job = CAFE, token: str = "t2", **changes: Any) -> JobFailed:
    fields = {"key": "k2", "output": "out.jpg", "attempts": 2, "state": JobState.QUARANTINED, "reason": "truncated"}
    return JobFailed(token=token, job=job, **{**fields, **changes})


def over(**changes: Any) -> RunFinished:
    fields = {"run_id": "r1", "finished": 2, "copied": 0, "failed": 1, "left": 0, "interrupted": False}
    return RunFinished(**{**fields, "seconds": 41.0, "cache_hits": 3, "cache_misses": 4, **changes})
