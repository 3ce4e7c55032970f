"""The daemon's second thread: it looks at the folder while the first one makes pictures. Owns its life and death."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from pipeline.config import Config
from pipeline.daemon.health import Health
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_loop import EventSource
from pipeline.daemon.scan_setup import set_up_scan
from pipeline.daemon.startup import Startup, StoppedError
from pipeline.intake.watch import Hints, Watcher
from pipeline.model import PhotoSetAside, WatchNotice
from pipeline.runner.input_root import Root
from pipeline.runner.preparation import ResolvedConfig, open_ledger

_NAP_SECONDS: Final = 0.5

#: A thread that hangs on a lost share is given up after this long.
_END_SECONDS: Final = 10.0


class ScanThread:
    """Runs a :class:`pipeline.daemon.scan_loop.ScanLoop` with a ledger connection of its own.

    ``bell`` rings when there may be something to do. ``has_looked`` tells whether the folder was looked at under the
    present config; before that the jobs on record may be those of a former one.
    """

    def __init__(
        self,
        pauses: PauseTracker,
        health: Health,
        emit: Callable[[PhotoSetAside | WatchNotice], None],
        *,
        watcher: Callable[[], EventSource] | None,
        on_death: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """``emit`` and ``on_death`` are called from the second thread, the latter if it can't go on.

        ``watcher`` makes another than the real one.
        """
        self.hints = Hints()
        self.bell = threading.Event()
        self.has_looked = False
        self.death: BaseException | None = None
        self._pauses = pauses
        self._health = health
        self._emit = emit
        self._make_watcher = watcher
        self._on_death = on_death
        self._clock = clock

    @contextlib.contextmanager
    def at_work(
        self, config: Config, resolved: ResolvedConfig, root: Root, must_end: Callable[[], bool]
    ) -> Iterator[None]:
        """Look at the folder as long as the block takes.

        Afterwards a thread that hangs is left to itself, unless it ``must_end``: two threads with two configs would
        pair photos against each other.
        """
        self.has_looked = False
        over = threading.Event()
        thread = threading.Thread(
            target=self._live, args=(config, resolved, root, over), name="scan_thread", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            self.hints.wake()
            until = self._clock() + _END_SECONDS
            while thread.is_alive() and (self._clock() < until or must_end()):
                thread.join(_NAP_SECONDS)
                self._health.main_is_alive()

    def _live(self, config: Config, resolved: ResolvedConfig, root: Root, over: threading.Event) -> None:
        def is_over() -> bool:
            self._health.scan_is_alive()
            return over.is_set()

        try:
            self._look(config, resolved, root, is_over)
        except StoppedError:
            pass
        except BaseException as error:  # raised again by the first thread, which ends then
            self.death = error
            self._on_death()
        finally:
            self._health.scan_has_ended()
            self.bell.set()

    def _look(self, config: Config, resolved: ResolvedConfig, root: Root, is_over: Callable[[], bool]) -> None:
        opening = Startup(self._pauses, is_over)
        with opening.retry_until_done(partial(open_ledger, config, opening), "scan_startup") as ledger:
            scan_loop = set_up_scan(
                config,
                resolved,
                root,
                ledger,
                over=is_over,
                hints=self.hints,
                pauses=self._pauses,
                emit=self._emit,
                on_news=self._hear_news,
                on_scan=partial(self._health.scan_is_alive, full_scan=True),
                watcher=self._make_watcher or partial(Watcher, config.input.folder, self.hints),
            )
            with contextlib.closing(scan_loop):
                scan_loop.open()
                while not is_over():
                    self.hints.wait(scan_loop.turn())

    def _hear_news(self) -> None:
        self.has_looked = True
        self.bell.set()
