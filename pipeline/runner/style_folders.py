"""Makes the folders that choose a style in the input folder, so that photos can be dropped into them at once.

Owns which ones are made: not those that a scan would not enter, nor names that some system refuses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

from pipeline.intake.scan import kinds_in_archives
from pipeline.model import IngestSettings, Remark

#: No file system takes longer names, in bytes of UTF-8.
_MAX_NAME_BYTES: Final = 255
_RESERVED_ON_WINDOWS: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def make_style_folders(
    settings: IngestSettings, styles: Collection[str], *, mkdir: Callable[[Path], None] = Path.mkdir
) -> Iterator[Remark]:
    """Make the missing folders of these styles, if any; yield what is to be said of it, which may be nothing.

    The caller has made sure that the input folder is in its place. Where it can't be written nothing fails.
    """
    if not styles:
        return
    try:
        there = {_composed(entry.name) for entry in settings.folder.iterdir()}
    except OSError:
        return  # the scan says why
    missing = [style for style in styles if _composed(style) not in there and _can_be_made(style, settings)]
    made: list[str] = []
    for style in missing:
        try:
            mkdir(settings.folder / style)
        except FileExistsError:
            pass  # somebody was faster, or the disk takes names for equal that differ in letter case
        except OSError as error:
            yield Remark("", _not_made(style, settings.folder, error), warning=True)
            break
        else:
            made.append(style)
    if made:
        named = f"the folder{'' if len(made) == 1 else 's'} {', '.join(made)}"
        yield Remark("", f"made {named} in {settings.folder}: a photo in a style's folder gets that style")


def _can_be_made(style: str, settings: IngestSettings) -> bool:
    is_name = len(style.encode()) <= _MAX_NAME_BYTES and _RESERVED_ON_WINDOWS.fullmatch(style) is None
    is_scanned = kinds_in_archives(settings.ignore)(f"{style}/photo.jpg") is None
    return is_name and is_scanned and settings.folder / style not in settings.excluded


def _not_made(style: str, folder: Path, error: OSError) -> str:
    return (
        f"the folder of the style {style} can't be made in {folder} ({error.strerror}); make the styles' folders "
        f"yourself, or set pairing.make_folders: false"
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
