"""Finds out why finished pictures are made again: compares what they were made with to what is wanted now.

The table of the images that pictures start from is made with the first of them. Versions that don't know it leave it
alone: to them another image is another recipe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, get_args

from pipeline.hashing import SettingsParts
from pipeline.ledger.claim_queue import ALL, ClaimQueue
from pipeline.ledger.masks import Masks
from pipeline.ledger.records import PendingPicture
from pipeline.ledger.store import Store, job_from_columns
from pipeline.model import ChangeCause, ClaimOrder

#: The picture of an original that was moved away stays, and a new photo of its name gets another one.
_AGAIN: Final = """
published_sha256 IS NOT NULL AND (original_sha256 IS NULL OR original_sha256 IS (
    SELECT sha256 FROM photos WHERE photos.source_id = jobs.source_id AND path = photo
))
"""
# Whether the photo's content is known is asked only where it may be the cause.
_FACTS: Final = """
style, recipe, settings_sha256, made_settings_sha256, engine_version, key IS NULL,
CASE WHEN {keep} OR made_settings_sha256 IS settings_sha256 THEN
    (SELECT sha256 IS NULL FROM photos WHERE photos.source_id = jobs.source_id AND path = photo)
END
"""
_COUNT: Final = f"""
SELECT {_FACTS}, count(*) FROM jobs WHERE source_id = ? AND state = 'pending' AND {_AGAIN} AND {{selected}}
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 (columns are ours)
_PARTS: Final[tuple[ChangeCause, ...]] = ("paintings", "style", "recipe", "weights")
_IMAGES_NAME: Final = "start_images"
_IMAGES: Final = f"""
CREATE TABLE IF NOT EXISTS {_IMAGES_NAME} (
    sha256 TEXT PRIMARY KEY,                -- a job's settings_sha256, as in settings
    start_image TEXT NOT NULL,              -- the image's content
    recipe_without_image TEXT NOT NULL      -- hash of all else in the recipe
) WITHOUT ROWID
"""


class Changes:
    """The pending jobs with what changed. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store, queue: ClaimQueue, masks: Masks) -> None:
        self._store = store
        self._queue = queue
        self._masks = masks

    def record_settings(self, parts: Mapping[str, SettingsParts]) -> None:
        """Record what these hashes of settings are made of, so that the reason of a later change is known."""
        known = self._recorded_parts()
        new = [(sha256, each) for sha256, each in parts.items() if each != known.get(sha256)]
        if not new:
            return
        images = [(sha256, each.start_image, each.recipe_without_image) for sha256, each in new if each.start_image]
        with self._store.writing() as connection:
            connection.executemany(
                f"INSERT OR IGNORE INTO settings (sha256, {', '.join(_PARTS)}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                [(sha256, each.paintings, each.style, each.recipe, each.weights) for sha256, each in new],
            )
            if images:
                connection.execute(_IMAGES)
                connection.executemany(f"INSERT OR IGNORE INTO {_IMAGES_NAME} VALUES (?, ?, ?)", images)  # noqa: S608

    def recorded_settings(self) -> set[str]:
        """Return the hashes of all settings that were ever recorded."""
        with self._store.reading() as connection:
            return {sha256 for (sha256,) in connection.execute("SELECT sha256 FROM settings")}

    def pending(
        self, engine_version: str, order: ClaimOrder, *, keep: bool, limit: int = ALL
    ) -> Iterator[PendingPicture]:
        """Yield the first ``limit`` jobs that can be claimed, with why their pictures are made again.

        ``keep``: pictures made with other settings are kept, so that these are no reason.
        """
        judge = self._judge(engine_version, keep=keep)
        columns = f"jobs.photo, {_AGAIN} AS again, {_FACTS.format(keep=int(keep))}"
        with self._store.reading():
            rows = self._queue.rows(columns, order, limit)
        for photo, again, style, recipe, *facts in rows:
            yield PendingPicture(job_from_columns(photo, style, recipe), judge.causes(*facts) if again else ())

    def count(self, engine_version: str, *, keep: bool) -> Counter[tuple[str, str, tuple[ChangeCause, ...]]]:
        """Return how many finished pictures are made again, by style, recipe and causes; fast for any number."""
        judge = self._judge(engine_version, keep=keep)
        with self._store.reading() as connection:
            query = _COUNT.format(selected=self._queue.condition(), keep=int(keep))
            rows = connection.execute(query, (self._store.source_id,)).fetchall()
        counts: Counter[tuple[str, str, tuple[ChangeCause, ...]]] = Counter()
        for style, recipe, *facts, count in rows:
            counts[style, recipe, judge.causes(*facts)] += count
        return counts

    def _judge(self, engine_version: str, *, keep: bool) -> _Judge:
        return _Judge(self._recorded_parts(), self._masks, engine_version, keep)

    def _recorded_parts(self) -> dict[str, SettingsParts]:
        columns, tables = ", ".join(_PARTS), "settings"
        with self._store.reading() as connection:
            if self._store.has_table(_IMAGES_NAME):
                columns += ", coalesce(start_image, ''), coalesce(recipe_without_image, '')"
                tables += f" LEFT JOIN {_IMAGES_NAME} USING (sha256)"
            rows = connection.execute(f"SELECT sha256, {columns} FROM {tables}").fetchall()  # noqa: S608
        return {sha256: SettingsParts(*parts) for sha256, *parts in rows}


class _Judge:
    """Decides from a job's row why its picture is made again."""

    def __init__(self, parts: Mapping[str, SettingsParts], masks: Masks, engine_version: str, keep: bool) -> None:
        self._parts = parts
        self._masks = masks
        self._engine_version = engine_version
        self._keep = keep
        self.causes = cache(self._causes)

    def _causes(
        self, settings: str, made_settings: str | None, engine_version: str, is_requested: int, is_unread: int | None
    ) -> tuple[ChangeCause, ...]:
        if made_settings != settings and (is_requested or not self._keep):
            return self._changed_parts(made_settings, settings)
        if is_requested:
            return ("missing",) if engine_version == self._engine_version else ("engine",)
        return ("file",) if is_unread else ("photo",)

    def _changed_parts(self, made_settings: str | None, settings: str) -> tuple[ChangeCause, ...]:
        masked_before, masked = self._masks.of(made_settings or ""), self._masks.of(settings)
        before = self._parts.get(made_settings or "" if masked_before is None else masked_before.settings)
        now = self._parts.get(settings if masked is None else masked.settings)
        if before is None or now is None:
            return ("settings",)
        changed: set[ChangeCause] = {each for each in _PARTS if getattr(before, each) != getattr(now, each)}
        if before.start_image and now.start_image and before.start_image != now.start_image:
            changed.add("start_image")
            if before.recipe_without_image == now.recipe_without_image:
                changed.discard("recipe")
        if masked_before is not None and masked is not None and "style" in changed:
            # A region's painting is a part of its style here, and the first region's is the style's own, too.
            changed = changed - {"style", "paintings"} | {"regions"}
        if (masked_before is None) != (masked is None):
            changed.discard("style")  # which has regions for the one only
        if (masked_before and masked_before.mask_sha256) != (masked and masked.mask_sha256):
            changed.add("mask")
        causes: tuple[ChangeCause, ...] = get_args(ChangeCause)
        return tuple(each for each in causes if each in changed)
