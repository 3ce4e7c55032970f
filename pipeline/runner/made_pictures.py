"""Finds a picture that the user names, and reads what it says of itself. Owns what is said where it can't be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.images.encode import read_provenance
from pipeline.picture_settings import RecordedSettings
from pipeline.runner.preparation import ResolvedConfig


def find_picture(named: str, output_folder: Path) -> Path:
    """Return the picture of a path, absolute, in the current or in the output folder. Raises UsageError."""
    for path in (Path(named), output_folder / named):
        if path.is_file():
            return path
    raise UsageError(f"{named}: there is no such picture, neither here nor in the output folder, {output_folder}")


def provenance_of(picture: Path) -> dict[str, Any]:
    """Return what stands in a picture. Raises UsageError for one that is not the program's, StorageError."""
    provenance = read_provenance(picture)
    if provenance is None:
        raise UsageError(f"{picture}: is no picture of stylewatch, or another program has taken its metadata out")
    return provenance


def differences(recorded: RecordedSettings, resolved: ResolvedConfig) -> Iterator[str]:
    """Yield why the settings in a picture, with all else as in a config, make another one."""
    if recorded.weights not in ("", resolved.weights):
        yield "the picture was made with other weights of the network than engine.weights"
    if recorded.ignored:
        yield f"this version does not know, and leaves out: {', '.join(recorded.ignored)}"
