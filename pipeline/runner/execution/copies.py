"""Copies a finished picture for another photo of equal content. Owns which one may be copied, and the copy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance, written_as
from pipeline.images.publish import storage_error
from pipeline.ledger import Claim, Published
from pipeline.model import PictureOptions
from pipeline.runner.execution.publishing import copy_durably, make_output_folder, part_path, sha256_if_there
from pipeline.runner.execution.timelapses import copy_timelapse


def copy_finished(
    published: Iterable[Published], output_folder: Path, picture: PictureOptions, claim: Claim, key: str
) -> str | None:
    """Copy one of these finished pictures, which have this key, into the part file of ``claim``; return its SHA-256.

    Its time-lapse comes with it.

    None if there is none, if the user has changed it, or if it was written with other names or options.
    Raises StorageError.
    """
    part = part_path(output_folder, claim.output, claim.token)
    for finished in published:
        source = output_folder / finished.output
        if sha256_if_there(source) != finished.sha256 or not _would_be_written(source, claim, picture):
            continue
        make_output_folder(part.parent)
        try:
            copy_durably(source, part)
            is_equal = sha256_of_file(part) == finished.sha256
        except OSError as error:
            raise storage_error(part.parent, error) from error
        if is_equal:
            copy_timelapse(output_folder, finished.output, part, key)
            return finished.sha256
    return None


def _would_be_written(source: Path, claim: Claim, picture: PictureOptions) -> bool:
    """Tell whether the picture of ``claim`` would become this very file: its names and options stand in it."""
    provenance = read_provenance(source) or {}
    wanted = (claim.job.style, claim.job.recipe, written_as(picture))
    return (provenance.get("style"), provenance.get("recipe"), provenance.get("written")) == wanted
