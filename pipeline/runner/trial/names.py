"""Names of what ``try`` leaves: folders, pictures, contact sheets. Owns how they are recognized again.

A picture of one photo is ``night--content_weight=0.5.jpg`` in ``try/PHOTO``. Those of several photos lie together, in
a folder named by the time, and begin with their photo's name: only there may something stand before the style.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.ledger.names import portable_stem, shortened

#: Where 'try' puts its pictures by default: in a folder of the photo's name in this one, in the output folder.
TRIES_FOLDER: Final = "try"
#: The name of a contact sheet's file, without number and suffix.
SHEET_STEM: Final = "contact-sheet"

_SHEET: Final = re.compile(rf"{SHEET_STEM}(-\d+)?(-page\d+)?\.png")
_TIME_FOLDER: Final = re.compile(r"\d{4}-\d\d-\d\d-\d{6}(-\d+)?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9.+_-]{1,32}")
_VALUES: Final = r"(--[a-z_]+=[A-Za-z0-9.+_-]+(,[a-z_]+=[A-Za-z0-9.+_-]+)*|--variant\d+)"
#: With a number, a suffix and a temporary name around them, names stay within 255 bytes.
_MOST_BYTES: Final = 90


def time_name(now: datetime, folder: Path, also: Sequence[Path] = ()) -> str:
    """Return a name by the time that nothing in ``folder`` has, nor in the others: ``2026-11-29-211705``."""
    name, number = f"{now:%Y-%m-%d-%H%M%S}", 1
    free = name
    while any((place / free).exists() or (place / f"{free}.js").exists() for place in (folder, *also)):
        number += 1
        free = f"{name}-{number}"
    return free


def photo_folder(photo: Path) -> str:
    """Return the name of the folder for the pictures of a single photo, valid on every system."""
    return shortened(portable_stem(photo.stem)[1])


def photo_labels(photos: Sequence[Path]) -> list[str]:
    """Return a name for each of several photos, unique in any letter case: by its file, else by its folder, too.

    As those of all pictures they are valid on every system.
    """
    labels: list[str] = []
    taken: set[str] = set()
    stems = [_shortened(portable_stem(photo.stem)[1]) for photo in photos]
    for photo, stem in zip(photos, stems, strict=True):
        repeated = sum(other.casefold() == stem.casefold() for other in stems) > 1
        label = (
            _shortened(portable_stem(f"{photo.parent.name}-{stem}")[1]) if repeated and photo.parent.name else stem
        )
        free, number = label, 1
        while free.casefold() in taken:
            number += 1
            free = f"{label}-{number}"
        taken.add(free.casefold())
        labels.append(free)
    return labels


def values_text(values: Mapping[str, str], number: int) -> str:
    """Return the values that were chosen for a picture as a part of its name, "" if there are none.

    ``number``: which of the variants it is, by which it is called if the values make no short, safe name.
    """
    if not values:
        return ""
    parts = [f"{setting}={_size(text) if setting == 'size' else _plain(text)}" for setting, text in values.items()]
    text = ",".join(parts)
    safe = all(_PLAIN.fullmatch(part.partition("=")[2]) for part in parts)
    return f"--{text}" if safe and len(text) <= _MOST_BYTES else f"--variant{number}"


def _plain(text: str) -> str:
    """Return a value without what file names should not have: ``[relu4_2, relu5_2]`` is ``relu4_2+relu5_2``."""
    return text.strip("[]{}").replace(", ", "+").replace(": ", "_").replace("'", "")


def _size(text: str) -> str:
    """Return a size for a name: ``'a4 @ 300 dpi'`` is ``a4_300dpi``."""
    return _plain(text).replace(" @ ", "_").replace(" ", "")


def picture_stem(label: str, variant: str, values: str) -> str:
    """Return a picture's name without its suffix; ``label``: its photo's, "" where there is only one."""
    return f"{label}--{variant}{values}" if label else f"{variant}{values}"


def is_picture_stem(folder: str, stem: str, style: str, recipe: str) -> bool:
    """Tell whether 'try' calls a picture so in a folder of that name, right below the folder of all tries."""
    before = "(.+--)?" if _TIME_FOLDER.fullmatch(folder) else ""
    variant = rf"{re.escape(style)}(--{re.escape(recipe)})?"
    return re.fullmatch(rf"{before}{variant}{_VALUES}?(-\d+)?", stem, re.DOTALL) is not None


def snapshots_folder_name(stem: str) -> str:
    """Return the name of the folder of a try's intermediate pictures, beside its picture."""
    return f"{stem}-snapshots"


def is_sheet_name(name: str) -> bool:
    """Tell whether a contact sheet's file has this name."""
    return _SHEET.fullmatch(name) is not None


def free_sheet_name(folder: Path) -> str:
    """Return a name without suffix that no contact sheet in ``folder`` has."""
    taken = {path.name for path in folder.glob(f"{SHEET_STEM}*.png")}
    name, number = SHEET_STEM, 1
    while any(other.startswith((f"{name}.", f"{name}-page")) for other in taken):
        number += 1
        name = f"{SHEET_STEM}-{number}"
    return name


def _shortened(text: str) -> str:
    """Return the beginning of a name, of at most so many bytes; a name of the file system may hold any of them."""
    while len(text.encode("utf-8", "surrogateescape")) > _MOST_BYTES:
        text = text[:-1]
    return text.rstrip(". ") or "photo"
