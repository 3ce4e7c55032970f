"""Records the photos that scans find. Owns the rows of photos and what a change of one does to its jobs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.records import PhotoRow
from pipeline.ledger.states import CLEAR_FAILURES
from pipeline.ledger.store import Store, photo_from_columns, stored_paths, stored_signature, stored_text
from pipeline.model import Photo

_GONE: Final = "the photo is gone"
_OF_PHOTO: Final = "source_id = ? AND photo = ?"

_RECORD_PHOTO: Final = """
INSERT INTO photos (source_id, path, signature, mtime_seconds, problem, problem_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (source_id, path) DO UPDATE SET signature = excluded.signature, mtime_seconds = excluded.mtime_seconds,
    sha256 = NULL, absence = NULL, moved_to = NULL, problem = excluded.problem, problem_at = excluded.problem_at
"""


def _signatures(store: Store, only: Collection[bytes] | None = None) -> dict[bytes, str | None]:
    return dict(store.rows_of_photos("SELECT path, signature FROM photos WHERE source_id = ?", "path", only))


def _photo_parameters(store: Store, photo: Photo, problem: str | None) -> tuple[object, ...]:
    now = store.clock()
    # A file with a date in the future would stay the newest forever.
    mtime_seconds = min(photo.mtime_ns / 1e9, now)
    path = os.fsencode(photo.path)
    return store.source_id, path, stored_signature(photo), mtime_seconds, problem, now


def _record_ready(store: Store, photo: Photo, known: dict[bytes, str | None]) -> None:
    here = (store.source_id, os.fsencode(photo.path))
    if known.get(here[1]) == stored_signature(photo):
        store.connection.execute("UPDATE photos SET problem = NULL WHERE source_id = ? AND path = ?", here)
    else:
        row = _photo_parameters(store, photo, None)
        store.connection.execute(_RECORD_PHOTO, row)
        store.connection.execute(
            f"UPDATE jobs SET current = 0, photo_seconds = ?, {CLEAR_FAILURES} WHERE {_OF_PHOTO}",  # noqa: S608
            (row[3], *here),
        )
        store.connection.execute(
            "UPDATE leases SET disturbed = 1 WHERE job_id IN (SELECT id FROM jobs WHERE source_id = ? AND photo = ?)",
            here,
        )
    store.update_states(_OF_PHOTO, [here])


def _record_quarantined(store: Store, photo: Photo, reason: str) -> None:
    store.connection.execute(_RECORD_PHOTO, _photo_parameters(store, photo, stored_text(reason)))
    store.update_states(_OF_PHOTO, [(store.source_id, os.fsencode(photo.path))])


def _record_presence(store: Store, there: Collection[bytes], only: Collection[bytes] | None) -> None:
    rows = list(store.rows_of_photos("SELECT path, absence IS NULL FROM photos WHERE source_id = ?", "path", only))
    gone = [path for path, present in rows if present and path not in there]
    back = [path for path, present in rows if not present and path in there]
    absences = [(_GONE, store.source_id, path) for path in gone] + [(None, store.source_id, path) for path in back]
    # In both cases a move that had begun is over: a photo that is there again was not moved, or was moved back.
    store.connection.executemany(
        "UPDATE photos SET absence = ?, moved_to = NULL WHERE source_id = ? AND path = ?", absences
    )
    store.update_states(_OF_PHOTO, [(store.source_id, path) for path in gone + back])


def _require_scan(store: Store, paths: Iterable[bytes]) -> None:
    """Keep the jobs of these photos from being claimed until a scan has recorded the photos as ready."""
    store.connection.executemany(
        "UPDATE photos SET signature = NULL, sha256 = NULL WHERE source_id = ? AND path = ?",
        [(store.source_id, path) for path in paths],
    )


class Photos:
    """The photos on record.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def unknown(self, photos: Iterable[Photo]) -> list[Photo]:
        """Return those not recorded yet, or with another size, mtime or inode: intake has to examine them."""
        with self._store.reading():
            known = _signatures(self._store)
        return [photo for photo in photos if known.get(os.fsencode(photo.path)) != stored_signature(photo)]

    def unknown_and_returned(self, photos: Iterable[Photo]) -> tuple[list[Photo], list[Photo]]:
        """Return the unknown ones, and the known ones that were gone: all others need no recording.

        One query a photo, so that thousands of known ones take little memory.
        """
        unknown, returned = [], []
        query = "SELECT signature, absence IS NULL FROM photos WHERE source_id = ? AND path = ?"
        with self._store.reading() as connection:
            for photo in photos:
                row = connection.execute(query, (self._store.source_id, os.fsencode(photo.path))).fetchone()
                if row is None or row[0] != stored_signature(photo):
                    unknown.append(photo)
                elif not row[1]:
                    returned.append(photo)
        return unknown, returned

    def missing(self, seen: Iterable[str]) -> list[str]:
        """Return the recorded photos that should be there and are not among those ``seen`` by a whole scan.

        Those being moved are left out.
        """
        present = {os.fsencode(path) for path in seen}
        query = "SELECT path FROM photos WHERE source_id = ? AND absence IS NULL AND moved_to IS NULL"
        with self._store.reading() as connection:
            rows = connection.execute(query, (self._store.source_id,))
            return [os.fsdecode(path) for (path,) in rows if path not in present]

    def unexamined(self) -> list[str]:
        """Return the photos that intake has to examine again: they changed, or are retried."""
        query = "SELECT path FROM photos WHERE source_id = ? AND signature IS NULL AND absence IS NULL"
        with self._store.reading() as connection:
            return [os.fsdecode(path) for (path,) in connection.execute(query, (self._store.source_id,))]

    def recorded_under(self, path: str) -> list[str]:
        """Return the recorded photos that should be there at ``path`` or, if that is a folder, under it.

        Those being moved are left out.
        """
        here, folder = os.fsencode(path), os.fsencode(path) + b"/"
        query = (
            "SELECT path FROM photos WHERE source_id = ? AND absence IS NULL AND moved_to IS NULL"
            " AND (path = ? OR (path > ? AND path < ?))"
        )
        with self._store.reading() as connection:
            # "0" comes right after "/": between the two lies exactly what begins with the folder's name.
            rows = connection.execute(query, (self._store.source_id, here, folder, here + b"0")).fetchall()
        return [os.fsdecode(path) for (path,) in rows]

    def with_stem(self, stem: str) -> list[str]:
        """Return the recorded photos that should be there whose path is ``stem`` with a suffix, or with more."""
        begin = os.fsencode(stem)
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path FROM photos WHERE source_id = ? AND absence IS NULL AND path > ? AND path < ?",
                (self._store.source_id, begin + b".", begin + b"/"),  # "/" comes right after "."
            ).fetchall()
        return [os.fsdecode(path) for (path,) in rows]

    def at(self, path: str) -> list[PhotoRow]:
        """Return what is on record at ``path`` and below it, without what is gone, by path."""
        here = os.fsencode(path)
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path, signature, problem IS NOT NULL FROM photos WHERE source_id = ? AND absence IS NULL"
                " AND (path = ? OR path >= ? AND path < ?) ORDER BY path",
                (self._store.source_id, here, here + b"/", here + b"0"),  # "0" comes right after "/"
            ).fetchall()
        return [
            PhotoRow(
                os.fsdecode(path), None if signature is None else photo_from_columns(path, signature), bool(problem)
            )
            for path, signature, problem in rows
        ]

    def record(
        self,
        seen: Iterable[Photo],
        ready: Iterable[Photo],
        quarantined: Iterable[tuple[Photo, str]],
        only: Collection[str] | None = None,
    ) -> None:
        """Record a scan.

        ``seen``: all photos that are there; jobs of others are withdrawn until they are back, done ones stay done.
        ``ready``: unknown ones that intake accepted; their done jobs become pending, since the content may have
        changed. ``quarantined``: unknown ones that it rejected, with the reason. Jobs of unknown photos in neither
        are not claimed. With ``only`` just these photos were looked for, and others stay as they are.
        """
        store, concerned = self._store, stored_paths(only)
        with store.writing():
            examined = set()
            known = _signatures(store, concerned)
            for photo in ready:
                examined.add(os.fsencode(photo.path))
                _record_ready(store, photo, known)
            for photo, reason in quarantined:
                examined.add(os.fsencode(photo.path))
                _record_quarantined(store, photo, reason)
            there = {os.fsencode(photo.path): stored_signature(photo) for photo in seen}
            _record_presence(store, there.keys() | examined, concerned)
            _require_scan(
                store, [path for path in there.keys() & known.keys() - examined if known[path] != there[path]]
            )
        failpoint("photos-recorded")

    def note_sha256(self, photo: str, sha256: str) -> None:
        """Record the content of a photo's file."""
        here = (sha256, self._store.source_id, os.fsencode(photo))
        with self._store.writing() as connection:
            connection.execute("UPDATE photos SET sha256 = ? WHERE source_id = ? AND path = ?", here)
            connection.execute(
                "UPDATE leases SET photo_sha256 = ? WHERE photo_sha256 IS NULL"
                " AND job_id IN (SELECT id FROM jobs WHERE source_id = ? AND photo = ?)",
                here,
            )
