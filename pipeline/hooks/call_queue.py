"""The queue of hook calls. Owns their order, how many run at once, and which are dropped when there are too many."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from pipeline.hooks.calls import HookCall

_LOG: Final = logging.getLogger("stylewatch")

_MAX_WAITING: Final = 1000
#: A daemon starts a run for each new photo: their calls could accumulate behind one that hangs.
_MAX_RUNS_WAITING: Final = 100
_PUT_TIMEOUT_SECONDS: Final = 1.0


class CallQueue:
    """Runs calls in threads, in order. A call of after_run waits for all calls before it."""

    def __init__(
        self,
        run: Callable[[HookCall], None],
        at_once: int,
        *,
        max_waiting: int = _MAX_WAITING,
        max_runs_waiting: int = _MAX_RUNS_WAITING,
        put_timeout_seconds: float = _PUT_TIMEOUT_SECONDS,
    ) -> None:
        """``run`` makes a call, however long that takes, in one of ``at_once`` threads.

        Once ``max_waiting`` calls wait, :meth:`put` waits ``put_timeout_seconds`` for room. Calls of after_run need
        no room: beyond ``max_runs_waiting`` of them the oldest is left out.
        """
        self._run = run
        self._at_once = at_once
        self._max_waiting = max_waiting
        self._max_runs_waiting = max_runs_waiting
        self._put_timeout_seconds = put_timeout_seconds
        self._waiting: deque[HookCall] = deque()
        self._running = 0
        self._threads = 0
        self._dropped = 0
        self._has_dropped_runs = False
        self._changed = threading.Condition()

    def put(self, call: HookCall) -> None:
        """Add a call. If there is no room in time it is left out, and the log says so."""
        with self._changed:
            if not call.is_after_run and not self._changed.wait_for(self._has_room, self._put_timeout_seconds):
                self._drop()
                return
            self._log_dropped()
            self._waiting.append(call)
            if call.is_after_run:
                self._drop_oldest_run()
            if self._threads < self._at_once:
                self._threads += 1
                threading.Thread(target=self._work, name="hook", daemon=True).start()
            self._changed.notify_all()

    def is_empty(self, wait_seconds: float = 0.0) -> bool:
        """Return whether no call waits or runs; wait up to ``wait_seconds`` for that."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._running, wait_seconds)

    def drop_waiting(self) -> int:
        """Drop the waiting calls except the last one of after_run; returns how many."""
        with self._changed:
            kept = self._runs_waiting()[-1:]
            count = len(self._waiting) - len(kept)
            self._waiting = deque(kept)
            self._changed.notify_all()
        return count

    def _runs_waiting(self) -> list[HookCall]:
        return [call for call in self._waiting if call.is_after_run]

    def _drop_oldest_run(self) -> None:
        runs = self._runs_waiting()
        if len(runs) > self._max_runs_waiting:
            self._waiting.remove(runs[0])
            if not self._has_dropped_runs:
                _LOG.warning(
                    "hooks can't keep up: %d calls of after_run wait, older ones are left out; use a faster command",
                    self._max_runs_waiting,
                )
            self._has_dropped_runs = True
        elif len(runs) == 1:  # the queue was empty meanwhile: the next time is logged again
            self._has_dropped_runs = False

    def _has_room(self) -> bool:
        return len(self._waiting) < self._max_waiting

    def _drop(self) -> None:
        if not self._dropped:
            _LOG.warning(
                "hooks can't keep up: %d calls wait, more are left out; raise hooks.at_once or use faster commands",
                len(self._waiting),
            )
        self._dropped += 1

    def _log_dropped(self) -> None:
        if self._dropped:
            _LOG.warning("hooks: %d calls were left out", self._dropped)
            self._dropped = 0

    def _work(self) -> None:
        while (call := self._next()) is not None:
            try:
                self._run(call)
            except Exception:
                _LOG.exception("hook %s", call)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

    def _next(self) -> HookCall | None:
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._may_start())
            if not self._waiting:
                self._threads -= 1
                return None
            self._running += 1
            self._changed.notify_all()
            return self._waiting.popleft()

    def _may_start(self) -> bool:
        return not self._running or not self._waiting[0].is_after_run
