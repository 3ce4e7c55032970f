"""Reloads the config of a running daemon. Owns when its file is read again, and which settings may change.

Editors and programs write a file in several steps or replace it by another one, so it is read once it has not changed
for a while. A missing file is waited for. A replaced painting or image counts as a change of the config, and so
does a changed file that the config imports.
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

from pipeline.config import Config, imported_files, load_config
from pipeline.errors import StylewatchError
from pipeline.model import WatchNotice
from pipeline.runner.checking import check_image, check_painting, recipes_in_use
from pipeline.runner.format_limits import require_writable_size
from pipeline.runner.memory_limits import require_possible_size
from pipeline.runner.preparation import ResolvedConfig, resolve_config

#: The folders of photos, pictures and state: the ledger and the lock are bound to them.
_FOLDERS: Final = ("input", "output", "cache", "state")
#: A worker that can't start ends the daemon, and only starting one shows whether it can.
_ENGINE_KEYS: Final = ("device", "weights", "preprocessing", "precision")
#: Sections that are read once, at the start.
_WHOLE_SECTIONS: Final = ("log", "hooks")

#: Paintings are checked at every tenth check of the config: there may be many of them, on a share.
_CHECKS_PER_PAINTING_CHECK: Final = 10

_Signature = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """A validated config with what was resolved from it."""

    config: Config
    resolved: ResolvedConfig


@dataclass(slots=True)
class _WatchedFiles:
    """The signatures of files when they were last read and now, and when they last changed."""

    read: Mapping[Path, _Signature] = field(default_factory=dict)
    current: Mapping[Path, _Signature] = field(default_factory=dict)
    changed_at: float = -math.inf

    def update(self, files: Iterable[Path], now: float) -> None:
        signatures = {file: _signature(file) for file in files}
        if any(signatures[file] != previous for file, previous in self.current.items() if file in signatures):
            self.changed_at = now
        self.current = signatures
        self.read = signatures | {file: previous for file, previous in self.read.items() if file in signatures}

    def are_stable(self, now: float, settle_seconds: float) -> bool:
        return now - self.changed_at >= settle_seconds

    @property
    def has_changed(self) -> bool:
        """Tell whether a file differs from what was read; a missing file is waited for."""
        return any(now is not None and now != self.read[file] for file, now in self.current.items())


class ConfigReloader:
    """Watches one config file, what it imports, and its paintings.

    Only :meth:`request_reload` may be called by other threads.
    ``on_change`` is called with each config that comes into use, by whoever asks for the next version.
    """

    def __init__(
        self, file: Path, *, settle_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``file`` must not be loaded yet: later changes count. ``clock`` returns monotonic seconds."""
        self.file = file
        self.on_change: Callable[[Config], None] = lambda _config: None
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._reload_requested = self._check_requested = False
        self._check_at = self._check_paintings_at = -math.inf
        self._config, self._paintings = _WatchedFiles(), _WatchedFiles()
        self._imported: tuple[Path, ...] = ()
        self._imported_by: _Signature = None
        self._update_config(-math.inf)
        self._rejection = ""

    def request_reload(self) -> None:
        """Reload soon, whether the file has changed or not. Safe to call from a signal handler."""
        self._reload_requested = True

    def check_paintings(self) -> None:
        """Reload soon, since a worker found a replaced painting; emit a notice only if something has changed."""
        self._check_requested = True

    def next_version(
        self,
        current: ConfigVersion,
        emit: Callable[[WatchNotice], None],
        while_reloading: Callable[[], AbstractContextManager[None]],
    ) -> ConfigVersion | None:
        """Return the version after ``current`` if there is one; emits a notice of it or of a bad config.

        The file is read within ``while_reloading()``. Most calls only read the clock; once in
        ``settle_seconds`` the file is checked by stat, more rarely each painting.
        """
        if not self._is_due(current):
            return None
        reload_requested, self._reload_requested = self._reload_requested, False
        check_requested, self._check_requested = self._check_requested, False
        with while_reloading():
            try:
                new_version, unchanged = _merge(current, load_config(self.file))
                _require_usable(current, new_version)
            except StylewatchError as error:
                previous, self._rejection = self._rejection, _rejection(error)
                if reload_requested or not (check_requested and self._rejection == previous):
                    emit(WatchNotice("refused", self._rejection))
                return None
        was_refused, self._rejection = bool(self._rejection), ""
        changes = _changes(current, new_version)
        if changes or unchanged or reload_requested or was_refused:
            emit(WatchNotice("reloaded", _reload_text(changes, unchanged)))
        if not changes:
            return None
        self.on_change(new_version.config)
        return new_version

    def _is_due(self, version: ConfigVersion) -> bool:
        now, settle_seconds = self._clock(), self._settle_seconds
        if now < self._check_at and not (self._reload_requested or self._check_requested):
            return False
        self._check_at = now + settle_seconds
        self._update_config(now)
        if self._check_requested or self._paintings.has_changed or now >= self._check_paintings_at:
            self._check_paintings_at = now + _CHECKS_PER_PAINTING_CHECK * settle_seconds
            self._paintings.update(_painting_files(version), now)
        is_due = self._reload_requested or self._config.has_changed
        if not is_due and (self._check_requested or self._paintings.has_changed):
            is_due = self._paintings.are_stable(now, settle_seconds)
        if not (is_due and self._config.are_stable(now, settle_seconds)):
            return False
        self._config.read, self._paintings.read = self._config.current, self._paintings.current
        return True

    def _update_config(self, now: float) -> None:
        if self._imported_by != (signature := _signature(self.file)):
            self._imported_by, self._imported = signature, imported_files(self.file)
        self._config.update([self.file, *self._imported], now)


def _painting_files(version: ConfigVersion) -> set[Path]:
    """Return the files of paintings, and of images to start from."""
    paintings = {painting.path for style in version.resolved.styles.values() for painting in style.paintings}
    return paintings | {path for recipe in version.resolved.recipes.values() if (path := recipe.init_image)}


def _signature(file: Path) -> _Signature:
    try:
        status = os.stat(file)  # noqa: PTH116 - cheaper than Path.stat, once a second for months
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _merge(current: ConfigVersion, new: Config) -> tuple[ConfigVersion, tuple[str, ...]]:
    """Return the new config without the changes that need a restart, and the names of those settings."""
    old = current.config
    fixed = [key for key in _keys_that_need_restart(old) if _value_of(old, key) != _value_of(new, key)]
    sections = {
        section: getattr(new, section).model_copy(
            update={name: _value_of(old, (section, name)) for other, name in fixed if other == section}
        )
        for section in dict(fixed)
    }
    if ("input", "folder") in fixed:
        # The section's other settings were validated for the new folder only: moved photos could land in the old one.
        sections["input"] = old.input
    config = new.model_copy(update=sections)
    # Unless they are set, the other folders are inside the output's: a user who changed one setting gets one message.
    output = new.output.folder if ("output", "folder") in fixed else None
    reported = [
        key for key in fixed if output is None or key[0] == "output" or not _is_inside(_value_of(new, key), output)
    ]
    return ConfigVersion(config, resolve_config(config)), tuple(".".join(key) for key in reported)


def _keys_that_need_restart(config: Config) -> Iterator[tuple[str, str]]:
    yield from ((section, "folder") for section in _FOLDERS)
    yield from (("engine", key) for key in _ENGINE_KEYS)
    for section in _WHOLE_SECTIONS:
        yield from ((section, key) for key in type(getattr(config, section)).model_fields)


def _value_of(config: Config, key: tuple[str, str]) -> object:
    section, name = key
    value: object = getattr(getattr(config, section), name)
    return value


def _is_inside(value: object, folder: Path) -> bool:
    return isinstance(value, Path) and value.is_relative_to(folder)


def _require_usable(current: ConfigVersion, new_version: ConfigVersion) -> None:
    """Raise PaintingError or SizeError for what no picture could be made with."""
    known = {painting.sha256 for style in current.resolved.styles.values() for painting in style.paintings}
    for style in new_version.resolved.styles.values():
        for painting in style.paintings:
            if painting.sha256 not in known:
                check_painting(painting.path)
    known_images = {recipe.init_image_sha256 for recipe in current.resolved.recipes.values()}
    for recipe in recipes_in_use(new_version.config).values():
        image = new_version.resolved.recipes[recipe.name]
        if image.init_image is not None and image.init_image_sha256 not in known_images:
            check_image(image.init_image)
        require_possible_size(recipe, new_version.config.engine_settings())
        require_writable_size(recipe, new_version.config.output.format)


def _changes(current: ConfigVersion, new_version: ConfigVersion) -> tuple[str, ...]:
    sections = tuple(
        name for name in Config.model_fields if getattr(current.config, name) != getattr(new_version.config, name)
    )
    if sections or current.resolved == new_version.resolved:
        return sections
    is_image = current.resolved.styles == new_version.resolved.styles
    return ("the image to start from",) if is_image else ("the paintings",)


def _reload_text(changes: tuple[str, ...], unchanged: tuple[str, ...]) -> str:
    text = f"config reloaded: {', '.join(changes)} changed" if changes else "config reloaded: no effective change"
    if not unchanged:
        return text
    need, stay = ("needs", "stays") if len(unchanged) == 1 else ("need", "stay")
    return f"{text}; {', '.join(unchanged)} {need} a restart and {stay} as before"


def _rejection(error: StylewatchError) -> str:
    problems = "; ".join(str(error).splitlines())
    return f"the changed config is not applied, the old one stays in force: {problems}"
