"""Turns the pictures to make into what is estimated of them. Owns of how many photos the headers are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pipeline.ledger import Claim
from pipeline.model import Recipe
from pipeline.model.size_rules import TYPICAL_PHOTO
from pipeline.runner.photo_sizes import photo_size, proportion_of
from pipeline.runner.planning.forecast import TYPICAL_PROPORTION, Task
from pipeline.runner.preparation import ResolvedConfig

#: Of so many photos the headers are read; the others are assumed to be like them.
_SAMPLE: Final = 300
#: ... and of so many where their sizes decide how large the pictures are.
_SAMPLE_BY_PHOTO: Final = 3_000


def planned_tasks(input_folder: Path, resolved: ResolvedConfig, claims: Sequence[Claim]) -> list[Task]:
    """Return what is to be estimated of each claim, by the photos' headers."""
    photos = list(dict.fromkeys(claim.job.photo for claim in claims))
    by_photo = any(resolved.recipes[claim.job.recipe].size_rule for claim in claims)
    step = -(-len(photos) // (_SAMPLE_BY_PHOTO if by_photo else _SAMPLE)) or 1
    sizes = {photo: photo_size(input_folder, photo) for photo in photos[::step]}
    known = {photo: proportion_of(size, TYPICAL_PROPORTION) for photo, size in sizes.items()}
    typical = sum(known.values()) / len(known) if known else TYPICAL_PROPORTION
    # A photo that was not looked at is taken to be as large as the one before it.
    alike = {photo: sizes[photos[index // step * step]] or TYPICAL_PHOTO for index, photo in enumerate(photos)}
    tasks = []
    for claim in claims:
        recipe, photo = resolved.recipes[claim.job.recipe], claim.job.photo
        if recipe.size_rule is None:
            tasks.append(Task(recipe, known.get(photo, typical)))
        else:
            tasks.append(Task(recipe.for_photo(*alike[photo]), proportion_of(alike[photo], typical)))
    return tasks


def task_kinds(made: Iterable[tuple[Claim, Task]]) -> Iterable[tuple[str, Recipe]]:
    """Return each style with each recipe, its size in pixels, by which pictures are made in it."""
    return dict.fromkeys((claim.job.style, task.recipe) for claim, task in made)
