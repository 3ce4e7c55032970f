"""Writes contact sheets for the gallery's page: a file for each, and the list of them. Owns how many are kept.

The list is made of what it held before: a try leaves nothing else that could be asked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from pipeline.model.gallery_files import SHORT_DIGITS, photo_copy_name
from pipeline.model.trial import ContactSheet, SheetCell
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.report.gallery.scripts import read_script, script

SHEETS_NAME: Final = "data/sheets.js"
SHEETS_FOLDER: Final = "data/sheets"
MOST_SHEETS: Final = 200

_DIGITS: Final = 4


class SheetFiles:
    """The contact sheets in the gallery's folder; ``with_photos``: photos have copies. Methods raise OSError."""

    def __init__(self, folder: GalleryFolder, *, with_photos: bool = True) -> None:
        self._folder = folder
        self._with_photos = with_photos

    def write(self, sheet: ContactSheet) -> None:
        """Write a sheet as it is now, at its place in the list; of more than 200 the oldest ones go."""
        self._folder.write(f"{SHEETS_FOLDER}/{sheet.id}.js", script("sheet", sheet.id, self.value(sheet)))
        entries = [entry for entry in self.entries() if entry["id"] != sheet.id]
        entries = sorted([*entries, _entry(sheet)], key=lambda entry: (entry["time"], entry["id"]), reverse=True)
        self._folder.write(SHEETS_NAME, script("sheets", entries[:MOST_SHEETS]))
        for entry in entries[MOST_SHEETS:]:
            self._folder.remove(f"{SHEETS_FOLDER}/{entry['id']}.js")

    def entries(self) -> list[dict[str, Any]]:
        """Return the list of sheets whose files are there, the newest first; what is damaged counts as none."""
        try:
            [found] = read_script(self._folder.read(SHEETS_NAME) or b"", "sheets")
            listed = [entry for entry in found if isinstance(entry["id"], str) and isinstance(entry["time"], int)]
        except (ValueError, TypeError, KeyError):
            return []
        names = self._folder.names_in(SHEETS_FOLDER)
        return [entry for entry in listed if f"{entry['id']}.js" in names]

    def forget(self, sheet_id: str) -> None:
        """Delete a sheet."""
        kept = [entry for entry in self.entries() if entry["id"] != sheet_id]
        self._folder.write(SHEETS_NAME, script("sheets", kept))
        self._folder.remove(f"{SHEETS_FOLDER}/{sheet_id}.js")

    def forget_gone(self) -> None:
        """Delete the sheets of which no picture is left, as after their tries were deleted."""
        before = self.entries()
        kept = [entry for entry in before if self._has_pictures(f"{SHEETS_FOLDER}/{entry['id']}.js")]
        if kept != before:
            self._folder.write(SHEETS_NAME, script("sheets", kept))
        for entry in before:
            if entry not in kept:
                self._folder.remove(f"{SHEETS_FOLDER}/{entry['id']}.js")

    def _has_pictures(self, name: str) -> bool:
        """Tell whether a picture of a sheet is there; one that has none yet may be a try in progress."""
        try:
            _, value = read_script(self._folder.read(name) or b"", "sheet")
            pictures = [str(cell["picture"]) for cell in value["cells"] if cell["picture"] is not None]
        except (ValueError, TypeError, KeyError):
            return False
        return not pictures or any(map(self._folder.exists, pictures))

    def value(self, sheet: ContactSheet) -> dict[str, Any]:
        """Return what a sheet's file holds."""
        return {
            "id": sheet.id,
            "title": sheet.title,
            "time": round(sheet.started),
            "config_name": sheet.config_name,
            "photos": [
                {
                    "name": photo.name,
                    "thumb": photo.sha256[:SHORT_DIGITS] if self._with_photos else "",
                    "copy": photo_copy_name(photo.sha256) if self._with_photos else None,
                }
                for photo in sheet.photos
            ],
            "axes": [{"setting": axis.setting, "values": list(axis.values)} for axis in sheet.axes],
            "cells": [self._cell(cell) for cell in sheet.cells],
            "png": self._href(sheet.files[0]) if sheet.files else None,
        }

    def _cell(self, cell: SheetCell) -> dict[str, Any]:
        return {
            "photo": cell.photo,
            "style": cell.style,
            "recipe": cell.recipe,
            "values": list(cell.values),
            "picture": None if cell.picture is None else self._href(cell.picture),
            "thumb": cell.sha256[:SHORT_DIGITS],
            "width": cell.width,
            "height": cell.height,
            "seconds": round(cell.seconds, 1),
            "style_loss": _rounded(cell.style_loss),
            "content_loss": _rounded(cell.content_loss),
            "error": cell.error,
        }

    def _href(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._folder.path)).as_posix()


def _entry(sheet: ContactSheet) -> dict[str, Any]:
    made = next((cell.sha256[:SHORT_DIGITS] for cell in sheet.cells if cell.picture is not None), "")
    return {
        "id": sheet.id,
        "title": sheet.title,
        "time": round(sheet.started),
        "cells": len(sheet.cells),
        "thumb": made,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
