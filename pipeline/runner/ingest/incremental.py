"""The ledger kept in step with the input folder, while pictures are made: looks everywhere, or only where hinted.

Owns what :mod:`pipeline.runner.ingest.ingest` does for a single run, in pieces: each piece is a short transaction, so
that whoever claims jobs meanwhile never waits long, and a look costs what has changed rather than what there is.
Refuses to know when to look. Has a ledger connection of its own, since it lives in a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from pipeline.config import Config
from pipeline.images.encode import suffix_of
from pipeline.intake.archives import containing_file
from pipeline.intake.scan import ScanResult, scan, scan_paths
from pipeline.intake.stability import StabilityTracker
from pipeline.ledger import Ledger
from pipeline.model import Photo, PhotoSetAside
from pipeline.pairing import pair
from pipeline.runner.ingest.archives import Unpacking
from pipeline.runner.ingest.outdated_refusals import look_again
from pipeline.runner.input_root import Root
from pipeline.runner.preparation import ResolvedConfig

#: So many photos a transaction take some hundredths of a second.
_PIECE: Final = 1000

_Item = TypeVar("_Item")


@dataclass(slots=True)
class IngestChanges:
    """What a look came to: ``arrived`` photos may have pictures to be made, ``gone`` ones had been there before.

    ``photos`` and ``folders`` count what the look saw.
    """

    photos: int
    folders: int
    arrived: int = 0
    gone: int = 0
    set_aside: list[PhotoSetAside] = field(default_factory=list)

    @property
    def brought_news(self) -> bool:
        """Tell whether anything is not as it was before."""
        return bool(self.arrived or self.gone or self.set_aside)


class IncrementalIngest:
    """Records what comes, changes and goes. Looks raise StorageError when the folder is gone, and LedgerError."""

    def __init__(
        self,
        config: Config,
        resolved: ResolvedConfig,
        ledger: Ledger,
        tracker: StabilityTracker,
        root: Root,
        over: Callable[[], bool] = lambda: False,
        unpacking: Unpacking | None = None,
    ) -> None:
        """``over`` tells that the program ends: a look then stops where it is.

        ``unpacking`` is the one by which ``tracker`` examines files.
        """
        self._unpacking = unpacking or Unpacking(config, ledger)
        self._config = config
        self._resolved = resolved
        self._ledger = ledger
        self._tracker = tracker
        self._root = root
        self._over = over
        self._outside = (config.output.folder, config.state.folder)
        self._paired_all = False
        self._told: dict[str, str] = {}

    def look_everywhere(self) -> IngestChanges:
        """Scan the whole folder. The first time every photo is paired, since the config may be another by now."""
        if not self._paired_all:
            look_again(self._ledger, self._config)
        found = scan(self._config.input.folder, self._config.input.ignore, self._outside)
        self._root.require()
        result = self._record(found, self._ledger.photos.missing)
        self._paired_all = True
        return result

    def look_at(self, paths: Collection[str]) -> IngestChanges:
        """Scan only these relative paths, and what is below them."""
        folder = self._config.input.folder
        paths = {containing_file(folder, path) for path in paths}  # a photo's archive instead of it
        found = scan_paths(folder, paths, self._config.input.ignore, self._outside)
        self._root.require()
        seen = {photo.path for photo in (*found.photos, *found.archives)}
        self._tracker.forget(path for path in paths if path not in seen)
        recorded = {photo for path in paths for photo in self._ledger.photos.recorded_under(path)}
        return self._record(found, lambda seen: sorted(recorded - set(seen)))

    def due(self) -> list[str]:
        """Return the photos that have to be looked at again now."""
        return self._tracker.due()

    def seconds_left(self) -> float | None:
        """Return how long it is until a photo has to be looked at again; None without any."""
        return self._tracker.seconds_left()

    def _record(self, found: ScanResult, missing: Callable[[Iterable[str]], Sequence[str]]) -> IngestChanges:
        result = IngestChanges(len(found.photos), found.folders)
        for piece in _pieces(found.photos):
            if self._over():
                return result
            self._record_seen(piece, result)
        in_archives = self._record_archives(found, result)
        seen = [photo.path for photo in (*found.photos, *in_archives)]
        # What lies under a folder that can't be read is unknown, not gone.
        gone = [path for path in missing(seen) if not _lies_under(path, found.unreadable)]
        for piece_of_gone in _pieces(gone):
            self._record_gone(piece_of_gone, result)
        for path, note in zip(found.unreadable, found.notes, strict=True):
            self._set_aside(result, path, "incomplete", note)
        return result

    def _record_seen(self, photos: Sequence[Photo], result: IngestChanges) -> None:
        unknown, returned = self._ledger.photos.unknown_and_returned(photos)
        settled = self._tracker.check(unknown)
        judged = [*settled.ready, *(photo for photo, _ in settled.quarantined)]
        news = [*unknown, *returned]
        if news:
            concerned = [photo.path for photo in news]
            self._ledger.photos.record(news, settled.ready, settled.quarantined, concerned)
        self._pair(photo.path for photo in self._to_pair(photos, unknown, [*judged, *returned]))
        result.arrived += len(settled.ready) + len(returned)
        self._tell_of(settled.ready, settled.incomplete, settled.quarantined, result)

    def _record_archives(self, found: ScanResult, result: IngestChanges) -> list[Photo]:
        """Record the archives like photos, with what is in them; return all of that."""
        archives, _ = self._unpacking.among(found)
        to_open = self._unpacking.to_open(archives)
        settled = self._tracker.check(to_open)
        unpacked = self._unpacking.unpack(archives, settled)
        quarantined = (*settled.quarantined, *unpacked.quarantined)
        if to_open:
            concerned = [photo.path for photo in unpacked.seen]
            self._ledger.photos.record(unpacked.seen, (*settled.ready, *unpacked.ready), quarantined, concerned)
        if to_open or not self._paired_all:
            self._pair(unpacked.usable)
        result.photos += unpacked.photos
        result.arrived += len(unpacked.ready)
        self._tell_of(settled.ready, settled.incomplete, quarantined, result)
        return unpacked.seen

    def _to_pair(self, photos: Sequence[Photo], unknown: Sequence[Photo], new: Sequence[Photo]) -> list[Photo]:
        if self._paired_all:
            return list(new)
        known = {photo.path for photo in unknown}
        return [*(photo for photo in photos if photo.path not in known), *new]

    def _pair(self, paths: Iterable[str]) -> None:
        concerned = list(dict.fromkeys(paths))
        if concerned:
            # The photos are on record already: should this fail on a full disk, the next full look has to pair all.
            paired_all, self._paired_all = self._paired_all, False
            wanted = map(self._resolved.want, pair(concerned, self._resolved.pairing))
            self._ledger.jobs.record(wanted, suffix_of(self._config.output.format), concerned)
            self._paired_all = paired_all

    def _record_gone(self, paths: Sequence[str], result: IngestChanges) -> None:
        for path in self._ledger.queries.unfinished(paths):
            self._set_aside(result, path, "gone", "it was taken away before its pictures were made")
        self._ledger.photos.record((), (), (), paths)
        self._forget_what_was_told(paths)
        result.gone += len(paths)

    def _tell_of(
        self,
        ready: Iterable[Photo],
        incomplete: Iterable[tuple[Photo, str]],
        quarantined: Iterable[tuple[Photo, str]],
        result: IngestChanges,
    ) -> None:
        self._forget_what_was_told(photo.path for photo in ready)
        for photo, reason in incomplete:
            self._set_aside(result, photo.path, "incomplete", reason)
        for photo, reason in quarantined:
            self._set_aside(result, photo.path, "quarantined", reason)

    def _set_aside(
        self, result: IngestChanges, path: str, kind: Literal["incomplete", "quarantined", "gone"], reason: str
    ) -> None:
        """Tell of a photo once, however often it is looked at again."""
        if self._told.get(path) != reason:
            result.set_aside.append(PhotoSetAside(path, kind, reason))
        if kind == "incomplete":
            self._told[path] = reason

    def _forget_what_was_told(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._told.pop(path, None)


def _pieces(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + _PIECE] for start in range(0, len(items), _PIECE))


def _lies_under(path: str, folders: Collection[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
