"""Writes galleries of any size for tests and benchmarks: the page's data files, and drawn pictures."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from pipeline.report.gallery.catalog import LATEST, VERSION
from pipeline.report.gallery.page import page_files
from pipeline.report.gallery.rows import CHUNK_SIZE as ROWS_A_CHUNK
from pipeline.report.gallery.rows import STATES
from pipeline.report.gallery.scripts import script

NEWEST_SECONDS = 1_764_400_000
STYLES = ["night", "wave", "scream"]
RECIPES = ["default", "mild"]
FOLDERS = ["", "2023", "2024/june", "2024/july", "2024/july/wedding"]
SHAPES = [(400, 267), (267, 400), (400, 300), (400, 225), (400, 400), (300, 400)]

#: Names that would do harm where they are taken for more than text.
HOSTILE_NAMES = [
    "<img src=x onerror=alert(1)>.jpg",
    '"><script>alert(2)</script>.jpg',
    "' autofocus onfocus='alert(3).jpg",
    "javascript:alert(4).jpg",
    "two\nlines\tand a tab.jpg",
    "\u202egpj.exe.jpg",
    "caf\udce9.jpg",
    "100%2e#top?q=1&x.jpg",
    "$(reboot) `id` $HOME !!.jpg",
    "it's Ann's.jpg",
    "-rf.jpg",
    "back\\slash.jpg",
    "שלום.jpg",
    "__proto__.jpg",
]


@dataclass(frozen=True)
class Row:
    """One job as the list of pictures holds it."""

    id: int
    photo: str
    style: int = 0
    recipe: int = 0
    state: str = "done"
    time: int = NEWEST_SECONDS
    size: tuple[int, int] = (400, 267)
    style_loss: float | None = 0.0123
    thumb: str = ""
    photo_thumb: str = ""

    def values(self) -> list[Any]:
        """Return the row as the page reads it."""
        state = STATES.index(self.state)
        facts = [self.time, *self.size, self.style_loss, self.thumb, self.photo_thumb]
        return [self.id, self.photo, 0, self.style, self.recipe, state, *facts]


@dataclass
class MadeGallery:
    """An output folder with a gallery in it."""

    output: Path
    rows: Sequence[Row]
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The gallery's folder."""
        return self.output / "gallery"

    @property
    def address(self) -> str:
        """The page's address."""
        return (self.folder / "index.html").as_uri()

    def write_script(self, name: str, function: str, *values: Any) -> None:
        """Write one data file: a call of one of the page's functions."""
        path = self.folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(script(function, *values))

    def write(self) -> None:
        """Write the page, its assets and the list of pictures."""
        for name, data in page_files(self.output.name, "stylewatch 0.1.0"):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.write_list()

    def write_list(self, revision: str = "1") -> None:
        """Write the catalog and its chunks."""
        chunks = []
        for number, rows in enumerate(self._chunks()):
            if rows:
                self.write_script(f"chunks/{number:04}.js", "chunk", number, {"rows": [row.values() for row in rows]})
                chunks.append([number, len(rows), max(row.time for row in rows), revision])
        self.write_script("catalog.js", "catalog", self._catalog(chunks))

    def _chunks(self) -> list[list[Row]]:
        chunks: list[list[Row]] = [[] for _ in range(max(row.id for row in self.rows) // ROWS_A_CHUNK + 1)]
        for row in self.rows:
            chunks[row.id // ROWS_A_CHUNK].append(row)
        return chunks

    def _catalog(self, chunks: list[list[Any]]) -> dict[str, Any]:
        done = sorted((row for row in self.rows if row.state == "done"), key=lambda row: (-row.time, -row.id))
        catalog = {
            "version": VERSION,
            "written": NEWEST_SECONDS,
            "program": "stylewatch 0.1.0",
            "title": self.output.name,
            "output_href": "..",
            "photos_href": "../../input",
            "states": STATES,
            "styles": STYLES,
            "recipes": RECIPES,
            "suffix": ".jpg",
            "counts": {state: sum(row.state == state for row in self.rows) for state in STATES},
            "chunks": chunks,
            "latest": [row.values() for row in done[:LATEST]],
            "live": False,
            "config_path": "stylewatch.yaml",
        }
        return catalog | dict(self.changes)


def drawn_picture(number: int, size: tuple[int, int]) -> Image.Image:
    """Draw a picture that differs from others."""
    source = random.Random(number)
    picture = Image.new("RGB", size, tuple(source.randrange(40, 216) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        left, top = source.randrange(size[0]), source.randrange(size[1])
        box = (left, top, left + source.randrange(20, 200), top + source.randrange(20, 200))
        draw.ellipse(box, fill=tuple(source.randrange(256) for _ in range(3)))
    return picture


def thumbnail_files(folder: Path, count: int, draw: Callable[[int, tuple[int, int]], Image.Image]) -> list[str]:
    """Write thumbnails into a gallery's folder, one after another of all shapes, and return their digests."""
    digests = []
    for number in range(count):
        digest = sha256(str(number).encode()).hexdigest()[:20]
        path = folder / "thumbs" / digest[:2] / f"{digest}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(number, SHAPES[number % len(SHAPES)]).save(path, quality=80)
        digests.append(digest)
    return digests


def many_rows(count: int, digests: Sequence[str], first_id: int = 1) -> list[Row]:
    """Return finished pictures, the last the newest, of all folders, styles and recipes in turn."""
    return [
        Row(
            id=first_id + number,
            photo="/".join(filter(None, [FOLDERS[number % len(FOLDERS)], f"IMG_{number}.jpg"])),
            style=number % len(STYLES),
            recipe=int(number % 4 == 0),
            time=NEWEST_SECONDS - 600 * (count - number),
            size=SHAPES[number % len(digests) % len(SHAPES)],
            style_loss=(number * 7919 % 1000 + 1) / 10_000,
            thumb=digests[number % len(digests)],
        )
        for number in range(count)
    ]


def make_gallery(
    output: Path,
    count: int,
    *,
    names: Sequence[str] = (),
    thumbnails: int = 24,
    draw: Callable[[int, tuple[int, int]], Image.Image] = drawn_picture,
    **changes: Any,
) -> MadeGallery:
    """Make a gallery of numbered pictures and one of each name, newest; `changes` replace values of the catalog."""
    digests = thumbnail_files(output / "gallery", thumbnails, draw)
    rows = many_rows(count, digests)
    for number, name in enumerate(names):
        thumb = digests[number % len(digests)]
        rows.append(
            Row(
                id=count + 1 + number,
                photo=name,
                time=NEWEST_SECONDS - number,
                thumb=thumb,
                size=SHAPES[number % len(SHAPES)],
            )
        )
    gallery = MadeGallery(output, rows, changes)
    gallery.write()
    return gallery
