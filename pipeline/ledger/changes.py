"""Tells why finished pictures are made again. Owns comparing what a picture was made with to what is wanted now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from functools import cache
from typing import Final

from pipeline.hashing import SettingsParts
from pipeline.ledger.claim_queue import ALL, ClaimQueue
from pipeline.ledger.records import PendingPicture
from pipeline.ledger.store import Store, job_from_columns
from pipeline.model import ChangeCause, ClaimOrder

#: The picture of an original that was moved away stays, and a new photo of its name gets another one.
_COLUMNS: Final = """
jobs.photo, style, recipe, output, settings_sha256, made_settings_sha256, engine_version, key IS NULL AS requested,
published_sha256 IS NOT NULL AND (original_sha256 IS NULL OR original_sha256 IS photos.sha256) AS again
"""
_PARTS: Final = tuple(field.name for field in fields(SettingsParts))


class Changes:
    """The pending jobs with what changed. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store, queue: ClaimQueue) -> None:
        self._store = store
        self._queue = queue

    def record_settings(self, parts: Mapping[str, SettingsParts]) -> None:
        """Record what these hashes of settings are made of, so that a later change can be told."""
        with self._store.reading() as connection:
            known = {row[0] for row in connection.execute("SELECT sha256 FROM settings")}
        if new := [(sha256, *astuple(each)) for sha256, each in parts.items() if sha256 not in known]:
            with self._store.writing() as connection:
                connection.executemany(
                    f"INSERT OR IGNORE INTO settings (sha256, {', '.join(_PARTS)}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                    new,
                )

    def pending(
        self, engine_version: str, order: ClaimOrder, *, keep: bool, limit: int | None = None
    ) -> Iterator[PendingPicture]:
        """Yield the first ``limit`` jobs that can be claimed, with why their pictures are made again.

        ``keep``: pictures made with other settings are kept, so that these are no reason.
        """
        with self._store.reading() as connection:
            rows = self._queue.rows(_COLUMNS, order, ALL if limit is None else limit)
            names = ", ".join(_PARTS)
            parts = {
                sha256: SettingsParts(*rest)
                for sha256, *rest in connection.execute(f"SELECT sha256, {names} FROM settings")  # noqa: S608
            }

        @cache
        def changed_settings(before: str | None, now: str) -> tuple[ChangeCause, ...]:
            return _changed_parts(parts.get(before or ""), parts.get(now))

        for row in rows:
            causes: tuple[ChangeCause, ...] = ()
            if row["again"]:
                before, now = row["made_settings_sha256"], row["settings_sha256"]
                if before != now and (row["requested"] or not keep):
                    causes = changed_settings(before, now)
                elif row["requested"]:
                    causes = ("missing",) if row["engine_version"] == engine_version else ("engine",)
                else:
                    causes = ("photo",)
            yield PendingPicture(job_from_columns(row["photo"], row["style"], row["recipe"]), causes)


def _changed_parts(before: SettingsParts | None, now: SettingsParts | None) -> tuple[ChangeCause, ...]:
    if before is None or now is None:
        return ("settings",)
    causes: dict[str, ChangeCause] = {
        "recipe": "recipe",
        "paintings": "paintings",
        "style": "style",
        "weights": "weights",
    }
    return tuple(cause for name, cause in causes.items() if getattr(before, name) != getattr(now, name))
