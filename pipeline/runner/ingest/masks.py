"""Knows the photos' masks as they are now. Owns when one is complete, what is on record of it, which photos wait.

A mask is read when it is complete, and its hash is recorded with its file's signature, so that it is read once. A
photo whose mask is not complete waits for it, as for itself: what pictures it has stay until then. One whose mask has
changed since its jobs were recorded has to be paired again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError
from pipeline.hashing import sha256_of_open
from pipeline.intake.masks import is_photo_name, list_masks, look_for_masks, mask_key
from pipeline.intake.mounts import mount_point
from pipeline.intake.safe_open import FileReplacedError, open_below
from pipeline.intake.stability import StabilityResult
from pipeline.ledger import Ledger
from pipeline.model import Photo
from pipeline.runner.instance.known_mounts import is_lost, store_input_mount, stored_mount

#: So many masks are read at most before it is recorded what was in them.
_PIECE: Final = 1000
#: Where a mask is in the ledger: no path of a photo begins so.
_PLACE_ON_RECORD: Final = "/masks/"
_SETTLES: Final = ""


@dataclass(frozen=True, slots=True)
class _ReadMask:
    file: Photo
    sha256: str


class PhotoMasks:
    """The masks in one folder; without a folder there are none.

    ``held``: the photos that wait for their masks, with the reason for the user, "" while a mask only settles.
    """

    def __init__(
        self, folder: Path | None, ledger: Ledger, check: Callable[[Sequence[Photo]], StabilityResult]
    ) -> None:
        """``check`` judges which masks are complete."""
        self.held: dict[str, str] = {}
        self._folder = folder
        self._ledger = ledger
        self._check = check
        self._files: dict[str, tuple[Photo, ...]] = {}
        self._unreadable: frozenset[str] = frozenset()
        self._read: dict[str, _ReadMask] = {}
        self._paired: dict[str, str] = {}
        self._unpaired: set[str] = set()

    def scan(self, paths: Collection[str] | None = None) -> None:
        """Look which masks there are of all photos, or of those at ``paths`` and below.

        Raises StorageError if their folder is not there.
        """
        if self._folder is None:
            return
        if paths is None:
            _require_mounted(self._folder)
            found = list_masks(self._folder)
            self._files, self._unreadable = dict(found.files), frozenset(found.unreadable)
            if self._files:
                store_input_mount(self._folder, mount_point(self._folder))
            return
        found = look_for_masks(self._folder, paths)
        for key in self._keys_at(paths):
            self._files.pop(key, None)
        self._files.update(found.files)
        self._unreadable |= frozenset(found.unreadable)

    def examine(self, photos: Collection[str]) -> dict[str, str]:
        """Read these photos' masks, as far as they are not on record; return those that are :attr:`held`."""
        if self._folder is None:
            return {}
        keys = {photo: mask_key(photo) for photo in photos}
        obstacles = {key: reason for key in {*keys.values()} if (reason := self._obstacle(key))}
        new = {key: file for key in {*keys.values()} - obstacles.keys() if (file := self._unread(key))}
        obstacles |= self._read_new(self._not_on_record(new))
        held = {photo: obstacles[key] for photo, key in keys.items() if key in obstacles}
        for photo in photos:
            self.held.pop(photo, None)
        self.held |= held
        self._unpaired |= held.keys()
        return held

    def sha256_of(self, photo: str) -> str:
        """Return the content of an examined photo's mask, "" without one."""
        key = mask_key(photo) if self._files else ""
        return self._read[key].sha256 if key in self._files and key in self._read else ""

    def needs_pairing(self, photo: str) -> bool:
        """Tell whether an examined photo's mask is another one than when its jobs were recorded."""
        return photo in self._unpaired or self.sha256_of(photo) != self._paired.get(photo, "")

    def note_paired(self, photos: Iterable[str]) -> None:
        """Remember that the jobs of these photos were recorded, with their masks as they are."""
        for photo in photos if self._folder is not None else ():
            self._unpaired.discard(photo)
            self._paired.pop(photo, None)
            if sha256 := self.sha256_of(photo):
                self._paired[photo] = sha256

    def waiting_for(self, masks: Collection[str]) -> list[str]:
        """Return the photos that are held until these masks are complete."""
        return [photo for photo in self.held if any(file.path in masks for file in self._files_of(photo))]

    def forget_absent(self, present: Collection[str], is_concerned: Callable[[str], bool]) -> None:
        """Let go of the held photos that a scan was concerned with and did not find."""
        for photo in [photo for photo in self.held if photo not in present and is_concerned(photo)]:
            del self.held[photo]

    def unused(self, photos: Iterable[str]) -> list[str]:
        """Return the masks that belong to none of these photos, and to none that was moved away, by name."""
        keys = self._files.keys() - set(map(mask_key, photos)) if self._files else set()
        if keys:
            keys -= set(map(mask_key, self._ledger.moves.moved()))
        return sorted(self._files[key][0].path for key in keys)

    def photos_of(self, path: str) -> set[str]:
        """Return the photos on record, and the held ones, whose mask is at this path in the folder of masks.

        For a folder it is the folder of the photos.
        """
        if not is_photo_name(path):
            return {path}
        key = mask_key(path)
        known = {*self._ledger.photos.with_stem(path.rpartition(".")[0]), *self._ledger.photos.with_stem(key)}
        return {photo for photo in (*known, *self.held) if mask_key(photo) == key}

    def _files_of(self, photo: str) -> tuple[Photo, ...]:
        return self._files.get(mask_key(photo), ())

    def _keys_at(self, paths: Collection[str]) -> list[str]:
        photos = [mask_key(path) for path in paths if is_photo_name(path)]
        folders = tuple(f"{mask_key(f'{path}/.')[:-1]}" for path in paths if not is_photo_name(path))
        return photos + [key for key in self._files if folders and key.startswith(folders)]

    def _obstacle(self, key: str) -> str:
        """Return why it can't be known which mask a photo has, "" if it can."""
        assert self._folder is not None
        files = self._files.get(key, ())
        if len(files) > 1:
            names = " and ".join(str(self._folder / file.path) for file in files)
            return f"it has several masks, {names}: delete all but one"
        place = next(
            (place for place in self._unreadable if key == mask_key(place) or key.startswith(f"{place}/")), ""
        )
        return (
            f"its mask can't be read: check the permissions and the disk of {self._folder / place}" if place else ""
        )

    def _unread(self, key: str) -> Photo | None:
        """Return the file of a mask that is not known as it is now; None without one."""
        if key not in self._files:
            return None
        (file,) = self._files[key]
        return None if key in self._read and self._read[key].file == file else file

    def _not_on_record(self, new: Mapping[str, Photo]) -> dict[str, Photo]:
        """Take from the ledger what is known of these masks; return the others."""
        files = [_on_record(file) for file in new.values()]
        known = self._ledger.file_facts.of(files, whole=len(files) > _PIECE)
        for key, file in new.items():
            if sha256 := known.get(_on_record(file).path, {}).get("sha256"):
                self._read[key] = _ReadMask(file, sha256)
        return {key: file for key, file in new.items() if self._unread(key)}

    def _read_new(self, new: Mapping[str, Photo]) -> dict[str, str]:
        """Read those of these masks that are complete; return why the others can't be."""
        obstacles = dict.fromkeys(new, _SETTLES)
        if not new:
            return obstacles
        result, facts = self._check(list(new.values())), dict[Photo, dict[str, str]]()
        for file, reason in result.incomplete:
            obstacles[mask_key(file.path)] = f"its mask {self._path(file)} is not complete: {reason}"
        # What is no image fails in the worker, which names it.
        for file in (*result.ready, *(file for file, _ in result.quarantined)):
            obstacles[mask_key(file.path)] = self._read_file(file, facts)
            if len(facts) == _PIECE:
                self._ledger.file_facts.record(facts)
                facts.clear()
        self._ledger.file_facts.record(facts)
        return {key: reason for key, reason in obstacles.items() if key not in self._read or self._unread(key)}

    def _read_file(self, file: Photo, facts: dict[Photo, dict[str, str]]) -> str:
        """Read a complete mask; return why that can't be done now, "" if it could."""
        assert self._folder is not None
        try:
            with open_below(self._folder, file.path, file) as opened:
                sha256 = sha256_of_open(opened)
        except (FileReplacedError, FileNotFoundError):
            return _SETTLES
        except OSError as error:
            return f"its mask {self._path(file)} can't be read ({error.strerror}): check its permissions and its disk"
        key = mask_key(file.path)
        self._files[key], self._read[key] = (file,), _ReadMask(file, sha256)
        facts[_on_record(file)] = {"sha256": sha256}
        return ""

    def _path(self, file: Photo) -> Path:
        assert self._folder is not None
        return self._folder / file.path


def _on_record(file: Photo) -> Photo:
    return replace(file, path=_PLACE_ON_RECORD + file.path)


def _require_mounted(folder: Path) -> None:
    """Raise StorageError if an empty folder shows where the disk or share with the masks was mounted."""
    before = stored_mount(folder)
    if before is not None and folder.is_dir() and is_lost(before, mount_point(folder)):
        raise StorageError(
            f"masks.folder: {folder} was on the disk or share mounted at {before}, and nothing is mounted there now; "
            f"no mask is treated as deleted: mount it, or correct the setting"
        )
