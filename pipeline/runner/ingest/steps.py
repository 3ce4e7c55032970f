"""The steps of ingest: scan, record photos, pair, record jobs. Owns them for both callers, not when to scan.

scan → what is new or changed → complete yet? → what is in archives → photos recorded → paired → jobs recorded.
:mod:`pipeline.runner.ingest.ingest` takes a whole folder through them at once,
:mod:`pipeline.runner.ingest.incremental` takes what changes, in pieces.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.images.encode import suffix_of
from pipeline.intake.scan import ScanResult, kinds_in_archives, scan, scan_paths
from pipeline.intake.stability import StabilityResult
from pipeline.ledger import Ledger
from pipeline.model import IngestSettings, Photo, PhotoSetAside
from pipeline.pairing import why_unpaired
from pipeline.runner.ingest.archives import ArchivedPhotos, ArchiveIngest
from pipeline.runner.ingest.masks import PhotoMasks
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import ResolvedConfig


@dataclass(slots=True, kw_only=True)
class IngestResult:
    """What an ingest came to. ``photos`` counts what it saw, in archives too.

    ``known`` were set aside by an earlier ingest, and nothing has changed. ``skipped`` counts files that are no
    photos; ``unpaired`` photos that no style wants, those among them that a rule gives none. ``root`` is the input
    folder as it was meanwhile, None if the caller knows it. ``emitted_before``: photos that were set
    aside since the last pass, and emitted then. ``skipped_photos``: the photos that the config leaves out, with the
    reason; they are not among ``photos``. ``unused_masks`` belong to no photo.
    """

    photos: int
    set_aside: list[PhotoSetAside] = field(default_factory=list)
    known: list[PhotoSetAside] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unpaired: int = 0
    root: InputRoot | None = None
    emitted_before: Sequence[PhotoSetAside] = ()
    skipped_photos: Mapping[str, str] = field(default_factory=dict)
    unused_masks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedPhotos:
    """Photos that no style wants, without unusable ones. ``count``: with those that a rule gives none.

    Of the others, ``new`` had pictures or were not there before, ``known`` had none before either.
    """

    count: int
    new: Sequence[PhotoSetAside]
    known: Sequence[PhotoSetAside]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPhotos:
    """What became of some files; ``photos`` are without those that the config leaves out.

    ``unknown`` ones were not on record or had changed, ``returned`` ones had been gone. ``opened``: some
    archives had to be read. ``archived`` is what all of them hold. ``held`` photos wait for their masks, with the
    reason; ``remasked`` ones have another mask than when they were paired.
    """

    photos: Sequence[Photo]
    unknown: Sequence[Photo]
    returned: Sequence[Photo]
    stability: StabilityResult
    opened: bool
    archived: ArchivedPhotos
    held: Mapping[str, str] = field(default_factory=dict)
    remasked: Sequence[str] = ()

    @property
    def arrived(self) -> int:
        """How many photos may have pictures to be made now that could have none before."""
        unknown = {photo.path for photo in self.unknown}
        complete = sum(photo.path in unknown for photo in self.stability.ready)
        return complete + len(self.returned) + len(self.archived.ready) + len(self.remasked)

    def new_paths(self) -> set[str]:
        """Return the photos that were not there before, or not as they are now."""
        return {photo.path for photo in (*self.unknown, *self.returned, *self.archived.ready)}

    def set_aside(self) -> Iterator[PhotoSetAside]:
        """Yield the files of which no picture is made now, with the reason."""
        incomplete = [(photo.path, reason) for photo, reason in self.stability.incomplete]
        for path, reason in (*incomplete, *self.held.items()):
            if reason:
                yield PhotoSetAside(path, "incomplete", reason)
        for photo, reason in (*self.stability.quarantined, *self.archived.quarantined):
            yield PhotoSetAside(photo.path, "quarantined", reason)

    def to_pair(self, *, unchanged: bool) -> list[str]:
        """Return the photos whose jobs have to be recorded; those that are as they were only if ``unchanged``.

        Files that are not complete yet, and those whose masks are not, are left out.
        """
        unknown = {photo.path for photo in self.unknown}
        judged = (*self.stability.ready, *(photo for photo, _ in self.stability.quarantined))
        paths = [
            *(photo.path for photo in self.photos if unchanged and photo.path not in unknown),
            *(photo.path for photo in judged if photo.path in unknown),
            *(photo.path for photo in self.returned),
            *(self.archived.usable if unchanged or self.opened else ()),
            *self.remasked,
        ]
        return [path for path in paths if path not in self.held] if self.held else paths


class IngestSteps:
    """Takes files of one input folder through the steps; methods raise LedgerError, and StorageError for the disk."""

    def __init__(
        self,
        settings: IngestSettings,
        resolved: ResolvedConfig,
        ledger: Ledger,
        archives: ArchiveIngest,
        check_stability: Callable[[Sequence[Photo]], StabilityResult],
        check_masks: Callable[[Sequence[Photo]], StabilityResult],
    ) -> None:
        """``check_stability`` judges which files are complete, archives by what ``archives`` examines.

        Its selection picks the photos. ``check_masks`` judges masks.
        """
        self._settings = settings
        self._resolved = resolved
        self._ledger = ledger
        self._archives = archives
        self._selection = archives.selection
        self._check_stability = check_stability
        self.masks = PhotoMasks(settings.masks if resolved.uses_masks else None, ledger, check_masks)
        self._has_recorded_settings = False

    def scan(self, paths: Collection[str] | None = None) -> ScanResult:
        """Scan the whole folder, or only ``paths`` and what is below them.

        Archives are left out if the settings say so, and photos by their names. Raises StorageError if the folder is
        gone.
        """
        folder, ignore = self._settings.folder, self._settings.ignore
        excluded = self._settings.excluded
        found = (
            scan(folder, ignore, excluded, raw=True)
            if paths is None
            else scan_paths(folder, paths, ignore, excluded, raw=True)
        )
        self._selection.forget(paths)
        self.masks.scan(paths)
        found = self._selection.by_name(found)
        if self._settings.archives:
            return found
        skipped = Counter(found.skipped) + Counter(archive=len(found.archives))
        return dataclasses.replace(found, archives=(), skipped=skipped)

    def siblings(self, paths: Collection[str]) -> set[str]:
        """Return the files whose pictures depend on what there is at these ``paths``: raw files and their JPEGs."""
        return self._selection.siblings(paths)

    def with_missing_mounts(self, found: ScanResult, root: InputRoot) -> tuple[ScanResult, Sequence[str]]:
        """Return where in the folder a disk or share is missing, and the scan's result with that as unreadable."""
        missing = root.missing_below()
        if not missing:
            return found, ()
        kind_of = kinds_in_archives(self._settings.ignore)
        missing = {name: why for name, why in missing.items() if kind_of(f"{name}/photo.jpg") is None}
        places, notes = (*found.unreadable, *missing), (*found.notes, *missing.values())
        return dataclasses.replace(found, unreadable=places, notes=notes), list(missing)

    def record_photos(
        self, photos: Sequence[Photo], archives: Sequence[Photo] = (), *, whole: bool = False
    ) -> RecordedPhotos:
        """Find out what is new or changed, and record it in one transaction; if nothing is, in none.

        ``whole``: these are all files there are. Then all is recorded, so that what is missing is known to be gone,
        and the ledger is asked once for all photos instead of for each.
        """
        known = self._selection.by_record(photos, whole=whole)
        unknown, returned = self._compare_with_ledger(known.picked, whole)
        held = self.masks.examine([photo.path for photo in known.picked])
        to_check = [photo for photo in unknown if photo.path not in held]
        to_open = self._archives.unknown(archives)
        stability = self._check_stability([*to_check, *to_open])
        stability = self._measured(stability, to_check, known.unmeasured)
        photos, unknown, returned = map(self._selection.without_skipped, (known.picked, unknown, returned))
        archived = self._archives.contents(archives, stability)
        held |= self.masks.examine(archived.usable)
        ready = (*stability.ready, *archived.ready)
        quarantined = (*stability.quarantined, *archived.quarantined)
        if whole:
            self._ledger.photos.record((*photos, *archived.seen), ready, quarantined)
        elif changed := [*unknown, *returned, *(archived.seen if to_open else ())]:
            self._ledger.photos.record(changed, ready, quarantined, [photo.path for photo in changed])
        self._archives.record_picked()
        return RecordedPhotos(
            photos=photos,
            unknown=unknown,
            returned=returned,
            stability=stability,
            opened=bool(to_open),
            archived=archived,
            held=held,
            remasked=self._remasked([*(photo.path for photo in photos), *archived.usable], {*unknown}),
        )

    def _remasked(self, paths: Iterable[str], unknown: Collection[Photo]) -> list[str]:
        """Return which photos, but those that are new or changed, have to be paired because of their masks."""
        new = {photo.path for photo in unknown} | self.masks.held.keys()
        return [path for path in paths if self.masks.needs_pairing(path) and path not in new]

    def _measured(
        self, stability: StabilityResult, unknown: Sequence[Photo], unmeasured: Sequence[Photo]
    ) -> StabilityResult:
        """Open the complete photos of which it is not known what they are; return the result without skipped ones."""
        judged_now = {photo.path for photo in unknown}
        ready = [photo for photo in stability.ready if photo.path in judged_now]
        self._selection.measure([*ready, *(photo for photo in unmeasured if photo.path not in judged_now)])
        return dataclasses.replace(stability, ready=tuple(self._selection.without_skipped(stability.ready)))

    def record_jobs(self, paths: Iterable[str], *, new: Collection[str] = (), whole: bool = False) -> UnpairedPhotos:
        """Pair these photos and record their jobs in one transaction. Returns those that no style wants.

        ``new``: the photos that were not there before. ``whole``: these are all photos there are, so that the ledger
        is asked once for all of them.
        """
        if not self._has_recorded_settings:
            self._ledger.changes.record_settings(self._resolved.settings_parts)
            self._has_recorded_settings = True
        photos = list(dict.fromkeys(paths))
        choices = self._ledger.recipe_choices.all()
        jobs = list(self._resolved.jobs_of(photos, choices))
        paired = {job.photo for job in jobs}
        unpaired = [photo for photo in photos if photo not in paired]
        new = {*new, *self._ledger.queries.with_wanted_jobs(unpaired)}
        suffix = suffix_of(self._settings.picture_format)
        wanted, masked = self._resolved.wanted_jobs(jobs, self.masks.sha256_of)
        self._ledger.masks.record(masked)
        # Photos that wait for their masks are not among these: their jobs stay as they are.
        only = None if whole and not self.masks.held else photos
        self._ledger.jobs.record(wanted, suffix, only, self._settings.on_change)
        if self._ledger.recipe_choices.all() != choices:  # 'redo' has recorded a job meanwhile, which was undone here
            return self.record_jobs(photos, new=new, whole=whole)
        self.masks.note_paired(photos)
        return self._explain(unpaired, new)

    def _explain(self, unpaired: Sequence[str], new: Collection[str]) -> UnpairedPhotos:
        problems = {row.path for row in self._ledger.queries.photo_problems()} if unpaired else ()
        reasons = {photo: why_unpaired(photo, self._resolved.pairing) for photo in unpaired if photo not in problems}
        events = [PhotoSetAside(photo, "unpaired", reason) for photo, reason in reasons.items() if reason]
        return UnpairedPhotos(
            count=len(reasons),
            new=[event for event in events if event.path in new],
            known=[event for event in events if event.path not in new],
        )

    def _compare_with_ledger(self, photos: Sequence[Photo], whole: bool) -> tuple[list[Photo], list[Photo]]:
        if whole:  # what had been gone is then recorded with all the others
            return self._ledger.photos.unknown(photos), []
        return self._ledger.photos.unknown_and_returned(photos) if photos else ([], [])


def unreadable_places(found: ScanResult) -> Iterator[PhotoSetAside]:
    """Yield the files and folders that a scan could not read."""
    for path, note in zip(found.unreadable, found.notes, strict=True):
        yield PhotoSetAside(path, "incomplete", note)


def known_problems(ledger: Ledger, new: Iterable[PhotoSetAside]) -> Iterator[PhotoSetAside]:
    """Yield the quarantined photos on record that are not among the ``new`` ones."""
    paths = {photo.path for photo in new}
    for row in ledger.queries.photo_problems():
        if row.path not in paths:
            yield PhotoSetAside(row.path, "quarantined", row.reason)
