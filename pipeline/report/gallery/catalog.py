"""The gallery's catalog: the small file that a page loads first. Owns its fields; knows which chunks are written.

A chunk's revision says what the ledger held of its jobs when it was written, so that a program that begins finds out
by one question which chunks are out of date. So the catalog is written after its chunks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.report.gallery.rows import STATES, PictureRow, Tables
from pipeline.report.gallery.scripts import read_script

CATALOG_NAME: Final = "data/catalog.js"

#: Grows when a field changes its meaning; the whole gallery is then made again.
VERSION: Final = 1

#: So many of the newest pictures are in the catalog itself: what the first view shows.
LATEST: Final = 120


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as it was written: how many rows, the newest one's time, and what the ledger held."""

    rows: int
    newest: int
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryTexts:
    """What a gallery says of itself. ``title``: the output folder's name. ``ledger`` tells its ids from others'.

    ``photos_href``: the input folder as seen from the page, None if no link leads there. ``config_path``: the config
    as it was typed.
    """

    program: str
    title: str
    photos_href: str | None
    suffix: str
    config_path: str
    ledger: str
    recipe_defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Catalog:
    """What is in the catalog: ``chunks`` by number, the rows of the ``latest`` pictures by their ids."""

    tables: Tables = field(default_factory=Tables)
    chunks: dict[int, Chunk] = field(default_factory=dict)
    latest: dict[int, list[Any]] = field(default_factory=dict)

    def value(
        self,
        texts: GalleryTexts,
        counts: Mapping[str, int],
        latest: Sequence[PictureRow],
        *,
        now: float,
        is_live: bool,
    ) -> dict[str, Any]:
        """Return what the file holds."""
        self.latest = {row.id: self.tables.fields(row, texts.suffix) for row in latest}
        return {
            "version": VERSION,
            "written": round(now),
            "program": texts.program,
            "title": texts.title,
            "output_href": "..",
            "photos_href": texts.photos_href,
            "config_path": texts.config_path,
            "ledger": texts.ledger,
            "recipe_defaults": dict(texts.recipe_defaults),
            "states": STATES,
            "styles": self.tables.styles,
            "recipes": self.tables.recipes,
            "suffix": texts.suffix,
            "counts": dict(counts),
            "chunks": [[number, *_fields(chunk)] for number, chunk in sorted(self.chunks.items())],
            "latest": list(self.latest.values()),
            "live": is_live,
        }


def _fields(chunk: Chunk) -> list[Any]:
    return [chunk.rows, chunk.newest, chunk.revision]


def read_catalog(data: bytes | None, texts: GalleryTexts) -> Catalog:
    """Return what a catalog says is written; nothing if it is of another ledger, program or suffix, or damaged."""
    try:
        (value,) = read_script(data or b"", "catalog")
        same = ("version", VERSION), ("ledger", texts.ledger), ("program", texts.program), ("suffix", texts.suffix)
        if any(value[name] != expected for name, expected in same) or tuple(value["states"]) != STATES:
            return Catalog()
        chunks = {
            int(number): Chunk(int(rows), int(newest), str(revision))
            for number, rows, newest, revision in value["chunks"]
        }
        tables = Tables(_names(value["styles"]), _names(value["recipes"]))
        return Catalog(tables, chunks, {int(row[0]): list(row) for row in value["latest"]})
    except (ValueError, KeyError, TypeError, IndexError):
        return Catalog()


def _names(value: list[Any]) -> list[str]:
    return [str(name) for name in value]
