"""What commands that make pictures stand in: who works, who reads the events, what a signal does. Owns all three."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from pipeline.cli.display import Display
from pipeline.config import Config
from pipeline.errors import in_words
from pipeline.executors.child import EngineFactory, make_stylizer
from pipeline.executors.local import LocalExecutor
from pipeline.hooks import Hooks
from pipeline.model import RunEvent
from pipeline.report.heartbeat import Heartbeat
from pipeline.report.journal import Journal
from pipeline.report.log import LogWriter, close_log, configure_log
from pipeline.report.summary import Summary
from pipeline.runner.instance.lock import WORKER_LOCK_NAME

#: The exit code after a signal.
INTERRUPTED: Final = 130

#: Ignored, or set by something that Python knows nothing of.
_NOT_OURS: Final = (signal.SIG_IGN, None)


@contextlib.contextmanager
def readers(config: Config, quiet: bool, as_json: bool, heart: Heartbeat) -> Iterator[Callable[[RunEvent], None]]:
    """Open the terminal, the log, the journal, the report and the hooks; with the ``heart`` they hear all events.

    It beats while the hooks are waited for, which may take minutes.
    """
    max_bytes = round(config.log.max_megabytes * 1e6)
    configure_log(config.log.file, config.log.level.upper(), max_bytes, config.log.backups)
    journal = Journal(config.log.journal, max_bytes, config.log.backups)
    summary = Summary(config.log.reports, keep=config.log.keep_reports)
    display = Display(quiet=quiet, json_lines=as_json, summary=summary)
    hooks = Hooks(
        config.hooks.settings(),
        config.input.folder,
        config.output.folder,
        report=lambda: summary.folder,
        on_turn=heart.beat,
    )
    # The report is written before the display and the hooks tell where it is.
    readers: tuple[Callable[[RunEvent], None], ...] = (LogWriter(), journal, summary, display, hooks, heart)

    def emit(event: RunEvent) -> None:
        for reader in readers:
            reader(event)

    with contextlib.closing(journal), display:
        try:
            yield emit
        except Exception as error:
            hooks.report_failure(in_words(error))
            raise
        finally:
            with stopping(hooks.stop_soon, heart.forget):
                hooks.close()
            close_log()


def executor_of(
    config: Config,
    on_turn: Callable[[], None] = lambda: None,
    factory: EngineFactory = make_stylizer,
) -> LocalExecutor:
    """Make the executor of a program that holds the state folder: whoever comes after a kill waits for its worker.

    It keeps what it can't finish after a stop. ``on_turn`` is called several times a second while it works.
    """
    state = config.state
    return LocalExecutor(
        config.engine_settings(),
        lock_file=state.folder / WORKER_LOCK_NAME,
        factory=factory,
        hang_seconds=state.hang_seconds,
        grace_seconds=state.grace_seconds,
        rules=config.checkpoint_rules(),
        on_turn=on_turn,
    )


def _numbers(*names: str) -> list[int]:
    """Return those signals that this system has."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


@contextlib.contextmanager
def stopping(stop: Callable[[], None], at_once: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Call ``stop`` at the first SIGINT or SIGTERM, exit at once at the second; yields the signals that came.

    Exiting at once is safe: it is no worse than kill -9, and the next run recovers from that. ``at_once`` is called
    before, in the signal handler.
    """
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if came:
            at_once()
            os._exit(INTERRUPTED)
        came.append(number)
        stop()

    numbers = _numbers("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Ctrl-Break, of Windows
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def dying(last: Callable[[], None], *names: str) -> Iterator[None]:
    """Call ``last`` before one of these signals ends the program at once, in the signal handler.

    One that is ignored, as SIGHUP is with nohup, stays so; one that this system does not have does not matter.
    """

    # What somebody else has set (a measurement of coverage, say) is passed the signal on.
    before = {
        number: handler for number in _numbers(*names) if (handler := signal.getsignal(number)) not in _NOT_OURS
    }

    def handle(number: int, _frame: FrameType | None) -> None:
        last()
        signal.signal(number, before[number])
        os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
