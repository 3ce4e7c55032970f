"""Another config for a daemon at work. Owns when its file is read again and what of it may change, no more than that.

Editors and programs write a file in several steps or put another one in its place, so it is read once it has not
changed for a while. What is missing is waited for. A painting that is replaced counts as a change of the config.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.config import Config, load_config
from pipeline.errors import StylewatchError
from pipeline.model import WatchNotice
from pipeline.runner.checking import look_at_painting
from pipeline.runner.preparation import ResolvedConfig, prepare

#: Where photos, pictures and records are: the ledger and the lock are bound to them.
_FOLDERS: Final = ("input", "output", "cache", "state")
#: A worker that can't begin ends the daemon, and only a worker can tell whether it can.
_ENGINE_KEYS: Final = ("device", "weights", "preprocessing", "precision")
#: Sections that are read once, at the start.
_WHOLE_SECTIONS: Final = ("log", "hooks")

#: Paintings are looked at more rarely than the config: there may be many of them, on a share.
_LOOKS_A_PAINTING: Final = 10

_Signature = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Edition:
    """A config that was checked, and what it comes to."""

    config: Config
    resolved: ResolvedConfig


@dataclass(slots=True)
class _Sight:
    """What some files looked like when they were read, what they look like now, and since when."""

    read: Mapping[Path, _Signature] = field(default_factory=dict)
    seen: Mapping[Path, _Signature] = field(default_factory=dict)
    seen_at: float = -math.inf

    def look(self, files: Iterable[Path], now: float) -> None:
        found = {file: _signature(file) for file in files}
        if any(found[file] != before for file, before in self.seen.items() if file in found):
            self.seen_at = now
        self.seen = found
        self.read = found | {file: before for file, before in self.read.items() if file in found}

    def rests(self, now: float, settle_seconds: float) -> bool:
        return now - self.seen_at >= settle_seconds

    @property
    def has_changed(self) -> bool:
        """Tell whether a file is another one than was read; what is missing is waited for."""
        return any(found is not None and found != self.read[file] for file, found in self.seen.items())


class Reloading:
    """Looks at one config file and its paintings. All but :meth:`ask` belongs to one thread."""

    def __init__(
        self, file: Path, *, settle_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``file`` is about to be loaded. ``clock`` returns monotonic seconds."""
        self._file = file
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._asked = self._doubted = False
        self._look_at = self._look_at_paintings_at = -math.inf
        self._config, self._paintings = _Sight(), _Sight()
        self._config.look([file], -math.inf)
        self._refusal = ""

    def ask(self) -> None:
        """Have the file read again soon, changed or not. Safe to call from a signal handler."""
        self._asked = True

    def doubt(self) -> None:
        """Have the file read again soon, for a worker found another painting; tell nothing unless that is so."""
        self._doubted = True

    def next_edition(
        self,
        present: Edition,
        emit: Callable[[WatchNotice], None],
        announced: Callable[[], AbstractContextManager[None]],
    ) -> Edition | None:
        """Return what follows ``present``, if the file says so by now; tells of it, and of a config that is bad.

        The file is read within ``announced()``. Costs a look at the clock, and once in ``settle_seconds`` one at the
        file, more rarely one at each painting.
        """
        if not self._is_due(present):
            return None
        asked, self._asked, doubted, self._doubted = self._asked, False, self._doubted, False
        with announced():
            try:
                edition, kept = _merged(present, load_config(self._file))
                _check_paintings(present, edition)
            except StylewatchError as error:
                before, self._refusal = self._refusal, _refusal(error)
                if asked or not (doubted and self._refusal == before):
                    emit(WatchNotice("refused", self._refusal))
                return None
        self._refusal = ""
        changes = _changes(present, edition)
        if changes or kept or asked:
            emit(WatchNotice("reloaded", _in_words(changes, kept)))
        return edition if changes else None

    def _is_due(self, present: Edition) -> bool:
        now, settle = self._clock(), self._settle_seconds
        if now < self._look_at and not (self._asked or self._doubted):
            return False
        self._look_at = now + settle
        self._config.look([self._file], now)
        if self._doubted or self._paintings.has_changed or now >= self._look_at_paintings_at:
            self._look_at_paintings_at = now + _LOOKS_A_PAINTING * settle
            self._paintings.look(_paintings_of(present), now)
        wanted = self._asked or self._config.has_changed
        if not wanted and (self._doubted or self._paintings.has_changed):
            wanted = self._paintings.rests(now, settle)
        if not (wanted and self._config.rests(now, settle)):
            return False
        self._config.read, self._paintings.read = self._config.seen, self._paintings.seen
        return True


def _paintings_of(edition: Edition) -> set[Path]:
    return {painting.path for style in edition.resolved.styles.values() for painting in style.paintings}


def _signature(file: Path) -> _Signature:
    try:
        status = os.stat(file)  # noqa: PTH116 - cheaper than Path's, once a second for months
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _merged(present: Edition, new: Config) -> tuple[Edition, tuple[str, ...]]:
    """Return the new config with all that needs a restart as it is now, and the names of that."""
    old = present.config
    stay = [at for at in _need_restart(old) if _value(old, at) != _value(new, at)]
    sections = {
        section: getattr(new, section).model_copy(
            update={key: _value(old, (section, key)) for other, key in stay if other == section}
        )
        for section in dict(stay)
    }
    if ("input", "folder") in stay:
        # What else stands there was checked against the new folder only: moved photos could land in the old one.
        sections["input"] = old.input
    config = new.model_copy(update=sections)
    # Unless they are set, the other folders follow the output's: whoever changed one key is told of one.
    moved = new.output.folder if ("output", "folder") in stay else None
    told = [at for at in stay if moved is None or at[0] == "output" or not _lies_in(_value(new, at), moved)]
    return Edition(config, prepare(config)), tuple(".".join(at) for at in told)


def _need_restart(config: Config) -> Iterator[tuple[str, str]]:
    yield from ((section, "folder") for section in _FOLDERS)
    yield from (("engine", key) for key in _ENGINE_KEYS)
    for section in _WHOLE_SECTIONS:
        yield from ((section, key) for key in type(getattr(config, section)).model_fields)


def _value(config: Config, at: tuple[str, str]) -> object:
    section, key = at
    value: object = getattr(getattr(config, section), key)
    return value


def _lies_in(value: object, folder: Path) -> bool:
    return isinstance(value, Path) and value.is_relative_to(folder)


def _check_paintings(present: Edition, edition: Edition) -> None:
    """Raise PaintingError if a painting that is new can't be used: the worker would end everything for it."""
    known = {painting.sha256 for style in present.resolved.styles.values() for painting in style.paintings}
    for style in edition.resolved.styles.values():
        for painting in style.paintings:
            if painting.sha256 not in known:
                look_at_painting(painting.path)


def _changes(present: Edition, edition: Edition) -> tuple[str, ...]:
    sections = tuple(
        name for name in Config.model_fields if getattr(present.config, name) != getattr(edition.config, name)
    )
    return sections or (("the paintings",) if present.resolved != edition.resolved else ())


def _in_words(changes: tuple[str, ...], kept: tuple[str, ...]) -> str:
    said = f"{', '.join(changes)} changed" if changes else "nothing that counts has changed"
    if not kept:
        return f"config reloaded: {said}"
    need, stay = ("needs", "stays") if len(kept) == 1 else ("need", "stay")
    return f"config reloaded: {said}; {', '.join(kept)} {need} a restart and {stay} as before"


def _refusal(error: StylewatchError) -> str:
    problems = "; ".join(str(error).splitlines())
    return f"the changed config is not taken over, the old one stays in force: {problems}"
