"""Records by which recipe a single picture is made instead of the one that the config says. Owns their table.

Versions that do not know the table pair as the config says: a picture that was chosen is withdrawn there, and stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.ledger.store import Store, job_from_columns
from pipeline.model import Job

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS recipe_choices (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    photo BLOB NOT NULL,
    style TEXT NOT NULL,
    recipe TEXT NOT NULL,       -- that the config says
    chosen TEXT NOT NULL,
    PRIMARY KEY (source_id, photo, style, recipe)
) WITHOUT ROWID
"""


class RecipeChoices:
    """The choices of one source. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> Mapping[Job, str]:
        """Return the recipes that were chosen, by the job that the config says."""
        if not self._is_there():
            return {}
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT photo, style, recipe, chosen FROM recipe_choices WHERE source_id = ?"
                " ORDER BY photo, style, recipe",
                (self._store.source_id,),
            ).fetchall()
        return {job_from_columns(photo, style, recipe): chosen for photo, style, recipe, chosen in rows}

    def count(self) -> int:
        """Return how many pictures are wanted by a recipe that was chosen; other choices have no effect now."""
        if not self._is_there():
            return 0
        with self._store.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM recipe_choices AS choices JOIN jobs ON jobs.source_id = choices.source_id"
                " AND jobs.photo = choices.photo AND jobs.style = choices.style AND jobs.recipe = choices.chosen"
                " WHERE choices.source_id = ? AND wanted",
                (self._store.source_id,),
            ).fetchone()
        return int(count)

    def _is_there(self) -> bool:
        with self._store.reading():
            return self._store.has_table("recipe_choices")

    def choose(self, jobs: Iterable[Job], recipe: str) -> None:
        """Record that these pictures are made by ``recipe``; one whose own it is, is as the config says again."""
        source_id = self._store.source_id
        names = [(source_id, os.fsencode(job.photo), job.style, job.recipe) for job in jobs]
        with self._store.writing() as connection:
            connection.execute(_TABLE)
            connection.executemany(
                "DELETE FROM recipe_choices WHERE source_id = ? AND photo = ? AND style = ? AND recipe = ?", names
            )
            chosen = [(*name, recipe) for name in names if name[3] != recipe]
            connection.executemany(
                "INSERT INTO recipe_choices (source_id, photo, style, recipe, chosen) VALUES (?, ?, ?, ?, ?)", chosen
            )
