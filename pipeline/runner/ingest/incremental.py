"""Keeps the ledger in step with the input folder while pictures are made. Owns what changed, not when to scan.

Takes the whole folder or only hinted paths through :mod:`pipeline.runner.ingest.steps`, in pieces: each piece is a
short transaction, so that the thread that claims jobs never waits long, and it costs what has changed rather than
what there is. Has a ledger connection of its own, since it runs in a thread of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pipeline.intake.archives import containing_file
from pipeline.intake.masks import MASKS_ELSEWHERE
from pipeline.intake.scan import ScanResult
from pipeline.intake.stability import STILL_WRITTEN, StabilityTracker
from pipeline.ledger import Ledger
from pipeline.model import IngestSettings, Photo, PhotoSetAside, PhotosSkipped
from pipeline.runner.ingest.archives import ArchiveIngest
from pipeline.runner.ingest.outdated_refusals import retry_outdated_refusals
from pipeline.runner.ingest.steps import (
    IngestResult,
    IngestSteps,
    RecordedPhotos,
    known_problems,
    unreadable_places,
)
from pipeline.runner.input_root import InputRoot
from pipeline.runner.instance.known_mounts import store_input_mount
from pipeline.runner.preparation import ResolvedConfig

#: Photos in one transaction, which then takes some hundredths of a second.
_PIECE: Final = 1000

_Item = TypeVar("_Item")


@dataclass(slots=True, kw_only=True)
class IngestChanges(IngestResult):
    """What is not as it was: ``arrived`` photos may have pictures to be made, ``gone`` ones had been there before.

    ``folders`` counts the folders seen; ``unpaired`` only those of the photos that were paired this time.
    ``newly_skipped`` of the ``skipped_photos`` were not among them before.
    """

    folders: int
    arrived: int = 0
    gone: int = 0
    newly_skipped: Sequence[str] = ()

    def skipped_event(self) -> PhotosSkipped | None:
        """Return the event about the newly skipped photos, None without any."""
        return PhotosSkipped.of(self.skipped_photos, self.newly_skipped) if self.newly_skipped else None

    @property
    def is_empty(self) -> bool:
        """Whether all is as it was before."""
        return not (self.arrived or self.gone or self.set_aside)


class IncrementalIngest:
    """Records what comes, changes and goes. Raises StorageError when the folder is gone, and LedgerError."""

    def __init__(
        self,
        settings: IngestSettings,
        resolved: ResolvedConfig,
        ledger: Ledger,
        tracker: StabilityTracker,
        root: InputRoot,
        is_stopped: Callable[[], bool] = lambda: False,
        archives: ArchiveIngest | None = None,
        mask_tracker: StabilityTracker | None = None,
    ) -> None:
        """``is_stopped`` is asked before each piece: when the program ends, an ingest stops where it is.

        ``archives`` is the one by which ``tracker`` examines files. ``mask_tracker`` does with those in the folder of
        masks what ``tracker`` does with photos.
        """
        self._settings = settings
        self._ledger = ledger
        self._tracker = tracker
        self._root = root
        self._is_stopped = is_stopped
        archives = archives or ArchiveIngest(settings, ledger)
        self._skipped = archives.selection.skipped
        self._skipped_before: dict[str, str] = {}
        self._mask_tracker = mask_tracker or StabilityTracker(settings.masks or settings.folder, tracker.times)
        self._steps = IngestSteps(settings, resolved, ledger, archives, tracker.check, self._mask_tracker.check)
        self._paired_all = False
        self._reported: dict[str, str] = {}
        self._recorded_incomplete: dict[str, str] | None = None
        self._stored_mounts: tuple[Path, frozenset[str]] | None = None

    def ingest_folder(self) -> IngestChanges:
        """Ingest the whole folder. The first time every photo is paired, since the config may have changed."""
        found = self._steps.scan()
        self._root.require()
        found, lost = self._steps.with_missing_mounts(found, self._root)
        is_first = not self._paired_all
        if is_first:
            retry_outdated_refusals(self._ledger, self._settings)
            self._reported |= {file.path: file.reason for file in self._ledger.incomplete.all()}
        changes = self._record(found, lost, self._ledger.photos.missing, lambda _: True)
        self._record_incomplete(found)
        self._record_skipped(changes)
        if is_first:
            changes.known += known_problems(self._ledger, changes.set_aside)
        self._paired_all = True
        if changes.photos:
            self._store_mount()
        if is_first:
            self._ledger.jobs.recognize(self._settings.on_change)
        return changes

    def ingest_paths(self, paths: Collection[str]) -> IngestChanges:
        """Ingest only these relative paths, and what is below them."""
        paths = self._with_photos_of_masks(paths)
        if "" in paths:  # the folder of masks itself is new
            return self.ingest_folder()
        paths = {containing_file(self._settings.folder, path) for path in paths}  # an archive for its photos
        paths |= self._steps.siblings(paths)
        found = self._steps.scan(paths)
        self._root.require()
        found, lost = self._steps.with_missing_mounts(found, self._root)
        seen = {photo.path for photo in (*found.photos, *found.archives)}
        self._tracker.forget(path for path in paths if path not in seen)
        recorded = {photo for path in paths for photo in self._ledger.photos.recorded_under(path)}
        changes = self._record(
            found, lost, lambda seen: sorted(recorded - set(seen)), lambda path: _lies_under(path, paths)
        )
        self._record_incomplete(found, paths)
        self._record_skipped(changes)
        return changes

    def due(self) -> list[str]:
        """Return the photos that have to be examined again now."""
        masks = set(self._mask_tracker.due())
        waiting = self._steps.masks.waiting_for(masks)
        if masks and not waiting:  # the photos are gone
            self._mask_tracker.forget(masks)
        return [*self._tracker.due(), *waiting]

    def seconds_left(self) -> float | None:
        """Return how long it is until a photo has to be examined again; None without any."""
        times = (self._tracker.seconds_left(), self._mask_tracker.seconds_left())
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _with_photos_of_masks(self, paths: Collection[str]) -> set[str]:
        """Return ``paths`` with the photos instead of their masks."""
        folder = self._settings.masks
        if folder is None:
            return set(paths)
        is_inside = folder.is_relative_to(self._settings.folder)
        place = folder.relative_to(self._settings.folder).as_posix() if is_inside else MASKS_ELSEWHERE
        masks = {path for path in paths if _lies_under(path, (place,))}
        photos = {photo for mask in masks for photo in self._steps.masks.photos_of(mask[len(place) + 1 :])}
        return {*paths} - masks | photos

    def _store_mount(self) -> None:
        mounts = (self._root.mount, self._root.known_below)
        if mounts != self._stored_mounts:
            self._stored_mounts = mounts
            store_input_mount(self._root.folder, self._root.mount, below=self._root.known_below)

    def _record(
        self,
        found: ScanResult,
        lost: Collection[str],
        missing: Callable[[Iterable[str]], Sequence[str]],
        is_concerned: Callable[[str], bool],
    ) -> IngestChanges:
        """Record what a scan found, and what is ``missing`` of what was there. ``lost``: where a mount is missing.

        ``is_concerned`` tells whether the scan was about a path.
        """
        changes = IngestChanges(photos=len(found.photos), folders=found.folders, skipped=Counter(found.skipped))
        for piece in _pieces(found.photos):
            if self._is_stopped():
                return changes
            self._record_present(piece, (), changes)
        in_archives = self._record_present((), found.archives, changes)
        seen = [photo.path for photo in (*found.photos, *in_archives) if photo.path not in self._skipped]
        self._steps.masks.forget_absent(set(seen), is_concerned)
        # What lies under a folder that can't be read is unknown, not gone.
        absent = missing(seen)
        gone = [path for path in absent if not _lies_under(path, found.unreadable)]
        for piece_of_gone in _pieces(gone):
            self._record_gone(piece_of_gone, changes)
        self._report(unreadable_places(found), changes)
        if away := [path for path in absent if _lies_under(path, lost)]:
            self._ledger.photos.record((), (), (), away)  # until the disk or share is back
            changes.gone += len(away)
        return changes

    def _record_present(
        self, photos: Sequence[Photo], archives: Sequence[Photo], changes: IngestChanges
    ) -> list[Photo]:
        """Record these files with their jobs; return the archives and what is in them."""
        recorded = self._steps.record_photos(photos, archives)
        self._record_jobs(recorded, changes)
        changes.photos += recorded.archived.count - len(photos) + len(recorded.photos)
        changes.skipped += recorded.archived.skipped
        changes.arrived += recorded.arrived
        judged = (*recorded.stability.ready, *(photo for photo, _ in recorded.stability.quarantined))
        self._forget_reported([*(photo.path for photo in judged), *recorded.remasked])
        self._report(recorded.set_aside(), changes)
        return recorded.archived.seen

    def _record_jobs(self, recorded: RecordedPhotos, changes: IngestChanges) -> None:
        if to_pair := recorded.to_pair(unchanged=not self._paired_all):
            # The photos are on record already: should this fail on a full disk, the next ingest of the whole folder
            # has to pair all.
            paired_all, self._paired_all = self._paired_all, False
            unpaired = self._steps.record_jobs(to_pair, new=recorded.new_paths())
            self._paired_all = paired_all
            changes.unpaired += unpaired.count
            changes.set_aside += unpaired.new
            changes.known += unpaired.known

    def _record_gone(self, paths: Sequence[str], changes: IngestChanges) -> None:
        reason = "it was removed before its pictures were made"
        unfinished = self._ledger.queries.unfinished([path for path in paths if path not in self._skipped])
        self._report((PhotoSetAside(path, "gone", reason) for path in unfinished), changes)
        self._ledger.photos.record((), (), (), paths)
        self._forget_reported(paths)
        changes.gone += len(paths)

    def _report(self, photos: Iterable[PhotoSetAside], changes: IngestChanges) -> None:
        """Report each photo once, however often it is examined again."""
        for photo in photos:
            if self._reported.get(photo.path) != photo.reason:
                changes.set_aside.append(photo)
            elif not self._paired_all:  # an earlier program, or the one before a reload, has named it
                changes.known.append(photo)
            if photo.kind == "incomplete":
                self._reported[photo.path] = photo.reason

    def _record_incomplete(self, found: ScanResult, paths: Collection[str] | None = None) -> None:
        """Record what is still incomplete, after a scan of ``paths`` and what is below them, or of everything."""
        if self._is_stopped():
            return
        if self._reported:
            seen = {photo.path for photo in (*found.photos, *found.archives)}
            looked_for = [path for path in self._reported if paths is None or _lies_under(path, paths)]
            self._forget_reported(
                path
                for path in looked_for
                if path not in seen and path not in self._steps.masks.held and not _lies_under(path, found.unreadable)
            )
        incomplete = dict.fromkeys(self._tracker.long_unsettled(), STILL_WRITTEN) | self._reported
        if incomplete != self._recorded_incomplete:
            self._ledger.incomplete.record(incomplete)
            self._recorded_incomplete = incomplete

    def _record_skipped(self, changes: IngestChanges) -> None:
        if self._is_stopped():
            return
        changes.skipped_photos = dict(self._skipped)
        changes.newly_skipped = [path for path in self._skipped if path not in self._skipped_before]
        if self._skipped != self._skipped_before or not self._paired_all:
            self._ledger.skipped.record(self._skipped)
        self._skipped_before = changes.skipped_photos

    def _forget_reported(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._reported.pop(path, None)


def _pieces(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + _PIECE] for start in range(0, len(items), _PIECE))


def _lies_under(path: str, folders: Collection[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
