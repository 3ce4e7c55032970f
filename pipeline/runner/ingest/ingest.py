"""From the input folder to pending jobs: scan, settle, pair, record. Owns the first half of a pass.

The same function serves ``run``, on the real ledger, and ``plan``, on a copy in memory.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.config import Config
from pipeline.images.encode import suffix_of
from pipeline.intake.scan import scan
from pipeline.intake.stability import check_stability
from pipeline.ledger import Ledger
from pipeline.model import PhotoSetAside
from pipeline.pairing import pair
from pipeline.runner.ingest.archives import Unpacking
from pipeline.runner.ingest.outdated_refusals import look_again
from pipeline.runner.preparation import ResolvedConfig


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What a scan brought. ``skipped`` counts files that are no photos; ``unpaired`` photos that no style wants."""

    photos: int
    set_aside: tuple[PhotoSetAside, ...]
    skipped: Mapping[str, int]
    unpaired: int


def ingest(
    config: Config,
    resolved: ResolvedConfig,
    ledger: Ledger,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> IngestResult:
    """Record the folder's photos and the jobs they make. Raises StorageError when the folder is gone."""
    folder = config.input.folder
    outside = (config.output.folder, config.state.folder)
    found = scan(folder, config.input.ignore, outside)
    look_again(ledger, config)
    unpacking = Unpacking(config, ledger)
    archives, skipped = unpacking.among(found)
    unknown = ledger.photos.unknown(found.photos)
    settled = check_stability(
        folder,
        [*unknown, *unpacking.to_open(archives)],
        settle_seconds=config.input.settle_seconds,
        incomplete_seconds=config.input.incomplete_seconds,
        now_ns=time.time_ns,
        sleep=sleep,
        examine=unpacking.examine,
    )
    unpacked = unpacking.unpack(archives, settled)
    quarantined = (*settled.quarantined, *unpacked.quarantined)
    ledger.photos.record((*found.photos, *unpacked.seen), (*settled.ready, *unpacked.ready), quarantined)
    held_back = {photo.path for photo, _ in settled.incomplete}
    paths = [photo.path for photo in found.photos if photo.path not in held_back] + unpacked.usable
    jobs = list(pair(paths, resolved.pairing))
    ledger.jobs.record(map(resolved.want, jobs), suffix_of(config.output.format))
    return IngestResult(
        photos=len(found.photos) + unpacked.photos,
        set_aside=(
            *(
                PhotoSetAside(path, "incomplete", note)
                for path, note in zip(found.unreadable, found.notes, strict=True)
            ),
            *(PhotoSetAside(photo.path, "incomplete", reason) for photo, reason in settled.incomplete),
            *(PhotoSetAside(photo.path, "quarantined", reason) for photo, reason in quarantined),
        ),
        skipped=Counter(skipped) + unpacked.skipped,
        unpaired=len(set(paths) - {job.photo for job in jobs}),
    )
