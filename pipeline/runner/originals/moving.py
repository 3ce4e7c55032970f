"""Photos leave the input folder once all their pictures are done. Owns when, under which name, and with what.

The move is in the ledger before it begins. Sub-folders are kept and nothing is ever overwritten: a photo whose name
is taken gets a number, and so do its sidecars, which go with it. Trouble with the folder costs no picture: it is told
once a pass, and the photos stay until a later one; so does one that alone can't be moved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError
from pipeline.failpoints import failpoint
from pipeline.hashing import sha256_of_open
from pipeline.images.publish import DISK_IS_FULL
from pipeline.intake.archives import split_path
from pipeline.intake.safe_open import FileReplacedError, lies_below, open_below
from pipeline.intake.scan import PHOTO_SUFFIXES, photo_from_stat
from pipeline.ledger import Ledger, Original
from pipeline.model import OriginalMoved, OriginalsStay, RunEvent
from pipeline.runner.failure_cause import require_writable
from pipeline.runner.originals.relocation import Outcome, Rename, leaving_name, relocate

#: What other programs write beside a photo, as STEM.xmp or STEM.jpg.xmp. A live photo's video is no sidecar.
SIDECAR_SUFFIXES: Final = (".xmp", ".aae", ".thm", ".dop", ".pp3", ".json", ".txt")

#: Photos that we don't read but that a sidecar may belong to.
_RAW_SUFFIXES: Final = tuple(
    f".{word}" for word in ("dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "orf", "rw2", "raf", "pef", "srw", "x3f")
)


class Originals:
    """Moves finished photos. With ``folder`` None all are kept, and only a move already begun is ended."""

    def __init__(
        self,
        ledger: Ledger,
        input_folder: Path,
        folder: Path | None,
        emit: Callable[[RunEvent], None],
        *,
        rename: Rename = os.replace,
    ) -> None:
        self._ledger = ledger
        self._input = input_folder
        self._folder = folder
        self._emit = emit
        self._rename = rename
        self._troubled = self._one_stays = False

    def resume(self) -> None:
        """End what a killed pass had begun; before the scan, which would take the photos for deleted."""
        self._troubled = self._one_stays = False
        if not self._input.is_dir():
            return  # an unmounted disk: nobody can tell what still lies on it
        for move in self._ledger.moves.begun():
            self._guarded(lambda move=move: self._carry_out(move.original, Path(move.target)))  # type: ignore[misc]

    def move_if_done(self, photo: str) -> None:
        """Move one photo if all its pictures are done."""
        if self._folder is not None and not self._troubled:
            self._move_all(self._ledger.moves.movable(photo))

    def move_all_done(self) -> None:
        """Move every photo whose pictures are all done."""
        if self._folder is not None and not self._troubled:
            self._move_all(self._ledger.moves.movable())

    def _move_all(self, originals: Iterable[Original]) -> None:
        for original in originals:
            # A photo in an archive leaves with it or not at all, and archives stay.
            if not self._troubled and split_path(self._input, original.photo.path) is None:
                self._guarded(lambda original=original: self._move(original))  # type: ignore[misc]

    def _guarded(self, move: Callable[[], object]) -> None:
        try:
            move()
        except (OSError, StorageError) as error:
            reason = error if isinstance(error, StorageError) else f"{error.filename}: {error.strerror}"
            if not self._concerns_one_photo(error):
                self._troubled = True
                self._emit(OriginalsStay(f"finished photos can't be moved ({reason}); they stay in {self._input}"))
            elif not self._one_stays:
                self._one_stays = True
                self._emit(OriginalsStay(f"a finished photo can't be moved ({reason}); it stays, others are moved"))

    def _concerns_one_photo(self, error: OSError | StorageError) -> bool:
        """Tell whether both folders can be used, so that the trouble is one photo's, or one sub-folder's."""
        cause = error.__cause__ if isinstance(error, StorageError) else error
        is_full = isinstance(cause, OSError) and cause.errno in DISK_IS_FULL
        if self._folder is None or is_full or not self._input.is_dir():
            return False
        try:
            require_writable(self._folder)
        except StorageError:
            return False
        return True

    def _move(self, original: Original) -> None:
        assert self._folder is not None
        source = self._input / original.photo.path
        wanted = self._folder / original.photo.path
        outcome: Outcome = "taken"
        while outcome == "taken":
            target = _free_name(source, wanted)
            self._ledger.moves.begin(original.photo.path, str(target))
            outcome = self._carry_out(original, target)

    def _carry_out(self, original: Original, target: Path) -> Outcome:
        """Move a photo whose move is on record, then its sidecars; put the end on record."""
        source = self._input / original.photo.path
        outcome: Outcome = "changed"
        if lies_below(self._input, original.photo.path):
            outcome = relocate(source, target, original, rename=self._rename)
        if outcome != "moved":
            self._ledger.moves.abandon(original.photo.path)
            return outcome
        failpoint("original-moved")
        for sidecar, beside in _sidecars(source, target):
            self._take_along(sidecar, beside)
        self._ledger.moves.end(original.photo.path)
        self._emit(OriginalMoved(original.photo.path, str(target)))
        return outcome

    def _take_along(self, sidecar: Path, target: Path) -> None:
        leaving = leaving_name(sidecar, target)
        there = leaving if os.path.lexists(leaving) else sidecar
        try:
            with open_below(there.parent, there.name) as file:
                itself = Original(photo_from_stat(sidecar.name, os.fstat(file.fileno())), sha256_of_open(file))
        except FileReplacedError:
            return  # a link since it was looked at: it is none of the photo's
        number = 1
        while relocate(sidecar, target, itself, rename=self._rename) == "taken":
            number += 1
            target = _numbered(target, number)


def _free_name(source: Path, wanted: Path) -> Path:
    """Return the first of NAME.jpg, NAME-2.jpg, ... under which neither the photo nor a sidecar meets a file."""
    number, target = 1, wanted
    while any(os.path.lexists(path) for path in (target, *(beside for _, beside in _sidecars(source, target)))):
        number += 1
        target = _numbered(wanted, number)
    return target


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _sidecars(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the sidecars beside ``source`` that belong to it alone, each with its place beside ``target``."""
    for suffix in _both_cases(SIDECAR_SUFFIXES):
        for whole_name in (True, False):
            ending = source.suffix + suffix if whole_name else suffix
            sidecar = source.with_name(source.stem + ending)
            beside = target.with_name(target.stem + ending)
            if _is_there(sidecar, beside) and (whole_name or not _another_has_the_stem(source)):
                yield sidecar, beside


def _is_there(sidecar: Path, beside: Path) -> bool:
    return any(path.is_file() and not path.is_symlink() for path in (sidecar, leaving_name(sidecar, beside)))


def _another_has_the_stem(source: Path) -> bool:
    """Tell whether another photo, a raw one perhaps, still needs the sidecars of this stem."""
    others = (source.with_suffix(suffix) for suffix in _both_cases((*PHOTO_SUFFIXES, *_RAW_SUFFIXES)))
    return any(path != source and path.exists() for path in others)


def _both_cases(suffixes: Iterable[str]) -> Iterator[str]:
    for suffix in suffixes:
        yield suffix
        yield suffix.upper()
