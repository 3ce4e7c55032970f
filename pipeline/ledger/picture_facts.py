"""Records how pictures were made, for the gallery. Owns the table of that, and how the facts are stored in it.

Facts are stored with the hash of the picture's file as soon as that is complete, before it is published; they are
valid as long as that is the job's picture. A copied picture takes over those of the one it was copied from. The table
is made when there is something to record; versions that don't know it leave it alone.
"""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from pipeline.ledger.records import PictureFacts
from pipeline.ledger.store import Store
from pipeline.model import Losses, LossHistory, LossPoint

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS picture_facts (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    picture_sha256 TEXT NOT NULL,           -- of the file that the facts are about
    photo_sha256 TEXT NOT NULL DEFAULT '',  -- the content it was made of
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    style_loss REAL,
    copied INTEGER NOT NULL DEFAULT 0,
    facts BLOB                              -- all of them as JSON, packed by zlib; NULL = not known
)
"""
#: By which the gallery finds what changed, and pictures of which it is not known when they were made.
_INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS jobs_by_change ON jobs (source_id, changed_at)",
    "CREATE INDEX IF NOT EXISTS undated_pictures ON jobs (source_id, changed_at)"
    " WHERE published_sha256 IS NOT NULL AND made_at = 0",
)
#: Named wherever a row is written: a later version may add columns.
_COLUMNS: Final = "job_id, picture_sha256, photo_sha256, width, height, style_loss, copied, facts"
_INSERT: Final = f"INSERT OR REPLACE INTO picture_facts ({_COLUMNS})"
_SELECT: Final = f"SELECT {_COLUMNS} FROM picture_facts WHERE job_id = ?"  # noqa: S608
_COPY: Final = f"""
{_INSERT}
SELECT ?, picture_sha256, photo_sha256, width, height, style_loss, 1, facts FROM jobs
JOIN picture_facts ON job_id = jobs.id AND picture_sha256 = published_sha256
WHERE key = ? AND published_sha256 = ? ORDER BY jobs.id LIMIT 1
"""  # noqa: S608
#: How many numbers of its loss history are stored of a picture, some 3 bytes each: SQLite's pages hold two pictures.
_MOST_NUMBERS: Final = 500
#: With names and notes as no config has them, all that is left of the facts is numbers.
_MOST_BYTES: Final = 16_000
_DIGITS: Final = 4


class PictureFactsTable:
    """The facts of pictures. What writes is called inside a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def is_there(self) -> bool:
        """Tell whether any facts were ever recorded: then there is the table."""
        return self._store.has_table("picture_facts")

    def create(self) -> None:
        """Make the table and the gallery's indexes, as far as they are not there."""
        for statement in (_TABLE, *_INDEXES):
            self._store.connection.execute(statement)

    def record(self, job_id: int, picture_sha256: str, facts: PictureFacts) -> None:
        """Record how the job's picture was made, whose file has this hash, in place of what was known of another."""
        self.create()
        style_loss = _short(facts.last.style)
        self._store.connection.execute(
            f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            (
                job_id,
                picture_sha256,
                facts.photo_sha256,
                facts.width,
                facts.height,
                style_loss if math.isfinite(style_loss) else None,
                packed(facts),
            ),
        )

    def record_copy(self, job_id: int, picture_sha256: str, key: str) -> None:
        """Record that the job's picture is a copy of a published one with this key, and how that was made."""
        self.create()
        found = self._store.connection.execute(_COPY, (job_id, key, picture_sha256)).rowcount
        if not found:
            self._store.connection.execute(
                "INSERT OR REPLACE INTO picture_facts (job_id, picture_sha256, copied) VALUES (?, ?, 1)",
                (job_id, picture_sha256),
            )

    def of_published(self, job_id: int) -> tuple[bool, PictureFacts | None]:
        """Return whether the job's picture was copied, and how it was made, if that is known."""
        if not self.is_there():
            return False, None
        row = self._store.connection.execute(
            "SELECT copied, facts FROM picture_facts JOIN jobs ON jobs.id = job_id"
            " WHERE job_id = ? AND picture_sha256 = published_sha256",
            (job_id,),
        ).fetchone()
        if row is None:
            return False, None
        copied, facts = row
        return bool(copied), None if facts is None else unpacked(facts)

    def take(self, job_id: int) -> tuple[Any, ...] | None:
        """Forget a job's facts; returns them for :meth:`put_back`, None if there are none."""
        if not self.is_there():
            return None
        connection = self._store.connection
        row = connection.execute(_SELECT, (job_id,)).fetchone()
        connection.execute("DELETE FROM picture_facts WHERE job_id = ?", (job_id,))
        return None if row is None else tuple(row)

    def put_back(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Record again what was taken."""
        if rows:
            self.create()
            self._store.connection.executemany(f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def packed(facts: PictureFacts) -> bytes:
    """Return facts as they are stored: a few kB at most, floats with four digits."""
    data = _packed(facts)
    if len(data) > _MOST_BYTES:
        return _packed(dataclasses.replace(facts, notes=(), settings=None, device=facts.device[:200]))
    return data


def _packed(facts: PictureFacts) -> bytes:
    fields = {each.name: getattr(facts, each.name) for each in dataclasses.fields(facts)}
    fields["first"], fields["last"] = _losses(facts.first), _losses(facts.last)
    fields["seconds"] = round(facts.seconds, 2)
    fields["history"] = None if facts.history is None else _history(facts.history)
    return zlib.compress(json.dumps(fields, separators=(",", ":")).encode("ascii"), 9)


def unpacked(data: bytes) -> PictureFacts | None:
    """Return the facts that :func:`packed` has stored, without what a later version adds.

    None if they can't be understood.
    """
    try:
        fields = json.loads(zlib.decompress(data))
        known = {each.name for each in dataclasses.fields(PictureFacts)}
        values: dict[str, Any] = {name: _value(value) for name, value in fields.items() if name in known}
        values |= {name: Losses(*fields[name]) for name in ("first", "last")}
        if fields["history"] is not None:
            values["history"] = _unpacked_history(**fields["history"])
        return PictureFacts(**values)
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError):
        return None


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _unpacked_history(series: list[str], points: list[Any]) -> LossHistory:
    return LossHistory(
        tuple(series),
        tuple(
            LossPoint(evaluation, scale_index, _short(tv + sum(layers)), tv, tuple(layers))
            for evaluation, scale_index, tv, *layers in points
        ),
    )


def _losses(losses: Losses) -> list[float]:
    return [_short(losses.content), _short(losses.style), _short(losses.total)]


def _history(history: LossHistory) -> dict[str, Any]:
    most = _MOST_NUMBERS // (len(history.series) + 3)
    points = [
        [point.evaluation, point.scale_index, _short(point.tv), *map(_short, point.layers)]
        for point in _thinned(history.points, most)
    ]
    return {"series": history.series, "points": points}  # the totals follow from these


def _thinned(points: Sequence[LossPoint], most: int) -> Iterator[LossPoint]:
    """Yield at most about so many points, as many of each scale, the first and the last of each among them."""
    scales = [list(scale) for _, scale in groupby(points, lambda point: point.scale_index)]
    most_of_scale = max(2, most // max(1, len(scales)))
    for scale in scales:
        count = min(len(scale), most_of_scale)
        yield from (scale[round(place * (len(scale) - 1) / max(1, count - 1))] for place in range(count))


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
