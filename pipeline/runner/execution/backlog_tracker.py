"""Reports what is left to be made in a pass whenever that is not what its events say.

Photos come and go during a pass: a daemon's other thread records them, 'stylewatch retry' returns pictures, one
damaged photo ends three jobs. Owns how often the ledger is asked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Final

from pipeline.errors import StylewatchError
from pipeline.ledger import Ledger
from pipeline.model import BacklogChanged, ClaimOrder, RunEvent
from pipeline.report.backlog_count import BacklogCount

#: The ledger is asked no more often than this, and so rarely that asking takes a fiftieth of the time.
_LEAST_SECONDS: Final = 1.0
_REST_PER_SECOND: Final = 50.0


class BacklogTracker:
    """Compares what the readers believe with the ledger.

    What is left are the jobs of this input folder that are pending or leased, as far as the pass may make them.
    """

    def __init__(
        self,
        ledger: Ledger,
        order: ClaimOrder,
        recipes: Collection[str],
        emit: Callable[[RunEvent], None],
        limit: Callable[[], int | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count the jobs of these ``recipes``; of a single one faster.

        ``limit`` returns how many jobs may still be made, those in progress included; None = all. ``clock`` returns
        monotonic seconds.
        """
        self._ledger = ledger
        self._order = order
        self._recipes = recipes
        self._emit = emit
        self._limit = limit
        self._clock = clock
        self._believed = BacklogCount()
        self._seen: tuple[int, int] | None = None
        self._next_check = 0.0

    def count(self) -> dict[str, int]:
        """Return what is left, by recipe."""
        pending, leased = self._ledger.queue.backlog_by_recipe()
        limit = self._limit()
        if limit is not None and limit < sum(pending.values()) + sum(leased.values()):
            pending = self._ledger.queue.next_by_recipe(max(0, limit - sum(leased.values())), self._order)
        return dict(Counter(pending) + Counter(leased))

    def note(self, event: RunEvent) -> None:
        """Record what was emitted to the readers."""
        self._believed.update(event)

    def check(self) -> None:
        """Emit BacklogChanged if the readers believe something else than the ledger. Called often."""
        if self._clock() < self._next_check:
            return
        try:
            left = self._changed_count()
        except StylewatchError:
            return  # what is wrong with the ledger is reported where it is needed
        if left is not None:
            event = BacklogChanged(sum(left.values()), left)
            self.note(event)
            self._emit(event)

    def _by_recipe(self, size: int) -> dict[str, int]:
        if len(self._recipes) > 1:
            return self.count()
        return dict.fromkeys(self._recipes, size) if size else {}

    def _changed_count(self) -> dict[str, int] | None:
        """Return what is left, None if it is what the readers believe."""
        began = self._clock()
        try:
            seen = self._ledger.queries.changes()
            if seen == self._seen:
                return None
            size, limit = self._ledger.queue.backlog_size(), self._limit()
            size = size if limit is None else min(size, limit)
            left = None if size == self._believed.total() else self._by_recipe(size)
            self._seen = seen
        finally:
            now = self._clock()
            self._next_check = now + max(_LEAST_SECONDS, _REST_PER_SECOND * (now - began))
        return left
