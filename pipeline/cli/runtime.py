"""What the commands that make pictures share: their executor, the readers of their events, and signal handling."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Final

from pipeline.cli.display import Display
from pipeline.config import Config
from pipeline.config.settings import gallery_settings
from pipeline.errors import in_words
from pipeline.executors.child import EngineFactory, WorkerOptions, make_stylizer
from pipeline.executors.local import LocalExecutor, WorkerTimeouts
from pipeline.hooks import Hooks
from pipeline.model import RunEvent
from pipeline.report.heartbeat import Heartbeat
from pipeline.report.journal import Journal
from pipeline.report.log import LOGGER, LogWriter, close_log, configure_log
from pipeline.report.summary import Summary
from pipeline.runner.gallery.thread import GalleryThread
from pipeline.runner.gallery.updates import GalleryUpdates
from pipeline.runner.instance.lock import WORKER_LOCK_NAME

#: The exit code after a signal.
INTERRUPTED: Final = 130

#: Handlers that are left alone: the signal is ignored, or handled by something that Python knows nothing of.
_LEFT_ALONE: Final = (signal.SIG_IGN, None)


class EventReaders:
    """Passes each event to all readers; a config that was read again, to those that follow it."""

    def __init__(
        self, readers: Sequence[Callable[[RunEvent], None]], gallery: GalleryThread, config_name: str
    ) -> None:
        self._readers = readers
        self._gallery = gallery
        self._config_name = config_name

    def __call__(self, event: RunEvent) -> None:
        """Pass an event on."""
        for reader in self._readers:
            reader(event)

    def use_config(self, config: Config) -> None:
        """Let the gallery go on by another version of the config."""
        self._gallery.use(gallery_settings(config, self._config_name))


@contextlib.contextmanager
def event_readers(
    config: Config, quiet: bool, as_json: bool, heartbeat: Heartbeat, config_name: str = ""
) -> Iterator[EventReaders]:
    """Open terminal, log, journal, report, gallery and hooks; yields what passes an event to them and ``heartbeat``.

    The heartbeat continues while the hooks are waited for, which may take minutes. ``config_name``: the config as it
    was typed.
    """
    max_bytes = round(config.log.max_megabytes * 1e6)
    configure_log(config.log.file, config.log.level.upper(), max_bytes, config.log.backups)
    journal = Journal(config.log.journal, max_bytes, config.log.backups)
    summary = Summary(config.log.reports, keep=config.log.keep_reports, keep_days=config.log.keep_report_days)
    display = Display(quiet=quiet, json_lines=as_json, summary=summary)
    hooks = Hooks(
        config.hooks.settings(),
        config.input.folder,
        config.output.folder,
        report=lambda: summary.folder,
        on_poll=heartbeat.beat,
    )
    settings = gallery_settings(config, config_name)
    gallery = GalleryThread(settings, GalleryUpdates, lambda: summary.folder, heartbeat.activity_text)
    # In this order: the report is written before others say where it is; the gallery says what the heartbeat knows.
    readers = (LogWriter(), journal, summary, display, hooks, heartbeat, gallery)
    emit = EventReaders(readers, gallery, config_name)

    with contextlib.closing(journal), display:
        try:
            yield emit
        except Exception as error:
            for sentence in in_words(error).splitlines():
                LOGGER.error("%s", sentence)
            hooks.report_failure(in_words(error))
            raise
        finally:
            with stop_on_signal(hooks.stop_soon, heartbeat.remove):
                gallery.close(heartbeat.beat)
                hooks.close()
            close_log()


def make_executor(
    config: Config,
    on_poll: Callable[[], None] = lambda: None,
    factory: EngineFactory = make_stylizer,
) -> LocalExecutor:
    """Return the executor of a program that holds the state folder.

    Its worker holds a lock, so that the next program waits for a worker that outlives this one. Pictures that can't
    be finished after a stop are saved as checkpoints. ``on_poll`` is called several times a second while it works.
    """
    state = config.state
    return LocalExecutor(
        config.engine_settings(),
        factory=factory,
        worker_options=WorkerOptions(
            lock_file=state.folder / WORKER_LOCK_NAME, checkpoint_rules=config.checkpoint_rules()
        ),
        timeouts=WorkerTimeouts(hang_seconds=state.hang_seconds, grace_seconds=state.grace_seconds),
        on_poll=on_poll,
    )


def _available(*names: str) -> list[int]:
    """Return the numbers of those signals that this system has."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


@contextlib.contextmanager
def stop_on_signal(stop: Callable[[], None], before_exit: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Call ``stop`` at the first SIGINT or SIGTERM, exit at once at the second; yields the signals received so far.

    Exiting at once is safe: it is no worse than kill -9, and the next run recovers from that. ``before_exit`` is
    called first, in the signal handler.
    """
    received: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if received:
            before_exit()
            os._exit(INTERRUPTED)
        received.append(number)
        stop()

    numbers = _available("SIGINT", "SIGTERM", "SIGBREAK")  # SIGBREAK is Ctrl-Break, on Windows
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def before_exit_by_signal(clean_up: Callable[[], None], *names: str) -> Iterator[None]:
    """Call ``clean_up``, in the signal handler, before one of these signals ends the program at once.

    A signal that is ignored, as SIGHUP is with nohup, stays ignored. Names that this system doesn't have are skipped.
    """

    # A handler that something else has set (a measurement of coverage, say) is called next.
    before = {
        number: handler for number in _available(*names) if (handler := signal.getsignal(number)) not in _LEFT_ALONE
    }

    def handle(number: int, _frame: FrameType | None) -> None:
        clean_up()
        signal.signal(number, before[number])
        os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
