"""What commands that make pictures stand in: who reads their events, and what a signal does. Owns both."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from pipeline.cli.display import Display
from pipeline.config import Config
from pipeline.errors import StylewatchError
from pipeline.hooks import Hooks
from pipeline.model import RunEvent
from pipeline.report.journal import Journal
from pipeline.report.log import LogWriter, close_log, configure_log
from pipeline.report.summary import Summary

#: The exit code after a signal.
INTERRUPTED: Final = 130


@contextlib.contextmanager
def readers(config: Config, quiet: bool, as_json: bool) -> Iterator[Callable[[RunEvent], None]]:
    """Open the terminal, the log, the journal, the report and the hooks, all fed from one stream."""
    max_bytes = round(config.log.max_megabytes * 1e6)
    configure_log(config.log.file, config.log.level.upper(), max_bytes, config.log.backups)
    journal = Journal(config.log.journal, max_bytes, config.log.backups)
    summary = Summary(config.log.reports)
    display = Display(quiet=quiet, json_lines=as_json, summary=summary)
    hooks = Hooks(config.hooks.settings(), config.input.folder, config.output.folder, report=lambda: summary.folder)
    # The report is written before the display and the hooks tell where it is.
    readers = (LogWriter(), journal, summary, display, hooks)

    def tell(event: RunEvent) -> None:
        for reader in readers:
            reader(event)

    with contextlib.closing(journal), display:
        try:
            yield tell
        except StylewatchError as error:
            hooks.trouble(str(error))
            raise
        finally:
            with stopping(hooks.hurry):
                hooks.close()
            close_log()


@contextlib.contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Call ``stop`` at the first SIGINT or SIGTERM, exit at once at the second; yields the signals that came.

    Exiting at once is safe: it is no worse than kill -9, and the next run recovers from that.
    """
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if came:
            os._exit(INTERRUPTED)
        came.append(number)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
