"""Starts the executor when there is work, and closes it after a while without. Owns its lifetime in a daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.config import Config
from pipeline.executors import Executor

#: The worker holds the network's weights in memory; without work for so long it is ended.
_IDLE_SECONDS: Final = 60.0


class OnDemandExecutor:
    """At most one executor at a time, for one pass after another."""

    def __init__(self, make_executor: Callable[[Config], Executor], clock: Callable[[], float]) -> None:
        """``clock`` returns monotonic seconds."""
        self._make_executor = make_executor
        self._clock = clock
        self._executor: Executor | None = None
        self._was_stopped = False
        self._used_at = 0.0

    def get(self, config: Config) -> Executor:
        """Return the executor; a new one, made for ``config``, if there is none."""
        if self._executor is None:
            self._executor = self._make_executor(config)
        return self._executor

    def record_use(self) -> None:
        """Record that there was work just now."""
        self._used_at = self._clock()

    def record_stop(self) -> None:
        """Record that the executor was stopped, after which it can't be used for another pass."""
        self._was_stopped = True

    def close_if_stopped(self) -> None:
        """Close the executor if it was stopped."""
        if self._was_stopped:
            self.close()

    def close_if_idle(self) -> None:
        """Close the executor if there was no work for a while."""
        if self._executor is not None and self._clock() - self._used_at > _IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """Close the executor, if there is one, and its worker with it."""
        executor, self._executor, self._was_stopped = self._executor, None, False
        if executor is not None:
            executor.close()
