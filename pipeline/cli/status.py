"""``stylewatch status``: tells people and monitors how the work gets on. Owns its words and JSON fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from pipeline.cli.options import config_argument, json_option
from pipeline.cli.schedule import schedule_fields, schedule_words
from pipeline.config import load_config
from pipeline.model import Job, JobState
from pipeline.report.formatting import counted, duration, printable
from pipeline.runner.instance.lock import Holder
from pipeline.runner.status import Pictures, Status, collect_status

#: Version of the JSON. Fields may be added to it; one that changes its meaning or goes makes it 2.
_VERSION: Final = 1


@click.command()
@config_argument
@json_option
def status(config: Path, as_json: bool) -> None:
    """Tell whether it gets on, what is pending, and what failed and why.

    Exit code 0: all is well, or nothing runs. 1: pictures were given up within a day. 3: it hangs, was killed, or
    waits until something is mended.
    """
    settings = load_config(config)
    standing = collect_status(settings)
    now, seconds = datetime.now(UTC), _seconds_waiting(standing)
    if as_json:
        schedule = schedule_fields(settings, now, seconds)
        limits = {"min_free_disk_bytes": settings.output.min_free_disk, "schedule": schedule}
        click.echo(json.dumps(_fields(standing) | limits))
    else:
        for line in _lines(standing, schedule_words(settings, now, seconds)):
            click.echo(printable(line))
    raise click.exceptions.Exit(standing.exit_code())


def _seconds_waiting(standing: Status) -> float | None:
    """Return how long what waits takes: by the pace of late, or else by what was measured earlier."""
    left = standing.seconds_left()
    return standing.pictures.waiting_seconds if left is None else left


def _lines(standing: Status, schedule: str) -> Iterator[str]:
    pictures = standing.pictures
    yield ", ".join(f"{count:,} {state.value}" for state, count in pictures.counts.items())
    yield from _life(standing)
    yield _progress(standing)
    if schedule:
        yield schedule
    yield from _next_attempt(standing)
    for row in _failures(pictures):
        what = f"{row['photo']} × {row['style']}" if row["style"] else row["photo"]
        yield f"{row['state']}: {what}: {row['reason']}"
    if pictures.failures or pictures.problems:
        yield "'stylewatch retry' gives them another chance."


def _life(standing: Status) -> Iterator[str]:
    sign, holder = standing.sign, standing.holder
    if standing.life == "running" and sign is not None:
        began = datetime.fromtimestamp(sign.started).astimezone()
        yield f"running: {sign.name()} since {began:%Y-%m-%d %H:%M}: {sign.words}"
        for picture in sign.pictures:
            took = duration(max(0.0, standing.now - picture.since))
            job = Job(picture.photo, picture.style, picture.recipe)
            yield f"  {job}: {picture.share_done:.0%} after {took}"
    elif standing.life == "running":
        yield "running: it has just begun" if holder is None else f"running: '{holder.command}' with pid {holder.pid}"
    elif standing.life == "not running":
        yield "not running"
    for trouble in standing.troubles():
        yield f"trouble: {trouble}"


def _progress(standing: Status) -> str:
    parts = [f"{standing.pictures.made_today:,} done today"]
    sign = standing.sign
    if sign is not None and sign.pictures_per_hour is not None:
        parts += [f"{sign.pictures_per_hour:.1f} an hour lately"]
    left = standing.seconds_left()
    if left:
        parts += [f"about {duration(left)} left"]
    if sign is not None and sign.last_scan is not None:
        parts += [f"last full look at the folder {duration(max(0.0, standing.now - sign.last_scan))} ago"]
    if standing.free_bytes is not None:
        parts += [f"{standing.free_bytes / 1e9:,.1f} GB of disk free"]
    return ", ".join(parts)


def _next_attempt(standing: Status) -> Iterator[str]:
    count, moment = standing.pictures.counts[JobState.FAILED], standing.pictures.next_attempt
    if moment is not None:
        wait = moment - standing.now
        when = f"in {duration(wait)}" if wait > 0 else "now"
        yield f"of {counted(count, 'failed picture')} the first may be tried again {when}; 'run' tries all at once"


def _failures(pictures: Pictures) -> list[dict[str, Any]]:
    rows = [
        {
            "photo": printable(row.job.photo),
            "style": row.job.style,
            "recipe": row.job.recipe,
            "state": row.state.value,
            "reason": row.reason,
            "attempts": row.attempts,
        }
        for row in pictures.failures
    ]
    # Photos that no style wants or that nobody ever could paint, and refused archives.
    nobody = {"style": "", "recipe": "", "state": JobState.QUARANTINED.value, "attempts": 0}
    return rows + [{"photo": printable(row.path), "reason": row.reason, **nobody} for row in pictures.problems]


def _fields(standing: Status) -> dict[str, Any]:
    pictures, sign = standing.pictures, standing.sign
    left = standing.seconds_left()
    return {
        "version": _VERSION,
        "exit_code": standing.exit_code(),
        "troubles": list(standing.troubles()),
        "life": standing.life,
        "process": _process(standing),
        "counts": {state.value: count for state, count in pictures.counts.items()},
        "done_today": pictures.made_today,
        "pictures_per_hour": None if sign is None else _rounded(sign.pictures_per_hour),
        "seconds_left": _rounded(left),
        "last_scan": None if sign is None else _iso(sign.last_scan),
        "next_attempt": _iso(pictures.next_attempt),
        "free_disk_bytes": standing.free_bytes,
        "failures": _failures(pictures),
    }


def _process(standing: Status) -> dict[str, Any] | None:
    sign, holder = standing.sign, standing.holder
    if sign is None:
        return None if holder is None else _begun(holder)
    return {
        "pid": sign.pid,
        "host": sign.host,
        "command": sign.command,
        "started": _iso(sign.started),
        "silent_seconds": _rounded(standing.silent_seconds),
        "doing": sign.doing,
        "words": sign.words,
        "paused": sign.paused or None,
        "pictures": [
            {
                "photo": printable(picture.photo),
                "style": picture.style,
                "recipe": picture.recipe,
                "share_done": picture.share_done,
                "since": _iso(picture.since),
            }
            for picture in sign.pictures
        ],
    }


def _begun(holder: Holder) -> dict[str, Any]:
    """Return what is known of a program that has only just begun."""
    unknown = ("started", "silent_seconds", "doing", "words", "paused")
    known = {"pid": holder.pid, "host": holder.host, "command": holder.command}
    return {**known, **dict.fromkeys(unknown), "pictures": []}


def _iso(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
