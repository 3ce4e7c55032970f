"""Publishes pictures: gives a temporary file its final name, in an order that survives a kill at any moment.

The worker has written and fsynced the temporary file beside its destination. Then, always: its hash into the row,
linked to the final name, temporary name removed, folder fsynced, row done. A file that is already there is only
ever replaced if it is, byte for byte, the picture that was published there; anything else is the user's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline import durable_files
from pipeline.durable_files import new_file
from pipeline.engine import ENGINE_VERSION
from pipeline.errors import StorageError, UnwritableError
from pipeline.failpoints import failpoint
from pipeline.hashing import sha256_of_file
from pipeline.images.publish import (
    DISK_IS_FULL,
    NAME_IS_REFUSED,
    publish,
    replace,
    storage_error,
    sync_folder,
)
from pipeline.ledger import Claim, Lease, Ledger, PictureFacts
from pipeline.runner.execution.timelapses import publish_timelapse
from pipeline.runner.failure_cause import require_writable


def part_path(output_folder: Path, output: str, token: str) -> Path:
    """Return where the worker writes: in the folder of the final picture, so that publishing is a rename."""
    return (output_folder / output).parent / f".stylewatch-{token}.part"


def make_output_folder(path: Path) -> None:
    """Make the folder of a picture. Raises StorageError."""
    try:
        durable_files.make_folder(path)
    except OSError as error:
        if error.errno in DISK_IS_FULL | NAME_IS_REFUSED:
            raise storage_error(path.parent, error) from error
        raise UnwritableError(f"{path} can't be made ({error.strerror}); check output.folder") from error


def require_space(output_folder: Path, min_free_bytes: int) -> None:
    """Make the folder of all pictures, and raise StorageError unless its disk has that many bytes free."""
    make_output_folder(output_folder)
    free = shutil.disk_usage(output_folder).free
    if free < min_free_bytes:
        raise StorageError(
            f"{output_folder}: only {free / 1e9:.2f} GB of disk are free and output.min_free_disk is "
            f"{min_free_bytes / 1e9:.2f} GB; make room"
        )


def prepare_destination(part: Path, final: Path) -> None:
    """Make the folder of a picture, and check that its files can be written there before it is made.

    Raises StorageError.
    """
    make_output_folder(part.parent)
    try:
        os.lstat(final)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise storage_error(part.parent, error) from error
    try:
        part.open("xb").close()
        part.unlink()
    except OSError as error:
        raise storage_error(part.parent, error) from error


def sha256_if_there(path: Path) -> str | None:
    """Return the hash of a file's content, or None if it can't be read."""
    try:
        return sha256_of_file(path)
    except OSError:
        return None


def copy_durably(source: Path, part: Path) -> None:
    """Copy a file's content and fsync the copy. Raises OSError."""
    with source.open("rb") as original, new_file(part) as copy:
        shutil.copyfileobj(original, copy)


def pixel_evaluations(sizes: Sequence[int], iterations: Sequence[float], pixels: int) -> float:
    """Return pixels × evaluations over all scales, the measure of work that estimates are made from.

    ``pixels`` counts the finished picture, ``iterations`` the evaluations at each of its ``sizes``.
    """
    return sum(pixels * (size / sizes[-1]) ** 2 * count for size, count in zip(sizes, iterations, strict=False))


class Publisher:
    """Gives finished temporary files their final names, and records that in the ledger."""

    def __init__(self, ledger: Ledger, output_folder: Path) -> None:
        self._ledger = ledger
        self.folder = output_folder

    def publish(
        self,
        lease: Claim | Lease,
        key: str,
        sha256: str,
        *,
        seconds: float = 0.0,
        pixel_evaluations: float = 0.0,
        facts: PictureFacts | None = None,
        is_copy: bool = False,
        note: Callable[[str], object] = lambda _: None,
    ) -> str:
        """Publish the picture whose temporary file is written; returns its final name, relative to the output folder.

        ``sha256`` is the file's hash. ``facts``: how it was made; ``is_copy``: of a published one with this key.
        ``note`` gets why its time-lapse could not be published, too. Raises StorageError.
        """
        self._ledger.leases.record_artwork(lease.token, sha256, facts, copied_key=key if is_copy else None)
        part = part_path(self.folder, lease.output, lease.token)
        output = lease.output
        for output in self._names(lease):
            final = self.folder / output
            if self._is_ours(final, lease.published_sha256) and replace(part, final):
                break
            if publish(part, final):
                break
        if left_out := publish_timelapse(self.folder, output, part, key):
            note(left_out)
        self.complete(lease.token, key, output, sha256, seconds=seconds, pixel_evaluations=pixel_evaluations)
        return output

    def complete(
        self,
        token: str,
        key: str,
        output: str,
        sha256: str,
        *,
        seconds: float = 0.0,
        pixel_evaluations: float = 0.0,
    ) -> None:
        """Make a published name durable, then the row done. Raises StorageError."""
        try:
            sync_folder((self.folder / output).parent)
        except UnwritableError:
            # The picture is there. Where the disk works, this folder is like those that systems can't sync at all.
            require_writable(self.folder)
        failpoint("picture-published")
        self._ledger.leases.complete(
            token,
            key=key,
            output=output,
            picture_sha256=sha256,
            engine_version=ENGINE_VERSION,
            seconds=seconds,
            pixel_evaluations=pixel_evaluations,
        )

    def _names(self, lease: Claim | Lease) -> Iterator[str]:
        yield lease.output
        while True:
            yield self._ledger.leases.rename_output(lease.token)

    @staticmethod
    def _is_ours(final: Path, predecessor_sha256: str | None) -> bool:
        return predecessor_sha256 is not None and sha256_if_there(final) == predecessor_sha256
