"""The folders of the runs' reports. Owns their names, writing a report whole, and removing old ones.

Only a folder with a name of this program and nothing but its files is ever removed: with anything else in it, it is
the user's. Links are not followed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pipeline.durable_files import make_folder, sync_folder, write_file

_TIME: Final = "%Y-%m-%d-%H%M%S"
_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}-\d{6})(?:-(\d+))?")
_FILES: Final = ("report.txt", "report.csv", "report.json")
_PARTS: Final = tuple(f".{name}.part" for name in _FILES)


class ReportFolders:
    """The folder ``reports``, of whose own folders the latest ``keep`` stay for ``keep_days``; 0 = no limit."""

    def __init__(self, reports: Path, keep: int = 0, keep_days: int = 0) -> None:
        self._reports = reports
        self._keep = keep
        self._keep_days = keep_days

    def write(self, began: datetime, files: Mapping[str, bytes]) -> Path:
        """Write the files of a new report; returns its folder, DATE-TIME. Raises OSError."""
        folder = _new_folder(self._reports, began.strftime(_TIME))
        for name, data in files.items():
            write_file(folder / name, data)
        return folder

    def prune(self, now: datetime, latest: Path | None = None) -> None:
        """Remove the reports beyond the limits, never the ``latest``, and half-written files of killed runs.

        A report is as old as its name says, in local time as ``now``.

        Raises OSError if the folder can't be listed; what can't be removed stays.
        """
        own = sorted(filter(_is_ours, _folders_in(self._reports)), key=_age)
        for folder in own:
            for name in _PARTS:
                with contextlib.suppress(OSError):
                    (folder / name).unlink(missing_ok=True)
        surplus = max(0, len(own) - self._keep) if self._keep else 0
        oldest = (now - timedelta(days=self._keep_days)).strftime(_TIME) if self._keep_days else ""
        for folder in [*own[:surplus], *(folder for folder in own[surplus:] if _age(folder)[0] < oldest)]:
            if folder != latest:
                _remove(folder)


def _folders_in(reports: Path) -> list[Path]:
    try:
        with os.scandir(reports) as entries:
            return [reports / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _is_ours(folder: Path) -> bool:
    """Return whether a folder is named by this program and holds nothing but its files."""
    if _NAME.fullmatch(folder.name) is None or folder.is_symlink():  # scandir does not recognize all links
        return False
    try:
        with os.scandir(folder) as entries:
            return all(entry.name in (*_FILES, *_PARTS) and entry.is_file(follow_symlinks=False) for entry in entries)
    except OSError:
        return False


def _age(folder: Path) -> tuple[str, int]:
    match = _NAME.fullmatch(folder.name)
    assert match is not None
    return match[1], int(match[2] or 1)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _new_folder(reports: Path, name: str) -> Path:
    """Make and return ``reports/name``, or ``name-2`` ... if another run began in the same second."""
    make_folder(reports)
    folder, number = reports / name, 1
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            folder = reports / f"{name}-{number}"
        else:
            sync_folder(reports)
            return folder
