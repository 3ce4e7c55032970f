"""Deletes rejected pictures, and keeps them from being made again. Owns which file may be deleted, and the order.

A rejection is noted in the ledger, then the file gets a temporary name, under which no other program replaces it; if
it is, by its hash, the picture that was published, it is deleted, and that is recorded. After a kill between two of
these steps the next pass does the rest.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pipeline.errors import StorageError, UnwritableError
from pipeline.failpoints import failpoint
from pipeline.images.publish import publish, sync_folder
from pipeline.ledger import Claim, Ledger, Rejection
from pipeline.runner.execution.publishing import part_path, sha256_if_there
from pipeline.runner.execution.timelapses import remove_timelapse


def finish_rejections(ledger: Ledger, output_folder: Path) -> None:
    """Delete the files of rejected pictures that are still there, as after a kill. What can't be deleted waits."""
    for rejection in ledger.rejections.unfinished():
        with contextlib.suppress(StorageError):
            delete_rejected(ledger, output_folder, rejection)


def delete_rejected(ledger: Ledger, output_folder: Path, rejection: Rejection) -> bool:
    """Delete a rejected picture's file; False, and it is not rejected any more, if that is another file by now.

    Raises StorageError if it can't be deleted; the next pass tries again.
    """
    assert rejection.token is not None
    final = output_folder / rejection.output
    part = part_path(output_folder, rejection.output, rejection.token)
    _set_aside(final, part)
    found = sha256_if_there(part)
    if found != rejection.picture_sha256 and os.path.lexists(part):
        _put_back(part, final)
        ledger.rejections.withdraw(rejection)
        return False
    _unlink(part)
    remove_timelapse(final)
    failpoint("rejected-deleted")
    ledger.rejections.end(rejection)
    return True


def complete_rejected(
    ledger: Ledger, output_folder: Path, claim: Claim, key: str, rejection: Rejection | None
) -> bool:
    """Complete a claimed job without a picture if that is rejected already; tells whether it is.

    Its present picture, of other settings or of other content of its photo, goes, as if it had been replaced.
    """
    if rejection is None:
        return False
    if claim.published_sha256 is not None and claim.published_key != key:
        final = output_folder / claim.output
        if sha256_if_there(final) == claim.published_sha256:
            _unlink(final)
            remove_timelapse(final)
    ledger.rejections.complete(claim, rejection)
    return True


def _set_aside(final: Path, part: Path) -> None:
    """Give a picture its temporary name, unless it has that already or is gone. Raises StorageError."""
    if os.path.lexists(part):
        return
    try:
        final.rename(part)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot_delete(final, error) from error
    failpoint("rejected-set-aside")


def _put_back(part: Path, final: Path) -> None:
    number = 1
    back = final
    while not publish(part, back):
        number += 1
        back = final.with_stem(f"{final.stem}-{number}")


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_delete(path, error) from error
    if path.parent.is_dir():
        sync_folder(path.parent)


def _cannot_delete(path: Path, error: OSError) -> UnwritableError:
    reason = error.strerror or str(error)
    return UnwritableError(f"{path} can't be deleted ({reason}); check that its folder can be written to")
