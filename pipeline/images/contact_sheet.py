"""Draws a contact sheet: pictures in a grid under photos, paintings and settings. Owns its look and its bounds.

Pictures are read one at a time. A cell whose picture failed says why; one that was not made says so.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, PngImagePlugin

from pipeline.durable_files import write_file
from pipeline.images.publish import storage_error
from pipeline.images.sheet_grid import Band, Dimension, arrange, pages
from pipeline.images.sheet_pictures import PAPER, paintings, thumbnail
from pipeline.images.sheet_text import INK, MUTED, Color, line_height, width, wrapped, write
from pipeline.model.trial import ContactSheet, SheetCell

#: No sheet is longer or wider; what does not fit is on another page.
MOST_PIXELS: Final = 8000
#: Cells become smaller rather than a sheet larger than this, so that it can be sent.
_SENDABLE_PIXELS: Final = 5_000_000
_CELL_SIDES: Final = (480, 420, 360, 320, 280, 240, 200, 160)
#: A tall picture is shown smaller than a wide one.
_TALLEST: Final = 1.25
_SOFTWARE: Final = "stylewatch"

_EMPTY: Final[Color] = (236, 236, 233)
_LINE: Final[Color] = (221, 221, 217)

_TITLE, _LABEL, _SMALL = 32, 21, 16
_MARGIN: Final = 28
_GAP: Final = 10
_GROUP_GAP: Final = 16
_THUMBNAIL: Final = 136
_HEAD_THUMBNAIL: Final = 190
_SHOWN_KINDS: Final = ("photo", "style")


def render_sheet(sheet: ContactSheet, folder: Path, stem: str) -> list[Path]:
    """Write a sheet as ``STEM.png`` into a folder, or as several pages, and return the files.

    Raises StorageError, MemoryError.
    """
    drawing = _Drawing(sheet)
    images = drawing.page_count
    names = [f"{stem}.png"] if images == 1 else [f"{stem}-page{number}.png" for number in range(1, images + 1)]
    for number, name in enumerate(names):
        data = _png(drawing.page(number))
        try:
            write_file(folder / name, data, durable=False)
        except OSError as error:
            raise storage_error(folder, error) from error
    return [folder / name for name in names]


def is_own_sheet(path: Path) -> bool:
    """Tell whether this program has drawn the picture in a PNG file, and no other one has written it since."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return str(image.info.get("Software", "")) == _SOFTWARE
    except (OSError, ValueError, SyntaxError):
        return False


def _png(image: Image.Image) -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Software", _SOFTWARE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=texts)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Measures:
    """Sizes in pixels: a cell's side, the rows' heights, the widths of the rows' headings, the columns' heights."""

    side: int
    rows: Mapping[tuple[int, ...], int]
    row_headings: tuple[int, ...]
    column_headings: tuple[int, ...]
    columns: int

    @property
    def left(self) -> int:
        return _MARGIN + sum(self.row_headings)

    @property
    def heading(self) -> int:
        return sum(self.column_headings) + _GAP

    @property
    def page_width(self) -> int:
        return self.left + self.columns * (self.side + _GAP) - _GAP + _MARGIN


class _Drawing:
    """A sheet, arranged and measured; its pages are drawn one at a time."""

    def __init__(self, sheet: ContactSheet) -> None:
        self._sheet = sheet
        self._grid = arrange(sheet)
        self._styles = tuple(dict.fromkeys(cell.style for cell in sheet.cells))
        self._proportions = {row: self._proportion(row) for row in self._grid.bands[0].rows}
        self._measures = next(
            (found for side in _CELL_SIDES[:-1] if self._fits(found := self._measured(side))),
            self._measured(_CELL_SIDES[-1]),
        )
        self._shared = _shared(sheet, self._styles)
        self._head_height = self._head(None, 0)
        rows = self._grid.bands[0].rows
        heights = [self._measures.rows[row] + _GAP + _space_before(rows, number) for number, row in enumerate(rows)]
        most = MOST_PIXELS - self._head_height - _MARGIN
        self._pages = pages(self._grid, heights, self._measures.heading, most)

    @property
    def page_count(self) -> int:
        return len(self._pages)

    def page(self, number: int) -> Image.Image:
        measures, bands = self._measures, self._pages[number]
        height = self._head_height + sum(self._band_height(band) for band in bands) + _MARGIN
        image = Image.new("RGB", (max(measures.page_width, 3 * _HEAD_THUMBNAIL), height), PAPER)
        self._head(image, number)
        top = self._head_height
        for band in bands:
            self._draw_band(image, band, top)
            top += self._band_height(band)
        return image

    def _measured(self, side: int) -> _Measures:
        grid = self._grid
        rows = {row: round(side * proportion) for row, proportion in self._proportions.items()}
        if any(dimension.kind in _SHOWN_KINDS for dimension in grid.row_dimensions):
            rows = {row: max(height, round(0.75 * _THUMBNAIL) + line_height(_LABEL)) for row, height in rows.items()}
        return _Measures(
            side=side,
            rows=rows,
            row_headings=tuple(map(_row_heading_width, grid.row_dimensions)),
            column_headings=tuple(map(_column_heading_height, grid.column_dimensions)),
            columns=max(len(band.columns) for band in grid.bands),
        )

    def _fits(self, measures: _Measures) -> bool:
        if measures.side > max(max(cell.width, cell.height) for cell in self._sheet.cells) * 1.5:
            return False  # an enlarged picture shows nothing more
        height = sum(self._band_height(band, measures) for band in self._grid.bands)
        return measures.page_width <= MOST_PIXELS and measures.page_width * height <= _SENDABLE_PIXELS

    def _band_height(self, band: Band, measures: _Measures | None = None) -> int:
        measures = measures or self._measures
        rows = enumerate(band.rows)
        return measures.heading + sum(
            measures.rows[row] + _GAP + _space_before(band.rows, number) for number, row in rows
        )

    def _proportion(self, row: tuple[int, ...]) -> float:
        cells = [cell for band in self._grid.bands for (place, _), cell in band.cells.items() if place == row]
        sizes = [cell.height / cell.width for cell in cells if cell.width]
        return min(_TALLEST, max(sizes, default=0.7))

    # --- the head --------------------------------------------------------------------------------------------

    def _head(self, image: Image.Image | None, page: int) -> int:
        """Draw what all cells share, and return the height of that; without an image only measure it."""
        left, top = _MARGIN, _MARGIN
        draw = ImageDraw.Draw(image) if image else None
        if image and draw:
            self._title(draw, image.width - 2 * _MARGIN, page)
        top += line_height(_TITLE) + line_height(_SMALL) + _GAP
        if not self._shared:
            return top + _GAP
        for label, small in self._shared if image and draw else ():
            assert image is not None
            assert draw is not None
            _labeled(image, draw, (left, top), label, small)
            left += _HEAD_THUMBNAIL + 3 * _GAP
        tallest = max((small.height for _, small in self._shared if small), default=0)
        return top + tallest + line_height(_LABEL) + 2 * _GAP

    def _title(self, draw: ImageDraw.ImageDraw, most: int, page: int) -> None:
        pages_text = f"   page {page + 1} of {self.page_count}" if self.page_count > 1 else ""
        write(draw, (_MARGIN, _MARGIN), f"{self._sheet.title}{pages_text}", _TITLE, most)
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(self._sheet.started))
        place = (_MARGIN, _MARGIN + line_height(_TITLE))
        write(draw, place, f"{self._sheet.config_name}   {day}", _SMALL, most, MUTED)

    # --- bands -----------------------------------------------------------------------------------------------

    def _draw_band(self, image: Image.Image, band: Band, top: int) -> None:
        draw, measures = ImageDraw.Draw(image), self._measures
        self._column_headings(image, draw, band, top)
        top += measures.heading
        before: tuple[int, ...] | None = None
        for place, row in enumerate(band.rows):
            top += _space_before(band.rows, place)
            self._row_headings(image, draw, row, before, top)
            for number, column in enumerate(band.columns):
                left = measures.left + number * (measures.side + _GAP)
                cell = band.cells.get((row, column))
                if cell is not None:
                    self._draw_cell(image, draw, cell, (left, top), measures.rows[row])
            before = row
            top += measures.rows[row] + _GAP

    def _column_headings(self, image: Image.Image, draw: ImageDraw.ImageDraw, band: Band, top: int) -> None:
        measures = self._measures
        for level, dimension in enumerate(self._grid.column_dimensions):
            starts = _starts(band.columns, level)
            for start, end in zip(starts, [*starts[1:], len(band.columns)], strict=True):
                left = measures.left + start * (measures.side + _GAP)
                across = (end - start) * (measures.side + _GAP) - _GAP
                if across > measures.side:
                    bottom = top + measures.column_headings[level] - 3
                    draw.line([(left, bottom), (left + across, bottom)], fill=_LINE, width=2)
                index, height = band.columns[start][level], measures.column_headings[level] - _GAP
                self._heading(image, draw, dimension, index, (left, top), (across, height), named=start == 0)
            top += measures.column_headings[level]

    def _row_headings(
        self,
        image: Image.Image,
        draw: ImageDraw.ImageDraw,
        row: tuple[int, ...],
        before: tuple[int, ...] | None,
        top: int,
    ) -> None:
        left = _MARGIN
        for level, dimension in enumerate(self._grid.row_dimensions):
            across = self._measures.row_headings[level]
            if before is None or before[: level + 1] != row[: level + 1]:
                self._heading(
                    image, draw, dimension, row[level], (left, top), (across - _GAP, 0), named=before is None
                )
            left += across

    def _heading(
        self,
        image: Image.Image,
        draw: ImageDraw.ImageDraw,
        dimension: Dimension,
        index: int,
        at: tuple[int, int],
        room: tuple[int, int],
        *,
        named: bool,
    ) -> None:
        """Draw a photo, painting or value, at the bottom of a ``room`` with a height. ``named``: the setting, too."""
        (left, top), (most, height) = at, room
        label = dimension.labels[index]
        if dimension.kind in _SHOWN_KINDS:
            side = min(_THUMBNAIL, most)
            small = (
                thumbnail(self._sheet.photos[index].path, side, round(0.75 * _THUMBNAIL))
                if dimension.kind == "photo"
                else paintings(self._sheet.paintings.get(label, ()), side, round(0.75 * _THUMBNAIL))
            )
            if small is not None:
                top += max(0, height - line_height(_LABEL) - small.height)
                image.paste(small, (left, top))
                top += small.height + 4
            write(draw, (left, top), label, _LABEL, most)
            return
        if named:
            write(draw, (left, top), dimension.name, _SMALL, most, MUTED)
        write(draw, (left, top + line_height(_SMALL)), label, _LABEL, most)

    def _draw_cell(
        self, image: Image.Image, draw: ImageDraw.ImageDraw, cell: SheetCell, at: tuple[int, int], height: int
    ) -> None:
        left, top = at
        side = self._measures.side
        shown = thumbnail(cell.picture, side, height) if cell.picture is not None else None
        if shown is not None:
            image.paste(shown, (left, top))
            return
        draw.rectangle([left, top, left + side - 1, top + height - 1], fill=_EMPTY)
        reason = cell.error or ("not made" if cell.picture is None else "can't be read")
        title = "failed" if cell.error else ""
        lines = wrapped(reason, _SMALL, side - 2 * _GAP, max(1, (height - 2 * _GAP) // line_height(_SMALL) - 1))
        write(draw, (left + _GAP, top + _GAP), title, _SMALL, side - 2 * _GAP, INK)
        for number, line in enumerate(lines, start=bool(title)):
            place = (left + _GAP, top + _GAP + number * line_height(_SMALL))
            write(draw, place, line, _SMALL, side - 2 * _GAP, MUTED)


def _shared(sheet: ContactSheet, styles: Sequence[str]) -> list[tuple[str, Image.Image | None]]:
    """Return a sheet's photo and style, small and with their names, if it has only one of these."""
    shared: list[tuple[str, Image.Image | None]] = []
    if len(sheet.photos) == 1:
        shared.append((sheet.photos[0].name, thumbnail(sheet.photos[0].path, _HEAD_THUMBNAIL)))
    if len(styles) == 1:
        shared.append((styles[0], paintings(sheet.paintings.get(styles[0], ()), _HEAD_THUMBNAIL)))
    return shared


def _labeled(
    image: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], label: str, small: Image.Image | None
) -> None:
    """Draw a small picture with its name below."""
    height = 0
    if small is not None:
        image.paste(small, at)
        height = small.height + 4
    write(draw, (at[0], at[1] + height), label, _LABEL, _HEAD_THUMBNAIL + 2 * _GAP)


def _space_before(rows: Sequence[tuple[int, ...]], number: int) -> int:
    """Return the room between a row and the one before it, if it begins another photo's or style's."""
    begins = number > 0 and len(rows[number]) > 1 and rows[number][:-1] != rows[number - 1][:-1]
    return _GROUP_GAP if begins else 0


def _row_heading_width(dimension: Dimension) -> int:
    if dimension.kind in _SHOWN_KINDS:
        return _THUMBNAIL + 3 * _GAP
    widths = [width(text, size) for text, size in _texts(dimension)]
    return min(220, max(60, max(widths))) + 2 * _GAP


def _column_heading_height(dimension: Dimension) -> int:
    if dimension.kind in _SHOWN_KINDS:
        return round(0.75 * _THUMBNAIL) + line_height(_LABEL) + _GAP
    return line_height(_SMALL) + line_height(_LABEL) + _GAP // 2


def _texts(dimension: Dimension) -> list[tuple[str, int]]:
    return [(dimension.name, _SMALL), *((label, _LABEL) for label in dimension.labels)]


def _starts(columns: Sequence[tuple[int, ...]], level: int) -> list[int]:
    """Return where a new heading begins among the columns, at a level of their nested headings."""
    return [
        number
        for number, column in enumerate(columns)
        if number == 0 or column[: level + 1] != columns[number - 1][: level + 1]
    ]
