"""Keeps time-lapses beside their pictures: published, replaced and copied with them. Owns which file is one.

A time-lapse is not on record: it is told by its content, and never worth a picture. Whatever can't be done is a
sentence.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final, get_args

from pipeline.durable_files import new_file, replace_file
from pipeline.images.encode import suffix_of
from pipeline.images.timelapse import timelapse_key
from pipeline.model import PictureFormat
from pipeline.model.timelapse_files import timelapse_name, timelapse_part

_SUFFIXES: Final = tuple(map(suffix_of, get_args(PictureFormat)))


def publish_timelapse(output_folder: Path, output: str, part: Path, key: str) -> str:
    """Put the time-lapse of a picture beside it in place of its predecessor's; returns why it is not there, or "".

    ``part`` is the picture's part file, ``output`` the name that it has by now. One that is left of a predecessor
    while the picture has none goes.
    """
    made, final = timelapse_part(part), output_folder / timelapse_name(output)
    try:
        is_made, is_free = timelapse_key(made) == key, not os.path.lexists(final)
        if is_free or _is_replaceable(final, output_folder / output):
            if is_made:
                replace_file(made, final, durable=False)  # the folder is synced with the picture
            elif not is_free and timelapse_key(final) != key:
                final.unlink(missing_ok=True)
        elif is_made:
            made.unlink(missing_ok=True)
            return f"the time-lapse is left out: {final} is another file"
    except OSError as error:
        return f"the time-lapse is left out: {error.strerror or error}"
    return ""


def copy_timelapse(output_folder: Path, output: str, part: Path, key: str) -> None:
    """Copy the time-lapse of a finished picture, if it has one, for the copy of the picture in ``part``."""
    source = output_folder / timelapse_name(output)
    if timelapse_key(source) != key:
        return
    with contextlib.suppress(OSError), source.open("rb") as found, new_file(timelapse_part(part)) as file:
        shutil.copyfileobj(found, file)


def own_timelapse(picture: Path) -> Path | None:
    """Return the time-lapse beside a picture that belongs to it and that nobody has edited, None if there is none."""
    path = picture.with_name(timelapse_name(picture.name))
    return path if os.path.lexists(path) and _is_replaceable(path, picture) else None


def remove_timelapse(picture: Path) -> None:
    """Remove the time-lapse of a picture that was deleted, if it can be."""
    if (path := own_timelapse(picture)) is not None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def remove_parts(part: Path) -> None:
    """Remove a picture's part file and that of its time-lapse, as far as they are there."""
    for path in (part, timelapse_part(part)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _is_replaceable(timelapse: Path, picture: Path) -> bool:
    """Tell whether a file is a time-lapse of the program's, and no picture of another format has the same name."""
    others = (picture.with_suffix(suffix) for suffix in _SUFFIXES if suffix != picture.suffix)
    return timelapse_key(timelapse) is not None and not any(map(os.path.lexists, others))
