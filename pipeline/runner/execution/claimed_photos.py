"""Finds the file of a claimed photo and the hash of its content. Owns the reading, and what its errors mean.

A photo in an archive is unpacked first. A photo that is not what was ingested, or can't be read, is a failure
of its job.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pipeline.hashing import sha256_of_file, sha256_of_open
from pipeline.intake.archives import containing_file, split_path
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import MemberError, RefusedError
from pipeline.intake.safe_open import FileReplacedError, open_below
from pipeline.ledger import Claim, Ledger
from pipeline.model import Failure, FailureKind
from pipeline.runner.failure_cause import FailureCause
from pipeline.runner.ingest.unpacked_photos import ArchiveChangedError, UnpackedPhotos
from pipeline.runner.input_root import InputRoot


class PhotoUnavailableError(Exception):
    """The photo of ``claim`` can't be worked on now; ``failure`` says why."""

    def __init__(self, claim: Claim, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.claim = claim
        self.failure = failure


class ClaimedPhotos:
    """Photos of claims, in the input folder or in archives there.

    Methods raise PhotoUnavailableError for a photo's own fault, StorageError if the input folder's disk or share is
    to blame, NoRoomError while there is no room to unpack a photo, and MemoryError.
    """

    def __init__(self, ledger: Ledger, root: InputRoot, unpacked: UnpackedPhotos, cause: FailureCause) -> None:
        self._ledger = ledger
        self._folder = root.folder
        self._unpacked = unpacked
        self._cause = cause

    def sha256(self, claim: Claim) -> str:
        """Return the hash of the photo's content, and put it on record."""
        try:
            sha256 = self._read_sha256(claim)
        except FileReplacedError as error:
            raise _unavailable(claim, FailureKind.CHANGED, error.reason) from error
        except OSError as error:
            raise PhotoUnavailableError(claim, self._cause.of_photo(claim, error)) from error
        if claim.photo_sha256 is None:
            self._ledger.photos.note_sha256(claim.job.photo, sha256)
        return sha256

    def _read_sha256(self, claim: Claim) -> str:
        """Return what is on record, if the very file that was ingested is there; otherwise read it."""
        path = containing_file(self._folder, claim.job.photo)
        with open_below(self._folder, path, claim.photo) as file:
            if claim.photo_sha256 is not None and os.fstat(file.fileno()).st_ino == claim.photo.inode:
                return claim.photo_sha256
            if path == claim.job.photo:
                sha256 = sha256_of_open(file)
                if claim.photo_sha256 not in (None, sha256):
                    raise FileReplacedError(claim.job.photo)
                return sha256
        return sha256_of_file(self.path(claim))

    def path(self, claim: Claim) -> Path:
        """Return the photo's own file, or one unpacked from its archive."""
        member = split_path(self._folder, claim.job.photo)
        if member is None:
            return self._folder / claim.job.photo
        archive, name = member
        try:
            return self._unpacked.fetch(self._folder, replace(claim.photo, path=archive), name)
        except ArchiveChangedError as error:
            raise _unavailable(claim, FailureKind.CHANGED, "the archive changed after it was found") from error
        except (MemberError, RefusedError, Incomplete) as error:
            raise _unavailable(claim, FailureKind.PHOTO, f"it can't be read from its archive: {error}") from error
        except OSError as error:
            raise PhotoUnavailableError(claim, self._cause.of_photo(claim, error)) from error


def _unavailable(claim: Claim, kind: FailureKind, reason: str) -> PhotoUnavailableError:
    return PhotoUnavailableError(claim, Failure(claim.token, kind, reason))
