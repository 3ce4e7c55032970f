"""Opens the ledger. Owns the open file; each table's class owns its operations.

Every method of :class:`Photos`, :class:`Jobs`, :class:`Leases`, :class:`Moves`, :class:`FoundPictures`,
:class:`IncompleteFiles`, :class:`SkippedPhotos`, :class:`FileFacts`, :class:`Masks`, :class:`Sources`,
:class:`Cleanup`, :class:`Rejections` and :class:`RecipeChoices` that writes is one durable transaction. One
``Ledger`` is one source's view and belongs to one thread. Claims, leases and cleanup need the state folder's lock;
reading, retries, rejections and choices of recipes are safe beside a running instance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.ledger import schema
from pipeline.ledger.changes import Changes
from pipeline.ledger.claim_queue import ClaimQueue
from pipeline.ledger.cleanup import Cleanup
from pipeline.ledger.config_files import ConfigFiles
from pipeline.ledger.file_facts import FileFacts
from pipeline.ledger.found import FoundPictures
from pipeline.ledger.gallery_queries import GalleryQueries
from pipeline.ledger.incomplete import IncompleteFiles
from pipeline.ledger.jobs import Jobs
from pipeline.ledger.leases import Leases
from pipeline.ledger.masks import Masks
from pipeline.ledger.moves import Moves
from pipeline.ledger.photos import Photos
from pipeline.ledger.pictures import Pictures
from pipeline.ledger.queries import Queries
from pipeline.ledger.recipe_choices import RecipeChoices
from pipeline.ledger.rejections import Rejections
from pipeline.ledger.schema import LockWait
from pipeline.ledger.skipped import SkippedPhotos
from pipeline.ledger.sources import Sources
from pipeline.ledger.store import Store, open_store
from pipeline.ledger.totals import TotalsTable


class Ledger:
    """What is on record about photos and pictures, by table.

    ``photos``: what scans found. ``jobs``: what the config asks for. ``queue``: which of them come next. ``leases``:
    jobs in progress. ``changes``: why finished pictures are made again. ``masks``: by which masks pictures are made.
    ``moves``: originals that leave the input folder. ``found``: pictures that were there before this ledger.
    ``incomplete``: files that are no whole photos yet. ``skipped``: photos that the config leaves out.
    ``file_facts``: what was read of files. ``sources``: input folders. ``cleanup``: pictures that the program
    deletes. ``pictures``: by their names. ``rejections``: those that the user rejected. ``recipe_choices``: by which
    recipe single pictures are made. ``queries``: reports on all. ``gallery``: what the gallery shows. ``totals``:
    what was ever made, and failed.
    Their methods raise LedgerError (damaged, locked, LeaseLostError for a token) and StorageError (its disk).
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: tuple[int, object] | None = None
        self.photos = Photos(store)
        self.jobs = Jobs(store)
        self.queue = ClaimQueue(store)
        self.leases = Leases(store, self.queue)
        self.masks = Masks(store)
        self.changes = Changes(store, self.queue, self.masks)
        self.moves = Moves(store)
        self.found = FoundPictures(store)
        self.incomplete = IncompleteFiles(store)
        self.skipped = SkippedPhotos(store)
        self.file_facts = FileFacts(store)
        self.sources = Sources(store)
        self.cleanup = Cleanup(store)
        self.config_files = ConfigFiles(store)
        self.pictures = Pictures(store)
        self.rejections = Rejections(store)
        self.recipe_choices = RecipeChoices(store)
        self.queries = Queries(store)
        self.gallery = GalleryQueries(store)
        self.totals = TotalsTable(store)

    @classmethod
    def open(
        cls, file: Path, source: str, clock: Callable[[], float] = time.time, lock_wait: LockWait | None = None
    ) -> Self:
        """Open or create the ledger in ``file``. ``source`` names the input folder; ``clock`` returns epoch seconds.

        ``lock_wait`` decides how long to wait for a lock. Raises LedgerError for a damaged, foreign or locked file or
        a newer schema; StorageError. After a StorageError the next method that is called opens the file again.
        """
        return cls(open_store(partial(schema.connect, file), str(file), source, clock, lock_wait, reconnects=True))

    @classmethod
    def to_read(cls, file: Path, source: str, clock: Callable[[], float] = time.time) -> Self:
        """Open an existing ledger for reading only, beside a running instance. Raises as :meth:`open` does."""
        return cls(open_store(partial(schema.connect_to_read, file), str(file), source, clock))

    @classmethod
    def rehearsal(cls, file: Path, source: str, clock: Callable[[], float] = time.time) -> Self:
        """Return a copy in memory, empty if there is no ``file``: changes to it are not written to the disk."""
        return cls(open_store(partial(schema.memory_copy, file), str(file), source, clock))

    def close(self) -> None:
        """Close the file; open leases stay on record."""
        self._store.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def require_in_place(self) -> None:
        """Raise StorageError if its file is gone, LedgerError if a file on another disk now has its path."""
        self._store.require_in_place()

    def was_changed_by_others(self) -> bool:
        """Tell whether another connection wrote since the last call; very cheap."""
        before, self._version = self._version, (self.queries.version(), self._store.connection)
        return before != self._version
