"""Finds the file that an address means. Owns which files of an output folder are served, and their media types.

Of the gallery's folder these are the page's files, of the rest pictures, known by their suffixes. Nothing in a folder
whose name begins with a dot, nothing in the folders of state or photos where these lie in the output folder, no
directory, and nothing that a link leads to: the files are opened as photos are, one part of the path after another.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final, Literal

from pipeline.errors import StorageError
from pipeline.intake.safe_open import FileReplacedError, open_below
from pipeline.model.gallery_files import GALLERY_FOLDER, PAINTINGS_FOLDER, PHOTOS_FOLDER, THUMBNAILS_FOLDER

_PICTURES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
    ".jxl": "image/jxl",
}
_PAGE: Final = _PICTURES | {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
}

#: For long: its name says what it is a copy of. Never: the page asks for it by a new address each time.
Keep = Literal["for long", "until it changes", "never"]

#: By the gallery's folders.
_KEEP: Final[Mapping[str, Keep]] = {
    THUMBNAILS_FOLDER: "for long",
    PHOTOS_FOLDER: "for long",
    PAINTINGS_FOLDER: "for long",
    "data": "never",
}

#: What Windows doesn't allow in a name, or takes for something else: a drive, a stream, a wildcard.
_NOT_ON_WINDOWS: Final = frozenset('<>:"|?*\\')
_DEVICES: Final = frozenset(
    {"AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN"}
    | {f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"}
)

#: Errors that say that no such file can be there.
_NOT_FOUND: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFolders:
    """What is served: the ``output`` folder's pictures, and in it the gallery; nothing of the ``hidden`` folders."""

    output: Path
    hidden: tuple[Path, ...] = ()

    @property
    def page(self) -> Path:
        """The gallery's page."""
        return self.output / GALLERY_FOLDER / "index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """An open file. ``keep``: for how long a browser may keep it, see :data:`Keep`."""

    file: BufferedReader
    status: os.stat_result
    media_type: str
    keep: Keep

    @property
    def version(self) -> str:
        """What differs between two files of one name."""
        return f"{self.status.st_mtime_ns:x}-{self.status.st_size:x}-{self.status.st_ino:x}"


def open_served(folders: SiteFolders, address: bytes, *, on_windows: bool = os.name == "nt") -> ServedFile | None:
    """Open the file at ``address``: its path in the output folder, as bytes, after a slash. None if there is none.

    Raises StorageError if it can't be read, or the output folder is not there.
    """
    parts = address.removeprefix(b"/").split(b"/")
    media_type = _media_type(parts)
    if media_type is None or not all(_is_plain_name(part, on_windows) for part in parts):
        return None
    names = [os.fsdecode(part) for part in parts]
    try:
        if _is_hidden(folders, names):
            return None
        file = open_below(folders.output, "/".join(names))
    except FileReplacedError:
        return None
    except OSError as error:
        if error.errno in _NOT_FOUND and folders.output.is_dir():
            return None
        raise StorageError(_unreadable(folders, error)) from error
    keep: Keep = _KEEP.get(names[1], "until it changes") if names[0] == GALLERY_FOLDER else "until it changes"
    return ServedFile(file=file, status=os.fstat(file.fileno()), media_type=media_type, keep=keep)


def _media_type(parts: Sequence[bytes]) -> str | None:
    """Return a file's media type by its suffix, None if it is not one of those that are served."""
    known = _PAGE if len(parts) > 1 and parts[0] == os.fsencode(GALLERY_FOLDER) else _PICTURES
    _, dot, suffix = parts[-1].rpartition(b".")
    return known.get(f".{suffix.decode('ascii', 'replace').lower()}") if dot else None


def _is_plain_name(part: bytes, on_windows: bool) -> bool:
    if not part or part.startswith(b".") or b"\0" in part:
        return False
    if not on_windows:
        return True
    try:
        name = part.decode("utf-8")
    except UnicodeDecodeError:
        return False
    # Trailing dots and spaces are ignored there, so that such a name is another file's.
    is_device = name.partition(".")[0].rstrip().upper() in _DEVICES
    return not (is_device or name.endswith((".", " ")) or _NOT_ON_WINDOWS & set(name) or min(name) < " ")


def _is_hidden(folders: SiteFolders, names: Sequence[str]) -> bool:
    """Tell whether a file lies in a hidden folder, by whatever name the file system knows that. Raises OSError."""
    hidden = [status for folder in folders.hidden if (status := _status(folder)) is not None]
    place = folders.output
    for name in names[:-1]:
        place = place / name
        found = place.stat()
        if any(os.path.samestat(found, status) for status in hidden):
            return True
    return False


def _status(folder: Path) -> os.stat_result | None:
    try:
        return folder.stat()
    except OSError:
        return None


def _unreadable(folders: SiteFolders, error: OSError) -> str:
    if not folders.output.is_dir():
        return "the folder of the pictures is not there; mount its disk or share"
    return f"this file can't be read ({error.strerror or error}); check its permissions and its disk"
