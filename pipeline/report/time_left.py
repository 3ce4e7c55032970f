"""Estimates how long a run still takes: a forecast, corrected by what is measured. Owns the correction; has no clock.

Time left = work left in the forecast's seconds × seconds that the work so far took / seconds that it was to take.
At first the forecast is trusted; after about one picture, what is measured. Without a forecast of this machine there
is no estimate until a good part of the first pictures is made. Only the evaluations that a recipe is expected to take
count, never the most that it may take.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.model import EvaluationShare, PictureEstimate, Progress, WorkEstimate

#: Sizes about double from scale to scale, so an evaluation takes about four times as long as at the scale before.
_COST_RATIO: Final = 4.0
#: Evaluations of a scale for which there is no forecast.
_TYPICAL_EVALUATIONS: Final = 48.0
#: Of a scale that takes longer than expected, always this part of what was expected is still to come.
_ALWAYS_LEFT: Final = 0.1

#: What the forecast weighs in the correction, in pictures made.
_FORECAST_WEIGHT: Final = 0.5
#: What was measured so many pictures ago hardly counts any more: a machine gets other work, too.
_MEMORY_PICTURES: Final = 30.0
#: A silence counts as no more than this part of a picture's time until it ends.
_MOST_SILENT: Final = 0.25
#: Without a forecast an estimate is made when so much of each of the first pictures is done.
_LEAST_SHARE: Final = 0.3

#: Stands for a machine and recipes of which nothing is known.
_NOTHING_KNOWN: Final = WorkEstimate(is_known=False, start_seconds=0.0, pictures_at_once=2)
_ANY_PICTURE: Final = PictureEstimate(evaluations=(), shares=(), alone_seconds=0.6, together_seconds=1.0)


def share_done(progress: Progress, picture: PictureEstimate | None = None, following: float = 0.0) -> float:
    """Return how much of a picture's work is done, 0..1, by the evaluations that it is expected to take.

    ``following``: how much of the evaluation after that one, 0..1.
    """
    scales, here = progress.scale_count, progress.scale_index
    iteration = min(progress.iterations, progress.iteration + following)
    if picture is None or len(picture.evaluations) != scales or len(picture.shares) != scales:
        costs = [_COST_RATIO**scale for scale in range(scales)]
        shares = [cost / sum(costs) for cost in costs]
        expected = min(_TYPICAL_EVALUATIONS, progress.iterations)
    else:
        shares, expected = list(picture.shares), picture.evaluations[here]
    likely = min(progress.iterations, max(expected, iteration + _ALWAYS_LEFT * expected))
    return min(1.0, sum(shares[:here]) + shares[here] * min(1.0, iteration / max(1.0, likely)))


@dataclass(slots=True)
class _Picture:
    recipe: str
    share: float = 0.0
    latest: Progress | None = None

    @property
    def is_evaluated(self) -> bool:
        return self.latest is not None


class _Pace:
    """Compares the seconds that work took with those that were expected for it; what is long ago counts less."""

    def __init__(self) -> None:
        self.expected = 0.0
        self.pictures = 0.0
        self._recent_pictures = 0.0
        self._measured = 0.0
        self._since: float | None = None

    @property
    def is_measuring(self) -> bool:
        return self._since is not None

    def begin(self, now: float) -> None:
        self._since = now

    def interrupt(self) -> None:
        """Leave out the time until the next :meth:`begin`."""
        self._since = None

    def add(self, expected: float, pictures: float, now: float) -> None:
        """Count work that took the time since the last call."""
        assert self._since is not None
        kept = math.exp(-pictures / _MEMORY_PICTURES)
        self._measured = kept * self._measured + max(0.0, now - self._since)
        self.expected = kept * self.expected + expected
        self._recent_pictures = kept * self._recent_pictures + pictures
        self.pictures += pictures
        self._since = now

    def expected_each(self) -> float:
        """Return the seconds that were expected of a picture; 0 before there is any work."""
        return self.expected / self._recent_pictures if self._recent_pictures else 0.0

    def measured(self, now: float, most_silent: float) -> float:
        """Return the seconds, with those since the last call of :meth:`add`, but ``most_silent`` of them at most."""
        silent = 0.0 if self._since is None else max(0.0, now - self._since)
        return self._measured + min(silent, most_silent)


class TimeLeft:
    """The estimate of one run. Every ``now``, and when it ``began``, are seconds of one monotonic clock."""

    def __init__(self, estimate: WorkEstimate | None, began: float) -> None:
        self._estimate = estimate or _NOTHING_KNOWN
        self._began = began
        self._pace = _Pace()
        self._pictures: dict[str, _Picture] = {}
        self._most_at_once = 1

    # --- what happens -------------------------------------------------------------------------------------

    def begin(self, token: str, recipe: str) -> None:
        """Record that a picture is in progress."""
        self._pictures[token] = _Picture(recipe)

    def progress(self, event: Progress, now: float) -> None:
        """Record an evaluation."""
        picture = self._pictures.get(event.token)
        if picture is None:
            return
        # What a checkpoint brings along was not made now.
        is_resumed = not picture.is_evaluated and (event.scale_index > 0 or event.iteration > 1)
        picture.latest = event
        added = self._advance(picture)
        self._most_at_once = max(self._most_at_once, self._evaluated())
        if not self._pace.is_measuring:
            self._pace.begin(now)  # what came before was the start of the worker
        elif not is_resumed:
            self._add(picture.recipe, added, now)

    def progress_within(self, event: EvaluationShare, now: float) -> None:
        """Record how far an evaluation is. Before a picture's first one it says nothing, as its scale is unknown."""
        picture = self._pictures.get(event.token)
        if picture is None or not picture.is_evaluated:
            return
        added = self._advance(picture, event.share)
        if added and self._pace.is_measuring:
            self._add(picture.recipe, added, now)

    def _advance(self, picture: _Picture, following: float = 0.0) -> float:
        """Bring what is done of a picture up to date; returns how much that was. It never grows less."""
        assert picture.latest is not None
        share = share_done(picture.latest, self._estimate.recipes.get(picture.recipe), following)
        before, picture.share = picture.share, max(picture.share, share)
        return picture.share - before

    def finish(self, token: str, recipe: str, now: float) -> None:
        """Record that a picture was made."""
        picture = self._pictures.pop(token, None) or _Picture(recipe)
        if self._pace.is_measuring or not self._pace.pictures:
            if not self._pace.is_measuring:
                self._pace.begin(self._began)
            self._add(picture.recipe, 1.0 - picture.share, now, and_this=True)

    def drop(self, token: str) -> None:
        """Record that a picture is not in progress any more: it was copied, or failed."""
        self._pictures.pop(token, None)

    def restart(self, token: str) -> None:
        """Record that a picture in progress was lost with its worker. Until another one works nothing is measured."""
        if self._pictures.pop(token, None) is not None:
            self._pace.interrupt()

    def _add(self, recipe: str, share: float, now: float, *, and_this: bool = False) -> None:
        load = max(1, self._evaluated() + and_this)
        self._pace.add(share * self._seconds_each(recipe, load), share, now)

    def _evaluated(self) -> int:
        return sum(picture.is_evaluated for picture in list(self._pictures.values()))

    # --- what follows from it -----------------------------------------------------------------------------

    def share(self, token: str) -> float:
        """Return how much of a picture is done, 0..1."""
        picture = self._pictures.get(token)
        return 0.0 if picture is None else picture.share

    def seconds(self, left: Mapping[str, int], now: float) -> float | None:
        """Return how long the pictures that are ``left``, by recipe, take from now on; None while that is unknown.

        Those in progress are among them.
        """
        if not any(left.values()):
            return 0.0
        correction = self._correction(left, now)
        return None if correction is None else self._start_left(now) + correction * self._work_left(left)

    def _correction(self, left: Mapping[str, int], now: float) -> float | None:
        each = self._pace.expected_each() or self._mean_seconds(left)
        # A worker that hangs, or one long evaluation, is no measurement before it ends.
        measured = self._pace.measured(now, most_silent=_MOST_SILENT * each * self._at_once())
        if self._estimate.is_known:
            trusted = _FORECAST_WEIGHT * each
            return (trusted + measured) / (trusted + self._pace.expected)
        if self._pace.pictures < _LEAST_SHARE * self._most_at_once or measured <= 0.0:
            return None
        return measured / self._pace.expected

    def _mean_seconds(self, left: Mapping[str, int]) -> float:
        seconds = sum(number * self._seconds_each(recipe, self._at_once()) for recipe, number in left.items())
        return seconds / sum(left.values())

    def _start_left(self, now: float) -> float:
        if self._pace.is_measuring or self._pace.pictures:
            return 0.0
        return max(0.0, self._estimate.start_seconds - (now - self._began)) if self._estimate.is_known else 0.0

    def _work_left(self, left: Mapping[str, int]) -> float:
        """Return the seconds that the rest was to take, by the forecast."""
        begun = [picture for picture in list(self._pictures.values()) if picture.is_evaluated]
        load = max(1, min(self._at_once(), sum(left.values())))
        work = sum(number * self._seconds_each(recipe, load) for recipe, number in left.items())
        work -= sum(picture.share * self._seconds_each(picture.recipe, load) for picture in begun)
        return max(work, self._longest(left, begun, load))

    def _longest(self, left: Mapping[str, int], begun: Sequence[_Picture], load: int) -> float:
        """Return the least time in which the last picture can be made, however many are worked on at once."""
        ends = sorted((1.0 - picture.share) * self._alone(picture.recipe) for picture in begun)[: sum(left.values())]
        waiting = sum(left.values()) - len(ends)
        last = ends[-1] if ends else 0.0
        if not waiting or load == 1:
            return last
        alone = [self._alone(recipe) for recipe, number in left.items() if number]
        if waiting <= load - len(ends):
            return max(*alone, last)
        return max(max(alone) + (ends[0] if len(ends) >= load else min(alone)), last)

    def _at_once(self) -> int:
        return max(self._estimate.pictures_at_once, self._most_at_once)

    def _alone(self, recipe: str) -> float:
        return self._estimate.recipes.get(recipe, self._any_picture()).alone_seconds

    def _seconds_each(self, recipe: str, load: int) -> float:
        """Return the seconds that a picture adds to a run in which ``load`` pictures are worked on at once."""
        picture = self._estimate.recipes.get(recipe, self._any_picture())
        more = (picture.together_seconds - picture.alone_seconds) / max(1, self._estimate.pictures_at_once - 1)
        return (picture.alone_seconds + more * (load - 1)) / load

    def _any_picture(self) -> PictureEstimate:
        """Return what stands for a recipe that is not in the forecast: its last one."""
        return next(reversed(self._estimate.recipes.values()), _ANY_PICTURE)
