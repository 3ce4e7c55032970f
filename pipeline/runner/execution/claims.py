"""Which jobs are worked on next. Owns what is decided between the ledger's claim and the worker's assignment.

A photo is hashed when its turn comes: then it is known whether its picture is current already, or exists for the
same content elsewhere and need only be copied.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.errors import LeaseLostError, StorageError, UnwritableError
from pipeline.hashing import job_key, sha256_of_file, sha256_of_open
from pipeline.intake.archives import containing_file, split_path
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import MemberError, RefusedError
from pipeline.intake.safe_open import FileReplacedError, open_below, unreadable
from pipeline.ledger import Claim, ClaimOrder, Ledger
from pipeline.model import Assignment, Failure, FailureKind, PictureOptions
from pipeline.runner.execution.checkpoints import checkpoint_path
from pipeline.runner.execution.copies import copy_finished
from pipeline.runner.execution.outcomes import Outcomes
from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.execution.publishing import (
    Delivery,
    Publisher,
    make_place,
    part_path,
    require_space,
)
from pipeline.runner.failure_cause import require_readable, require_writable, unplaceable
from pipeline.runner.found_pictures import adopt_found
from pipeline.runner.ingest.staging import ArchiveChangedError, NoRoomError, Stage
from pipeline.runner.input_root import Root
from pipeline.runner.instance.folder_marks import OutputGuard
from pipeline.runner.preparation import ResolvedConfig

_MEMORY_SHORT: Final = "not enough memory to read the photo just now"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFolders:
    """Folders and limits of a pass."""

    input_folder: Path
    root: Root
    output_folder: Path
    output: OutputGuard
    snapshot_folder: Path
    picture: PictureOptions
    max_pixels: int
    order: ClaimOrder
    min_free_bytes: int
    stage_folder: Path
    stage_bytes: int
    checkpoint_folder: Path | None = None


class Claims:
    """The job source of a pass: leases jobs, settles what needs no work, hands out the rest."""

    def __init__(
        self,
        ledger: Ledger,
        resolved: ResolvedConfig,
        places: PassFolders,
        outcomes: Outcomes,
        oversized: OversizedPictures,
        limit: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Hand out at most ``limit`` assignments; lease nothing more once ``stopped``."""
        self._ledger = ledger
        self._resolved = resolved
        self._places = places
        self._outcomes = outcomes
        self._oversized = oversized
        self._left = limit
        self._stopped = stopped
        self._publisher = Publisher(ledger, places.output_folder)
        self._stage = Stage(places.stage_folder, places.stage_bytes)
        self._stage_is_full = False
        self._twins: dict[str, list[Claim]] = {}
        self.open: dict[str, tuple[Claim, Assignment]] = {}

    def __call__(self, count: int) -> list[Assignment]:
        """Lease at most ``count`` jobs that need a worker."""
        self._check_disk()
        assignments: list[Assignment] = []
        self._stage_is_full = False
        # Thousands of copies and unchanged photos may come before one that needs a worker.
        while (
            (wanted := self._room(count - len(assignments))) > 0 and not self._stopped() and not self._stage_is_full
        ):
            claims = self._ledger.leases.claim(wanted, self._places.order)
            if not claims:
                break
            assignments += self._admit_all(claims)
        return assignments

    def close(self, token: str, *, put_back: bool = False) -> tuple[Claim, Assignment]:
        """Forget a job that has been answered, and return it; jobs of equal content can now be claimed.

        One that was ``put_back`` does not count towards the limit.
        """
        claim, assignment = self.open.pop(token)
        self._stage.unpin(token)
        self._oversized.end(token)
        if put_back and self._left is not None:
            self._left += 1
        for twin in self._twins.pop(assignment.key, ()):
            self._ledger.leases.release(twin.token)
        return claim, assignment

    def give_back(self) -> None:
        """Put back all that is not answered, and remove its temporary files: no worker writes any more.

        Raises LeaseLostError, after all the rest was put back, if a job is another instance's by now.
        """
        lost: LeaseLostError | None = None
        for token in list(self.open):
            part = self.open[token][1].part_path
            try:
                claim, _ = self.close(token)
                self._put_back(claim)
            except LeaseLostError as error:
                lost = error
                with contextlib.suppress(OSError):  # the other instance does not know of this file
                    part.unlink(missing_ok=True)
        self._stage.close()
        if lost is not None:
            raise lost

    def _put_back(self, claim: Claim) -> None:
        """End a lease without an answer.

        One whose picture is on record stays, with its temporary file: that is the finished picture, to be published
        by the next recovery. So does one whose temporary file is on a disk that is not mounted now.
        """
        try:
            self._places.output.require()
        except StorageError:
            return
        if self._ledger.leases.release(claim.token):
            with contextlib.suppress(OSError):
                part_path(self._places.output_folder, claim.output, claim.token).unlink(missing_ok=True)

    def _admit_all(self, claims: list[Claim]) -> list[Assignment]:
        admitted: list[Assignment] = []
        for position, claim in enumerate(claims):
            try:
                admitted += filter(None, [self._admit(claim)])
            except MemoryError:
                self._refuse(claim, FailureKind.MEMORY, _MEMORY_SHORT)
            except NoRoomError:
                for left in claims[position:]:
                    self._ledger.leases.release(left.token)
                self._stage_is_full = True
                break
            except StorageError as error:
                try:
                    self._refuse_place(claim, error)
                except StorageError:
                    for left in claims[position:]:
                        self._put_back(left)
                    raise
        return admitted

    def _refuse_place(self, claim: Claim, error: StorageError) -> None:
        """Fail a picture that can't be put down where it belongs, unless the disk is to blame: raises that."""
        if not isinstance(error, UnwritableError):
            raise error
        require_writable(self._places.output_folder)
        with contextlib.suppress(OSError):
            part_path(self._places.output_folder, claim.output, claim.token).unlink(missing_ok=True)
        self._refuse(claim, FailureKind.UNWRITABLE, unplaceable(claim.output, str(error)))

    def _check_disk(self) -> None:
        self._ledger.require_in_place()
        self._places.output.require()
        require_space(self._places.output_folder, self._places.min_free_bytes)

    def _room(self, count: int) -> int:
        return count if self._left is None else min(count, self._left)

    def _admit(self, claim: Claim) -> Assignment | None:
        photo_sha256 = self._content_of(claim)
        if photo_sha256 is None:
            return None
        key = job_key(photo_sha256, claim.settings_sha256)
        if self._is_current(claim, key):
            return None
        claim = self._apart(claim, photo_sha256)
        if adopt_found(self._ledger, self._places.output_folder, claim, key):
            return None
        if self._copy(claim, key) or self._wait_for_twin(claim, key):
            return None
        photo_path = self._file_of(claim)
        if photo_path is None:
            return None
        assignment = self._assign(claim, photo_path, photo_sha256, key)
        if self._is_oversized(claim, assignment):
            return None
        make_place(assignment.part_path, self._places.output_folder / claim.output)
        self._stage.pin(claim.token, photo_path)
        self.open[claim.token] = claim, assignment
        if self._left is not None:
            self._left -= 1
        return assignment

    def _content_of(self, claim: Claim) -> str | None:
        """Return the photo's hash; None if the job can't be worked on now, which is then settled."""
        try:
            sha256 = self._hash_of(claim)
        except FileReplacedError as error:
            self._refuse(claim, FailureKind.CHANGED, error.reason)
            return None
        except OSError as error:
            self._blame(claim, error)
            return None
        if sha256 is not None and claim.photo_sha256 is None:
            self._ledger.photos.note_sha256(claim.job.photo, sha256)
        return sha256

    def _hash_of(self, claim: Claim) -> str | None:
        """Return what is on record, if the very file that was taken in is there; otherwise read it."""
        root = self._places.input_folder
        path = containing_file(root, claim.job.photo)
        with open_below(root, path, claim.photo) as file:
            if claim.photo_sha256 is not None and os.fstat(file.fileno()).st_ino == claim.photo.inode:
                return claim.photo_sha256
            if path == claim.job.photo:
                sha256 = sha256_of_open(file)
                if claim.photo_sha256 not in (None, sha256):
                    raise FileReplacedError(claim.job.photo)
                return sha256
        photo_path = self._file_of(claim)
        return None if photo_path is None else sha256_of_file(photo_path)

    def _file_of(self, claim: Claim) -> Path | None:
        """Return the photo's own file, or one taken out of its archive; None if that failed and is settled."""
        root = self._places.input_folder
        member = split_path(root, claim.job.photo)
        if member is None:
            return root / claim.job.photo
        archive, name = member
        try:
            return self._stage.fetch(root, replace(claim.photo, path=archive), name)
        except ArchiveChangedError:
            self._refuse(claim, FailureKind.CHANGED, "the archive changed after it was found")
        except (MemberError, RefusedError, Incomplete) as problem:
            self._refuse(claim, FailureKind.PHOTO, f"it can't be read from its archive: {problem}")
        except OSError as error:
            self._blame(claim, error)
        return None

    def _blame(self, claim: Claim, error: OSError) -> None:
        """Tell a lost share, which is nobody's fault, from a photo that is gone or can't be read."""
        root, folder = self._places.root, self._places.input_folder
        root.require()
        if isinstance(error, FileNotFoundError):
            self._refuse(claim, FailureKind.GONE, "the photo is gone")
        elif error.errno == errno.ENOMEM:
            self._refuse(claim, FailureKind.MEMORY, _MEMORY_SHORT)
        else:
            if not isinstance(error, PermissionError):
                require_readable(root, folder, containing_file(folder, claim.job.photo))
            self._refuse(claim, FailureKind.UNREADABLE, unreadable(claim.job.photo, error))

    def _refuse(self, claim: Claim, kind: FailureKind, reason: str) -> None:
        self._outcomes.fail(claim, "", Failure(claim.token, kind, reason))

    def _is_current(self, claim: Claim, key: str) -> bool:
        """Settle a job whose published picture is the one wanted: its photo was touched, not changed."""
        if claim.published_key != key:
            return False
        self._ledger.leases.complete_unchanged(claim.token, key)
        return True

    def _apart(self, claim: Claim, photo_sha256: str) -> Claim:
        """Give another name to the picture of a new photo under the name of one whose original was moved away.

        It is no successor: cameras begin with IMG_0001 again, and the first one's picture must stay.
        """
        if claim.original_sha256 in (None, photo_sha256):
            return claim
        output = self._ledger.leases.rename_output(claim.token)
        return dataclasses.replace(claim, output=output, published_sha256=None, published_key=None)

    def _copy(self, claim: Claim, key: str) -> bool:
        """Publish a copy of a finished picture with the same key."""
        sha256 = copy_finished(self._ledger, self._places.output_folder, self._places.picture, claim, key)
        if sha256 is None:
            return False
        output = self._publisher.deliver(
            Delivery(
                token=claim.token,
                output=claim.output,
                key=key,
                sha256=sha256,
                predecessor_sha256=claim.published_sha256,
            )
        )
        self._outcomes.finish(claim, key, output, None)
        return True

    def _is_oversized(self, claim: Claim, assignment: Assignment) -> bool:
        """Settle a job whose picture is known not to fit into memory just now."""
        found = self._oversized.find(assignment)
        if found is None:
            return False
        reason, seconds = found
        self._outcomes.fail(claim, "", Failure(claim.token, FailureKind.SIZE, reason), least_seconds=seconds)
        return True

    def _wait_for_twin(self, claim: Claim, key: str) -> bool:
        """Hold a job back while the same picture is being painted for another photo of equal content."""
        if all(assignment.key != key for _, assignment in self.open.values()):
            return False
        self._twins.setdefault(key, []).append(claim)
        return True

    def _assign(self, claim: Claim, photo_path: Path, photo_sha256: str, key: str) -> Assignment:
        recipe = self._resolved.recipes[claim.job.recipe]
        kept, root = self._places.checkpoint_folder, self._places.input_folder
        return Assignment(
            token=claim.token,
            job=claim.job,
            key=key,
            photo_path=photo_path,
            photo_sha256=photo_sha256,
            style=self._resolved.styles[claim.job.style],
            recipe=recipe,
            part_path=part_path(self._places.output_folder, claim.output, claim.token),
            picture=self._places.picture,
            snapshot_folder=self._places.snapshot_folder / Path(claim.output).with_suffix("")
            if recipe.snapshot_every
            else None,
            checkpoint_path=checkpoint_path(kept, key) if kept else None,
            max_pixels=self._places.max_pixels,
            photo_folder=root if photo_path == root / claim.job.photo else None,
        )
