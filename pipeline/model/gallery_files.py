"""Names of the small copies in the gallery's folder: pictures, photos, paintings, pictures in progress.

Relative to that folder, with ``/`` between their parts. Whoever makes a copy, shows it or deletes it asks here.
"""

from __future__ import annotations

import re
from typing import Final

#: The gallery's folder, in the output folder.
GALLERY_FOLDER: Final = "gallery"

#: Folders of copies in the gallery's folder.
THUMBNAILS_FOLDER: Final = "thumbs"
PHOTOS_FOLDER: Final = "photos"
PAINTINGS_FOLDER: Final = "paintings"
LIVE_FOLDER: Final = "live"

#: Digits of a file's SHA-256 that its copies are named by.
SHORT_DIGITS: Final = 20

#: What lies in the gallery's folder beside pictures of photos in a folder of that name, which never get such names.
RESERVED_NAMES: Final = frozenset(
    f"{GALLERY_FOLDER}/{name}"
    for name in ("assets", "data", "index.html", THUMBNAILS_FOLDER, PHOTOS_FOLDER, PAINTINGS_FOLDER, LIVE_FOLDER)
)

_SUFFIX: Final = ".webp"
_HASH: Final = re.compile(r"[0-9a-f]{20,64}")
_COPY: Final = (
    rf"(?:{THUMBNAILS_FOLDER}|{PHOTOS_FOLDER}|{PAINTINGS_FOLDER})/(?P<shard>[0-9a-f]{{2}})/"
    rf"(?P<hash>(?P=shard)[0-9a-f]{{18}})(?:-s)?{re.escape(_SUFFIX)}"
)
_COPY_IN_GALLERY: Final = re.compile(_COPY)
_ANY_COPY: Final = re.compile(
    rf"(?:^|/){GALLERY_FOLDER}/(?:{_COPY}|{LIVE_FOLDER}/[0-9a-f]{{32}}{re.escape(_SUFFIX)})$"
)
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{1,200}")


def short_hash(sha256: str) -> str:
    """Return the digits of a file's SHA-256 that its copies are named by. Raises ValueError if it is no hash."""
    if not _HASH.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256 in lower-case hexadecimal digits")
    return sha256[:SHORT_DIGITS]


def thumbnail_name(sha256: str) -> str:
    """Return the name of the small copy of a picture, by the hash of its file."""
    return _sharded(THUMBNAILS_FOLDER, sha256)


def photo_copy_name(sha256: str) -> str:
    """Return the name of the large copy of a photo, by the hash of its file."""
    return _sharded(PHOTOS_FOLDER, sha256)


def photo_thumbnail_name(sha256: str) -> str:
    """Return the name of the small copy of a photo, by the hash of its file."""
    return _sharded(PHOTOS_FOLDER, sha256, "-s")


def painting_copy_name(sha256: str) -> str:
    """Return the name of the copy of a painting, by the hash of its file."""
    return _sharded(PAINTINGS_FOLDER, sha256)


def live_name(token: str) -> str:
    """Return the name of the latest intermediate picture of what is made under a token.

    Raises ValueError for a token that is no plain file name.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"{token!r} is no token")
    return f"{LIVE_FOLDER}/{token}{_SUFFIX}"


def is_copy(path: str) -> bool:
    """Tell whether a file is, by its name, a copy in some gallery; ``path`` has ``/`` between its parts.

    A folder of photos may hold the output folder of another config.
    """
    return _ANY_COPY.search(path) is not None


def copied_hash(name: str) -> str:
    """Return the hash, shortened, of the file that a copy of this name is of; "" if no copy has such a name."""
    found = _COPY_IN_GALLERY.fullmatch(name)
    return found["hash"] if found else ""


def _sharded(folder: str, sha256: str, ending: str = "") -> str:
    short = short_hash(sha256)
    return f"{folder}/{short[:2]}/{short}{ending}{_SUFFIX}"
