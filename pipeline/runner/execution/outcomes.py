"""What becomes of an answered job. Owns the way from an answer to the ledger, the events and the tally."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipeline.ledger import Claim, Ledger
from pipeline.model import Artwork, Failure, FailureKind, JobFailed, JobFinished, JobState, Occupancy, RunEvent

Emit = Callable[[RunEvent], None]

#: Failures after which a job waits as long as any does: nobody's memory grows within a minute.
_MANY: Final = 60


@dataclass(slots=True)
class Tally:
    """Numbers of one pass. ``failed`` counts jobs that failed in it and were not put back for another try in it."""

    finished: int = 0
    copied: int = 0
    failed: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    slots_used: int = 0
    slots_offered: int = 0

    def count(self, occupancy: Occupancy) -> None:
        """Add how full the engine was."""
        self.slots_used += occupancy.used
        self.slots_offered += occupancy.offered


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long a failed job waits: ``first_seconds``, doubled by each failure in a row, at most ``most_seconds``.

    ``chance`` returns 0..1: up to half of the time is taken off, so that jobs that failed together come back apart.
    """

    first_seconds: float
    most_seconds: float
    chance: Callable[[], float] = random.random

    def __call__(self, setbacks: int) -> float:
        """Return the seconds to wait after the ``setbacks``-th failure in a row, from 1."""
        doublings = min(setbacks - 1, 60)  # beyond, numbers only become too large to count with
        return min(self.most_seconds, self.first_seconds * 2.0**doublings) * (1 - self.chance() / 2)


class Outcomes:
    """Writes answers into the ledger and tells of them."""

    def __init__(
        self, ledger: Ledger, emit: Emit, *, max_attempts: int, max_crashes: int, back_off: BackOff = BackOff(0, 0)
    ) -> None:
        self._ledger = ledger
        self._emit = emit
        self._max_attempts = max_attempts
        self._max_crashes = max_crashes
        self._back_off = back_off
        self.tally = Tally()

    def finish(self, claim: Claim, key: str, output: str, artwork: Artwork | None) -> None:
        """Tell of a published picture; ``artwork`` is None for a copy."""
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

        If it is tried again by itself, it is so after ``least_seconds`` at the earliest.
        """
        state = self._settle(claim, failure, least_seconds)
        if state in (JobState.FAILED, JobState.QUARANTINED):
            self.tally.failed += 1
        if failure.kind in (FailureKind.RETURNED, FailureKind.STORAGE, FailureKind.PAINTING):
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
            )
        )

    def _settle(self, claim: Claim, failure: Failure, least_seconds: float) -> JobState:
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
            ):
                setbacks = _MANY if failure.kind is FailureKind.SIZE else claim.setbacks + 1
                return self._ledger.leases.fail(
                    token,
                    reason,
                    costs_attempt=failure.kind not in (FailureKind.MEMORY, FailureKind.CODEC),
                    max_attempts=self._max_attempts,
                    delay_seconds=max(self._back_off(setbacks), least_seconds),
                )
            case FailureKind.CRASH:
                return self._ledger.leases.crash(token, reason, max_crashes=self._max_crashes)
            case FailureKind.GONE:
                self._ledger.leases.withdraw(token, reason)
                return JobState.WITHDRAWN
            case FailureKind.CHANGED:
                # Not to be claimed again before intake has looked at it anew: the pass doesn't chase a growing file.
                self._ledger.leases.release_until_scanned(token)
            case FailureKind.RETURNED | FailureKind.STORAGE | FailureKind.PAINTING:
                self._ledger.leases.release(token)
        return JobState.PENDING
