"""What becomes of an answered job. Owns the way from an answer to the ledger, the events and the tally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.ledger import Claim, Ledger
from pipeline.model import Artwork, Failure, FailureKind, JobFailed, JobFinished, JobState, Occupancy, RunEvent

Tell = Callable[[RunEvent], None]


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


class Outcomes:
    """Writes answers into the ledger and tells of them."""

    def __init__(self, ledger: Ledger, tell: Tell, *, max_attempts: int, max_crashes: int) -> None:
        self._ledger = ledger
        self._tell = tell
        self._max_attempts = max_attempts
        self._max_crashes = max_crashes
        self._held: list[str] = []
        self.tally = Tally()

    def finish(self, claim: Claim, key: str, output: str, artwork: Artwork | None) -> None:
        """Tell of a published picture; ``artwork`` is None for a copy."""
        if artwork is None:
            self.tally.copied += 1
        else:
            self.tally.finished += 1
            self.tally.cache_hits += artwork.cache_hits
            self.tally.cache_misses += artwork.cache_misses
        self._tell(
            JobFinished(
                token=claim.token,
                job=claim.job,
                key=key,
                output=output,
                attempts=claim.attempts + 1,
                artwork=artwork,
            )
        )

    def fail(self, claim: Claim, key: str, failure: Failure) -> None:
        """Bring a job that gave no picture into the state its failure calls for."""
        state = self._settle(claim, failure)
        if state in (JobState.FAILED, JobState.QUARANTINED):
            self.tally.failed += 1
        if failure.kind in (FailureKind.RETURNED, FailureKind.STORAGE):
            return
        self._tell(
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

    def let_go(self) -> None:
        """Give back the jobs of photos that were changing; the next scan looks at those photos again."""
        while self._held:
            self._ledger.forget_photo(self._held.pop())

    def _settle(self, claim: Claim, failure: Failure) -> JobState:
        token, reason = claim.token, failure.reason
        match failure.kind:
            case FailureKind.PHOTO:
                self._ledger.quarantine_photo(token, reason)
                return JobState.QUARANTINED
            case FailureKind.ENGINE | FailureKind.MEMORY:
                costs_attempt = failure.kind is FailureKind.ENGINE
                return self._ledger.fail(token, reason, costs_attempt=costs_attempt, max_attempts=self._max_attempts)
            case FailureKind.CRASH:
                return self._ledger.crash(token, reason, max_crashes=self._max_crashes)
            case FailureKind.GONE:
                self._ledger.withdraw(token, reason)
                return JobState.WITHDRAWN
            case FailureKind.CHANGED:
                # Still leased: given back only at the end of the pass, or the pass would chase a growing file.
                self._held.append(token)
            case FailureKind.RETURNED | FailureKind.STORAGE:
                self._ledger.release(token)
        return JobState.PENDING
