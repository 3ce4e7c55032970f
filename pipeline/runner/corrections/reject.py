"""Rejects pictures: they are deleted, and not made again. Owns which ones may be rejected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.images.encode import read_provenance
from pipeline.ledger import Ledger, PictureRecord
from pipeline.model import JobState, OnChange
from pipeline.runner.execution.publishing import sha256_if_there
from pipeline.runner.execution.rejected import delete_rejected, finish_rejections


@dataclass(slots=True)
class Rejected:
    """What became of pictures: ``deleted``, rejected ``before``, or ``refused`` with the reason.

    Those ``due`` of the deleted ones will be made with other settings, or of their photo's new content.
    """

    deleted: list[PictureRecord] = field(default_factory=list)
    before: list[PictureRecord] = field(default_factory=list)
    refused: list[tuple[PictureRecord, str]] = field(default_factory=list)
    due: list[PictureRecord] = field(default_factory=list)


def reject(
    ledger: Ledger, output_folder: Path, pictures: Iterable[PictureRecord], on_change: OnChange = "repaint"
) -> Rejected:
    """Reject these pictures. Safe beside a running program. Raises LedgerError."""
    finish_rejections(ledger, output_folder)
    done = Rejected()
    for picture in dict.fromkeys(pictures):
        if picture.is_rejected and picture.state is JobState.DONE:
            done.before.append(picture)
        elif reason := _reject_one(ledger, output_folder, picture):
            done.refused.append((picture, reason))
        else:
            done.deleted.append(picture)
    ledger.jobs.recognize(on_change)  # what was to be made again as it was
    left = {picture.job_id for picture in ledger.pictures.all() if picture.state is JobState.PENDING}
    done.due = [picture for picture in done.deleted if picture.job_id in left]
    return done


def _reject_one(ledger: Ledger, output_folder: Path, picture: PictureRecord) -> str:
    """Reject a picture; returns why it can't be, or nothing."""
    if picture.sha256 is None:
        return "was not made yet"
    if picture.state is JobState.LEASED:
        return "is being made again just now; reject it when that is finished"
    file = output_folder / picture.output
    is_there = os.path.lexists(file)
    if is_there and (file.is_symlink() or sha256_if_there(file) != picture.sha256):
        return "was edited or replaced since it was made, or can't be read: it stays; delete it yourself"
    key = _key_in(file) if is_there else picture.key
    if key is None:
        return "is deleted already, and to be made again; reject it then"
    rejection = ledger.rejections.note(picture, key)
    if rejection is None:
        return "is being made again just now; reject it when that is finished"
    try:
        if not delete_rejected(ledger, output_folder, rejection):
            return "was replaced meanwhile: it stays; look at it again"
    except StorageError as error:
        return f"is rejected and still there: {error}. The next run tries again"
    return ""


def _key_in(file: Path) -> str | None:
    try:
        key = (read_provenance(file) or {}).get("key")
    except StorageError:
        return None
    return key if isinstance(key, str) else None
