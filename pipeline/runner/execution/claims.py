"""Decides which jobs are worked on next. Owns what happens between the ledger's claim and the worker's assignment.

A photo is hashed when its job is claimed: then it is known whether its picture is current already, or exists for the
same content elsewhere and need only be copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.errors import LeaseLostError, StorageError, UnwritableError
from pipeline.hashing import job_key, masked_settings_sha256
from pipeline.intake.masks import look_for_masks, mask_key
from pipeline.ledger import Claim, Ledger
from pipeline.model import Assignment, Failure, FailureKind, Mask, PassSettings
from pipeline.runner.execution.checkpoints import checkpoint_folder, checkpoint_path
from pipeline.runner.execution.claimed_photos import ClaimedPhotos, PhotoUnavailableError
from pipeline.runner.execution.copies import copy_finished
from pipeline.runner.execution.outcomes import Outcomes
from pipeline.runner.execution.publishing import Publisher, part_path, prepare_destination, require_space
from pipeline.runner.execution.rejected import complete_rejected
from pipeline.runner.execution.session import Session
from pipeline.runner.execution.timelapses import remove_parts
from pipeline.runner.failure_cause import MEMORY_SHORT, FailureCause
from pipeline.runner.found_pictures import use_found_picture
from pipeline.runner.ingest.unpacked_photos import NoRoomError, UnpackedPhotos
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import ResolvedConfig

#: Where intermediate pictures go, in the output folder.
SNAPSHOTS_FOLDER: Final = "snapshots"
_UNPACKED_FOLDER: Final = "unpacked"


@dataclass(frozen=True, slots=True)
class AssignedJob:
    """A leased job that a worker has, and what the worker was given."""

    claim: Claim
    assignment: Assignment


class Claims:
    """The job source of a pass: leases jobs, completes those that need no work, hands out the rest.

    ``assigned`` are the jobs handed out and not answered yet, by their tokens.
    """

    def __init__(
        self,
        ledger: Ledger,
        resolved: ResolvedConfig,
        settings: PassSettings,
        session: Session,
        root: InputRoot,
        outcomes: Outcomes,
        limit: int | None = None,
    ) -> None:
        """Hand out at most ``limit`` assignments."""
        self._ledger = ledger
        self._resolved = resolved
        self._settings = settings
        self._session = session
        self._outcomes = outcomes
        self._left = limit
        self._output_folder = settings.folders.output
        self._unpacked = UnpackedPhotos(settings.folders.state / _UNPACKED_FOLDER, settings.archive_space_bytes)
        self._has_no_room_to_unpack = False
        self._waiting: dict[str, list[Claim]] = {}
        self.failure_cause = FailureCause(root, settings.folders.output)
        self._photos = ClaimedPhotos(ledger, root, self._unpacked, self.failure_cause)
        self.publisher = Publisher(ledger, settings.folders.output)
        self.assigned: dict[str, AssignedJob] = {}

    def claim(self, count: int, stopped: Callable[[], bool] = lambda: False) -> list[Assignment]:
        """Lease at most ``count`` jobs that need a worker, and nothing more once ``stopped``."""
        self._check_disk()
        assignments: list[Assignment] = []
        self._has_no_room_to_unpack = False
        # Thousands of copies and unchanged photos may come before one that needs a worker.
        while (
            (wanted := self._within_limit(count - len(assignments))) > 0
            and not stopped()
            and not self._has_no_room_to_unpack
        ):
            claims = self._ledger.leases.claim(wanted, self._settings.order)
            if not claims:
                break
            assignments += self._prepare_all(claims)
        return assignments

    def finish(self, token: str, *, requeued: bool = False) -> AssignedJob:
        """Forget a job that has been answered, and return it; those that waited for its picture can be claimed now.

        One that was ``requeued`` does not count towards the limit.
        """
        job = self.assigned.pop(token)
        self._unpacked.unpin(token)
        self._session.oversized.work_ended(token)
        if requeued and self._left is not None:
            self._left += 1
        for waiting in self._waiting.pop(job.assignment.key, ()):
            self._ledger.leases.release(waiting.token)
        return job

    def most_to_make(self) -> int | None:
        """Return how many jobs may still be made, those handed out included; None without a limit."""
        return None if self._left is None else self._left + len(self.assigned)

    def release_all(self) -> None:
        """Return all unanswered jobs to the queue, and remove their temporary files: no worker writes any more.

        Raises LeaseLostError, after all the others were released, if a job is another instance's by now.
        """
        lost: LeaseLostError | None = None
        for token in list(self.assigned):
            part = self.assigned[token].assignment.part_path
            try:
                self._release(self.finish(token).claim)
            except LeaseLostError as error:
                lost = error
                remove_parts(part)  # the other instance does not know of these files
        self._unpacked.close()
        if lost is not None:
            raise lost

    def _release(self, claim: Claim) -> None:
        """End a lease without an answer.

        One whose picture is on record stays, with its temporary file: that is the finished picture, to be published
        by the next recovery. So does one whose temporary file is on a disk that is not mounted now.
        """
        try:
            self._session.output.require()
        except StorageError:
            return
        if self._ledger.leases.release(claim.token):
            self._remove_part(claim)

    def _remove_part(self, claim: Claim) -> None:
        remove_parts(self._part_path(claim))

    def _part_path(self, claim: Claim) -> Path:
        return part_path(self._output_folder, claim.output, claim.token)

    def _prepare_all(self, claims: list[Claim]) -> list[Assignment]:
        prepared: list[Assignment] = []
        for position, claim in enumerate(claims):
            try:
                prepared += filter(None, [self._prepare(claim)])
            except PhotoUnavailableError as error:
                self._outcomes.fail(error.claim, "", error.failure)
            except MemoryError:
                self._outcomes.fail(claim, "", Failure(claim.token, FailureKind.MEMORY, MEMORY_SHORT))
            except NoRoomError:
                for left in claims[position:]:
                    self._ledger.leases.release(left.token)
                self._has_no_room_to_unpack = True
                break
            except StorageError as error:
                try:
                    self._fail_unwritable(claim, error)
                except StorageError:
                    for left in claims[position:]:
                        self._release(left)
                    raise
        return prepared

    def _fail_unwritable(self, claim: Claim, error: StorageError) -> None:
        """Fail a picture that can't be saved under its name, unless the disk is to blame: raises that."""
        if not isinstance(error, UnwritableError):
            raise error
        failure = self.failure_cause.of_picture(claim, error)
        self._remove_part(claim)
        self._outcomes.fail(claim, "", failure)

    def _check_disk(self) -> None:
        self._ledger.require_in_place()
        self._session.output.require()
        require_space(self._output_folder, self._settings.min_free_bytes)

    def _within_limit(self, count: int) -> int:
        return count if self._left is None else min(count, self._left)

    def _prepare(self, claim: Claim) -> Assignment | None:
        """Return what a worker needs to make the picture; None if none is needed, or none can be made now."""
        photo_sha256 = self._photos.sha256(claim)
        key = job_key(photo_sha256, claim.settings_sha256)
        if self._complete_unchanged(claim, key, photo_sha256):
            return None
        claim = self._renamed_if_original_moved(claim, photo_sha256)
        rejections = self._ledger.rejections
        if complete_rejected(self._ledger, self._output_folder, claim, key, rejections.of_job(claim.token, key)):
            return None
        if use_found_picture(self._ledger, self._output_folder, claim, key):
            return None
        if self._copy_finished(claim, key) or self._copy_kept(claim, photo_sha256):
            return None
        if complete_rejected(self._ledger, self._output_folder, claim, key, rejections.of_key(key)):
            return None
        if self._wait_for_same_key(claim, key):
            return None
        assignment = self._assignment(claim, self._photos.path(claim), photo_sha256, key)
        if self._fail_oversized(claim, assignment):
            return None
        prepare_destination(assignment.part_path, self._output_folder / claim.output)
        self._unpacked.pin(claim.token, assignment.photo_path)
        self.assigned[claim.token] = AssignedJob(claim, assignment)
        if self._left is not None:
            self._left -= 1
        return assignment

    def _complete_unchanged(self, claim: Claim, key: str, photo_sha256: str) -> bool:
        """Complete a job whose published picture is the one wanted: its photo was touched, not changed."""
        if claim.published_key is None:
            return False
        if claim.published_key == key:
            self._ledger.leases.complete_unchanged(claim.token, key)
            return True
        return self._settings.on_change == "keep" and self._keep(claim, photo_sha256)

    def _keep(self, claim: Claim, photo_sha256: str) -> bool:
        """Complete a job whose picture was made of this very content, with earlier settings; tells whether it was."""
        if claim.made_settings_sha256 is None:
            return False
        key = job_key(photo_sha256, claim.made_settings_sha256)
        if claim.published_key != key:
            return False
        self._ledger.leases.complete_unchanged(claim.token, key, kept=True)
        return True

    def _renamed_if_original_moved(self, claim: Claim, photo_sha256: str) -> Claim:
        """Give another name to the picture of a new photo under the name of one whose original was moved away.

        It is no newer version of that photo: cameras begin with IMG_0001 again, and the first one's picture
        must stay.
        """
        if claim.original_sha256 in (None, photo_sha256):
            return claim
        output = self._ledger.leases.rename_output(claim.token)
        return replace(claim, output=output, published_sha256=None, published_key=None)

    def _copy_finished(self, claim: Claim, key: str) -> bool:
        """Publish a copy of a finished picture with the same key; tells whether there was one."""
        published = self._ledger.queries.published_with_key(key)
        sha256 = copy_finished(published, self._output_folder, self._settings.picture, claim, key)
        if sha256 is None:
            return False
        output = self.publisher.publish(claim, key, sha256, is_copy=True)
        self._outcomes.finish(claim, key, output, None)
        return True

    def _copy_kept(self, claim: Claim, photo_sha256: str) -> bool:
        """Publish a copy of a renamed photo's picture that was made with earlier settings; tells whether it did."""
        if self._settings.on_change != "keep" or claim.published_sha256 is not None:
            return False
        for settings in self._earlier_settings(claim):
            key = job_key(photo_sha256, settings)
            published = self._ledger.queries.published_with_key(key, of_gone_photos=True)
            if sha256 := copy_finished(published, self._output_folder, self._settings.picture, claim, key):
                self._ledger.leases.use_settings(claim.token, settings)
                output = self.publisher.publish(claim, key, sha256, is_copy=True)
                self._outcomes.finish(claim, key, output, None)
                return True
        return False

    def _earlier_settings(self, claim: Claim) -> set[str]:
        """Return all settings that the photo's picture can have been made with before, by the same mask if by one."""
        settings, masked = self._ledger.changes.recorded_settings(), self._ledger.masks.of(claim.settings_sha256)
        if masked is not None:
            settings = {masked_settings_sha256(each, masked.mask_sha256) for each in settings}
        return settings - {claim.settings_sha256}

    def _fail_oversized(self, claim: Claim, assignment: Assignment) -> bool:
        """Fail a job whose picture is known not to fit into memory just now; tells whether it is."""
        found = self._session.oversized.find(assignment)
        if found is None:
            return False
        reason, seconds = found
        self._outcomes.fail(claim, "", Failure(claim.token, FailureKind.SIZE, reason), least_seconds=seconds)
        return True

    def _wait_for_same_key(self, claim: Claim, key: str) -> bool:
        """Hold a job back while the same picture is being made for another photo of equal content."""
        if all(job.assignment.key != key for job in self.assigned.values()):
            return False
        self._waiting.setdefault(key, []).append(claim)
        return True

    def _assignment(self, claim: Claim, photo_path: Path, photo_sha256: str, key: str) -> Assignment:
        recipe, folders = self._resolved.recipes[claim.job.recipe], self._settings.folders
        style, mask = self._resolved.styles[claim.job.style], self._mask(claim)
        snapshots = folders.output / snapshots_of(claim.output)
        checkpoint = checkpoint_path(checkpoint_folder(folders.state), key)
        return Assignment(
            token=claim.token,
            job=claim.job,
            key=key,
            photo_path=photo_path,
            photo_sha256=photo_sha256,
            style=style if mask is not None else replace(style, regions=()),
            recipe=recipe,
            part_path=self._part_path(claim),
            picture=self._settings.picture,
            snapshot_folder=snapshots if recipe.snapshot_every else None,
            checkpoint_path=checkpoint if self._settings.keep_checkpoints else None,
            max_pixels=self._settings.max_pixels,
            weights=self._resolved.weights,
            photo_folder=folders.input if photo_path == folders.input / claim.job.photo else None,
            previews=self._settings.previews,
            mask=mask,
        )

    def _mask(self, claim: Claim) -> Mask | None:
        """Return the mask by which the picture is wanted. Raises PhotoUnavailableError if that is not there now."""
        folder = self._settings.folders.masks
        if folder is None or not self._resolved.styles[claim.job.style].regions:
            return None
        masked = self._ledger.masks.of(claim.settings_sha256)
        files = look_for_masks(folder, [claim.job.photo]).files.get(mask_key(claim.job.photo), ())
        if len(files) != (0 if masked is None else 1):
            reason = "the photo's mask came, went or changed after the photo was found"
            raise PhotoUnavailableError(claim, Failure(claim.token, FailureKind.CHANGED, reason))
        return None if masked is None else Mask(folder / files[0].path, masked.mask_sha256)


def snapshots_of(output: str) -> Path:
    """Return the folder of a picture's snapshots; both are relative to the output folder."""
    return Path(SNAPSHOTS_FOLDER) / Path(output).with_suffix("")
