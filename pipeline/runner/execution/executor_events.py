"""Handles what an executor yields: publishes finished pictures, records failures, passes the rest on as events."""

from __future__ import annotations

from collections.abc import Callable

from pipeline import __version__
from pipeline.errors import PaintingChangedError, StorageError, UnwritableError
from pipeline.images.previews import remove_live
from pipeline.ledger import Ledger, PictureFacts
from pipeline.model import (
    Artwork,
    Assignment,
    ExecutorEvent,
    Failure,
    FailureKind,
    JobStarted,
    Occupancy,
    Remark,
    RunEvent,
    Started,
)
from pipeline.picture_settings import record_of
from pipeline.runner.execution.checkpoints import remove_checkpoint
from pipeline.runner.execution.claims import Claims
from pipeline.runner.execution.outcomes import Outcomes
from pipeline.runner.execution.publishing import pixel_evaluations
from pipeline.runner.execution.session import Session
from pipeline.runner.execution.timelapses import remove_parts
from pipeline.runner.originals.moving import OriginalMover


class EventHandler:
    """Takes the events of the jobs that are assigned in ``claims``."""

    def __init__(
        self,
        ledger: Ledger,
        session: Session,
        claims: Claims,
        outcomes: Outcomes,
        originals: OriginalMover,
        emit: Callable[[RunEvent], None],
    ) -> None:
        self._ledger = ledger
        self._session = session
        self._claims = claims
        self._outcomes = outcomes
        self._originals = originals
        self._emit = emit

    def handle(self, event: ExecutorEvent) -> None:
        """Bring the job into the state that the event calls for. Raises CannotRunError where the pass must end."""
        match event:
            case Started():
                claim = self._claims.assigned[event.token].claim
                self._ledger.leases.start(event.token)
                self._session.oversized.work_began(event.token)
                self._emit(JobStarted(event.token, claim.job, claim.output))
            case Artwork():
                self._publish(event)
            case Failure():
                claim = self._claims.assigned[event.token].claim
                self._handle_failure(self._claims.failure_cause.with_disk_checked(event, claim))
            case Occupancy():
                self._outcomes.tally.add(event)
            case _:
                self._emit(event)

    def _handle_failure(self, failure: Failure) -> None:
        job = self._claims.assigned[failure.token]
        is_oversized = failure.kind is FailureKind.SIZE
        least_seconds = self._session.oversized.note(job.assignment, failure.reason) if is_oversized else 0.0
        requeued = failure.kind in (FailureKind.REQUEUED, FailureKind.CRASH)
        self._claims.finish(failure.token, requeued=requeued)
        remove_parts(job.assignment.part_path)
        remove_live(job.assignment.previews, failure.token)  # of a worker that died
        self._outcomes.fail(job.claim, job.assignment.key, failure, least_seconds=least_seconds)
        if failure.kind is FailureKind.STORAGE:
            raise StorageError(failure.reason)
        if failure.kind is FailureKind.PAINTING:
            raise PaintingChangedError(failure.reason)

    def _publish(self, artwork: Artwork) -> None:
        claim, assignment = (job := self._claims.assigned[artwork.token]).claim, job.assignment
        self._session.output.require()
        pixels = artwork.width * artwork.height
        try:
            output = self._claims.publisher.publish(
                claim,
                assignment.key,
                artwork.sha256,
                seconds=artwork.seconds,
                pixel_evaluations=pixel_evaluations(artwork.sizes, artwork.iterations, pixels),
                facts=facts_of(artwork, assignment),
                note=lambda text: self._emit(Remark(artwork.token, text)),
            )
        except UnwritableError as error:
            # Raised while the picture is on record: if the disk is to blame, the next recovery publishes it.
            self._handle_failure(self._claims.failure_cause.of_picture(claim, error))
            return
        self._outcomes.detail.note(assignment.style, assignment.recipe.name, max(artwork.width, artwork.height))
        self._claims.finish(artwork.token)
        remove_checkpoint(assignment.checkpoint_path)
        self._outcomes.finish(claim, assignment.key, output, artwork)
        self._originals.move_if_done(claim.job.photo)


def facts_of(artwork: Artwork, assignment: Assignment) -> PictureFacts:
    """Return what is recorded of how a picture was made."""
    return PictureFacts(
        width=artwork.width,
        height=artwork.height,
        sizes=artwork.sizes,
        iterations=artwork.iterations,
        first=artwork.first,
        last=artwork.last,
        seconds=artwork.seconds,
        device=artwork.device,
        cache_hits=artwork.cache_hits,
        cache_misses=artwork.cache_misses,
        notes=artwork.notes,
        photo_sha256=assignment.photo_sha256,
        program=f"stylewatch {__version__}",
        settings=record_of(assignment),
        history=artwork.history,
    )
