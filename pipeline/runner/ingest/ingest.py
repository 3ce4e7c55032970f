"""Ingests a whole input folder at once. Owns the first half of a run; waits for files that are still being written.

The same function serves ``run``, on the real ledger, and ``plan``, on a copy in memory.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pipeline.intake import containers
from pipeline.intake.stability import Examine, StabilityResult, StabilityTimes, check_stability
from pipeline.ledger import Ledger
from pipeline.model import IngestSettings, Photo, PhotoSetAside
from pipeline.report.formatting import incomplete_reason
from pipeline.runner.ingest.archives import ArchiveIngest
from pipeline.runner.ingest.outdated_refusals import retry_outdated_refusals
from pipeline.runner.ingest.steps import IngestResult, IngestSteps, known_problems, unreadable_places
from pipeline.runner.input_root import open_input
from pipeline.runner.preparation import ResolvedConfig


def ingest(
    settings: IngestSettings,
    resolved: ResolvedConfig,
    ledger: Ledger,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> IngestResult:
    """Record the folder's photos and the jobs they make. Raises StorageError when the folder is gone.

    That of a folder that is not there at all is the scan's.
    """
    root = open_input(settings.folder, ledger) if os.path.isdir(settings.folder) else None  # noqa: PTH112 - errors are the scan's, too
    archives = ArchiveIngest(settings, ledger)
    check_photos = _check(settings, settings.folder, archives.examine, sleep)
    check_masks = _check(settings, settings.masks or settings.folder, containers.examine, sleep)
    steps = IngestSteps(settings, resolved, ledger, archives, check_photos, check_masks)
    found = steps.scan()
    if root is not None:
        root.require()
        found, _ = steps.with_missing_mounts(found, root)
    retry_outdated_refusals(ledger, settings)
    recorded = steps.record_photos(found.photos, found.archives, whole=True)
    unpaired = steps.record_jobs(recorded.to_pair(unchanged=True), new=recorded.new_paths(), whole=True)
    ledger.jobs.recognize(settings.on_change)
    skipped = archives.selection.skipped
    ledger.skipped.record(skipped)
    set_aside = [*unreadable_places(found), *recorded.set_aside(), *unpaired.new]
    return IngestResult(
        photos=len(recorded.photos) + recorded.archived.count,
        set_aside=_with_ages(ledger, set_aside),
        known=[*unpaired.known, *known_problems(ledger, set_aside)],
        skipped=Counter(found.skipped) + recorded.archived.skipped,
        unpaired=unpaired.count,
        root=root,
        skipped_photos=skipped,
        unused_masks=steps.masks.unused(photo.path for photo in (*found.photos, *recorded.archived.seen)),
    )


def _check(
    settings: IngestSettings, folder: Path, examine: Examine, sleep: Callable[[float], None]
) -> Callable[[Sequence[Photo]], StabilityResult]:
    """Return what waits until files in a folder are settled, and sorts them by their state."""
    return partial(
        check_stability,
        folder,
        times=StabilityTimes(settings.settle_seconds, settings.incomplete_seconds),
        now_ns=time.time_ns,
        sleep=sleep,
        examine=examine,
    )


def _with_ages(ledger: Ledger, set_aside: Sequence[PhotoSetAside]) -> list[PhotoSetAside]:
    """Record which of these files are incomplete; return all, with how long those have been so."""
    files = ledger.incomplete.record({photo.path: photo.reason for photo in set_aside if photo.kind == "incomplete"})
    reasons = {file.path: incomplete_reason(file, time.time()) for file in files}
    return [dataclasses.replace(photo, reason=reasons.get(photo.path, photo.reason)) for photo in set_aside]
