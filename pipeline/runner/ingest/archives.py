"""Ingests archives like folders of photos. Owns which ones are opened, and what of them is recorded in the ledger.

An archive has a row in the ledger like a photo, but no jobs. Its photos have rows with the archive's signature: when
it is replaced, all of them are. As long as all signatures are equal, and the rules by which its photos are picked,
the archive is not opened.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipeline.intake import containers
from pipeline.intake.archives import ArchiveContents, inspect
from pipeline.intake.containers import ContainerCheck
from pipeline.intake.members import Limits
from pipeline.intake.scan import kinds_in_archives, names_archive
from pipeline.intake.stability import StabilityResult
from pipeline.ledger import Ledger, PhotoRow
from pipeline.model import IngestSettings, Photo
from pipeline.runner.ingest.selection import PhotoSelection


@dataclass(slots=True)
class ArchivedPhotos:
    """What archives hold. ``seen`` lists the archives too, ``usable`` the paths of photos to pair.

    ``count`` is the number of photos, ``skipped`` counts the files that are none.
    """

    seen: list[Photo] = field(default_factory=list)
    ready: list[Photo] = field(default_factory=list)
    quarantined: list[tuple[Photo, str]] = field(default_factory=list)
    usable: list[str] = field(default_factory=list)
    count: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class ArchiveIngest:
    """Reads the archives of an input folder, in three steps.

    Those that are :meth:`unknown` are checked for completeness like photos, with :meth:`examine` for their content,
    which it keeps; :meth:`contents` then returns what all of them hold.
    """

    def __init__(self, settings: IngestSettings, ledger: Ledger, selection: PhotoSelection | None = None) -> None:
        """``selection`` picks among the photos; it is that of the photos outside of archives, too."""
        self.selection = selection or PhotoSelection(settings, ledger)
        self._ledger = ledger
        self._limits = limits_of(settings)
        self._kind_of = kinds_in_archives(settings.ignore, raw=True)
        self._contents: dict[str, ArchiveContents] = {}
        self._skipped: dict[str, dict[str, str]] = {}
        self._picked: dict[Photo, dict[str, str]] = {}

    def unknown(self, archives: Iterable[Photo]) -> list[Photo]:
        """Return the archives whose content is not on record as it is now."""
        return [
            archive
            for archive in archives
            if self._skipped_of(archive) is None or not _is_current(archive, self._ledger.photos.at(archive.path))
        ]

    def examine(self, root: Path, path: str) -> ContainerCheck:
        """Judge a file as :func:`pipeline.intake.containers.examine` does, an archive by all that is in it."""
        if not names_archive(path):
            return containers.examine(root, path)
        skipped: dict[str, str] = {}

        def look(name: str, content: BinaryIO) -> None:
            if reason := self.selection.reason_of_member(f"{path}/{name}", content):
                skipped[f"{path}/{name}"] = reason

        contents = inspect(root, path, self._limits, lambda member: self._kind_of(f"{path}/{member}"), look)
        self._contents[path], self._skipped[path] = contents, skipped
        return contents.container

    def contents(self, archives: Iterable[Photo], stability: StabilityResult) -> ArchivedPhotos:
        """Return what ``archives`` hold; ``stability`` tells which of the :meth:`unknown` ones are complete."""
        found = ArchivedPhotos()
        ready = {photo.path: photo for photo in stability.ready}
        refused = {photo.path for photo, _ in stability.quarantined}
        for archive in archives:
            contents = self._contents.pop(archive.path, None)
            if archive.path in refused:
                found.seen.append(archive)
                self._picked[archive] = {}
            elif archive.path in ready and contents is not None:
                self._add_examined(found, ready[archive.path], contents)
            else:
                self._add_recorded(found, archive)
        return found

    def record_picked(self) -> None:
        """Record by which rules photos of the archives were picked; once these are recorded themselves."""
        rules = self.selection.fingerprint
        picked = {archive: {"rules": rules, "skipped": skipped} for archive, skipped in self._picked.items()}
        known = self._ledger.file_facts.of(list(picked))
        self._ledger.file_facts.record(
            {
                archive: facts
                for archive, facts in picked.items()
                if facts != known.get(archive.path, {"rules": "", "skipped": {}})
            }
        )
        self._picked.clear()

    def _skipped_of(self, archive: Photo) -> dict[str, str] | None:
        """Return which of an archive's photos are skipped, and why; None if other rules than today's decided it."""
        facts = self._ledger.file_facts.of([archive]).get(archive.path, {"rules": "", "skipped": {}})
        return dict(facts["skipped"]) if facts.get("rules") == self.selection.fingerprint else None

    def _add_recorded(self, found: ArchivedPhotos, archive: Photo) -> None:
        """Add what is on record of an archive that was not opened, or is not complete yet.

        In the second case the ledger sees by the new signature that the photos have to be examined again.
        """
        rows = self._ledger.photos.at(archive.path)
        members = [row for row in rows if row.path != archive.path]
        found.seen += [archive, *_photos(archive, [row.path for row in members])]
        found.count += len(members)
        if _is_current(archive, rows):
            self.selection.skipped.update(self._skipped_of(archive) or {})
            found.usable += [row.path for row in members if not row.has_problem]

    def _add_examined(self, found: ArchivedPhotos, archive: Photo, contents: ArchiveContents) -> None:
        names = [f"{archive.path}/{name}" for name in contents.photos]
        reasons = {f"{archive.path}/{name}": reason for name, reason in contents.refused}
        skipped = self._skipped.pop(archive.path, {}) | self.selection.reasons_of_names([*names, *reasons])
        self.selection.skipped.update(skipped)
        self._picked[archive] = skipped
        photos = list(_photos(archive, [name for name in names if name not in skipped]))
        refused = {
            photo: reasons[photo.path]
            for photo in _photos(archive, [name for name in reasons if name not in skipped])
        }
        found.seen += [archive, *photos, *refused]
        found.count += len(photos) + len(refused)
        found.usable += [photo.path for photo in photos]
        found.skipped += Counter(contents.skipped)
        # An archive is opened again for a single photo that is to be examined; that says nothing about the others.
        known = {row.photo for row in self._ledger.photos.at(archive.path)}
        found.ready += [photo for photo in photos if photo not in known]
        found.quarantined += [(photo, reason) for photo, reason in refused.items() if photo not in known]
        if contents.remark:
            found.quarantined.append((archive, contents.remark))


def limits_of(settings: IngestSettings) -> Limits:
    """Return how large an archive and a photo in it may be."""
    return Limits(
        files=settings.max_archive_files,
        bytes=settings.max_archive_bytes,
        photo_bytes=settings.archive_space_bytes,
    )


def _is_current(archive: Photo, rows: Sequence[PhotoRow]) -> bool:
    """Return whether the archive and all its photos are on record as of this very version."""
    known = {row.path: row.photo for row in rows}
    return archive.path in known and all(
        photo is not None and dataclasses.replace(photo, path=archive.path) == archive for photo in known.values()
    )


def _photos(archive: Photo, paths: Iterable[str]) -> Iterable[Photo]:
    return (dataclasses.replace(archive, path=path) for path in paths)
