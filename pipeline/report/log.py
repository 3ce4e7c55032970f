"""The log for people: ``stylewatch.log``. Owns the logger "stylewatch" and its messages; prints nothing."""

from __future__ import annotations

import contextlib
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError
from pipeline.model import (
    BacklogChanged,
    EvaluationShare,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    NetworkLoading,
    OriginalMoved,
    OriginalsStay,
    PhotoSetAside,
    PhotosSkipped,
    PreviewSaved,
    Progress,
    Remark,
    RunEvent,
    RunFinished,
    RunStarted,
    SnapshotSaved,
    WatchNotice,
)
from pipeline.report.formatting import (
    LOADING_TEXT,
    counted,
    duration,
    efficiency,
    failed_text,
    losses,
    made_text,
    outcome,
    printable,
    set_aside_text,
    skipped_text,
    unpaired_left_out,
)
from pipeline.report.rate_limit import RateLimit
from pipeline.report.reasons import backlog_sentence
from pipeline.report.rotation import rotate

LOGGER: Final = logging.getLogger("stylewatch")


class _OneLine(logging.Formatter):
    """Keeps each message on one line, whatever file names it holds; tracebacks stay as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name for it
        record.message = printable(record.message)
        return super().formatMessage(record)


class _QuietRotatingHandler(RotatingFileHandler):
    """Prints no traceback for a line that can't be written, for example because the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        """Leave the line out."""

    def doRollover(self) -> None:  # noqa: N802 - logging's name for it
        """Start a new file; continue the old one if another program has it open."""
        if self.stream is not None:
            self.stream.close()
        with contextlib.suppress(OSError):
            rotate(Path(self.baseFilename), self.backupCount)
        self.stream = self._open()

    def close(self) -> None:
        """Close the file, without the last lines if there is no space for them."""
        with contextlib.suppress(OSError):
            super().close()


def configure_log(path: Path, level: str | int = "INFO", max_bytes: int = 10_000_000, backups: int = 5) -> None:
    """Write the messages of the logger "stylewatch" to ``path``, from ``level`` on.

    At ``max_bytes`` (0 = never) the file becomes ``path.1``, of which the last ``backups`` are kept. A second call
    replaces the first. Raises StorageError if the file can't be opened.
    """
    close_log()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _QuietRotatingHandler(
            path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise StorageError(
            f"log: {path} can't be written ({error.strerror}); check the folder's permissions or choose another one"
        ) from error
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level)
    LOGGER.propagate = False


def close_log() -> None:
    """Close the file that :func:`configure_log` opened, if any."""
    for handler in [handler for handler in LOGGER.handlers if isinstance(handler, _QuietRotatingHandler)]:
        LOGGER.removeHandler(handler)
        handler.close()


class LogWriter:
    """Logs a run for people: its beginning and end, each picture made, each failure, each photo that waits.

    How the losses fall is logged at the level ``debug`` only.
    """

    def __init__(self, progress_every: int = 10) -> None:
        """Log the first, the last and every ``progress_every``-th evaluation of each scale."""
        self._progress_every = progress_every
        self._jobs: dict[str, Job] = {}
        self._backlog = 0
        self._unpaired = RateLimit()
        self._skipped = RateLimit()

    def __call__(self, event: RunEvent) -> None:
        """Log one event."""
        match event:
            case RunStarted():
                self._backlog = event.jobs
                _log_started(event)
            case BacklogChanged():
                self._backlog_changed(event)
            case RunFinished():
                self._run_finished(event)
            case PhotoSetAside() | PhotosSkipped():
                self._left_out(event)
            case WatchNotice():
                LOGGER.log(logging.WARNING if event.kind in ("paused", "refused") else logging.INFO, "%s", event.text)
            case OriginalMoved():
                LOGGER.info("%s is moved to %s", event.path, event.target)
            case OriginalsStay():
                LOGGER.warning("%s", event.reason)
            case JobFinished() | JobFailed():
                self._jobs.pop(event.token, None)
                _log_outcome(event)
            case _:
                self._in_progress(event)

    def _backlog_changed(self, event: BacklogChanged) -> None:
        """Log it for people if it has doubled since they last read of it: a copy of many files is not a line each."""
        has_grown = event.left >= 2 * max(1, self._backlog)
        if has_grown:
            self._backlog = event.left
        level = logging.INFO if has_grown else logging.DEBUG
        LOGGER.log(level, "%s to make now, those in progress included", counted(event.left, "picture"))

    def _in_progress(
        self,
        event: NetworkLoading | JobStarted | Progress | EvaluationShare | SnapshotSaved | PreviewSaved | Remark,
    ) -> None:
        match event:
            case NetworkLoading():
                LOGGER.debug("%s", LOADING_TEXT)
            case JobStarted():
                self._jobs[event.token] = event.job
                LOGGER.debug("%s is begun: %s", event.job, event.output)
            case Progress():
                self._progress(event)
            case SnapshotSaved():
                LOGGER.debug("%s: intermediate picture %s", self._name(event.token), event.path)
            case Remark():
                prefix = f"{self._name(event.token)}: " if event.token else ""
                LOGGER.log(logging.WARNING if event.warning else logging.INFO, "%s%s", prefix, event.text)

    def _left_out(self, event: PhotoSetAside | PhotosSkipped) -> None:
        if isinstance(event, PhotosSkipped):
            if self._skipped.admits():  # the end of the run has the number of all
                LOGGER.info("%s", skipped_text(event))
        elif event.kind != "unpaired" or self._unpaired.admits():
            level = logging.WARNING if event.kind in ("quarantined", "unpaired") else logging.INFO
            LOGGER.log(level, "%s", set_aside_text(event))

    def _run_finished(self, event: RunFinished) -> None:
        if left_out := self._unpaired.take_left_out():
            LOGGER.warning("%s", unpaired_left_out(left_out))
        LOGGER.info("the run is over: %s", outcome(event))
        if event.slots_offered:
            LOGGER.debug("%s", efficiency(event))

    def _progress(self, event: Progress) -> None:
        if event.iteration % self._progress_every and event.iteration not in (1, event.iterations):
            return
        LOGGER.debug(
            "%s: %d px (scale %d of %d), evaluation %d of %d: %s",
            self._name(event.token),
            event.size,
            event.scale_index + 1,
            event.scale_count,
            event.iteration,
            event.iterations,
            losses(event.losses),
        )

    def _name(self, token: str) -> str:
        return str(self._jobs.get(token, token))


def _log_started(event: RunStarted) -> None:
    LOGGER.info("%s", _run_started_message(event))
    if event.seconds:
        LOGGER.info("this takes about %s by the forecast", duration(event.seconds))


def _run_started_message(event: RunStarted) -> str:
    work = f"{counted(event.jobs, 'picture')} to make of {counted(event.photos, 'photo')}"
    backlog = backlog_sentence(event.jobs - event.again, event.again, event.reasons)
    begins = f"run {event.run_id} of {event.config} begins: {work}, {event.done:,} done already"
    return f"{begins}; {backlog}" if event.again else begins


def _log_outcome(event: JobFinished | JobFailed) -> None:
    if isinstance(event, JobFailed):
        level = logging.WARNING if event.state == JobState.PENDING else logging.ERROR
        level = logging.DEBUG if event.photo_set_aside else level  # PhotoSetAside has said it
        LOGGER.log(level, "%s", failed_text(event))
        return
    LOGGER.info("%s", made_text(event))
    if event.artwork is not None:
        where, at_first, at_last = event.artwork.device, losses(event.artwork.first), losses(event.artwork.last)
        LOGGER.debug("%s: on %s; %s at first, %s at last", event.job, where, at_first, at_last)
