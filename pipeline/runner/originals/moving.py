"""Moves photos out of the input folder once all their pictures are done. Owns names and sidecars.

A raw file that no picture is made of, because it lies beside its JPEG, is a sidecar of that.

The move is in the ledger before it begins. Sub-folders are kept and nothing is ever overwritten: a photo whose name
is taken gets a number, and so do its sidecars, which move with it. An error of the folder costs no picture: it is
reported once a pass, and the photos stay until a later one; so does a single photo that can't be moved.
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
from pipeline.intake.raw_pairs import moving_with
from pipeline.intake.safe_open import FileReplacedError, lies_below, open_below
from pipeline.intake.scan import PHOTO_SUFFIXES, RAW_SUFFIXES, photo_from_stat
from pipeline.ledger import Ledger, Original
from pipeline.model import OriginalMoved, OriginalsStay, RawChoice, RunEvent
from pipeline.runner.failure_cause import require_writable
from pipeline.runner.originals.relocation import Outcome, Rename, hidden_source_name, relocate

#: What other programs write beside a photo, as STEM.xmp or STEM.jpg.xmp. A live photo's video is no sidecar.
SIDECAR_SUFFIXES: Final = (".xmp", ".aae", ".thm", ".dop", ".pp3", ".json", ".txt")


class OriginalMover:
    """Moves finished photos. With ``folder`` None all stay, and only moves already begun are completed."""

    def __init__(
        self,
        ledger: Ledger,
        input_folder: Path,
        folder: Path | None,
        emit: Callable[[RunEvent], None],
        *,
        raw: RawChoice = "both",
        rename: Rename = os.replace,
    ) -> None:
        """``raw``: which of a raw file and its JPEG are photos of their own."""
        self._ledger = ledger
        self._input = input_folder
        self._folder = folder
        self._emit = emit
        self._raw = raw
        self._rename = rename
        self._folder_failed = self._photo_failed = False

    def resume(self) -> None:
        """Complete the moves that a killed pass began; before the scan, to which these photos would look deleted."""
        self._folder_failed = self._photo_failed = False
        if not self._input.is_dir():
            return  # an unmounted disk: what still lies on it is unknown
        for move in self._ledger.moves.begun():
            self._report_errors(lambda move=move: self._move_to(move.original, Path(move.target)))  # type: ignore[misc]

    def move_if_done(self, photo: str) -> None:
        """Move one photo if all its pictures are done."""
        if self._folder is not None and not self._folder_failed:
            self._move_all(self._ledger.moves.movable(photo))

    def move_all_done(self) -> None:
        """Move every photo whose pictures are all done."""
        if self._folder is not None and not self._folder_failed:
            self._move_all(self._ledger.moves.movable())

    def _move_all(self, originals: Iterable[Original]) -> None:
        for original in originals:
            # A photo in an archive is moved only with its archive, and archives are not moved.
            if not self._folder_failed and split_path(self._input, original.photo.path) is None:
                self._report_errors(lambda original=original: self._move(original))  # type: ignore[misc]

    def _report_errors(self, move: Callable[[], object]) -> None:
        try:
            move()
        except (OSError, StorageError) as error:
            reason = error if isinstance(error, StorageError) else f"{error.filename}: {error.strerror}"
            if not self._is_one_photos_error(error):
                self._folder_failed = True
                self._emit(OriginalsStay(f"finished photos can't be moved ({reason}); they stay in {self._input}"))
            elif not self._photo_failed:
                self._photo_failed = True
                self._emit(OriginalsStay(f"a finished photo can't be moved ({reason}); it stays, others are moved"))

    def _is_one_photos_error(self, error: OSError | StorageError) -> bool:
        """Tell whether both folders can be used, so that the error is one photo's, or one sub-folder's."""
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
            target = _free_name(source, wanted, self._raw)
            self._ledger.moves.begin(original.photo.path, str(target))
            outcome = self._move_to(original, target)

    def _move_to(self, original: Original, target: Path) -> Outcome:
        """Move a photo whose move is on record, then its sidecars; record that the move is complete."""
        source = self._input / original.photo.path
        outcome: Outcome = "changed"
        if lies_below(self._input, original.photo.path):
            outcome = relocate(source, target, original, rename=self._rename)
        if outcome != "moved":
            self._ledger.moves.abandon(original.photo.path)
            return outcome
        failpoint("original-moved")
        for sidecar, sidecar_target in _sidecars(source, target, self._raw):
            self._move_sidecar(sidecar, sidecar_target)
        self._ledger.moves.end(original.photo.path)
        self._emit(OriginalMoved(original.photo.path, str(target)))
        return outcome

    def _move_sidecar(self, sidecar: Path, target: Path) -> None:
        hidden_source = hidden_source_name(sidecar, target)
        there = hidden_source if os.path.lexists(hidden_source) else sidecar
        try:
            with open_below(there.parent, there.name) as file:
                unchanged = Original(photo_from_stat(sidecar.name, os.fstat(file.fileno())), sha256_of_open(file))
        except FileReplacedError:
            return  # it became a link meanwhile: it does not belong to the photo
        number = 1
        while relocate(sidecar, target, unchanged, rename=self._rename) == "taken":
            number += 1
            target = _numbered(target, number)


def _free_name(source: Path, wanted: Path, raw: RawChoice) -> Path:
    """Return the first of NAME.jpg, NAME-2.jpg, ... that is free for the photo and for its sidecars."""
    number, target = 1, wanted
    while any(os.path.lexists(path) for path in (target, *(found for _, found in _sidecars(source, target, raw)))):
        number += 1
        target = _numbered(wanted, number)
    return target


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _sidecars(source: Path, target: Path, raw: RawChoice) -> Iterator[tuple[Path, Path]]:
    """Yield the sidecars beside ``source`` that belong to it alone, each with its target."""
    companions, owners = moving_with(source.suffix, raw)
    if companions and not _another_has_the_stem(source, owners):
        yield from _companions(source, target, companions)
    for suffix in _both_cases(SIDECAR_SUFFIXES):
        for whole_name in (True, False):
            ending = source.suffix + suffix if whole_name else suffix
            sidecar = source.with_name(source.stem + ending)
            sidecar_target = target.with_name(target.stem + ending)
            others = (PHOTO_SUFFIXES | RAW_SUFFIXES) - companions
            if _is_there(sidecar, sidecar_target) and (whole_name or not _another_has_the_stem(source, others)):
                yield sidecar, sidecar_target


def _companions(source: Path, target: Path, suffixes: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the files of the same photo, whose name may be in the other letter case."""
    for suffix in _both_cases(suffixes):
        for stem in dict.fromkeys((source.stem, source.stem.upper(), source.stem.lower())):
            companion, its_target = source.with_name(stem + suffix), target.with_name(target.stem + suffix)
            if companion != source and _is_there(companion, its_target):
                yield companion, its_target


def _is_there(sidecar: Path, sidecar_target: Path) -> bool:
    return any(
        path.is_file() and not path.is_symlink() for path in (sidecar, hidden_source_name(sidecar, sidecar_target))
    )


def _another_has_the_stem(source: Path, suffixes: Iterable[str]) -> bool:
    """Tell whether another photo, with one of these suffixes, still needs what belongs to this stem."""
    others = (source.with_suffix(suffix) for suffix in _both_cases(suffixes))
    return any(path != source and path.exists() for path in others)


def _both_cases(suffixes: Iterable[str]) -> Iterator[str]:
    for suffix in sorted(suffixes):
        yield suffix
        yield suffix.upper()
