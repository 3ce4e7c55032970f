"""Records what becomes of a job: in the ledger, as an event, and in the numbers of the pass."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipeline.ledger import Claim, Ledger
from pipeline.model import (
    Artwork,
    Failure,
    FailureKind,
    JobFailed,
    JobFinished,
    JobState,
    Occupancy,
    PhotoSetAside,
    RetryPolicy,
    RunEvent,
)
from pipeline.runner.painting_detail import PaintingDetail

EmitRunEvent = Callable[[RunEvent], None]

#: Failures in a row after which a job waits as long as any does: a machine's memory does not grow within a minute.
_MOST_CONSECUTIVE_FAILURES: Final = 60
#: What fails so fails again in the same way.
_HOPELESS: Final = (FailureKind.MASK, FailureKind.FORMAT)


@dataclass(slots=True)
class Tally:
    """Numbers of one pass, under the names they have in RunFinished.

    ``failed`` counts jobs that failed in it and were not returned to the queue for another attempt in it; without
    those of the ``photos_set_aside``, each of which counts once, whoever found out.
    """

    finished: int = 0
    copied: int = 0
    failed: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    slots_used: int = 0
    slots_offered: int = 0
    photos_set_aside: int = 0

    def add(self, occupancy: Occupancy) -> None:
        """Add how full the engine was."""
        self.slots_used += occupancy.used
        self.slots_offered += occupancy.offered


def retry_delay_seconds(
    policy: RetryPolicy, consecutive_failures: int, *, chance: Callable[[], float] = random.random
) -> float:
    """Return how long a job waits after so many ``consecutive_failures``, from 1.

    ``chance`` returns 0..1: up to half of the time is taken off, so that jobs that failed together are not tried
    again together.
    """
    # Beyond these, numbers only become too large to count with.
    doublings = min(consecutive_failures - 1, _MOST_CONSECUTIVE_FAILURES)
    return min(policy.max_delay_seconds, policy.first_delay_seconds * 2.0**doublings) * (1 - chance() / 2)


class Outcomes:
    """Records in the ledger what becomes of jobs, emits it, and counts.

    ``detail``: which paintings were too small for the pictures.
    """

    def __init__(self, ledger: Ledger, emit: EmitRunEvent, policy: RetryPolicy) -> None:
        self._ledger = ledger
        self._emit = emit
        self._policy = policy
        self._set_aside: set[str] = set()
        self.tally = Tally()
        self.detail = PaintingDetail()

    def set_aside(self, photo: PhotoSetAside) -> None:
        """Emit a photo of which no picture is made; a quarantined one is counted and emitted once."""
        if photo.path not in self._set_aside:
            self.count_set_aside(photo)
            self._emit(photo)

    def count_set_aside(self, photo: PhotoSetAside) -> None:
        """Count a photo that somebody else emits."""
        if photo.kind == "quarantined":
            self._set_aside.add(photo.path)
            self.tally.photos_set_aside = len(self._set_aside)

    def finish(self, claim: Claim, key: str, output: str, artwork: Artwork | None) -> None:
        """Count and emit a published picture; ``artwork`` is None for a copy."""
        if artwork is None:
            self.tally.copied += 1
        else:
            self.tally.finished += 1
            self.tally.cache_hits += artwork.cache_hits
            self.tally.cache_misses += artwork.cache_misses
        self._emit(
            JobFinished(
                token=claim.token,
                job=claim.job,
                key=key,
                output=output,
                attempts=claim.attempts + 1,
                artwork=artwork,
            )
        )

    def fail(self, claim: Claim, key: str, failure: Failure, *, least_seconds: float = 0.0) -> None:
        """Bring a job that gave no picture into the state its failure calls for.

        A daemon tries it again after ``least_seconds`` at the earliest.
        """
        state = self._record_failure(claim, failure, least_seconds)
        if failure.kind is FailureKind.PHOTO:
            self.set_aside(PhotoSetAside(claim.job.photo, "quarantined", failure.reason))
        elif state in (JobState.FAILED, JobState.QUARANTINED):
            self.tally.failed += 1
        if failure.kind in (FailureKind.REQUEUED, FailureKind.STORAGE, FailureKind.PAINTING):
            return
        self._emit(
            JobFailed(
                token=claim.token,
                job=claim.job,
                key=key,
                output=claim.output,
                attempts=claim.attempts + 1,
                state=state,
                reason=failure.reason,
                photo_set_aside=failure.kind is FailureKind.PHOTO,
            )
        )

    def _record_failure(self, claim: Claim, failure: Failure, least_seconds: float) -> JobState:
        token, reason = claim.token, failure.reason
        match failure.kind:
            case FailureKind.PHOTO:
                self._ledger.leases.quarantine_photo(token, reason)
                return JobState.QUARANTINED
            case (
                FailureKind.ENGINE
                | FailureKind.UNREADABLE
                | FailureKind.UNWRITABLE
                | FailureKind.SIZE
                | FailureKind.MEMORY
                | FailureKind.CODEC
                | FailureKind.MASK
                | FailureKind.FORMAT
            ):
                consecutive_failures = (
                    _MOST_CONSECUTIVE_FAILURES if failure.kind is FailureKind.SIZE else claim.consecutive_failures + 1
                )
                return self._ledger.leases.fail(
                    token,
                    reason,
                    costs_attempt=failure.kind not in (FailureKind.MEMORY, FailureKind.CODEC),
                    max_attempts=1 if failure.kind in _HOPELESS else self._policy.max_attempts,
                    delay_seconds=max(retry_delay_seconds(self._policy, consecutive_failures), least_seconds),
                    kind=failure.kind,
                )
            case FailureKind.CRASH:
                return self._ledger.leases.crash(token, reason, max_crashes=self._policy.max_crashes)
            case FailureKind.GONE:
                self._ledger.leases.withdraw(token, reason)
                return JobState.WITHDRAWN
            case FailureKind.CHANGED:
                # Not to be claimed again before a scan has seen the photo complete: it may still be growing.
                self._ledger.leases.release_until_scanned(token)
            case FailureKind.REQUEUED | FailureKind.STORAGE | FailureKind.PAINTING:
                self._ledger.leases.release(token)
        return JobState.PENDING
