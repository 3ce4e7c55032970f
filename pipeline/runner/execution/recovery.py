"""Completes or releases the leases that a killed process left. Owns what is decided about each of them.

Runs under the instance lock and after orphaned workers have ended, so every lease found is void. A lease with a
recorded hash was being published: its picture is finished if either name holds it. The job of any other returns to
the queue, and its temporary file is removed; nothing else is ever deleted.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from pipeline.errors import UnwritableError
from pipeline.hashing import job_key
from pipeline.images.publish import sync_folder
from pipeline.ledger import Lease, Ledger
from pipeline.runner.execution.publishing import Publisher, part_path, sha256_if_there
from pipeline.runner.execution.rejected import finish_rejections
from pipeline.runner.execution.timelapses import publish_timelapse, remove_parts
from pipeline.runner.failure_cause import remove_test_file, require_writable

#: One power cut is no evidence against a photo; ten are.
MAX_INTERRUPTIONS: Final = 10


def recover(ledger: Ledger, output_folder: Path) -> int:
    """Bring every job left leased to ``done`` or back to ``pending``; returns how many there were.

    Deletes what rejected pictures have left, too.
    Raises StorageError.
    """
    publisher = Publisher(ledger, output_folder)
    leases = ledger.leases.all()
    remove_test_file(output_folder)
    for lease in leases:
        part = part_path(output_folder, lease.output, lease.token)
        try:
            is_finished = _finish(publisher, lease, part, output_folder / lease.output)
        except UnwritableError:
            require_writable(output_folder)
            is_finished = False  # concerns this picture only; the pass fails on it again and reports it
        if not is_finished:
            ledger.leases.interrupt(lease.token, max_interruptions=MAX_INTERRUPTIONS)
        remove_parts(part)
    finish_rejections(ledger, output_folder)
    return len(leases)


def _finish(publisher: Publisher, lease: Lease, part: Path, final: Path) -> bool:
    if lease.artwork_sha256 is None or lease.photo_sha256 is None:
        return False
    key = job_key(lease.photo_sha256, lease.settings_sha256)
    if sha256_if_there(final) == lease.artwork_sha256:
        publish_timelapse(publisher.folder, lease.output, part, key)
        # While the lease is there: killed once more after it is gone, nothing records the temporary file.
        sync_folder(final.parent)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        publisher.complete(lease.token, key, lease.output, lease.artwork_sha256)
        return True
    if sha256_if_there(part) == lease.artwork_sha256:
        publisher.publish(lease, key, lease.artwork_sha256)
        return True
    return False
