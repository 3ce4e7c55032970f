"""Writes the gallery's page, chunks, details and catalog. Owns which files a change of the ledger concerns.

The order is details, chunk, catalog: a chunk that the catalog has in its present revision is complete. What another
process has written meanwhile counts: the catalog is read again, if it is not the one written last.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pipeline import __version__
from pipeline.hashing import sha256_of_bytes
from pipeline.images.encode import suffix_of
from pipeline.ledger import ChunkSummary, GalleryRow, Ledger
from pipeline.model import FolderSettings, GallerySettings
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.report.gallery.catalog import CATALOG_NAME, LATEST, Catalog, Chunk, GalleryTexts, read_catalog
from pipeline.report.gallery.folder import PAGE_NAME, GalleryFolder
from pipeline.report.gallery.page import page_files
from pipeline.report.gallery.rows import (
    CHUNK_SIZE,
    chunk_name,
    chunk_of,
    chunk_value,
    details_folder,
    details_name,
)
from pipeline.report.gallery.scripts import read_script, script
from pipeline.report.gallery.sheets import SHEETS_NAME
from pipeline.runner.gallery.contents import (
    DetailsSource,
    FileFacts,
    Known,
    needs_details,
    picture_row,
    recipe_defaults,
)
from pipeline.runner.instance.relative_paths import relative_to_folder
from pipeline.runner.preparation import ledger_file, source_of

_DETAILS: Final = re.compile(r"[0-9]+\.js")
#: Of output folders.
_USUAL_NAMES: Final = ("output", "out")
_PROGRAM: Final = f"stylewatch {__version__}"

#: What a rebuild knows of files, by the ids of their jobs; see :class:`FileFacts`.
FilesOfChunk = Callable[[list[GalleryRow]], Mapping[int, FileFacts]]


class GalleryWriter:
    """Brings one gallery's files up to date. Methods raise OSError, StorageError, LedgerError."""

    def __init__(self, settings: GallerySettings, *, now: Callable[[], float] = time.time) -> None:
        """``now`` returns seconds since the epoch."""
        folders = settings.status.folders
        self.folder = GalleryFolder(settings.previews.folder)
        self.now = now
        self.catalog_written = 0
        self._texts = _texts(settings)
        self._details = DetailsSource(folders.output, folders.input, self.folder.exists)
        self._catalog = Catalog()
        self._catalog_data: bytes | None = None

    def write_page(self) -> None:
        """Write the page and what it loads, where they differ. Raises StorageError if the page is the user's."""
        self.folder.require_own()
        self.folder.write_if_changed(page_files(self._texts.title, _PROGRAM))
        if not self.folder.exists(SHEETS_NAME):  # browsers complain of a file that is not there
            self.folder.write(SHEETS_NAME, script("sheets", []))

    def read_catalog(self) -> None:
        """Find out what is written."""
        data = self.folder.read(CATALOG_NAME)
        if data is None or data != self._catalog_data:
            self._catalog, self._catalog_data = read_catalog(data, self._texts), data

    def all_chunks(self, ledger: Ledger) -> list[int]:
        """Return the chunks that there are or should be, the newest first."""
        present = {found.number for found in ledger.gallery.chunks(CHUNK_SIZE)}
        return sorted(present | self._catalog.chunks.keys(), reverse=True)

    def stale_chunks(self, ledger: Ledger) -> list[int]:
        """Return the chunks that the ledger has changed since they were written, the newest first."""
        present = {found.number: found for found in ledger.gallery.chunks(CHUNK_SIZE)}
        written = self._catalog.chunks
        stale = [number for number, found in present.items() if not _is_written(found, written.get(number))]
        return sorted({*stale, *(written.keys() - present.keys())}, reverse=True)

    @staticmethod
    def ids_of(number: int) -> tuple[int, int]:
        """Return the first and the last id that a chunk may have."""
        return number * CHUNK_SIZE, (number + 1) * CHUNK_SIZE - 1

    def write_chunk(
        self,
        ledger: Ledger,
        number: int,
        *,
        changed: Collection[int] | None = None,
        in_progress: Collection[int] = (),
        files: FilesOfChunk | None = None,
    ) -> list[GalleryRow]:
        """Write a chunk with the details of its pictures, and return its rows.

        Of details only those of ``changed`` jobs and missing ones are written, of None all those that may have
        changed since the chunk was written. With ``files`` nothing that was written before is relied on.
        """
        first, last = self.ids_of(number)
        summary = next(iter(ledger.gallery.chunks(CHUNK_SIZE, first, last)), None)
        rows = ledger.gallery.rows(first, last)
        if changed is None:
            changed = self._changed_since_written(ledger, number, rows)
        before = read_rows(self.folder.read(chunk_name(number)))
        known = Known(before) if files is None else Known(before, files(rows), are_copies_there=False)
        self._write_details(ledger, number, rows, changed, known.files)
        self._write_rows(number, rows, summary, known, in_progress)
        return rows

    def _changed_since_written(self, ledger: Ledger, number: int, rows: Iterable[GalleryRow]) -> Collection[int]:
        written = self._catalog.chunks.get(number)
        if written is None:
            return {row.id for row in rows}
        return set(ledger.gallery.changed_since(_changed_in(written)))

    def _write_details(
        self,
        ledger: Ledger,
        number: int,
        rows: Iterable[GalleryRow],
        changed: Collection[int],
        facts: Mapping[int, FileFacts],
    ) -> None:
        there = self.folder.names_in(details_folder(number))
        needed = {f"{row.id}.js": row.id for row in rows if needs_details(row)}
        for name, job_id in needed.items():
            if (job_id in changed or name not in there) and (found := ledger.gallery.details(job_id)) is not None:
                value = self._details.value(found, facts.get(job_id))
                self.folder.write(details_name(job_id), script("picture", job_id, value))
        for name in there - needed.keys():
            if _DETAILS.fullmatch(name):
                self.folder.remove(f"{details_folder(number)}/{name}")

    def _write_rows(
        self,
        number: int,
        rows: list[GalleryRow],
        summary: ChunkSummary | None,
        known: Known,
        in_progress: Collection[int],
    ) -> None:
        name = chunk_name(number)
        if summary is None or not rows:
            self.folder.remove(name)
            self._catalog.chunks.pop(number, None)
            return
        shown = [picture_row(row, known, self.folder.exists, row.id in in_progress) for row in rows]
        value = chunk_value(shown, self._catalog.tables, self._texts.suffix)
        latest = self._catalog.latest
        latest |= {fields[0]: fields for fields in value["rows"] if fields[0] in latest}
        data = script("chunk", number, value)
        self.folder.write(name, data)
        self._catalog.chunks[number] = Chunk(len(rows), round(summary.newest), _revision(summary, data))

    def write_pictures(self, ledger: Ledger, job_ids: Iterable[int], in_progress: Collection[int] = ()) -> None:
        """Write the details of these jobs, and the chunks that they are in."""
        by_chunk = defaultdict[int, set[int]](set)
        for job_id in job_ids:
            by_chunk[chunk_of(job_id)].add(job_id)
        for number, changed in by_chunk.items():
            self.write_chunk(ledger, number, changed=changed, in_progress=in_progress)

    def write_catalog(self, ledger: Ledger, *, is_live: bool, in_progress: Collection[int] = ()) -> None:
        """Write the catalog, which makes the chunks that were written valid."""
        known, found = Known(self._catalog.latest), ledger.gallery.latest(LATEST)
        latest = [picture_row(row, known, self.folder.exists, row.id in in_progress) for row in found]
        counts = ledger.queries.counts_by_name()
        # Whoever re-reads it after a second must see that it is another one.
        self.catalog_written = max(round(self.now()), self.catalog_written + 1)
        value = self._catalog.value(self._texts, counts, latest, now=self.catalog_written, is_live=is_live)
        self._catalog_data = script("catalog", value)
        self.folder.write(CATALOG_NAME, self._catalog_data)


def page_of(output_folder: Path) -> Path | None:
    """Return the gallery's page, None if there is none of this program's."""
    folder = GalleryFolder(output_folder / GALLERY_FOLDER)
    page = folder.path / PAGE_NAME
    return page if page.is_file() and folder.exists(CATALOG_NAME) else None


def read_rows(data: bytes | None) -> dict[int, list[Any]]:
    """Return the rows in a chunk's file by id; none if it is not there or damaged."""
    try:
        _, value = read_script(data or b"", "chunk")
        return {row[0]: row for row in value["rows"]}
    except (ValueError, KeyError, TypeError, IndexError):
        return {}


def _texts(settings: GallerySettings) -> GalleryTexts:
    folders = settings.status.folders
    identity = f"{ledger_file(folders)}\n{source_of(folders)}"
    return GalleryTexts(
        program=_PROGRAM,
        title=_title(folders.output),
        photos_href=_photos_href(folders, settings.previews.folder),
        suffix=suffix_of(settings.picture_format),
        config_path=settings.config_name,
        ledger=sha256_of_bytes(os.fsencode(identity))[:16],
        recipe_defaults=recipe_defaults(),
    )


def _title(output: Path) -> str:
    """Return what a gallery is called: the name of its folder, or of the one around if that is called as most are."""
    named = output.parent if output.name in _USUAL_NAMES and output.parent.name else output
    return named.name or str(output)


def _photos_href(folders: FolderSettings, gallery: Path) -> str | None:
    """Return the input folder's address as seen from the page; None if it is on another drive."""
    relative = relative_to_folder(gallery, folders.input)
    if Path(relative).is_absolute():
        return None
    return quote(os.fsencode(Path(relative).as_posix()))


def _revision(summary: ChunkSummary, data: bytes) -> str:
    """Return what the ledger held, and what was written, which may change without it, as by a new thumbnail."""
    return f"{_state(summary)}-{zlib.crc32(data):08x}"


def _state(summary: ChunkSummary) -> str:
    return f"{summary.rows}-{summary.changed!r}"


def _is_written(summary: ChunkSummary, chunk: Chunk | None) -> bool:
    return chunk is not None and chunk.revision.rpartition("-")[0] == _state(summary)


def _changed_in(chunk: Chunk) -> float:
    """Return when the latest change that a written chunk has was made; the beginning of time if that is unknown."""
    try:
        return float(chunk.revision.split("-")[1])
    except (IndexError, ValueError):
        return 0.0
