"""Which photos are complete? Owns the wait until files stop changing; refuses to read a clock it was not given.

Age alone proves nothing: copies keep their originals' time, and cameras' clocks are wrong. So a photo is ready when
neither its size, its time nor its inode changed for ``settle_seconds`` and its container is whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Final, Literal

from pipeline.intake.containers import Verdict, examine
from pipeline.intake.opening import NotTheFileError
from pipeline.intake.scan import signature
from pipeline.model import Photo

#: Judges the content of the file at a path below a folder.
Examine = Callable[[Path, str], Verdict]

_NS: Final = 1_000_000_000

#: Seconds between looks at an incomplete photo of which nothing is heard.
_SHORTEST_DELAY: Final = 2.0
_LONGEST_DELAY: Final = 600.0


@dataclass(frozen=True, slots=True)
class Settled:
    """The photos by what can be done with them now, each in the order given; reasons are for the user.

    ``ready``: complete, with the signature under which they were judged. ``incomplete``: left for the next look.
    ``quarantined``: given up until they change. A photo that vanished meanwhile is in none of them.
    """

    ready: tuple[Photo, ...]
    incomplete: tuple[tuple[Photo, str], ...]
    quarantined: tuple[tuple[Photo, str], ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """What a file looked like at some moment: the photo, and for how long it has not been touched."""

    photo: Photo
    untouched_seconds: float


_Opinion = tuple[Photo, Literal["ready", "incomplete", "quarantined"], str]


def sort_out(
    folder: Path,
    photos: Sequence[Photo],
    *,
    settle_seconds: float,
    incomplete_seconds: float,
    now_ns: Callable[[], int],
    sleep: Callable[[float], None],
    stat: Callable[[Path], os.stat_result] = os.lstat,
    examine: Examine = examine,
) -> Settled:
    """Judge the ``photos`` of one scan of ``folder``, waiting at most once for all that may still be written.

    Photos untouched for ``settle_seconds`` are judged at once. The others are looked at again ``settle_seconds``
    after the first look: unchanged ones are judged, changed ones are incomplete. An incomplete photo that has not
    been touched for ``incomplete_seconds`` is quarantined, and so is, at once, a file that is no image.
    ``now_ns`` returns the time of day in nanoseconds since 1970. Reading errors make a photo incomplete.
    ``examine`` judges a file's content, see :func:`pipeline.intake.containers.examine`.
    """
    judge = _Judge(folder, incomplete_seconds, now_ns, stat, examine)
    began = now_ns()
    opinions: dict[str, _Opinion | None] = {}
    young: list[_Look] = []
    for photo in photos:
        look = judge.look(photo)
        if isinstance(look, _Look) and look.untouched_seconds < settle_seconds:
            young.append(look)
        else:
            opinions[photo.path] = judge.opinion(look) if isinstance(look, _Look) else look
    if young:
        elapsed = max(0.0, (now_ns() - began) / _NS)
        sleep(max(0.0, settle_seconds - elapsed))
    for before in young:
        opinions[before.photo.path] = judge.look_again(before)
    return _sorted(opinions[photo.path] for photo in photos)


@dataclass(slots=True)
class _Wait:
    """A photo seen before: unchanged since that moment, to be looked at again at another (both of the clock)."""

    photo: Photo
    since: float
    due: float
    delay: float


class StabilityTracker:
    """Judges photos as they come, and remembers those that have to be looked at again, and when.

    The same rules as :func:`sort_out`, for a program that goes on meanwhile. A photo that is still being written is
    due again when it could be ready; one that is incomplete at growing intervals, for not every change of a file is
    told of.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settle_seconds: float,
        incomplete_seconds: float,
        trust_times: bool = True,
        now_ns: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
        stat: Callable[[Path], os.stat_result] = os.lstat,
        examine: Examine = examine,
    ) -> None:
        """``trust_times``: a file's times tell for how long it has not been touched.

        They don't on a server whose clock may differ from ours.
        """
        self._judge = _Judge(folder, incomplete_seconds, now_ns, stat, examine)
        self._settle_seconds = settle_seconds
        self._trust_times = trust_times
        self._clock = clock
        self._waits: dict[str, _Wait] = {}

    def receive(self, photos: Iterable[Photo]) -> Settled:
        """Judge photos; those that may still be written are in none of the result's lists."""
        return _sorted([self._receive(photo) for photo in photos])

    def due(self) -> list[str]:
        """Return the photos whose time to be looked at again has come."""
        now = self._clock()
        return [path for path, wait in self._waits.items() if wait.due <= now]

    def seconds_left(self) -> float | None:
        """Return how long it is until a photo is due; None without any."""
        first = min((wait.due for wait in self._waits.values()), default=None)
        return None if first is None else max(0.0, first - self._clock())

    def forget(self, paths: Iterable[str]) -> None:
        """Wait no longer for these."""
        for path in paths:
            self._waits.pop(path, None)

    def _receive(self, photo: Photo) -> _Opinion | None:
        before = self._waits.pop(photo.path, None)
        look = self._judge.look(photo)
        if not isinstance(look, _Look):
            return self._wait_longer(look, before)
        now = self._clock()
        since = before.since if before is not None and before.photo == look.photo else now
        untouched = max(now - since, look.untouched_seconds if self._trust_times else 0.0)
        if untouched < self._settle_seconds:
            due = now + self._settle_seconds - untouched
            self._waits[photo.path] = _Wait(look.photo, since, due, self._settle_seconds)
            return None
        return self._wait_longer(self._judge.opinion(look), before, since)

    def _wait_longer(
        self, opinion: _Opinion | None, before: _Wait | None, since: float | None = None
    ) -> _Opinion | None:
        if opinion is not None and opinion[1] == "incomplete":
            photo, now = opinion[0], self._clock()
            delay = _SHORTEST_DELAY if before is None else min(2 * before.delay, _LONGEST_DELAY)
            delay = max(delay, _SHORTEST_DELAY)
            self._waits[photo.path] = _Wait(photo, now if since is None else since, now + delay, delay)
        return opinion


@dataclass(frozen=True, slots=True)
class _Judge:
    folder: Path
    incomplete_seconds: float
    now_ns: Callable[[], int]
    stat: Callable[[Path], os.stat_result]
    examine: Examine

    def look(self, photo: Photo) -> _Look | _Opinion | None:
        """Return what the file looks like now, the opinion that spares looking, or None if it is gone."""
        try:
            status = self.stat(self.folder / photo.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return _unreadable(photo, error)
        if not S_ISREG(status.st_mode):
            return None  # a link in a photo's place would lead out of the folder
        return _Look(signature(photo.path, status), _untouched_seconds(status, self.now_ns()))

    def look_again(self, before: _Look) -> _Opinion | None:
        look = self.look(before.photo)
        if not isinstance(look, _Look):
            return look
        if look.photo != before.photo:
            return look.photo, "incomplete", "it is still being written"
        return self.opinion(look)

    def opinion(self, look: _Look) -> _Opinion | None:
        try:
            verdict = self.examine(self.folder, look.photo.path)
        except (FileNotFoundError, NotTheFileError):
            return None
        except OSError as error:
            return _unreadable(look.photo, error)
        except MemoryError:
            return look.photo, "incomplete", "there is too little memory to look at it just now"
        if verdict.kind == "whole":
            return look.photo, "ready", ""
        if verdict.kind == "foreign":
            return look.photo, "quarantined", verdict.reason
        if look.untouched_seconds < self.incomplete_seconds:
            return look.photo, "incomplete", verdict.reason
        waited = f"{verdict.reason}, and it has not changed for {look.untouched_seconds:,.0f} s"
        return look.photo, "quarantined", waited


def _unreadable(photo: Photo, error: OSError) -> _Opinion:
    return photo, "incomplete", f"it can't be read ({error.strerror})"


def _untouched_seconds(status: os.stat_result, now_ns: int) -> float:
    """Return how long ago a file was touched; times in the future say nothing and are left out."""
    touched = [time for time in (status.st_mtime_ns, status.st_ctime_ns) if time <= now_ns]
    return (now_ns - max(touched, default=now_ns)) / _NS


def _sorted(opinions: Iterable[_Opinion | None]) -> Settled:
    by_kind: dict[str, list[tuple[Photo, str]]] = {"ready": [], "incomplete": [], "quarantined": []}
    for opinion in opinions:
        if opinion is not None:
            photo, kind, reason = opinion
            by_kind[kind].append((photo, reason))
    ready = tuple(photo for photo, _ in by_kind["ready"])
    return Settled(ready, tuple(by_kind["incomplete"]), tuple(by_kind["quarantined"]))
