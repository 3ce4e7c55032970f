"""Makes one photo's pictures in all styles, without the ledger: to find settings before 100,000 photos are made."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import CannotRunError, PhotoError, UsageError
from pipeline.executors import Executor
from pipeline.hashing import job_key, sha256_of_open
from pipeline.images.encode import suffix_of
from pipeline.images.publish import publish, sync_folder
from pipeline.intake.safe_open import open_below
from pipeline.model import (
    Artwork,
    Assignment,
    BacklogChanged,
    ExecutorEvent,
    Failure,
    FailureKind,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    Occupancy,
    PassSettings,
    Remark,
    Started,
)
from pipeline.runner.execution.outcomes import EmitRunEvent
from pipeline.runner.execution.publishing import make_output_folder
from pipeline.runner.execution.timelapses import publish_timelapse, remove_parts
from pipeline.runner.preparation import ResolvedConfig, variant_of


def snapshots_folder_name(variant: str) -> str:
    """Return the name of the folder of a try's intermediate pictures, beside its picture."""
    return f"{variant}-snapshots"


class Tryout:
    """Makes one photo's pictures into one folder. Names are never reused, so trials can be compared."""

    def __init__(
        self, settings: PassSettings, resolved: ResolvedConfig, executor: Executor, emit: EmitRunEvent
    ) -> None:
        self._settings = settings
        self._resolved = resolved
        self._executor = executor
        self._emit = emit

    def run(self, photo: Path, folder: Path, styles: tuple[str, ...], recipes: tuple[str, ...]) -> list[Path]:
        """Return the pictures made. Empty ``styles`` = all; empty ``recipes`` = each style's own.

        Raises UsageError for unknown names, PhotoError when the photo can't be read or any picture failed.
        """
        assignments = {assignment.token: assignment for assignment in self._assign(photo, folder, styles, recipes)}
        make_output_folder(folder)
        jobs = Counter(assignment.job.recipe for assignment in assignments.values())
        self._emit(BacklogChanged(jobs.total(), dict(jobs)))
        waiting = list(assignments.values())
        pictures: list[Path] = []
        failures: list[str] = []
        try:
            with contextlib.closing(self._executor.run(lambda count: _take(waiting, count))) as events:
                for event in events:
                    match event:
                        case Artwork():
                            pictures.append(self._publish(assignments[event.token], event))
                        case Failure(kind=FailureKind.REQUEUED):
                            # By a stop, which asks for nothing more, or by the crash of a worker that had not begun
                            # with it: the next one makes it.
                            waiting.append(assignments[event.token])
                        case Failure():
                            failures.append(event.reason)
                            self._emit_failure(assignments[event.token], event)
                        case _:
                            self._emit_other(assignments, event)
        finally:
            for assignment in assignments.values():
                remove_parts(assignment.part_path)
        if failures:
            raise PhotoError(f"{len(failures)} of {len(assignments)} pictures failed: {failures[0]}")
        return pictures

    def _assign(
        self, photo: Path, folder: Path, styles: tuple[str, ...], recipes: tuple[str, ...]
    ) -> Iterator[Assignment]:
        named = photo.name
        try:
            photo = photo.resolve(strict=True)  # a link that is named may be followed, one that comes later may not
            with open_below(photo.parent, photo.name) as file:
                photo_sha256 = sha256_of_open(file)
        except OSError as error:
            raise PhotoError(f"{photo} can't be read: {error.strerror}") from error
        for style in styles or self._resolved.styles:
            _require_known("style", style, self._resolved.styles)
            for recipe in recipes or self._resolved.pairing.recipes_of[style]:
                _require_known("recipe", recipe, self._resolved.recipes)
                yield self._assignment(photo, photo_sha256, folder, Job(named, style, recipe))

    def _assignment(self, photo: Path, photo_sha256: str, folder: Path, job: Job) -> Assignment:
        token = secrets.token_hex(8)
        recipe = self._resolved.recipes[job.recipe]
        return Assignment(
            token=token,
            job=job,
            key=job_key(photo_sha256, self._resolved.settings_sha256[job.style, job.recipe]),
            photo_path=photo,
            photo_sha256=photo_sha256,
            style=self._resolved.styles[job.style],
            recipe=recipe,
            part_path=folder / f".stylewatch-{token}.part",
            picture=self._settings.picture,
            snapshot_folder=folder / snapshots_folder_name(variant_of(job)) if recipe.snapshot_every else None,
            max_pixels=self._settings.max_pixels,
            weights=self._resolved.weights,
        )

    def _publish(self, assignment: Assignment, artwork: Artwork) -> Path:
        suffix = suffix_of(assignment.picture.format)
        folder, variant = assignment.part_path.parent, variant_of(assignment.job)
        number = 1
        final = folder / f"{variant}{suffix}"
        while not publish(assignment.part_path, final):
            number += 1
            final = folder / f"{variant}-{number}{suffix}"
        if left_out := publish_timelapse(folder, final.name, assignment.part_path, assignment.key):
            self._emit(Remark(artwork.token, left_out))
        sync_folder(folder)
        self._emit(
            JobFinished(
                token=artwork.token,
                job=assignment.job,
                key=assignment.key,
                output=final.name,
                attempts=1,
                artwork=artwork,
            )
        )
        return final

    def _emit_failure(self, assignment: Assignment, failure: Failure) -> None:
        if failure.kind in (FailureKind.STORAGE, FailureKind.UNWRITABLE, FailureKind.PAINTING):
            raise CannotRunError(failure.reason)
        self._emit(
            JobFailed(
                token=failure.token,
                job=assignment.job,
                key=assignment.key,
                output=variant_of(assignment.job),
                attempts=1,
                state=JobState.FAILED,
                reason=failure.reason,
            )
        )

    def _emit_other(self, assignments: dict[str, Assignment], event: ExecutorEvent) -> None:
        if isinstance(event, Started):
            job = assignments[event.token].job
            self._emit(JobStarted(event.token, job, variant_of(job)))
        elif not isinstance(event, Occupancy | Artwork | Failure):
            self._emit(event)


def _take(waiting: list[Assignment], count: int) -> list[Assignment]:
    taken = waiting[:count]
    del waiting[:count]
    return taken


def _require_known(kind: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise UsageError(f"there is no {kind} {name!r}; the config has {', '.join(known)}")
