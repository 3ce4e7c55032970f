"""Finds the pictures that a user names: by paths, as a shell or the gallery gives them, or by patterns."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from pipeline.ledger import PictureRecord
from pipeline.pairing import fits

#: So many pictures are named to say which ones there are.
_NAMED: Final = 3


class NamedPictures:
    """The pictures on record below an absolute ``output_folder``; relative paths may begin at ``current``, too."""

    def __init__(self, pictures: Sequence[PictureRecord], output_folder: Path, current: Path) -> None:
        self._pictures = pictures
        self._by_name = {_composed(picture.output): picture for picture in pictures}
        self._folders = tuple(dict.fromkeys(map(str, (output_folder, _resolved(output_folder)))))
        self._current = current

    def find(self, named: str) -> list[PictureRecord]:
        """Return the pictures of a path, or of a pattern as in ``pairing.rules``; empty if there are none.

        A path is absolute, or relative to the current or to the output folder. What is the name of a picture is no
        pattern, whatever characters it has.
        """
        names = list(dict.fromkeys(self._names(named)))
        for name in names:
            if (picture := self._by_name.get(_composed(name))) is not None:
                return [picture]
        for pattern in names if _is_pattern(named) else ():
            if found := [picture for picture in self._pictures if fits(picture.output, pattern)]:
                return found
        return []

    def why_not_found(self, named: str) -> str:
        """Return why :meth:`find` finds nothing, and what would help."""
        if _is_pattern(named):
            return (
                "fits no picture; a pattern without / is about the file's name, ** spans folders, letter case counts"
            )
        names = list(self._names(named))
        if not names:
            return f"does not lie in the output folder, {self._folders[0]}"
        name = _composed(PurePosixPath(names[-1]).name)
        elsewhere = [p.output for p in self._pictures if _composed(PurePosixPath(p.output).name) == name]
        if elsewhere:
            return f"is no picture; did you mean {_listed(elsewhere)}?"
        of_photo = [p.output for p in self._pictures if _composed(p.job.photo) in map(_composed, names)]
        if of_photo:
            return f"is a photo; its pictures are {_listed(of_photo)}"
        if any(_composed(p.output).startswith(f"{_composed(n)}/") for p in self._pictures for n in names):
            return f"is a folder; '{names[-1]}/**' stands for all pictures in it"
        return (
            "is no picture of this config; name it by its path in the output folder, or by a pattern: "
            "'sub/*--night.jpg'"
        )

    def _names(self, named: str) -> Iterator[str]:
        """Yield what a path or pattern may be, relative to the output folder, ``/`` between its parts."""
        folder_sign = "/" if named.endswith(("/", os.sep)) and named.strip("/") else ""
        path = os.path.normpath(os.path.join(self._current, named))  # noqa: PTH118 - a Path has no "..", and no pattern
        parent, name = os.path.split(path)
        for candidate in (path, os.path.join(_resolved(Path(parent)), name)):  # noqa: PTH118
            for folder in self._folders:
                if candidate.startswith(folder.rstrip(os.sep) + os.sep):
                    yield _posix(candidate[len(folder.rstrip(os.sep)) + 1 :]) + folder_sign
        if not os.path.isabs(named):  # noqa: PTH117
            inside = _posix(os.path.normpath(named))
            if not inside.startswith("../") and inside not in ("..", "."):
                yield inside + folder_sign


def _is_pattern(named: str) -> bool:
    return any(sign in named for sign in "*?[") or named.endswith("/")


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
