"""Finds what can be deleted, and what looks like it but stays. Changes nothing.

A picture may go if the config, as it is now, asks for none of that style for that photo, and if its file is still the
one that was published. Its photo must be there: one that is gone may have been moved, or its disk may not be mounted,
and its picture could not be made again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.ledger import Ledger, WithdrawnPicture, published_in
from pipeline.model import FolderSettings, IngestSettings
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.model.timelapse_files import timelapse_name
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.runner.cleaning.own_files import OwnFile, find_snapshots, find_tries, own_file
from pipeline.runner.execution.publishing import sha256_if_there
from pipeline.runner.execution.timelapses import own_timelapse
from pipeline.runner.gallery.unused_copies import find_unused_copies
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.input_root import InputRoot
from pipeline.runner.instance.folder_marks import other_states
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.preparation import ResolvedConfig, ledger_file, source_of


@dataclass(frozen=True, slots=True)
class WithdrawnFile:
    """A withdrawn picture, its file, and that of its time-lapse if there is one."""

    picture: WithdrawnPicture
    file: OwnFile
    timelapse: OwnFile | None = None

    @property
    def files(self) -> tuple[OwnFile, ...]:
        """Return its files; the picture, which is known by its hash after a kill, is the last."""
        return (self.file,) if self.timelapse is None else (self.timelapse, self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What can be deleted. ``kept`` counts withdrawn pictures that stay, by the reason.

    ``copies``: the gallery's, of files that are gone; ``copies_of_withdrawn``: those that then are of none, too.
    """

    withdrawn: tuple[WithdrawnFile, ...] = ()
    snapshots: tuple[OwnFile, ...] = ()
    tries: tuple[OwnFile, ...] = ()
    copies: tuple[OwnFile, ...] = ()
    copies_of_withdrawn: tuple[OwnFile, ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)

    def by_kind(self) -> dict[str, tuple[OwnFile, ...]]:
        """Return the files of each kind."""
        return {
            "withdrawn": tuple(file for found in self.withdrawn for file in found.files),
            "snapshots": self.snapshots,
            "tries": self.tries,
            "copies": self.copies + self.copies_of_withdrawn,
        }


#: Why a withdrawn picture stays.
EDITED, PHOTO_GONE, OF_ANOTHER = "edited", "photo_gone", "of_another_config"


def survey(
    folders: FolderSettings, settings: IngestSettings, resolved: ResolvedConfig, *, has_ledger: bool
) -> Survey:
    """Find what can be deleted, as a run would see photos and config now, on a copy of the ledger in memory.

    Without a ledger nothing is known of pictures and their snapshots. Raises StorageError if the folder of photos is
    not there, and what a run would raise at its begin.
    """
    tries = tuple(find_tries(folders.output))
    if not has_ledger:
        return Survey(tries=tries)
    InputRoot(folders.input)
    with Ledger.rehearsal(ledger_file(folders), source_of(folders)) as ledger:
        take_over_moved_source(folders, ledger)
        ingest(settings, resolved, ledger, sleep=lambda _: None)
        kept: Counter[str] = Counter()
        cleanup = ledger.cleanup
        outputs = tuple(cleanup.all_outputs())
        snapshots = find_snapshots(folders.output, cleanup.ended_outputs(), cleanup.open_outputs())
        withdrawn = tuple(_withdrawn(ledger, resolved, folders, kept))
        copies = dict.fromkeys(_copies(ledger, folders))
        deleted = [found.picture.output for found in withdrawn]
        all_copies = _copies(ledger, folders, deleted) if deleted else ()
        return Survey(
            withdrawn=withdrawn,
            copies=tuple(copies),
            copies_of_withdrawn=tuple(file for file in all_copies if file not in copies),
            snapshots=_unpublished(snapshots, outputs, folders),
            tries=_unpublished(tries, outputs, folders),
            kept=kept,
        )


def _unpublished(files: Iterable[OwnFile], outputs: Sequence[str], folders: FolderSettings) -> tuple[OwnFile, ...]:
    """Return those that are no published picture: with some names these look like tries and snapshots."""
    found = {file.path.relative_to(folders.output).as_posix(): file for file in files}
    published = {*outputs, *map(timelapse_name, outputs)} if found else ()
    return tuple(file for name, file in found.items() if name not in published)


def _withdrawn(
    ledger: Ledger, resolved: ResolvedConfig, folders: FolderSettings, kept: Counter[str]
) -> Iterator[WithdrawnFile]:
    """Yield the pictures that may go; counts in ``kept`` the files that stay."""
    pictures = ledger.cleanup.withdrawn()
    # What is on record of a photo that is there and can't be used may be older than the config.
    asked_for = set(resolved.jobs_of((picture.job.photo for picture in pictures), ledger.recipe_choices.all()))
    of_others = _pictures_of_other_ledgers(folders) if pictures else set()
    for picture in pictures:
        file = own_file(folders.output / picture.output)
        if file is None:
            continue
        if not picture.photo_is_there:
            kept[PHOTO_GONE] += 1
        elif picture.job in asked_for:
            continue
        elif picture.output in of_others:
            kept[OF_ANOTHER] += 1
        elif sha256_if_there(file.path) != picture.sha256:
            kept[EDITED] += 1
        else:
            timelapse = own_timelapse(file.path)
            yield WithdrawnFile(picture, file, own_file(timelapse) if timelapse is not None else None)


def _copies(ledger: Ledger, folders: FolderSettings, deleted: Collection[str] = ()) -> Iterator[OwnFile]:
    """Yield the gallery's copies of files that are not on record any more, or are ``deleted`` pictures."""
    if other_states(folders.state, folders.output):  # their pictures have copies in this gallery, too
        return
    gallery = GalleryFolder(folders.output / GALLERY_FOLDER)
    for copy in find_unused_copies(gallery, ledger, time.time(), deleted):
        if (file := own_file(gallery.path / copy)) is not None:
            yield file


def _pictures_of_other_ledgers(folders: FolderSettings) -> Collection[str]:
    """Return the pictures that configs with another state folder have on record in this output folder."""
    own = ledger_file(folders)
    files = [state / own.name for state in other_states(folders.state, folders.output)]
    return {output for file in files for output in published_in(file)}
