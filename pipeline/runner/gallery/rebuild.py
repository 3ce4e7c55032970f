"""Makes a whole gallery again: small copies that are missing, all data, the page. Owns what a rebuild reads of files.

It is safe beside a program at work: each chunk is written under the gallery's lock, and the copies before it without.
Of pictures that older versions made their files tell the size and, if it stands in them, what they were made with;
else that is the config's, if a picture's key says so.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipeline.errors import JobError, PhotoError, StorageError, StylewatchError, UsageError
from pipeline.hashing import job_key
from pipeline.images.decode import read_size
from pipeline.images.encode import read_provenance
from pipeline.images.previews import (
    has_photo_copies,
    make_painting_copy_from_file,
    make_photo_copies_from_file,
    make_thumbnail_from_file,
)
from pipeline.ledger import GalleryRow, Ledger, ledger_exists
from pipeline.model import GallerySettings, Job, PreviewOptions
from pipeline.picture_settings import as_first_meant, settings_record
from pipeline.report.gallery.live import LIVE_NAME, ended_value
from pipeline.report.gallery.scripts import script
from pipeline.report.gallery.sheets import SheetFiles
from pipeline.report.heartbeat import read_heartbeat
from pipeline.runner.gallery.contents import FileFacts
from pipeline.runner.gallery.photo_sources import copy_from_archives, photo_file
from pipeline.runner.gallery.run_records import RunRecords
from pipeline.runner.gallery.status_page import STATUS_NAME, status_value
from pipeline.runner.gallery.unused_copies import remove_unused_copies
from pipeline.runner.gallery.updates import LOCK_NAME, gallery_lock
from pipeline.runner.gallery.writer import GalleryWriter, page_of
from pipeline.runner.instance.folder_marks import other_states
from pipeline.runner.instance.lock import is_held
from pipeline.runner.preparation import ResolvedConfig, ledger_file, source_of

#: Another process is waited for so long at each chunk.
_LOCK_SECONDS: Final = 60.0


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did. ``failed``: of which files no copy could be made, and why; ``removed``: unused copies."""

    pictures: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    removed: int = 0


class Rebuild:
    """Makes one gallery again. Raises UsageError without a ledger, OSError, StorageError, LedgerError."""

    def __init__(
        self,
        settings: GallerySettings,
        resolved: ResolvedConfig | None = None,
        *,
        on_progress: Callable[[int, int], None] = lambda _done, _all: None,
        now: Callable[[], float] = time.time,
        lock_seconds: float = _LOCK_SECONDS,
    ) -> None:
        """``resolved``: whose paintings are copied, and whose settings those pictures have that were made with them.

        ``on_progress`` gets how many chunks are done, of how many.
        """
        self._settings = settings
        self._resolved = resolved
        self._on_progress = on_progress
        self._now = now
        self._lock_seconds = lock_seconds
        self._folders = settings.status.folders
        self._writer = GalleryWriter(settings, now=now)
        self._result = Rebuilt()

    def run(self) -> Rebuilt:
        """Make it again."""
        file = ledger_file(self._folders)
        if not ledger_exists(file):
            if page_of(self._folders.output) is not None:  # of a try, whose contact sheet is all there is
                self._writer.write_page()
                return self._result
            raise UsageError(
                f"{self._folders.output}: nothing was made here yet; 'stylewatch run {self._settings.config_name}' "
                f"makes pictures, and the gallery with them"
            )
        self._writer.write_page()
        with Ledger.to_read(file, source_of(self._folders)) as ledger, ThreadPoolExecutor(os.cpu_count()) as pool:
            with self._locked(ledger):  # the catalog shows the newest pictures at once, if there was no gallery yet
                pass
            for style in self._resolved.styles.values() if self._resolved is not None else ():
                for painting in style.paintings:
                    self._try(str(painting.path), make_painting_copy_from_file, painting.sha256, painting.path)
            self._write_chunks(ledger, pool)
            self._end(ledger)
        return self._result

    def _write_chunks(self, ledger: Ledger, pool: ThreadPoolExecutor) -> None:
        numbers = self._writer.all_chunks(ledger)
        for done, number in enumerate(numbers):
            self._on_progress(done, len(numbers))
            first, last = self._writer.ids_of(number)
            rows = ledger.gallery.rows(first, last)
            for _ in pool.map(self._make_copies, _with_pictures(rows)):
                pass
            copy_from_archives(self._folders, filter(self._needs_photo, _with_pictures(rows)), self._copy_photo)
            with self._locked(ledger):
                written = self._writer.write_chunk(
                    ledger,
                    number,
                    changed={row.id for row in rows},
                    in_progress=self._in_progress(ledger),
                    files=partial(self._facts_of_files, ledger),
                )
            self._result.pictures += len(_with_pictures(written))
        self._on_progress(len(numbers), len(numbers))

    @contextlib.contextmanager
    def _locked(self, ledger: Ledger) -> Iterator[None]:
        """Write something under the lock, and the catalog after it."""
        with gallery_lock(self._folders.state / LOCK_NAME, self._lock_seconds) as is_held_here:
            if not is_held_here:
                raise StorageError(
                    f"{self._writer.folder.path}: another stylewatch has been writing it for a minute; try again"
                )
            self._writer.read_catalog()
            yield
            self._writer.write_catalog(ledger, is_live=self._is_working(), in_progress=self._in_progress(ledger))

    def _end(self, ledger: Ledger) -> None:
        folders = self._folders
        records = RunRecords(folders.state, folders.output, self._settings.reports)
        value = status_value(self._settings, ledger, records, None, self._now())
        self._writer.folder.write(STATUS_NAME, script("status", value))
        if not self._is_working():
            self._writer.folder.write(LIVE_NAME, script("live", ended_value(self._now())))
        SheetFiles(self._writer.folder).forget_gone()
        if not other_states(folders.state, folders.output):  # their pictures, too, have copies here
            self._result.removed = remove_unused_copies(self._writer.folder, ledger, self._now())

    # --- what is going on -------------------------------------------------------------------------------------

    def _is_working(self) -> bool:
        return is_held(self._folders.state)

    def _in_progress(self, ledger: Ledger) -> set[int]:
        heartbeat = read_heartbeat(self._folders.state) if self._is_working() else None
        pictures = heartbeat.pictures if heartbeat is not None else ()
        found = (ledger.gallery.id_of(Job(each.photo, each.style, each.recipe)) for each in pictures)
        return {job_id for job_id in found if job_id is not None}

    # --- files ------------------------------------------------------------------------------------------------

    def _make_copies(self, row: GalleryRow) -> None:
        picture = self._folders.output / row.output
        if picture.is_file():
            self._try(row.output, make_thumbnail_from_file, row.picture_sha256, picture)
        if self._needs_photo(row) and (photo := photo_file(self._folders, row.job.photo)) is not None:
            self._copy_photo(row, photo)

    def _needs_photo(self, row: GalleryRow) -> bool:
        return bool(row.photo_sha256) and not has_photo_copies(self._settings.previews, row.photo_sha256)

    def _copy_photo(self, row: GalleryRow, photo: Path | bytes) -> None:
        self._try(row.job.photo, self._make_photo_copies, row.photo_sha256, photo)

    @staticmethod
    def _make_photo_copies(options: PreviewOptions, sha256: str, photo: Path | bytes) -> None:
        with contextlib.suppress(PhotoError):  # it may be another photo by now
            make_photo_copies_from_file(options, sha256, photo)

    def _try(self, name: str, make: Callable[..., object], sha256: str, file: Path | bytes) -> None:
        try:
            make(self._settings.previews, sha256, file)
        except (JobError, StylewatchError, OSError, MemoryError) as error:
            self._result.failed.append((name, str(error) or type(error).__name__))

    def _facts_of_files(self, ledger: Ledger, rows: list[GalleryRow]) -> Mapping[int, FileFacts]:
        """Return what is known of those pictures that the ledger has no facts of."""
        found = {}
        for row in _with_pictures(rows):
            if not row.width:
                facts = self._facts_of_file(self._folders.output / row.output)
                found[row.id] = facts if facts.settings else replace(facts, settings=self._settings_of(ledger, row))
        return found

    def _settings_of(self, ledger: Ledger, row: GalleryRow) -> Mapping[str, Any] | None:
        """Return the config's settings of a picture if its key says that it was made with them."""
        names, resolved = (row.job.style, row.job.recipe), self._resolved
        if resolved is None or not row.photo_sha256 or names not in resolved.settings_sha256:
            return None
        details = ledger.gallery.details(row.id)
        if details is None or details.key != job_key(row.photo_sha256, resolved.settings_sha256[names]):
            return None
        whole = replace(resolved.styles[names[0]], regions=())  # with a mask it would have another key
        return settings_record(whole, as_first_meant(resolved.recipes[names[1]]), resolved.weights)

    def _facts_of_file(self, file: Path) -> FileFacts:
        try:
            width, height = read_size(file)
            settings: Any = (read_provenance(file) or {}).get("settings")
        except (JobError, StylewatchError, OSError, MemoryError):
            return FileFacts()
        return FileFacts(width, height, settings if isinstance(settings, dict) else None)


def _with_pictures(rows: Iterable[GalleryRow]) -> list[GalleryRow]:
    return [row for row in rows if row.picture_sha256]
