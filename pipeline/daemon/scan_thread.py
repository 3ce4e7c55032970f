"""The daemon's second thread: it looks at the folder while the first one makes pictures. Owns its life and death."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from pipeline.config import Config
from pipeline.daemon.health import Vitals
from pipeline.daemon.pauses import Pauses
from pipeline.daemon.scan_loop import EventSource
from pipeline.daemon.scan_setup import furnish
from pipeline.daemon.startup import Opening, StoppedError
from pipeline.intake.watch import Hints, Watcher
from pipeline.model import PhotoSetAside, WatchNotice
from pipeline.runner.input_root import Root
from pipeline.runner.preparation import Studio, open_ledger

_NAP_SECONDS: Final = 0.5

#: A thread that hangs on a lost share is given up after this long.
_END_SECONDS: Final = 10.0


class Lookout:
    """Runs a :class:`pipeline.daemon.scan_loop.Reception` with a ledger connection of its own.

    ``bell`` rings when there may be something to do. ``has_looked`` tells whether the folder was looked at under the
    present config; before that the jobs on record may be those of a former one.
    """

    def __init__(
        self,
        pauses: Pauses,
        vitals: Vitals,
        tell: Callable[[PhotoSetAside | WatchNotice], None],
        *,
        watcher: Callable[[], EventSource] | None,
        on_death: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """``tell`` and ``on_death`` are called from the second thread, the latter if it can't go on.

        ``watcher`` makes another than the real one.
        """
        self.hints = Hints()
        self.bell = threading.Event()
        self.has_looked = False
        self.death: BaseException | None = None
        self._pauses = pauses
        self._vitals = vitals
        self._tell = tell
        self._make_watcher = watcher
        self._on_death = on_death
        self._clock = clock

    @contextlib.contextmanager
    def at_work(self, config: Config, studio: Studio, root: Root, must_end: Callable[[], bool]) -> Iterator[None]:
        """Look at the folder as long as the block takes.

        Afterwards a thread that hangs is left to itself, unless it ``must_end``: two threads with two configs would
        pair photos against each other.
        """
        self.has_looked = False
        over = threading.Event()
        thread = threading.Thread(target=self._live, args=(config, studio, root, over), name="lookout", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self.hints.wake()
            until = self._clock() + _END_SECONDS
            while thread.is_alive() and (self._clock() < until or must_end()):
                thread.join(_NAP_SECONDS)
                self._vitals.main_turned()

    def _live(self, config: Config, studio: Studio, root: Root, over: threading.Event) -> None:
        def is_over() -> bool:
            self._vitals.reception_turned()
            return over.is_set()

        try:
            self._look(config, studio, root, is_over)
        except StoppedError:
            pass
        except BaseException as error:  # raised again by the first thread, which ends then
            self.death = error
            self._on_death()
        finally:
            self._vitals.reception_left()
            self.bell.set()

    def _look(self, config: Config, studio: Studio, root: Root, is_over: Callable[[], bool]) -> None:
        opening = Opening(self._pauses, is_over)
        with opening.insist(partial(open_ledger, config, opening), "opening") as ledger:
            reception = furnish(
                config,
                studio,
                root,
                ledger,
                over=is_over,
                hints=self.hints,
                pauses=self._pauses,
                tell=self._tell,
                on_news=self._hear_news,
                on_scan=partial(self._vitals.reception_turned, looked_everywhere=True),
                watcher=self._make_watcher or partial(Watcher, config.input.folder, self.hints),
            )
            with contextlib.closing(reception):
                reception.open()
                while not is_over():
                    self.hints.wait(reception.turn())

    def _hear_news(self) -> None:
        self.has_looked = True
        self.bell.set()
