"""Keeps a try's contact sheet up to date while its pictures come. Owns when it is written; others draw it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.images.contact_sheet import render_sheet
from pipeline.model import Artwork
from pipeline.model.trial import ContactSheet
from pipeline.report.gallery.sheets import SheetFiles
from pipeline.runner.trial.names import free_sheet_name
from pipeline.runner.trial.plan import TrialPicture


class SheetRecorder:
    """The contact sheet of a try whose pictures lie in ``folder``; ``files`` None = not shown in the gallery.

    ``warn`` gets a sentence when the sheet can't be written; the pictures don't depend on it.
    """

    def __init__(
        self, sheet: ContactSheet, folder: Path, files: SheetFiles | None, warn: Callable[[str], None]
    ) -> None:
        self.sheet = sheet
        self._folder = folder
        self._files = files
        self._warn = warn
        self._write()

    def made(self, picture: TrialPicture, path: Path, artwork: Artwork) -> None:
        """Record a picture that was made."""
        self._change(
            picture,
            picture=path,
            sha256=artwork.sha256,
            width=artwork.width,
            height=artwork.height,
            seconds=artwork.seconds,
            style_loss=artwork.last.style,
            content_loss=artwork.last.content,
        )

    def failed(self, picture: TrialPicture, reason: str) -> None:
        """Record a picture that failed, and why."""
        self._change(picture, error=reason)

    def finish(self) -> tuple[Path, ...]:
        """Draw the sheet, if any picture was made, and return its files. One that has nothing to show goes."""
        if any(cell.picture is not None for cell in self.sheet.cells):
            try:
                files = render_sheet(self.sheet, self._folder, free_sheet_name(self._folder))
            except (StorageError, OSError, MemoryError) as error:
                self._warn(f"The contact sheet could not be drawn: {error or 'not enough memory'}")
            else:
                self.sheet = dataclasses.replace(self.sheet, files=tuple(files))
                self._write()
        elif self._files is not None and not any(cell.error for cell in self.sheet.cells):
            with contextlib.suppress(OSError):
                self._files.forget(self.sheet.id)
        return self.sheet.files

    def _change(self, of: TrialPicture, **changes: object) -> None:
        cells = list(self.sheet.cells)
        cells[of.number] = dataclasses.replace(cells[of.number], **changes)  # type: ignore[arg-type]
        self.sheet = dataclasses.replace(self.sheet, cells=tuple(cells))
        self._write()

    def _write(self) -> None:
        if self._files is None:
            return
        try:
            self._files.write(self.sheet)
        except OSError as error:
            self._warn(f"The contact sheet could not be written for the gallery: {error.strerror}")
            self._files = None
