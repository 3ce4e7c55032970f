"""Reads how the work stands, for monitors. Owns what is still known when the ledger can't be read, and the health.

One reading serves all that ask within some seconds, so that whoever asks often costs no more.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.config import Config, imported_files, load_config
from pipeline.config.settings import status_settings
from pipeline.errors import StylewatchError, in_words
from pipeline.ledger import Ledger, Totals, ledger_exists
from pipeline.model import StatusSettings
from pipeline.report.formatting import printable
from pipeline.runner.preparation import ledger_file, source_of
from pipeline.runner.status import Pictures, Status, collect_status
from pipeline.serving.site import Answer

_KEEP_SECONDS: Final = 2.0

#: What is said of an exit code to those who may not know more.
_WORDS: Final = {0: "all is well", 1: "pictures were given up or photos set aside in the last 24 hours"}
_NO_WORK: Final = "no pictures can be made; 'stylewatch status' says why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the work stands. ``trouble`` says why the ledger is not known; then nothing in ``status`` is about it.

    ``status`` is None where not even the state folder can be read. ``exit_code`` is that of ``stylewatch status``.
    ``totals`` are what the ledger has counted, None if that is not known.
    """

    settings: StatusSettings
    status: Status | None
    exit_code: int
    totals: Totals | None = None
    trouble: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether the ledger could be read."""
        return not self.trouble


class StateReader:
    """Reads the state when it is asked for, but not again within some seconds. For any number of threads."""

    def __init__(
        self,
        settings: Callable[[], StatusSettings],
        *,
        collect: Callable[..., Status] = collect_status,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``settings`` returns those in force; ``clock`` monotonic seconds."""
        self._collect = collect
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._reading: Reading | None = None

    def read(self) -> Reading:
        """Return how the work stands; raises nothing. While another thread reads, which may take long, the latest."""
        latest = self._reading
        if not self._lock.acquire(blocking=latest is None) and latest is not None:
            return latest
        try:
            if self._reading is None or self._clock() - self._read_at >= _KEEP_SECONDS:
                self._reading = _read(self._settings(), self._collect)
                self._read_at = self._clock()
            return self._reading
        finally:
            self._lock.release()

    def health(self, in_full: bool) -> Answer:
        """Return the judgment of ``stylewatch status``: 200 if its exit code is 0, else 503, and one line of text.

        What is in the way is named only ``in_full``: it holds paths and commands.
        """
        reading = self.read()
        sentence = _WORDS.get(reading.exit_code, _NO_WORK)
        if in_full and reading.exit_code:
            known = reading.status.warnings() if reading.status else ()
            sentence = "; ".join([reading.trouble, *known] if reading.trouble else known)
        return Answer(f"{reading.exit_code}: {printable(sentence)}\n", status=503 if reading.exit_code else 200)


def _read(settings: StatusSettings, collect: Callable[..., Status]) -> Reading:
    try:
        status, totals = collect(settings), _totals(settings)
    except Exception as error:
        exit_code = error.exit_code if isinstance(error, StylewatchError) else StylewatchError.exit_code
        return Reading(
            settings=settings, status=_without_ledger(settings, collect), exit_code=exit_code, trouble=in_words(error)
        )
    return Reading(settings=settings, status=status, exit_code=status.exit_code(), totals=totals)


def _totals(settings: StatusSettings) -> Totals:
    file = ledger_file(settings.folders)
    if not ledger_exists(file):
        return Totals(0, 0, {}, {})
    with Ledger.to_read(file, source_of(settings.folders)) as ledger:
        return ledger.totals.read()


def _without_ledger(settings: StatusSettings, collect: Callable[..., Status]) -> Status | None:
    with suppress(Exception):
        return collect(settings, pictures=Pictures())
    return None


class CurrentSettings:
    """The settings of a config as its file is now. A bad one changes nothing, nor do folders until a restart."""

    def __init__(self, file: Path, config: Config) -> None:
        """``config`` is what was read from ``file`` just now."""
        self._file = file
        self._config_version: tuple[int, int] | None = None
        self._imported: tuple[Path, ...] = ()
        self._version = self._found_version()
        self._settings = status_settings(config)

    def __call__(self) -> StatusSettings:
        """Return the settings in force."""
        version = self._found_version()
        if version != self._version:
            self._version = version
            with suppress(StylewatchError, OSError):
                changed = status_settings(load_config(self._file))
                self._settings = replace(changed, folders=self._settings.folders)
        return self._settings

    def _found_version(self) -> tuple[tuple[int, int] | None, ...]:
        config = _version_of(self._file)
        if config != self._config_version:
            self._config_version, self._imported = config, imported_files(self._file)
        return config, *map(_version_of, self._imported)


def _version_of(file: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - as cheap as it gets
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
