"""Deletes what a survey found. Owns the order of ledger and files; goes on after a file that can't be deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger import Ledger
from pipeline.runner.cleaning.own_files import OwnFile
from pipeline.runner.cleaning.survey import Survey, WithdrawnFile

#: So many pictures are recorded in one transaction.
_BATCH: Final = 100


@dataclass(slots=True)
class Deleted:
    """What was deleted, files and bytes by kind, and what was not: (file, reason)."""

    files: Counter[str] = field(default_factory=Counter)
    size_bytes: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[Path, str]] = field(default_factory=list)


class Deletion:
    """Deletes files in one output folder, and then the folders below it that have become empty."""

    def __init__(
        self, output_folder: Path, unlink: Callable[[Path], None] = Path.unlink, batch: int = _BATCH
    ) -> None:
        """``unlink`` deletes a file. Raises OSError."""
        self._output_folder = output_folder
        self._unlink = unlink
        self._batch = batch
        self._deleted = Deleted()

    def run(self, found: Survey, open_ledger: Callable[[], Ledger]) -> Deleted:
        """Delete all that was found; ``open_ledger`` is called if pictures on record are among it.

        Raises LedgerError, StorageError for the ledger's disk.
        """
        if found.withdrawn:
            with open_ledger() as ledger:
                self._delete_withdrawn(ledger, found.withdrawn)
        for kind, files in found.by_kind().items():
            for file in files if kind != "withdrawn" else ():
                self._delete(kind, file)
        self._remove_empty_folders(file.path.parent for files in found.by_kind().values() for file in files)
        return self._deleted

    def _delete_withdrawn(self, ledger: Ledger, pictures: Sequence[WithdrawnFile]) -> None:
        files = {found.picture: found.files for found in pictures}
        waiting = iter(files)
        while batch := list(islice(waiting, self._batch)):
            forgotten = ledger.cleanup.forget(batch)
            failed = [lost for lost in forgotten if not self._delete_with_timelapse(files[lost.picture])]
            failpoint("withdrawn-deleted")
            if failed:
                ledger.cleanup.put_back(failed)

    def _delete_with_timelapse(self, files: Sequence[OwnFile]) -> bool:
        """Delete a picture's files; tells whether that of the picture, the last one, is gone."""
        return [self._delete("withdrawn", file) for file in files][-1]

    def _delete(self, kind: str, file: OwnFile) -> bool:
        """Delete a file that is as it was; tells whether it is gone."""
        try:
            if not file.is_unchanged():
                self._deleted.failed.append((file.path, "it has changed meanwhile"))
                return False
            self._unlink(file.path)
        except FileNotFoundError:  # somebody else has deleted it
            return True
        except OSError as error:
            self._deleted.failed.append((file.path, error.strerror or str(error)))
            return False
        self._deleted.files[kind] += 1
        self._deleted.size_bytes[kind] += file.size_bytes
        return True

    def _remove_empty_folders(self, folders: Iterable[Path]) -> None:
        for folder in set(folders):
            for path in (folder, *folder.parents):
                if path == self._output_folder or not path.is_relative_to(self._output_folder):
                    break
                try:
                    path.rmdir()
                except FileNotFoundError:
                    continue
                except OSError:  # it holds something, or is in use
                    break
