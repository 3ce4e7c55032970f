"""Which photos are complete? Owns the wait until files stop changing; refuses a clock of its own.

Age alone proves nothing: copies keep their originals' time, and cameras' clocks are wrong. So a photo is ready when
neither its size, its time nor its inode changed for ``settle_seconds`` and its container is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Final, Literal

from pipeline.intake.containers import Verdict, examine
from pipeline.intake.scan import signature
from pipeline.model import Photo

_NS: Final = 1_000_000_000


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
    examine: Callable[[Path], Verdict] = examine,
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


@dataclass(frozen=True, slots=True)
class _Judge:
    folder: Path
    incomplete_seconds: float
    now_ns: Callable[[], int]
    stat: Callable[[Path], os.stat_result]
    examine: Callable[[Path], Verdict]

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
            verdict = self.examine(self.folder / look.photo.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return _unreadable(look.photo, error)
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
