"""The rows of a run's report: one for each picture, one for each photo that got none. Owns their columns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from pipeline.model import JobFailed, JobFinished, JobStarted, JobState, PhotoSetAside


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture of the run. Losses are of the first and last evaluation at the finest scale.

    ``state`` is "done", "failed", "quarantined", or "pending" for a picture that was begun and returned to the
    queue; of a photo that got no picture it is the kind of its PhotoSetAside. A row without a photo counts those that
    are "skipped" for one reason. ``seconds`` have one digit. What does
    not apply is None or empty: a ``copied`` picture took no seconds and has no losses. New columns come last.
    """

    photo: str
    style: str
    recipe: str
    output: str
    state: str
    reason: str = ""
    copied: bool = False
    attempts: int | None = None
    width: int | None = None
    height: int | None = None
    sizes: tuple[int, ...] = ()
    iterations: tuple[int, ...] = ()
    seconds: float | None = None
    device: str = ""
    first_content: float | None = None
    first_style: float | None = None
    first_total: float | None = None
    last_content: float | None = None
    last_style: float | None = None
    last_total: float | None = None
    cache_hits: int | None = None
    cache_misses: int | None = None
    notes: tuple[str, ...] = ()
    key: str = ""


def picture_row(event: JobStarted | JobFinished | JobFailed) -> Row:
    """Return the row of a picture from its latest event."""
    job = event.job
    row = Row(photo=job.photo, style=job.style, recipe=job.recipe, output=event.output, state=JobState.PENDING)
    match event:
        case JobFailed():
            return dataclasses.replace(
                row, state=event.state, reason=event.reason, attempts=event.attempts, key=event.key
            )
        case JobFinished():
            row = dataclasses.replace(row, state=JobState.DONE, attempts=event.attempts, key=event.key, copied=True)
            return dataclasses.replace(row, copied=False, **_artwork_cells(event)) if event.artwork else row
        case JobStarted():
            return row


def photo_row(event: PhotoSetAside) -> Row:
    """Return the row of a photo that got no picture."""
    return Row(photo=event.path, style="", recipe="", output="", state=event.kind, reason=event.reason)


def skipped_row(reason: str, count: int) -> Row:
    """Return the row of all photos that the config leaves out for one reason."""
    photos = f"{count:,} photo" + ("" if count == 1 else "s")
    return Row(photo="", style="", recipe="", output="", state="skipped", reason=f"{photos}: {reason}")


def _artwork_cells(event: JobFinished) -> dict[str, Any]:
    artwork = event.artwork
    assert artwork is not None
    same = ("width", "height", "sizes", "iterations", "device", "cache_hits", "cache_misses", "notes")
    cells = {name: getattr(artwork, name) for name in same} | {"seconds": round(artwork.seconds, 1)}
    for when, losses in (("first", artwork.first), ("last", artwork.last)):
        cells |= {f"{when}_{kind}": value for kind, value in dataclasses.asdict(losses).items()}
    return cells
