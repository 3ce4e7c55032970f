"""The gallery's list of pictures: a short row for each, in chunks. Owns the fields of a row and the chunks' bounds.

Rows are arrays, because there may be 100,000; styles, recipes and states stand in them as numbers in the catalog's
tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.model import Job, JobState
from pipeline.model.gallery_files import short_hash

#: Jobs with the ledger's ids N * CHUNK_SIZE .. (N + 1) * CHUNK_SIZE - 1 are in chunk N.
CHUNK_SIZE: Final = 500

#: The state of a picture that the user rejected; its job is done.
REJECTED: Final = "rejected"

#: States of pictures, by their numbers in rows; new ones come last.
STATES: Final = (
    JobState.DONE.value,
    JobState.PENDING.value,
    JobState.LEASED.value,
    JobState.FAILED.value,
    JobState.QUARANTINED.value,
    JobState.WITHDRAWN.value,
    REJECTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """A picture on record. ``time``: when it was made, or else changed (epoch seconds).

    Width and height are 0, the loss None and hashes "" while they are unknown; ``has_thumbnail`` and
    ``has_photo_thumbnail`` tell whether there are such copies of the files with these hashes.
    """

    id: int
    job: Job
    output: str
    state: str
    time: float
    width: int = 0
    height: int = 0
    style_loss: float | None = None
    sha256: str = ""
    photo_sha256: str = ""
    has_thumbnail: bool = False
    has_photo_thumbnail: bool = False


@dataclass(slots=True)
class Tables:
    """Styles and recipes by number; a number keeps its meaning, new names get the next one."""

    styles: list[str] = field(default_factory=list)
    recipes: list[str] = field(default_factory=list)

    def fields(self, row: PictureRow, suffix: str) -> list[Any]:
        """Return a row's fields; ``suffix`` is that of the pictures' usual names."""
        job = row.job
        return [
            row.id,
            job.photo,
            0 if row.output == usual_output(job, suffix) else row.output,
            _number(self.styles, job.style),
            _number(self.recipes, job.recipe),
            STATES.index(row.state),
            round(row.time),
            row.width,
            row.height,
            None if row.style_loss is None else float(f"{row.style_loss:.4g}"),
            short_hash(row.sha256) if row.has_thumbnail else "",
            short_hash(row.photo_sha256) if row.has_photo_thumbnail else "",
        ]


def _number(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def usual_output(job: Job, suffix: str) -> str:
    """Return the name of a job's picture where the config sets no other one and nothing is in its way."""
    recipe = "" if job.recipe == "default" else f"--{job.recipe}"
    folder, slash, name = job.photo.rpartition("/")
    dot = name.rfind(".")
    stem = name[:dot] if 0 < dot < len(name) - 1 else name  # as the stem of a path
    return f"{folder}{slash}{stem}--{job.style}{recipe}{suffix}"


def chunk_of(job_id: int) -> int:
    """Return the number of the chunk that a job is in."""
    return job_id // CHUNK_SIZE


def chunk_name(number: int) -> str:
    """Return the file of a chunk, in the gallery's folder."""
    return f"data/chunks/{number:04}.js"


def details_folder(number: int) -> str:
    """Return the folder of the details of a chunk's pictures."""
    return f"data/pictures/{number:04}"


def details_name(job_id: int) -> str:
    """Return the file of a picture's details, in the gallery's folder."""
    return f"{details_folder(chunk_of(job_id))}/{job_id}.js"


def chunk_value(rows: Sequence[PictureRow], tables: Tables, suffix: str) -> dict[str, Any]:
    """Return what a chunk's file holds."""
    return {"rows": [tables.fields(row, suffix) for row in rows]}
