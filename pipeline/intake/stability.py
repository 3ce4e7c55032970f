"""Waits until photos are complete. Owns when a file counts as stable; uses only the clocks it is given.

A file's age proves nothing: copies keep the time of their originals, and cameras' clocks are wrong. So a photo is
ready when its size, time and inode have not changed for ``settle_seconds`` and its container is complete.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Final, Literal

from pipeline.intake.containers import ContainerCheck, examine
from pipeline.intake.safe_open import FileReplacedError
from pipeline.intake.scan import photo_from_stat
from pipeline.model import Photo

#: Checks the content of the file at a path below a folder.
Examine = Callable[[Path, str], ContainerCheck]

_NS: Final = 1_000_000_000

#: Seconds between checks of an incomplete photo without file events.
_MIN_DELAY_SECONDS: Final = 2.0
_MAX_DELAY_SECONDS: Final = 600.0
#: A copy that takes longer is worth a word.
_LONG_UNSETTLED_SECONDS: Final = 60.0

STILL_WRITTEN: Final = "it is still being written"


@dataclass(frozen=True, slots=True)
class StabilityTimes:
    """A photo is checked once it is untouched for ``settle_seconds``.

    One that is incomplete and untouched for ``incomplete_seconds`` is given to the decoder all the same: what can be
    decoded whole is a photo, and the rest is refused with the decoder's reason. Without an image format it is
    quarantined.
    """

    settle_seconds: float
    incomplete_seconds: float


@dataclass(frozen=True, slots=True)
class StabilityResult:
    """Photos sorted by their state, each list in the order given; reasons are for the user.

    ``ready``: complete, or incomplete for so long that the decoder is to judge, with the size, time and inode that
    were checked. ``incomplete``: left for the next check.
    ``quarantined``: given up until they change. A photo that was deleted meanwhile is in none of the lists.
    """

    ready: tuple[Photo, ...]
    incomplete: tuple[tuple[Photo, str], ...]
    quarantined: tuple[tuple[Photo, str], ...]


@dataclass(frozen=True, slots=True)
class _FileState:
    """A file at some moment: the photo, and for how long it has not been touched."""

    photo: Photo
    untouched_seconds: float


_Finding = tuple[Photo, Literal["ready", "incomplete", "quarantined"], str]


def check_stability(
    folder: Path,
    photos: Sequence[Photo],
    times: StabilityTimes,
    *,
    now_ns: Callable[[], int],
    sleep: Callable[[float], None],
    stat: Callable[[Path], os.stat_result] = os.lstat,
    examine: Examine = examine,
) -> StabilityResult:
    """Check the ``photos`` of one scan of ``folder``, waiting at most once for those that may still be written.

    Photos untouched for ``times.settle_seconds`` are checked at once. The others are checked ``settle_seconds``
    later: unchanged ones by their content, changed ones are incomplete. An incomplete photo that has not been touched
    for ``times.incomplete_seconds`` is ready, or quarantined if it has no image format; a file that is no image is
    quarantined at once.
    ``now_ns`` returns the time of day in nanoseconds since 1970. Reading errors make a photo incomplete.
    ``examine`` checks a file's content, see :func:`pipeline.intake.containers.examine`.
    """
    check = _PhotoCheck(folder, times.incomplete_seconds, now_ns, stat, examine)
    began = now_ns()
    findings: dict[str, _Finding | None] = {}
    unsettled: list[_FileState] = []
    for photo in photos:
        state = check.file_state(photo)
        if isinstance(state, _FileState) and state.untouched_seconds < times.settle_seconds:
            unsettled.append(state)
        else:
            findings[photo.path] = check.check_content(state) if isinstance(state, _FileState) else state
    if unsettled:
        elapsed = max(0.0, (now_ns() - began) / _NS)
        sleep(max(0.0, times.settle_seconds - elapsed))
    for before in unsettled:
        findings[before.photo.path] = check.check_again(before)
    return _by_kind(findings[photo.path] for photo in photos)


@dataclass(slots=True)
class _TrackedPhoto:
    """A photo seen before: unchanged ``since`` a moment of the clock, to be checked again when it is ``due``.

    ``unsettled_since``: when it was first seen, if it has never been left alone for long enough to be checked.
    """

    photo: Photo
    since: float
    due: float
    delay: float
    unsettled_since: float | None = None


class StabilityTracker:
    """Checks photos as they arrive, and remembers which have to be checked again, and when.

    The same rules as :func:`check_stability`, for a program that works meanwhile. A photo that is still being
    written is due again when it could be ready; one that is incomplete at growing intervals, because not every change
    of a file causes an event.
    """

    def __init__(
        self,
        folder: Path,
        times: StabilityTimes,
        *,
        trust_times: bool = True,
        now_ns: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
        stat: Callable[[Path], os.stat_result] = os.lstat,
        examine: Examine = examine,
    ) -> None:
        """``trust_times``: a file's times show for how long it has not been touched.

        They don't on a server whose clock may differ from this machine's.
        """
        self.times = times
        self._photo_check = _PhotoCheck(folder, times.incomplete_seconds, now_ns, stat, examine)
        self._settle_seconds = times.settle_seconds
        self._trust_times = trust_times
        self._clock = clock
        self._tracked: dict[str, _TrackedPhoto] = {}

    def check(self, photos: Iterable[Photo]) -> StabilityResult:
        """Check photos; those that may still be written are in none of the result's lists."""
        return _by_kind([self._check(photo) for photo in photos])

    def due(self) -> list[str]:
        """Return the paths of the photos that are to be checked again now."""
        now = self._clock()
        return [path for path, tracked in self._tracked.items() if tracked.due <= now]

    def seconds_left(self) -> float | None:
        """Return the seconds until the next photo is due; None without any."""
        first = min((tracked.due for tracked in self._tracked.values()), default=None)
        return None if first is None else max(0.0, first - self._clock())

    def long_unsettled(self) -> list[str]:
        """Return the photos that are being written again and again for a minute or longer, as a slow copy is."""
        latest = self._clock() - _LONG_UNSETTLED_SECONDS
        return [
            path
            for path, tracked in self._tracked.items()
            if tracked.unsettled_since is not None and tracked.unsettled_since <= latest
        ]

    def forget(self, paths: Iterable[str]) -> None:
        """Stop tracking these."""
        for path in paths:
            self._tracked.pop(path, None)

    def _check(self, photo: Photo) -> _Finding | None:
        before = self._tracked.pop(photo.path, None)
        state = self._photo_check.file_state(photo)
        if not isinstance(state, _FileState):
            return self._track_incomplete(state, before)
        now = self._clock()
        since = before.since if before is not None and before.photo == state.photo else now
        untouched = max(now - since, state.untouched_seconds if self._trust_times else 0.0)
        if untouched < self._settle_seconds:
            due = now + self._settle_seconds - untouched
            first = now if before is None or before.unsettled_since is None else before.unsettled_since
            self._tracked[photo.path] = _TrackedPhoto(state.photo, since, due, self._settle_seconds, first)
            return None
        return self._track_incomplete(self._photo_check.check_content(state), before, since)

    def _track_incomplete(
        self, finding: _Finding | None, before: _TrackedPhoto | None, since: float | None = None
    ) -> _Finding | None:
        if finding is not None and finding[1] == "incomplete":
            photo, now = finding[0], self._clock()
            delay = _MIN_DELAY_SECONDS if before is None else min(2 * before.delay, _MAX_DELAY_SECONDS)
            delay = max(delay, _MIN_DELAY_SECONDS)
            self._tracked[photo.path] = _TrackedPhoto(photo, now if since is None else since, now + delay, delay)
        return finding


@dataclass(frozen=True, slots=True)
class _PhotoCheck:
    folder: Path
    incomplete_seconds: float
    now_ns: Callable[[], int]
    stat: Callable[[Path], os.stat_result]
    examine: Examine

    def file_state(self, photo: Photo) -> _FileState | _Finding | None:
        """Return the file's state now, a finding if it can't be read, or None if it is gone."""
        try:
            status = self.stat(self.folder / photo.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return _unreadable(photo, error)
        if not S_ISREG(status.st_mode):
            return None  # a link could lead out of the folder
        return _FileState(photo_from_stat(photo.path, status), _untouched_seconds(status, self.now_ns()))

    def check_again(self, before: _FileState) -> _Finding | None:
        state = self.file_state(before.photo)
        if not isinstance(state, _FileState):
            return state
        if state.photo != before.photo:
            return state.photo, "incomplete", STILL_WRITTEN
        return self.check_content(state)

    def check_content(self, state: _FileState) -> _Finding | None:
        try:
            check_result = self.examine(self.folder, state.photo.path)
        except (FileNotFoundError, FileReplacedError):
            return None
        except OSError as error:
            return _unreadable(state.photo, error)
        except MemoryError:
            return state.photo, "incomplete", "there is too little memory to check it just now"
        if check_result.kind == "complete":
            return state.photo, "ready", ""
        if check_result.kind == "not_an_image":
            return state.photo, "quarantined", check_result.reason
        if state.untouched_seconds < self.incomplete_seconds:
            return state.photo, "incomplete", check_result.reason
        if check_result.has_format:
            return state.photo, "ready", ""
        waited = f"{check_result.reason}, and it has not changed for {state.untouched_seconds:,.0f} s"
        return state.photo, "quarantined", waited


def _unreadable(photo: Photo, error: OSError) -> _Finding:
    return photo, "incomplete", f"it can't be read ({error.strerror}); check its permissions and its disk"


def _untouched_seconds(status: os.stat_result, now_ns: int) -> float:
    """Return how long ago a file was touched; times in the future are ignored."""
    touched = [time for time in (status.st_mtime_ns, status.st_ctime_ns) if time <= now_ns]
    return (now_ns - max(touched, default=now_ns)) / _NS


def _by_kind(findings: Iterable[_Finding | None]) -> StabilityResult:
    by_kind: dict[str, list[tuple[Photo, str]]] = {"ready": [], "incomplete": [], "quarantined": []}
    for finding in findings:
        if finding is not None:
            photo, kind, reason = finding
            by_kind[kind].append((photo, reason))
    ready = tuple(photo for photo, _ in by_kind["ready"])
    return StabilityResult(ready, tuple(by_kind["incomplete"]), tuple(by_kind["quarantined"]))
