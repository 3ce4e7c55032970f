"""Picks the photos that get pictures. Owns which files are opened to find out, and what is remembered of them.

What :class:`pipeline.model.SkipRules` fits is skipped, and of a raw file and its JPEG one: it is as if it were not in
the folder, but counted by reason. A photo's properties are recorded with its signature, so that it is opened once,
whatever the rules become. Archives are opened again when the rules have changed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pipeline.errors import JobError
from pipeline.images.properties import read_properties, read_raw_properties, reads_camera_raw
from pipeline.intake import raw_pairs
from pipeline.intake.safe_open import FileReplacedError, open_below
from pipeline.intake.scan import ScanResult
from pipeline.ledger import Ledger
from pipeline.model import IngestSettings, Photo, PhotoProperties, RawChoice, SkipRules

#: So many photos are opened at most before it is recorded what was in them.
_PIECE: Final = 1000
_RAW_OF_MOVED: Final = "raw whose JPEG was moved"
_RAW_UNREADABLE: Final = 'camera raw that can\'t be read without pip install "stylewatch[raw]"'
_FIELDS: Final = frozenset(field.name for field in dataclasses.fields(PhotoProperties))


@dataclass(frozen=True, slots=True)
class KnownPhotos:
    """The photos of a scan after what is on record of them: those not skipped, and those of them to be opened."""

    picked: Sequence[Photo]
    unmeasured: Sequence[Photo]


class PhotoSelection:
    """Sorts out the photos that are skipped; ``skipped`` has the reason of each by its path."""

    def __init__(
        self,
        settings: IngestSettings,
        ledger: Ledger,
        read: Callable[[str, BinaryIO], PhotoProperties] | None = None,
        *,
        reads_raw: bool | None = None,
    ) -> None:
        """``read`` returns the properties of the photo at a path, which is open. Raises as ``read_properties``.

        ``reads_raw``: camera raw files can be developed; None = if the library for that is there.
        """
        self.skipped: dict[str, str] = {}
        self._folder = settings.folder
        self._raw_folders: set[str] = set()
        self._rules = settings.skip
        self._ledger = ledger
        self._read = read or _read_properties
        self._reads_raw = reads_camera_raw() if reads_raw is None else reads_raw
        # Without the library a raw is no photo that could be preferred.
        self._raw: RawChoice = settings.raw if self._reads_raw else "prefer_jpeg"

    @property
    def fingerprint(self) -> str:
        """What the choice among an archive's photos depends on; empty if all are picked."""
        defaults = dataclasses.asdict(SkipRules())
        rules = {name: value for name, value in dataclasses.asdict(self._rules).items() if value != defaults[name]}
        return json.dumps([rules, self._raw], sort_keys=True) if rules or self._reads_raw else ""

    def forget(self, paths: Collection[str] | None = None) -> None:
        """Begin a scan of these ``paths`` and what is below them, or of everything: it finds anew what is skipped."""
        if self.skipped:
            kept = {} if paths is None else dict(_not_under(self.skipped, frozenset(paths)))
            self.skipped.clear()
            self.skipped.update(kept)

    def by_name(self, found: ScanResult) -> ScanResult:
        """Return a scan's result without the photos that are skipped whatever is in them."""
        self._raw_folders |= {_folder(photo.path) for photo in found.photos if raw_pairs.is_raw(photo.path)}
        reasons = self.reasons_of_names([photo.path for photo in found.photos])
        self.skipped.update(reasons)
        if not reasons:
            return found
        return dataclasses.replace(found, photos=tuple(self.without_skipped(found.photos)))

    def reasons_of_names(self, paths: Sequence[str]) -> dict[str, str]:
        """Return which of these photos are skipped whatever is in them, and why."""
        reasons = {path: reason for path in paths if (reason := self._rules.reason_of_name(path))}
        candidates = [path for path in paths if path not in reasons]
        raws = list(filter(raw_pairs.is_raw, candidates))
        # One that leaves the folder takes the other one along: for a moment that one is alone.
        leaving = [move.original.photo.path for move in self._ledger.moves.begun()]
        if not (raws or leaving):
            return reasons
        paired = raw_pairs.left_out([*candidates, *leaving], self._raw)
        reasons |= {path: paired[path] for path in candidates if path in paired}
        return reasons | dict(self._lone_raws_left_out(path for path in raws if path not in paired))

    def siblings(self, paths: Collection[str]) -> set[str]:
        """Return the files that decide with those at ``paths`` which of them are skipped.

        Where no scan has found a raw file, no folder is listed for it.
        """
        if self._raw == "both":
            return set()
        concerned = [path for path in paths if raw_pairs.is_raw(path) or _folder(path) in self._raw_folders]
        return set(raw_pairs.siblings(str(self._folder), concerned))

    def by_record(self, photos: Sequence[Photo], *, whole: bool = False) -> KnownPhotos:
        """Sort photos by what is on record of them; ``whole``: these are all there are."""
        if not self._rules.needs_properties:
            return KnownPhotos(photos, ())
        known = self._ledger.file_facts.of(photos, whole=whole)
        unmeasured = []
        for photo in photos:
            properties = _properties(known.get(photo.path, {}))
            if properties is None:
                unmeasured.append(photo)
            else:
                self._judge(photo.path, properties)
        return KnownPhotos(self.without_skipped(photos), unmeasured)

    def measure(self, photos: Iterable[Photo]) -> None:
        """Open photos, as far as the rules need it, and record their properties."""
        measured: dict[Photo, dict[str, Any]] = {}
        for photo in photos if self._rules.needs_properties else ():
            properties = self._properties_of(photo)
            if properties is not None:
                measured[photo] = dataclasses.asdict(properties)
                self._judge(photo.path, properties)
            if len(measured) == _PIECE:
                self._ledger.file_facts.record(measured)
                measured.clear()
        self._ledger.file_facts.record(measured)

    def reason_of_member(self, path: str, content: BinaryIO) -> str:
        """Return why the photo at ``path`` in an archive, which is open, is skipped because of what is in it."""
        if not self._rules.needs_properties:
            return ""
        try:
            return self._rules.reason_of_properties(path, self._read(path, content))
        except (JobError, MemoryError):
            return ""  # the worker says what is wrong with it

    def without_skipped(self, photos: Iterable[Photo]) -> list[Photo]:
        """Return those of ``photos`` that are not skipped."""
        return [photo for photo in photos if photo.path not in self.skipped]

    def _lone_raws_left_out(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        if not self._reads_raw:
            yield from ((path, _RAW_UNREADABLE) for path in paths)
        elif self._raw == "prefer_jpeg" and self._ledger.moves.has_any():
            for path in paths:
                moved = self._ledger.moves.moved_beside(path)
                if path in raw_pairs.left_out([path, *moved], "prefer_jpeg"):
                    yield path, _RAW_OF_MOVED

    def _judge(self, path: str, properties: PhotoProperties) -> None:
        if reason := self._rules.reason_of_properties(path, properties):
            self.skipped[path] = reason

    def _properties_of(self, photo: Photo) -> PhotoProperties | None:
        """Return None for a photo that can't be read just now, or at all; a picture of it is tried, and fails."""
        try:
            with open_below(self._folder, photo.path, photo) as file:
                return self._read(photo.path, file)
        except (JobError, FileReplacedError, OSError, MemoryError):
            return None


def _read_properties(path: str, file: BinaryIO) -> PhotoProperties:
    return read_raw_properties(file) if raw_pairs.is_raw(path) else read_properties(file)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _properties(facts: Mapping[str, Any]) -> PhotoProperties | None:
    """Return the properties on record; None if there are none, or not all that this version reads."""
    if not facts.keys() >= _FIELDS:
        return None
    return PhotoProperties(**{name: facts[name] for name in _FIELDS})


def _not_under(reasons: Mapping[str, str], paths: frozenset[str]) -> Iterator[tuple[str, str]]:
    for path, reason in reasons.items():
        parts = path.split("/")
        if paths.isdisjoint("/".join(parts[:count]) for count in range(1, len(parts) + 1)):
            yield path, reason
