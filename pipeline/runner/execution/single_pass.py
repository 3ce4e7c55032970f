"""One pass over the input folder: take in, claim, execute, publish, record, report. Refuses to know when.

The pass is told everything and asks nothing: the caller holds the instance lock, reads the events, sets the signal
handlers. What happens if the process dies between any two steps is :mod:`pipeline.runner.execution.recovery`'s.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pipeline.config import Config
from pipeline.config.settings import folder_settings, ingest_settings
from pipeline.engine import ENGINE_VERSION
from pipeline.errors import (
    LeaseLostError,
    PaintingChangedError,
    StorageError,
    UnwritableError,
    files_explained,
    in_words,
)
from pipeline.executors import Executor
from pipeline.ledger import Ledger
from pipeline.model import (
    Artwork,
    Assignment,
    ExecutorEvent,
    Failure,
    FailureKind,
    JobStarted,
    JobState,
    Occupancy,
    Remark,
    RunEvent,
    RunFinished,
    RunStarted,
    Started,
)
from pipeline.runner.execution.checkpoints import checkpoint_folder, remove_checkpoint, tidy_checkpoints
from pipeline.runner.execution.claims import Claims, PassFolders
from pipeline.runner.execution.outcomes import BackOff, Outcomes
from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.execution.publishing import Delivery, Publisher, pixel_evaluations
from pipeline.runner.execution.recovery import recover
from pipeline.runner.execution.session import Session
from pipeline.runner.failure_cause import attribute_failure, require_writable
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.input_root import Root
from pipeline.runner.instance.folder_marks import OutputGuard
from pipeline.runner.instance.moved_source import follow_moved_source
from pipeline.runner.originals.moving import Originals
from pipeline.runner.preparation import ResolvedConfig

_STOPPED: Final = "stopped before everything was done"
_NAP_SECONDS: Final = 0.2


class _StoppedError(Exception):
    """The pass was stopped before it had taken in what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOptions:
    """What the caller adds to the config for one pass; ``config_name`` is what reports call the config."""

    limit: int | None = None
    redo_outdated: bool = False
    config_name: str = ""


class SinglePass:
    """Everything that is pending, once."""

    def __init__(
        self,
        config: Config,
        resolved: ResolvedConfig,
        ledger: Ledger,
        executor: Executor,
        emit: Callable[[RunEvent], None],
        *,
        session: Session | None = None,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """``session`` comes from the pass before, in a program that makes one after another.

        ``on_turn`` is called again and again while jobs are claimed, which may take long without an event.
        """
        self._config = config
        self._resolved = resolved
        self._ledger = ledger
        self._executor = executor
        self._emit = emit
        self._on_turn = on_turn
        self._session = session or Session(
            OutputGuard(config.output.folder), OversizedPictures(config.state.max_retry_seconds)
        )
        self._publisher = Publisher(ledger, config.output.folder)
        self._outcomes = Outcomes(
            ledger,
            emit,
            max_attempts=config.state.max_attempts,
            max_crashes=config.state.max_crashes,
            back_off=BackOff(config.state.retry_seconds, config.state.max_retry_seconds),
        )
        self._originals = Originals(ledger, config.input.folder, config.input.originals_folder, emit)
        self._stopped = False
        self._drained = False
        self._stop_told = False
        self._planned_end = ""
        self._counts: dict[JobState, int] = {}

    def stop(self, planned: str = "") -> None:
        """End the pass soon: publish what is done within ``state.grace_seconds``, put the rest back where it is.

        Safe to call from a signal handler. ``planned`` says why in a few words if this is no interruption but what
        somebody planned.
        """
        if not (planned and self._stopped):
            self._planned_end = planned
        self._stopped = True
        self._executor.stop()

    def drain(self) -> None:
        """End the pass once what is in work is finished: claim nothing more."""
        self._drained = True

    def run(
        self,
        options: PassOptions = PassOptions(),
        ingested: IngestResult | None = None,
        *,
        sleep: Callable[[float], None] | None = None,
    ) -> RunFinished:
        """Make the pictures that are pending. Raises CannotRunError.

        Once RunStarted is told, RunFinished is too, before anything is raised. With ``ingested`` somebody else keeps
        the ledger in step with the folder, before and during the pass; jobs that come meanwhile are made too.
        ``sleep`` waits for photos that may still be written, by default until the pass is stopped.
        """
        begun = time.monotonic()
        run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        with files_explained():
            moved = follow_moved_source(folder_settings(self._config), self._ledger) if ingested is None else ""
            recover(self._ledger, self._config.output.folder)
            tidy_checkpoints(checkpoint_folder(self._config), self._ledger)
            self._originals.resume()
            if ingested is None:
                ingested = self._ingest(options, sleep or self._sleep_unless_stopped)
        self._announce(run_id, ingested, options)
        trouble: Exception | None = None
        try:
            self._tell_of_set_aside(ingested)
            if moved:
                self._emit(Remark("", moved))
            with files_explained():
                self._work(options)
            self._counts = self._ledger.queries.counts()
        except Exception as error:
            trouble = error
            self._counts = self._counts_after_all()
        finished = self._sum_up(run_id, begun, trouble)
        self._emit(finished)
        if trouble is not None:
            raise trouble
        return finished

    def _ingest(self, options: PassOptions, sleep: Callable[[float], None]) -> IngestResult:
        self._ledger.jobs.requeue_failed()
        try:
            ingested = ingest(ingest_settings(self._config), self._resolved, self._ledger, sleep=sleep)
        except _StoppedError:
            return IngestResult(photos=self._ledger.queries.photo_count())
        if options.redo_outdated:
            self._ledger.jobs.redo_outdated(ENGINE_VERSION)
        return ingested

    def _sleep_unless_stopped(self, seconds: float) -> None:
        """Wait; raises _StoppedError once the pass is stopped: photos that were not waited for are not judged."""
        until = time.monotonic() + seconds
        while not self._stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NAP_SECONDS))
        if self._stopped:
            raise _StoppedError

    def _announce(self, run_id: str, ingested: IngestResult, options: PassOptions) -> None:
        counts = self._counts = self._ledger.queries.counts()
        pending = counts.get(JobState.PENDING, 0)
        self._emit(
            RunStarted(
                run_id=run_id,
                config=options.config_name,
                photos=ingested.photos,
                jobs=pending if options.limit is None else min(pending, options.limit),
                done=counts.get(JobState.DONE, 0),
            )
        )

    def _tell_of_set_aside(self, ingested: IngestResult) -> None:
        for photo in ingested.set_aside:
            self._emit(photo)
            self._outcomes.tally.failed += photo.kind == "quarantined"

    def _work(self, options: PassOptions) -> None:
        places = self._places(self._session.input_root(self._config.input.folder))
        claims = Claims(
            self._ledger,
            self._resolved,
            places,
            self._outcomes,
            self._session.oversized,
            options.limit,
            self._is_over,
        )
        try:
            # The first claim is made here so that a pass with nothing to compute never starts a worker. Asked again
            # afterwards: photos of equal content wait for the first one's picture and are then copied.
            while not self._stopped and (first := claims(1)):
                self._execute(claims, first)
            if not (self._stopped or self._drained):
                self._originals.sweep()  # copies, unchanged photos, and those finished before moving was asked for
        except BaseException:
            with contextlib.suppress(LeaseLostError):  # what is being raised tells more
                claims.give_back()
            raise
        claims.give_back()

    def _is_over(self) -> bool:
        self._on_turn()
        return self._stopped or self._drained

    def _execute(self, claims: Claims, first: list[Assignment]) -> None:
        def source(count: int) -> list[Assignment]:
            assignments = [first.pop()] if first else []
            if self._stopped:
                return assignments
            return assignments + claims(count - len(assignments))

        with contextlib.closing(self._executor.run(source)) as events:
            for event in events:
                self._tell_of_a_stop()
                self._hear(claims, event)

    def _tell_of_a_stop(self) -> None:
        if self._stopped and not self._stop_told:
            self._stop_told = True
            grace = f"{self._config.state.grace_seconds:g} s to be finished"
            self._emit(Remark("", f"stopping: pictures in work have {grace}, then they are put back where they are"))

    def _hear(self, claims: Claims, event: ExecutorEvent) -> None:
        match event:
            case Started():
                claim, _ = claims.open[event.token]
                self._ledger.leases.start(event.token)
                self._session.oversized.begin(event.token)
                self._emit(JobStarted(event.token, claim.job, claim.output))
            case Artwork():
                self._publish(claims, event)
            case Failure():
                self._fail(claims, event)
            case Occupancy():
                self._outcomes.tally.count(event)
            case _:
                self._emit(event)

    def _fail(self, claims: Claims, answer: Failure) -> None:
        claim, assignment = claims.open[answer.token]
        failure = attribute_failure(
            answer, claim, self._session.root, self._config.input.folder, self._config.output.folder
        )
        least_seconds = (
            self._session.oversized.note(assignment, failure.reason) if failure.kind is FailureKind.SIZE else 0.0
        )
        put_back = failure.kind in (FailureKind.RETURNED, FailureKind.CRASH)
        claims.close(failure.token, put_back=put_back)
        with contextlib.suppress(OSError):  # a lost share is told by the failure itself
            assignment.part_path.unlink(missing_ok=True)
        self._outcomes.fail(claim, assignment.key, failure, least_seconds=least_seconds)
        if failure.kind is FailureKind.STORAGE:
            raise StorageError(failure.reason)
        if failure.kind is FailureKind.PAINTING:
            raise PaintingChangedError(failure.reason)

    def _publish(self, claims: Claims, artwork: Artwork) -> None:
        claim, assignment = claims.open[artwork.token]
        self._session.output.require()
        delivery = Delivery(
            token=artwork.token,
            output=claim.output,
            key=assignment.key,
            sha256=artwork.sha256,
            predecessor_sha256=claim.published_sha256,
            seconds=artwork.seconds,
            pixel_evaluations=pixel_evaluations(
                assignment.recipe, artwork.iterations, artwork.width * artwork.height
            ),
        )
        try:
            output = self._publisher.deliver(delivery)
        except UnwritableError as error:
            # Raised while the picture is on record: if the disk is to blame, the next recovery publishes it.
            require_writable(self._config.output.folder)
            self._fail(claims, Failure(artwork.token, FailureKind.UNWRITABLE, str(error)))
            return
        claims.close(artwork.token)
        remove_checkpoint(assignment.checkpoint_path)
        self._outcomes.finish(claim, assignment.key, output, artwork)
        self._originals.photo_done(claim.job.photo)

    def _places(self, root: Root) -> PassFolders:
        config = self._config
        return PassFolders(
            input_folder=config.input.folder,
            root=root,
            output_folder=config.output.folder,
            output=self._session.output,
            snapshot_folder=config.output.folder / "snapshots",
            picture=config.picture_options(),
            max_pixels=config.input.max_pixels,
            order=config.input.order,
            min_free_bytes=config.output.min_free_disk,
            stage_folder=config.state.folder / "unpacked",
            stage_bytes=config.input.archive_space,
            checkpoint_folder=checkpoint_folder(config) if config.state.checkpoint_space else None,
        )

    def _counts_after_all(self) -> dict[JobState, int]:
        """Return the counts, or, of a ledger that can't be read, the last ones with what was made since."""
        with contextlib.suppress(Exception):
            return self._ledger.queries.counts()
        pending, done = (self._counts.get(state, 0) for state in (JobState.PENDING, JobState.DONE))
        made = min(pending, self._outcomes.tally.finished + self._outcomes.tally.copied)
        return self._counts | {JobState.PENDING: pending - made, JobState.DONE: done + made}

    def _sum_up(self, run_id: str, begun: float, trouble: Exception | None) -> RunFinished:
        counts, tally = self._counts, self._outcomes.tally
        return RunFinished(
            run_id=run_id,
            finished=tally.finished,
            copied=tally.copied,
            failed=tally.failed,
            left=counts.get(JobState.PENDING, 0),
            interrupted=self._stopped and not self._planned_end,
            planned_end=bool(self._planned_end),
            seconds=time.monotonic() - begun,
            cache_hits=tally.cache_hits,
            cache_misses=tally.cache_misses,
            slots_used=tally.slots_used,
            slots_offered=tally.slots_offered,
            reason=in_words(trouble) if trouble else self._planned_end or (_STOPPED if self._stopped else ""),
            counts={state.value: count for state, count in counts.items()},
        )
