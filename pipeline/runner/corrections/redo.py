"""Marks pictures to be made again, by their own recipe or by another one. Owns which ones can be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.images.encode import suffix_of
from pipeline.ledger import Ledger, PictureRecord
from pipeline.model import EngineSettings, Job, JobState, OnChange, PictureFormat
from pipeline.pairing import pair
from pipeline.runner.planning.backlog import estimate_work, work_seconds
from pipeline.runner.preparation import ResolvedConfig


@dataclass(slots=True)
class Redone:
    """What became of pictures. The jobs and names of those ``again`` to be made are what will be made.

    ``waiting`` were to be made already, ``there`` are those that the chosen recipe has made before. ``refused``: with
    the reason. ``replaced`` are the names of those in whose stead others are wanted now: they stay until cleaned.
    """

    again: list[PictureRecord] = field(default_factory=list)
    waiting: list[PictureRecord] = field(default_factory=list)
    there: list[PictureRecord] = field(default_factory=list)
    refused: list[tuple[PictureRecord, str]] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)

    def seconds(self, ledger: Ledger, engine: EngineSettings, resolved: ResolvedConfig) -> float | None:
        """Return how long the pictures take that are made again; None if that is not known."""
        left = Counter(picture.job.recipe for picture in self.again)
        return work_seconds(estimate_work(ledger, engine, resolved, left), left)


def redo(ledger: Ledger, pictures: Iterable[PictureRecord]) -> Redone:
    """Mark these pictures to be made again as the config says; rejected and deleted ones, too. Raises LedgerError."""
    done = Redone()
    for picture in dict.fromkeys(pictures):
        if reason := _why_not(picture):
            done.refused.append((picture, reason))
        elif picture.state in (JobState.PENDING, JobState.LEASED):
            done.waiting.append(picture)
        else:
            done.again.append(picture)
    ledger.jobs.redo(picture.job for picture in done.again)
    return done


def _why_not(picture: PictureRecord) -> str:
    if picture.absence is not None:
        return f"can't be made again while its photo is not in the input folder ({picture.absence})"
    if picture.problem is not None:
        return f"can't be made: its photo is set aside ({picture.problem}); 'stylewatch retry' looks at it again"
    if not picture.is_wanted:
        return "is not asked for by the config any more; --recipe can ask for one of this photo in that style"
    return ""


class RecipeChange:
    """Chooses another recipe for single pictures."""

    def __init__(
        self,
        ledger: Ledger,
        resolved: ResolvedConfig,
        picture_format: PictureFormat,
        on_change: OnChange,
        output_folder: Path,
    ) -> None:
        self._ledger = ledger
        self._resolved = resolved
        self._suffix = suffix_of(picture_format)
        self._on_change = on_change
        self._output_folder = output_folder

    def apply(self, pictures: Iterable[PictureRecord], recipe: str) -> Redone:
        """Let the photos of these pictures have, in these styles, that of ``recipe`` instead, from now on.

        By the recipe that the config says, it is as the config says again. Raises LedgerError, and UsageError for an
        unknown recipe.
        """
        if recipe not in self._resolved.recipes:
            names = ", ".join(self._resolved.recipes)
            raise UsageError(f"there is no recipe {recipe!r}; the config has {names}")
        done = Redone()
        bases: dict[PictureRecord, Job] = {}
        choices = self._ledger.recipe_choices.all()
        for picture in dict.fromkeys(pictures):
            base, reason = self._base(picture, choices)
            if base is None:
                done.refused.append((picture, reason))
            else:
                bases[picture] = base
        if bases:
            self._choose(set(bases.values()), recipe)
        records = {picture.job: picture for picture in self._ledger.pictures.all()} if bases else {}
        asked: dict[PictureRecord, list[PictureRecord]] = {}
        for named, base in bases.items():  # several pictures may be named in whose stead one is wanted
            asked.setdefault(records[replace(base, recipe=recipe)], []).append(named)
        for wanted, stead in asked.items():
            self._ask_for(wanted, stead, done)
        self._ledger.jobs.redo(picture.job for picture in done.again)
        return done

    def _base(self, picture: PictureRecord, choices: Mapping[Job, str]) -> tuple[Job | None, str]:
        """Return the job of the config in whose stead the picture is or was wanted; None with the reason if none."""
        if picture.absence is not None or picture.problem is not None:
            return None, _why_not(picture)
        job = picture.job
        paired = [each for each in pair([job.photo], self._resolved.pairing) if each.style == job.style]
        if job in paired:
            return job, ""
        chosen = [each for each in paired if choices.get(each) == job.recipe]
        if chosen or len(paired) == 1:
            return (chosen or paired)[0], ""
        said = "in that style" if not paired else "by that recipe, but by several others"
        return None, f"is not asked for by the config: it wants no picture of {job.photo} {said}"

    def _choose(self, bases: Collection[Job], recipe: str) -> None:
        ledger, resolved = self._ledger, self._resolved
        ledger.recipe_choices.choose(bases, recipe)
        ledger.changes.record_settings(resolved.settings_parts)
        photos = list(dict.fromkeys(job.photo for job in bases))
        jobs = resolved.jobs_of(photos, ledger.recipe_choices.all())
        # The masks are those by which the photos' pictures are wanted so far: no scan was made meanwhile.
        wanted, masked = resolved.wanted_jobs(jobs, ledger.masks.of_photo)
        ledger.masks.record(masked)
        ledger.jobs.record(wanted, self._suffix, photos, self._on_change)

    def _ask_for(self, wanted: PictureRecord, stead: Iterable[PictureRecord], done: Redone) -> None:
        done.replaced += [each.output for each in stead if each.output != wanted.output and each.sha256 is not None]
        if wanted.state is JobState.LEASED:
            done.waiting.append(wanted)
        elif wanted.state is not JobState.DONE or wanted.is_rejected or not self._is_there(wanted):
            done.again.append(wanted)
        else:
            done.there.append(wanted)

    def _is_there(self, picture: PictureRecord) -> bool:
        return os.path.lexists(self._output_folder / picture.output)
