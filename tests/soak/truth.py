"""What must be true of the folders: at every idle moment, and in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.config import Config
from pipeline.hashing import job_key, sha256_of_bytes, sha256_of_file
from pipeline.ledger import Ledger
from pipeline.runner.preparation import ResolvedConfig
from tests.soak.photos import photo_bytes, shown_in

_NO_PICTURES = ("stylewatch.log", "journal.jsonl", "reports/", "gallery/", ".stylewatch/")


def unmet(resolved: ResolvedConfig, ledger: Ledger, photos: Mapping[str, int]) -> list[str]:
    """Return the pictures that are not there yet; what is still in work is one, too."""
    rows = {
        (os.fsdecode(photo), style): (state, key)
        for photo, style, state, key in ledger._store.connection.execute("SELECT photo, style, state, key FROM jobs")
    }
    missing = []
    for path, number in photos.items():
        sha256 = sha256_of_bytes(photo_bytes(number))
        for (style, _), settings in resolved.settings_sha256.items():
            found = rows.get((path, style), ("unknown", None))
            if found != ("done", job_key(sha256, settings)):
                missing.append(f"{path} in {style} is {found[0]}")
    return missing + [
        f"{path} in {style} is {state}" for (path, style), (state, _) in rows.items() if state == "leased"
    ]


def faults(
    config: Config, ledger: Ledger, settings: Mapping[str, str], numbers: int, *, looks: bool
) -> Iterator[str]:
    """Yield what is wrong: with any picture ever made, and with what else lies about.

    ``settings``: style → hash, of all styles ever in use; ``numbers``: so many photos there ever were. ``looks``: the
    engine is one whose pictures show what they were made of.
    """
    keys = {
        job_key(sha256_of_bytes(photo_bytes(number)), hash_): (number, style)
        for number in range(1, numbers + 1)
        for style, hash_ in settings.items()
    }
    out = config.output.folder
    rows = ledger._store.connection.execute(
        "SELECT output, published_sha256, key FROM jobs WHERE published_sha256 IS NOT NULL"
    ).fetchall()
    for output, sha256, key in rows:
        file = out / os.fsdecode(output)
        if not file.exists():
            yield f"{file} is lost"
        elif sha256_of_file(file) != sha256:
            yield f"{file} is not what was published"
        elif key not in keys:
            yield f"{file} was made of a photo that never was"
        elif looks and shown_in(file.read_bytes()) != keys[key]:
            yield f"{file} shows {shown_in(file.read_bytes())}, not {keys[key]}"
    yield from _strays(out, {os.fsdecode(output) for output, *_ in rows})
    yield from (f"{lease.job} is still leased" for lease in ledger.leases.all())
    yield from (f"{file} is left behind" for file in (config.state.folder / "unpacked").rglob("*"))


def _strays(out: Path, published: set[str]) -> Iterator[str]:
    for folder, _, names in os.walk(out):
        for name in names:
            file = Path(folder, name).relative_to(out).as_posix()
            if file.endswith(".part"):
                yield f"{file} is left behind"
            elif file not in published and not file.startswith(_NO_PICTURES):
                yield f"{file} is nobody's picture"
