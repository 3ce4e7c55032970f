"""Looks up pictures by their names in the output folder. Changes nothing."""

from __future__ import annotations

import os
from typing import Final

from pipeline.hashing import job_key
from pipeline.ledger.records import PictureRecord
from pipeline.ledger.rejections import is_rejected
from pipeline.ledger.store import Store, job_from_columns
from pipeline.model import JobState

_PICTURES: Final = """
SELECT jobs.id, jobs.photo, style, recipe, output, state, key, published_sha256, made_settings_sha256,
    photos.sha256, absence, problem, wanted, {rejected}, made_settings_sha256 IS settings_sha256
FROM jobs JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo
WHERE jobs.source_id = ? ORDER BY output
"""


class Pictures:
    """The jobs of one source as pictures. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[PictureRecord]:
        """Return all pictures on record, made or not, by name; 0.5 s for 100,000."""
        store = self._store
        with store.reading() as connection:
            query = _PICTURES.format(rejected=is_rejected(store))
            rows = connection.execute(query, (store.source_id,)).fetchall()
        return [_record(*row) for row in rows]

    def photo_with_key(self, settings_sha256: str, key: str) -> str | None:
        """Return the photo whose picture with these settings has this key, whether it is on record or not."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path, sha256 FROM photos WHERE source_id = ? AND sha256 IS NOT NULL ORDER BY path",
                (self._store.source_id,),
            )
            return next((os.fsdecode(path) for path, sha256 in rows if job_key(sha256, settings_sha256) == key), None)


def _record(
    job_id: int,
    photo: bytes,
    style: str,
    recipe: str,
    output: bytes,
    state: str,
    key: str | None,
    sha256: str | None,
    made_settings: str | None,
    photo_sha256: str | None,
    absence: str | None,
    problem: str | None,
    wanted: int,
    rejected: int,
    has_present_settings: int,
) -> PictureRecord:
    if key is None and photo_sha256 and made_settings:
        key = job_key(photo_sha256, made_settings)
    return PictureRecord(
        job_id=job_id,
        job=job_from_columns(photo, style, recipe),
        output=os.fsdecode(output),
        state=JobState(state),
        key=key,
        sha256=sha256,
        absence=absence,
        problem=problem,
        is_wanted=bool(wanted),
        is_rejected=bool(rejected),
        has_present_settings=bool(has_present_settings),
    )
