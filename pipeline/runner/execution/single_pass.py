"""Makes one pass: ingests the photos, claims jobs, executes them, publishes and records the pictures.

Owns the order of these steps; does not decide when a pass is made. The caller holds the instance lock, reads the
events and sets the signal handlers. What is left by a process that is killed between two steps is completed or
released by :mod:`pipeline.runner.execution.recovery`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from pipeline.errors import LeaseLostError, files_explained, in_words
from pipeline.executors import Executor
from pipeline.ledger import Ledger, Selection
from pipeline.model import (
    Assignment,
    IncompleteFile,
    JobState,
    PassSettings,
    PhotoSetAside,
    PhotosSkipped,
    Remark,
    RunEvent,
    RunFinished,
    RunStarted,
    Standing,
)
from pipeline.report.formatting import as_before_text
from pipeline.runner.execution.backlog_tracker import BacklogTracker
from pipeline.runner.execution.checkpoints import tidy_unfinished
from pipeline.runner.execution.claims import Claims
from pipeline.runner.execution.executor_events import EventHandler
from pipeline.runner.execution.outcomes import Outcomes, Tally
from pipeline.runner.execution.recovery import recover
from pipeline.runner.execution.session import Session
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.instance.known_mounts import store_input_mount
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.originals.moving import OriginalMover
from pipeline.runner.planning.backlog import estimate_work, work_seconds
from pipeline.runner.planning.run_scope import RunScope, apply_scope, reasons_of_backlog
from pipeline.runner.preparation import ResolvedConfig

_STOPPED: Final = "stopped before everything was done"
_POLL_SECONDS: Final = 0.2


class _StoppedError(Exception):
    """The pass was stopped before its photos were ingested."""


class Ingest(Protocol):
    """Records the photos of the input folder and their jobs in the ledger; may ``sleep`` until they are complete."""

    def __call__(self, *, sleep: Callable[[float], None]) -> IngestResult:
        """Raise what ``sleep`` raises, and CannotRunError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOptions:
    """What the caller adds to the config for one pass; ``config_name`` is what reports call the config.

    ``is_continued``: the caller makes another pass for what a ``limit`` leaves, which so counts as to be made, too.
    """

    limit: int | None = None
    scope: RunScope = field(default_factory=RunScope)
    is_continued: bool = False
    config_name: str = ""


class SinglePass:
    """Makes every pending picture once."""

    def __init__(
        self,
        settings: PassSettings,
        resolved: ResolvedConfig,
        ledger: Ledger,
        executor: Executor,
        emit: Callable[[RunEvent], None],
        *,
        session: Session | None = None,
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        """``session`` comes from the pass before, in a program that makes one after another.

        ``on_poll`` is called again and again while jobs are claimed, which may take long without an event.
        """
        self._settings = settings
        self._resolved = resolved
        self._ledger = ledger
        self._executor = executor
        self._emit_event = emit
        self._on_poll = on_poll
        self._session = session or Session.begin(settings)
        self._outcomes = Outcomes(ledger, self._emit, settings.retries)
        self._originals = OriginalMover(
            ledger, settings.folders.input, settings.folders.originals, self._emit, raw=settings.raw
        )
        self._backlog: BacklogTracker | None = None
        self._claims: Claims | None = None
        self._stopped = False
        self._drained = False
        self._stop_announced = False
        self._planned_end = ""
        self._counts: dict[str, int] = {}
        self._pending = 0
        self._selection: Selection | None = None
        self._skipped_in_scope: dict[str, int] | None = None  # None: the scope is all photos

    def stop(self, planned: str = "") -> None:
        """End the pass soon: publish what is finished within ``grace_seconds``, return the rest to the queue.

        Safe to call from a signal handler. ``planned`` says why in a few words if this is no interruption but a
        planned end.
        """
        if not (planned and self._stopped):
            self._planned_end = planned
        self._stopped = True
        self._executor.stop()

    def drain(self) -> None:
        """Claim nothing more; the pass ends when the pictures in progress are finished."""
        self._drained = True

    def count_set_aside(self, photo: PhotoSetAside) -> None:
        """Count a photo that the caller emits during the pass, having found it meanwhile."""
        self._outcomes.count_set_aside(photo)

    def check_backlog(self) -> None:
        """Emit BacklogChanged if photos came or went; for while there are no other events. Called often."""
        if self._backlog is not None:
            self._backlog.check()

    def _emit(self, event: RunEvent) -> None:
        self._emit_event(event)
        if self._backlog is not None:
            self._backlog.note(event)
        if not isinstance(event, RunStarted):  # that was counted just now
            self.check_backlog()

    def run(self, ingest: Ingest | IngestResult, options: PassOptions = PassOptions()) -> RunFinished:
        """Make the pictures that are pending. Raises CannotRunError.

        Once RunStarted is emitted, so is RunFinished, before anything is raised. With an IngestResult the caller has
        ingested the photos and continues during the pass; jobs that arrive meanwhile are made too.
        """
        begun = time.monotonic()
        run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        with files_explained():
            moved, ingested = self._begin(ingest, options)
        self._emit_run_started(run_id, ingested, options)
        error: Exception | None = None
        try:
            self._report_set_aside(ingested, options.scope)
            if moved:
                self._emit(Remark("", moved))
            with files_explained():
                self._make_pictures(options)
            self._count()
        except Exception as raised:
            error = raised
            self._count_or_estimate()
        self._backlog = None
        finished = self._run_finished(run_id, begun, error)
        self._session.backlog_done += finished.finished + finished.copied
        if not finished.left:
            self._session.backlog_done = 0
        self._emit(finished)
        if error is not None:
            raise error
        return finished

    def _begin(self, ingest: Ingest | IngestResult, options: PassOptions) -> tuple[str, IngestResult]:
        """Finish what a killed pass left, and ingest; returns what to say of a moved input folder, if it was."""
        folders = self._settings.folders
        moved = "" if isinstance(ingest, IngestResult) else take_over_moved_source(folders, self._ledger)
        recover(self._ledger, folders.output)
        tidy_unfinished(self._settings, self._ledger)
        self._originals.resume()
        return moved, ingest if isinstance(ingest, IngestResult) else self._ingest(ingest, options)

    def _ingest(self, ingest: Ingest, options: PassOptions) -> IngestResult:
        self._ledger.jobs.requeue_failed()
        try:
            ingested = ingest(sleep=self._sleep_unless_stopped)
        except _StoppedError:
            return IngestResult(photos=self._ledger.queries.photo_count())
        self._keep_root(ingested)
        skipped = ingested.skipped_photos
        self._selection = apply_scope(self._ledger, options.scope, self._settings.order, skipped)
        return ingested

    def _keep_root(self, ingested: IngestResult) -> None:
        if (root := ingested.root) is not None:
            self._session.root = self._session.root or root
            if ingested.photos:
                store_input_mount(root.folder, root.mount, below=root.known_below)

    def _sleep_unless_stopped(self, seconds: float) -> None:
        """Wait; raises _StoppedError once the pass is stopped: photos that were not waited for are not judged."""
        until = time.monotonic() + seconds
        while not self._stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_SECONDS))
        if self._stopped:
            raise _StoppedError

    def _emit_run_started(self, run_id: str, ingested: IngestResult, options: PassOptions) -> None:
        self._count()
        done = self._selection.done if self._selection else self._counts.get(JobState.DONE, 0)
        limit = None if options.is_continued else options.limit
        reasons = reasons_of_backlog(self._ledger, self._settings.order, self._settings.on_change, limit)

        def most_to_make() -> int | None:
            return limit if limit is None or self._claims is None else self._claims.most_to_make()

        self._backlog = BacklogTracker(
            self._ledger, self._settings.order, self._resolved.recipes.keys(), self._emit_event, most_to_make
        )
        left, settings = self._backlog.count(), self._settings
        estimate = estimate_work(self._ledger, settings.engine, self._resolved, left, settings.folders.input)
        seconds = work_seconds(estimate, left)
        self._emit(
            RunStarted(
                run_id=run_id,
                config=options.config_name,
                photos=self._selection.photos if self._selection else ingested.photos,
                jobs=sum(left.values()),
                done=done,
                again=sum(reasons.values()),
                reasons=reasons,
                seconds=None if seconds is None else round(seconds, 1),
                estimate=estimate,
                recipes=left,
                made_before=self._session.backlog_done,
            )
        )

    def _count(self) -> None:
        self._counts, self._pending = self._ledger.queries.counts_by_name(), self._ledger.queue.pending_count()

    def _report_set_aside(self, ingested: IngestResult, scope: RunScope) -> None:
        for photo in ingested.emitted_before:
            self._outcomes.count_set_aside(photo)
        for photo in ingested.set_aside:
            self._outcomes.set_aside(photo)
        skipped = scope.among(ingested.skipped_photos)
        if scope.only:
            self._skipped_in_scope = PhotosSkipped.of(skipped).counts
        if skipped:
            self._emit(PhotosSkipped.of(skipped))
        if known := [photo for photo in ingested.known if scope.selects(photo.path)]:
            self._emit(Remark("", as_before_text(known)))

    def _make_pictures(self, options: PassOptions) -> None:
        root = self._session.input_root(self._settings.folders.input)
        claims = self._claims = Claims(
            self._ledger, self._resolved, self._settings, self._session, root, self._outcomes, options.limit
        )
        try:
            # The first claim is made here so that a pass with nothing to compute never starts a worker. Asked again
            # afterwards: photos of equal content wait for the first one's picture and are then copied.
            while not self._stopped and (first := claims.claim(1, self._must_end)):
                self._execute(claims, first)
            if not (self._stopped or self._drained):
                self._originals.move_all_done()  # copies, unchanged photos, those finished before moving was set
        except BaseException:
            with contextlib.suppress(LeaseLostError):  # the error being raised is more informative
                claims.release_all()
            raise
        claims.release_all()

    def _must_end(self) -> bool:
        self._on_poll()
        self.check_backlog()
        return self._stopped or self._drained

    def _execute(self, claims: Claims, first: list[Assignment]) -> None:
        def source(count: int) -> list[Assignment]:
            assignments = [first.pop()] if first else []
            if self._stopped:
                return assignments
            return assignments + claims.claim(count - len(assignments), self._must_end)

        handler = EventHandler(self._ledger, self._session, claims, self._outcomes, self._originals, self._emit)
        with contextlib.closing(self._executor.run(source)) as events:
            for event in events:
                self._announce_stop()
                handler.handle(event)

    def _announce_stop(self) -> None:
        if self._stopped and not self._stop_announced:
            self._stop_announced = True
            grace = f"{self._settings.grace_seconds:g} s"
            self._emit(
                Remark("", f"stopping: pictures in progress have {grace} to finish; the next run resumes the rest")
            )

    def _count_or_estimate(self) -> None:
        """Count, or, of a ledger that can't be read, add what was made since to the last counts."""
        with contextlib.suppress(Exception):
            self._count()
            return
        pending, done = (self._counts.get(state, 0) for state in (JobState.PENDING, JobState.DONE))
        made = min(self._pending, self._outcomes.tally.finished + self._outcomes.tally.copied)
        self._counts |= {JobState.PENDING: pending - made, JobState.DONE: done + made}
        self._pending -= made

    def _incomplete_files(self) -> tuple[IncompleteFile, ...]:
        with contextlib.suppress(Exception):  # the end of a run is emitted, whatever has become of the ledger
            return tuple(self._ledger.incomplete.all())
        return ()

    def _skipped_photos(self) -> dict[str, int]:
        if self._skipped_in_scope is not None:
            return self._skipped_in_scope
        with contextlib.suppress(Exception):  # as above
            return self._ledger.skipped.now().counts
        return {}

    def _run_finished(self, run_id: str, begun: float, error: Exception | None) -> RunFinished:
        return RunFinished(
            run_id=run_id,
            **dataclasses.asdict(self._outcomes.tally),
            left=self._pending,
            interrupted=self._stopped and not self._planned_end,
            planned_end=bool(self._planned_end),
            seconds=time.monotonic() - begun,
            reason=in_words(error) if error else self._planned_end or (_STOPPED if self._stopped else ""),
            counts={str(state): count for state, count in self._counts.items()},
            incomplete=self._incomplete_files(),
            standing=self._standing(),
            photos_skipped=self._skipped_photos(),
            notes=self._outcomes.detail.sentences(),
        )

    def _standing(self) -> Standing | None:
        if self._pending or self._outcomes.tally != Tally():
            return None
        with contextlib.suppress(Exception):  # as above
            return self._ledger.queries.standing(self._ledger.queue.selected_photos)
        return None
