"""Collects what the gallery's page about problems and runs shows. Writes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pipeline import __version__
from pipeline.engine import ENGINE_VERSION
from pipeline.ledger import GalleryFailure, Ledger
from pipeline.model import GallerySettings
from pipeline.report.gallery.advice import failure_advice, incomplete_advice, photo_advice
from pipeline.runner.gallery.run_records import RunRecord, RunRecords
from pipeline.runner.status import Pictures, Status, collect_status

STATUS_NAME: Final = "data/status.js"

#: So many failures are listed; the page says how many there are in all.
_MOST_FAILURES: Final = 2000

#: Packages that decide what pictures look like, with the names they have in messages.
_PACKAGES: Final = ("torch", "pillow", "numpy")


def status_value(
    settings: GallerySettings, ledger: Ledger, records: RunRecords, pictures_an_hour: float | None, now: float
) -> dict[str, Any]:
    """Return what the file holds. ``pictures_an_hour``: of the program at work, None if there is none.

    Raises LedgerError, StorageError.
    """
    status, runs = collect_status(settings.status), records.all()
    speed = pictures_an_hour or _speed_of(status, runs)
    return {
        "written": round(now),
        **_not_made(status.pictures, ledger),
        "counts": status.pictures.counts_by_name(),
        "warnings": list(status.warnings()),
        "runs": [_run(run) for run in runs],
        "throughput": {
            "pictures_an_hour": None if speed is None else float(f"{speed:.3g}"),
            "seconds_a_picture": None if not speed else float(f"{3600 / speed:.3g}"),
        },
        "backlog_seconds": _rounded(status.backlog_seconds()),
        "cache": {
            "hits": sum(run.cache_hits for run in runs),
            "misses": sum(run.cache_misses for run in runs),
            **_cache_files(settings.cache_folder),
        },
        "config": settings.config_text,
        "config_name": settings.config_name,
        "versions": list(_versions()),
    }


def _not_made(pictures: Pictures, ledger: Ledger) -> dict[str, Any]:
    """Return what failed, waits or was left out."""
    set_aside = {problem.path for problem in pictures.problems}
    return {
        "failures": [
            _failure(found)
            for found in ledger.gallery.failures(_MOST_FAILURES)
            if found.failure.job.photo not in set_aside  # these photos are among the problems
        ],
        "failures_total": len(pictures.other_failures()),
        "problems": [
            {"photo": each.path, "reason": each.reason, "advice": photo_advice(each.reason), "time": round(each.when)}
            for each in pictures.problems[:_MOST_FAILURES]
        ],
        "incomplete": [
            {"photo": file.path, "reason": file.reason, "advice": incomplete_advice(), "time": round(file.since)}
            for file in pictures.incomplete[:_MOST_FAILURES]
        ],
        "skipped": pictures.skipped.counts,
    }


def _failure(found: GalleryFailure) -> dict[str, Any]:
    failure = found.failure
    return {
        "id": found.id,
        "photo": failure.job.photo,
        "style": failure.job.style,
        "recipe": failure.job.recipe,
        "state": failure.state.value,
        "reason": failure.reason,
        "advice": failure_advice(failure.state, failure.reason),
        "attempts": failure.attempts,
        "time": round(failure.when),
    }


def _run(run: RunRecord) -> dict[str, Any]:
    return dataclasses.asdict(run) | {"started": round(run.started)}


def _speed_of(status: Status, runs: Sequence[RunRecord]) -> float | None:
    """Return the pictures an hour of the program that runs, or else of the last run that made any."""
    if status.heartbeat is not None and status.heartbeat.pictures_per_hour:
        return status.heartbeat.pictures_per_hour
    return next((3600 * run.made / run.seconds for run in runs if run.made and run.seconds > 0), None)


def _cache_files(folder: Path) -> dict[str, int]:
    sizes = []
    with contextlib.suppress(OSError):
        sizes = [file.stat().st_size for file in folder.glob("*.safetensors")]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _versions() -> Iterator[list[str]]:
    yield ["stylewatch", __version__]
    yield ["engine", ENGINE_VERSION]
    yield ["python", platform.python_version()]
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield [package, metadata.version(package)]
    yield ["system", f"{platform.system()} {platform.release()} {platform.machine()}"]
