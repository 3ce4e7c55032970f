"""Makes the pictures of a try, without the ledger: to find settings before 100,000 photos are made."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.errors import CannotRunError, UsageError
from pipeline.executors import Executor
from pipeline.hashing import job_key, masked_settings_sha256, settings_sha256, sha256_of_file
from pipeline.images.encode import suffix_of
from pipeline.images.publish import publish, sync_folder
from pipeline.intake.masks import look_for_masks, mask_key
from pipeline.model import (
    Artwork,
    Assignment,
    BacklogChanged,
    ExecutorEvent,
    Failure,
    FailureKind,
    FolderSettings,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    Mask,
    Occupancy,
    PassSettings,
    Remark,
    Started,
)
from pipeline.model.trial import SheetPhoto
from pipeline.runner.execution.outcomes import EmitRunEvent
from pipeline.runner.execution.publishing import make_output_folder
from pipeline.runner.execution.timelapses import publish_timelapse, remove_parts
from pipeline.runner.preparation import ResolvedConfig
from pipeline.runner.trial.names import snapshots_folder_name
from pipeline.runner.trial.plan import TrialPicture, TrialPlan

#: Called with a picture that was made, its file, and what is known of it.
OnMade = Callable[[TrialPicture, Path, Artwork], None]
#: Called with a picture that failed, and the reason.
OnFailed = Callable[[TrialPicture, str], None]


class Tryout:
    """Makes the pictures of a plan into one folder. Names are never reused, so trials can be compared.

    ``with_previews``: the gallery's copies are made, too.
    """

    def __init__(
        self,
        settings: PassSettings,
        resolved: ResolvedConfig,
        executor: Executor,
        emit: EmitRunEvent,
        *,
        with_previews: bool = False,
    ) -> None:
        self._settings = settings
        self._resolved = resolved
        self._executor = executor
        self._emit = emit
        self._previews = settings.previews if with_previews else None

    def run(
        self,
        plan: TrialPlan,
        folder: Path,
        on_made: OnMade = lambda _picture, _path, _artwork: None,
        on_failed: OnFailed = lambda _picture, _reason: None,
    ) -> list[Path]:
        """Return the pictures made, in the order in which they were finished. Raises CannotRunError."""
        planned = {secrets.token_hex(8): picture for picture in plan.pictures}
        assignments = self._assignments(planned, plan, folder)
        self._emit_backlog(plan)
        waiting = list(assignments.values())
        pictures: list[Path] = []
        with (
            _made_folder(folder, assignments.values()),
            contextlib.closing(self._executor.run(lambda count: _take(waiting, count))) as events,
        ):
            for event in events:
                match event:
                    case Artwork():
                        pictures.append(self._publish(assignments[event.token], planned[event.token].stem, event))
                        on_made(planned[event.token], pictures[-1], event)
                    case Failure(kind=FailureKind.REQUEUED):
                        # By a stop, which asks for nothing more, or by the crash of a worker that had not begun
                        # with it: the next one makes it.
                        waiting.append(assignments[event.token])
                    case Failure():
                        self._emit_failure(assignments[event.token], planned[event.token].stem, event)
                        on_failed(planned[event.token], event.reason)
                    case _:
                        self._emit_other(planned, event)
        return pictures

    def _assignments(
        self, planned: Mapping[str, TrialPicture], plan: TrialPlan, folder: Path
    ) -> dict[str, Assignment]:
        photos = plan.photos
        return {
            token: self._assignment(token, picture, photos[picture.photo], folder)
            for token, picture in planned.items()
        }

    def _assignment(self, token: str, picture: TrialPicture, photo: SheetPhoto, folder: Path) -> Assignment:
        mask = mask_of(photo.path, self._settings.folders) if picture.style.regions else None
        style = picture.style if mask is not None else replace(picture.style, regions=())
        settings = settings_sha256(style, picture.recipe, self._resolved.weights)
        if mask is not None:
            settings = masked_settings_sha256(settings, mask.sha256)
        return Assignment(
            token=token,
            job=picture.job,
            key=job_key(photo.sha256, settings),
            photo_path=photo.path,
            photo_sha256=photo.sha256,
            style=style,
            recipe=picture.recipe,
            part_path=folder / f".stylewatch-{token}.part",
            picture=self._settings.picture,
            snapshot_folder=folder / snapshots_folder_name(picture.stem) if picture.recipe.snapshot_every else None,
            max_pixels=self._settings.max_pixels,
            previews=self._previews,
            weights=self._resolved.weights,
            mask=mask,
        )

    def _publish(self, assignment: Assignment, stem: str, artwork: Artwork) -> Path:
        suffix = suffix_of(assignment.picture.format)
        folder = assignment.part_path.parent
        number = 1
        final = folder / f"{stem}{suffix}"
        while not publish(assignment.part_path, final):
            number += 1
            final = folder / f"{stem}-{number}{suffix}"
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

    def _emit_backlog(self, plan: TrialPlan) -> None:
        jobs = Counter(picture.job.recipe for picture in plan.pictures)
        self._emit(BacklogChanged(jobs.total(), dict(jobs)))

    def _emit_failure(self, assignment: Assignment, stem: str, failure: Failure) -> None:
        if failure.kind in (FailureKind.STORAGE, FailureKind.UNWRITABLE, FailureKind.PAINTING):
            raise CannotRunError(failure.reason)
        self._emit(
            JobFailed(
                token=failure.token,
                job=assignment.job,
                key=assignment.key,
                output=stem,
                attempts=1,
                state=JobState.QUARANTINED,  # nothing tries it again
                reason=failure.reason,
            )
        )

    def _emit_other(self, planned: Mapping[str, TrialPicture], event: ExecutorEvent) -> None:
        if isinstance(event, Started):
            picture = planned[event.token]
            self._emit(JobStarted(event.token, picture.job, picture.stem))
        elif not isinstance(event, Occupancy | Artwork | Failure):
            self._emit(event)


def mask_of(photo: Path, folders: FolderSettings) -> Mask | None:
    """Return the mask of a photo in the input folder; None if it has none or lies elsewhere.

    Raises UsageError if it has several or its mask can't be read, StorageError if the folder of masks is not there.
    """
    input_folder = folders.input.resolve()
    if folders.masks is None or not photo.is_relative_to(input_folder):
        return None
    path = photo.relative_to(input_folder).as_posix()
    files = look_for_masks(folders.masks, [path]).files.get(mask_key(path), ())
    if len(files) > 1:
        raise UsageError(
            f"{photo} has several masks, {' and '.join(file.path for file in files)}: delete all but one"
        )
    try:
        return Mask(folders.masks / files[0].path, sha256_of_file(folders.masks / files[0].path)) if files else None
    except OSError as error:
        raise UsageError(f"the mask of {photo} can't be read ({error.strerror}); check its permissions") from error


@contextlib.contextmanager
def _made_folder(folder: Path, assignments: Collection[Assignment]) -> Iterator[None]:
    """Make the folder; at the end remove what is left of part files, and the folder if it is new and empty."""
    is_new = not folder.exists()
    make_output_folder(folder)
    try:
        yield
    finally:
        for assignment in assignments:
            remove_parts(assignment.part_path)
        if is_new:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()


def _take(waiting: list[Assignment], count: int) -> list[Assignment]:
    taken = waiting[:count]
    del waiting[:count]
    return taken
