"""``stylewatch status``: tells people and monitors what runs, waits and failed. Owns its messages and JSON fields."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from pipeline.cli.line_width import terminal_width, wrapped
from pipeline.cli.options import config_argument, json_object_option
from pipeline.cli.schedule import schedule_fields, schedule_sentence
from pipeline.config import load_config
from pipeline.config.settings import status_settings
from pipeline.model import Job, JobState, PhotoSetAside
from pipeline.report.formatting import (
    counted,
    duration,
    failure_text,
    printable,
    set_aside_text,
    skipped_counts_text,
    state_words,
    time_left,
    unpaired_left_out,
)
from pipeline.report.reasons import chosen_sentence, kept_sentence
from pipeline.runner.instance.lock import LockHolder
from pipeline.runner.preparation import pairing_plan
from pipeline.runner.status import Pictures, Status, collect_status

#: Version of the JSON. Fields may be added to it; one that changes its meaning or goes makes it 2.
_VERSION: Final = 1

_INCOMPLETE_NAMED: Final = 20


@click.command()
@config_argument
@json_object_option
def status(config: Path, as_json: bool) -> None:
    """Show what is running, what is pending, and what failed and why.

    Exit code 0: all is well, or nothing runs. 1: pictures were given up in the last 24 hours. 3: it hangs, was
    killed, or is paused until somebody fixes the cause.
    """
    settings = load_config(config)
    current = collect_status(status_settings(settings), pairing_plan(settings))
    now, seconds = datetime.now(UTC), current.backlog_seconds()
    if as_json:
        schedule = schedule_fields(settings, now, seconds)
        limits = {"min_free_disk_bytes": settings.output.min_free_disk, "schedule": schedule}
        click.echo(json.dumps(_json_fields(current) | limits))
    else:
        width = terminal_width()
        for line in _text_lines(current, schedule_sentence(settings, now, seconds)):
            click.echo(wrapped(printable(line), width))
    raise click.exceptions.Exit(current.exit_code())


def _text_lines(current: Status, schedule: str) -> Iterator[str]:
    pictures = current.pictures
    yield _counts_line(current)
    yield from _process_lines(current)
    yield _progress_line(current)
    if schedule:
        yield schedule
    yield from _next_attempt_line(current)
    if pictures.kept:
        yield kept_sentence(pictures.kept)
    if pictures.chosen:
        yield chosen_sentence(pictures.chosen)
    for row in pictures.other_failures():
        yield failure_text(row.job, row.state, row.reason)
    for problem in pictures.problems:
        yield set_aside_text(PhotoSetAside(problem.path, "quarantined", problem.reason))
    if pictures.failures or pictures.problems:
        yield "'stylewatch retry' tries them again."
    yield from _incomplete_lines(current)
    yield from _unpaired_lines(pictures)
    if pictures.skipped.counts:
        names = "names it" if pictures.skipped.new_count == 1 else "names all of them"
        yield f"{skipped_counts_text(pictures.skipped.counts)}; 'stylewatch plan --json' {names}"


def _incomplete_lines(current: Status) -> Iterator[str]:
    files = current.pictures.incomplete
    for file in files[:_INCOMPLETE_NAMED]:
        age = duration(max(0.0, current.now - file.since))
        yield f"incomplete for {age}: {printable(file.path)}: {file.reason}"
    if left_out := len(files[_INCOMPLETE_NAMED:]):
        yield f"... and {counted(left_out, 'more incomplete file')} (--json names them)"


def _unpaired_lines(pictures: Pictures) -> Iterator[str]:
    for photo, reason in pictures.unpaired:
        yield set_aside_text(PhotoSetAside(photo, "unpaired", reason))
    if left_out := pictures.unpaired_count - len(pictures.unpaired):
        yield unpaired_left_out(left_out, "'stylewatch plan --json' names all of them")


def _counts_line(current: Status) -> str:
    pictures = current.pictures
    if pictures.photos is None:
        return "not looked yet: 'stylewatch plan' shows what there is to do"
    if not pictures.photos and not any(pictures.counts.values()):
        return "no photos on record yet: 'stylewatch plan' shows what there is to do"
    always = (JobState.PENDING, JobState.DONE)
    counts = ", ".join(
        f"{count:,} {state_words(state)}" for state, count in _in_view(current).items() if count or state in always
    )
    rejected = f", {pictures.rejected:,} rejected" if pictures.rejected else ""
    return f"pictures: {counts}{rejected}{_set_aside_clause(pictures)}"


def _set_aside_clause(pictures: Pictures) -> str:
    """Return how many photos are set aside, and of how many pictures, which no other number has."""
    if not pictures.problems:
        return ""
    theirs = sum(_of_photos_set_aside(pictures).values())
    of_them = f" with {counted(theirs, 'picture')}" if theirs else ""
    return f"; {counted(len(pictures.problems), 'photo')} set aside{of_them}"


def _of_photos_set_aside(pictures: Pictures) -> Counter[JobState]:
    return Counter(row.state for row in pictures.failures) - Counter(row.state for row in pictures.other_failures())


def _in_view(current: Status) -> dict[JobState, int]:
    """Return the pictures by state, without those of photos that are set aside, and without rejected ones.

    Those whose photo is only being read ahead are waiting: no line below has them.
    """
    elsewhere = _of_photos_set_aside(current.pictures)
    counts = {state: count - elsewhere[state] for state, count in current.pictures.counts.items()}
    counts[JobState.DONE] -= current.pictures.rejected
    if current.process_state == "running" and current.heartbeat is not None:
        read_ahead = max(0, counts[JobState.LEASED] - len(current.heartbeat.pictures))
        counts[JobState.LEASED] -= read_ahead
        counts[JobState.PENDING] += read_ahead
    return counts


def _process_lines(current: Status) -> Iterator[str]:
    heartbeat, holder = current.heartbeat, current.holder
    if current.process_state == "running" and heartbeat is not None:
        started = datetime.fromtimestamp(heartbeat.started).astimezone()
        # Why it is paused is a warning below, also while pictures in progress are finished.
        doing = "paused" if heartbeat.activity == "paused" else heartbeat.activity_text
        yield f"running: {heartbeat.name()} since {started:%Y-%m-%d %H:%M}: {doing}"
        for picture in heartbeat.pictures:
            took = duration(max(0.0, current.now - picture.since))
            job = Job(picture.photo, picture.style, picture.recipe)
            yield f"  {job}: {picture.share_done:.0%} after {took}"
    elif current.process_state == "running":
        yield ("running: it has just started" if holder is None else f"running: {holder.name()}")
    elif current.process_state == "not running":
        yield "not running"
    for warning in current.warnings():
        yield f"warning: {warning}"


def _progress_line(current: Status) -> str:
    parts = [f"{current.pictures.made_today:,} done today"]
    heartbeat = current.heartbeat
    if heartbeat is not None and heartbeat.pictures_per_hour is not None:
        parts += [f"{heartbeat.pictures_per_hour:.1f} pictures an hour lately"]
    left = current.seconds_left()
    if left:
        parts += [time_left(left)]
    if heartbeat is not None and heartbeat.last_scan is not None:
        parts += [f"last full scan of the folder {duration(max(0.0, current.now - heartbeat.last_scan))} ago"]
    if current.free_bytes is not None:
        parts += [f"{current.free_bytes / 1e9:,.1f} GB of disk free"]
    return ", ".join(parts)


def _next_attempt_line(current: Status) -> Iterator[str]:
    count, moment = current.pictures.counts[JobState.FAILED], current.pictures.next_attempt
    if moment is not None:
        wait = moment - current.now
        when = f"in {duration(wait)}" if wait > 0 else "now"
        which = "the picture" if count == 1 else f"the first of {count:,} pictures"
        yield f"{which} that will be tried again is due {when}; 'run' tries all at once"


def _failure_fields(pictures: Pictures) -> list[dict[str, Any]]:
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
    # Photos of which no picture was to be made, and refused archives.
    no_job = {"style": "", "recipe": "", "state": JobState.QUARANTINED.value, "attempts": 0}
    return rows + [
        {"photo": printable(row.path), "reason": row.reason, **no_job} for row in pictures.problems_without_failures()
    ]


def _json_fields(current: Status) -> dict[str, Any]:
    pictures, heartbeat = current.pictures, current.heartbeat
    left = current.seconds_left()
    return {
        "version": _VERSION,
        "exit_code": current.exit_code(),
        "troubles": list(current.warnings()),
        "life": current.process_state,
        "process": _process_fields(current),
        "counts": pictures.counts_by_name(),
        "kept": pictures.kept,
        "chosen_recipes": pictures.chosen,
        "photos": pictures.photos,
        "photos_set_aside": len(pictures.problems),
        "done_today": pictures.made_today,
        "pictures_per_hour": None if heartbeat is None else _rounded(heartbeat.pictures_per_hour),
        "seconds_left": _rounded(left),
        "last_scan": None if heartbeat is None else _iso(heartbeat.last_scan),
        "next_attempt": _iso(pictures.next_attempt),
        "free_disk_bytes": current.free_bytes,
        "failures": _failure_fields(pictures),
        "incomplete": [
            {"photo": printable(file.path), "reason": file.reason, "since": _iso(file.since)}
            for file in pictures.incomplete
        ],
        "unpaired": {
            "count": pictures.unpaired_count,
            "photos": [{"photo": printable(photo), "reason": reason} for photo, reason in pictures.unpaired],
        },
        "skipped": {
            "count": pictures.skipped.new_count,
            "reasons": pictures.skipped.counts,
            "photos": [{"photo": printable(photo), "reason": reason} for photo, reason in pictures.skipped.new],
        },
    }


def _process_fields(current: Status) -> dict[str, Any] | None:
    heartbeat, holder = current.heartbeat, current.holder
    if heartbeat is None:
        return None if holder is None else _unknown_process_fields(holder)
    return {
        "pid": heartbeat.pid,
        "host": heartbeat.host,
        "command": heartbeat.command,
        "started": _iso(heartbeat.started),
        "silent_seconds": _rounded(current.heartbeat_age_seconds),
        "doing": heartbeat.activity,
        "words": heartbeat.activity_text,
        "paused": heartbeat.paused or None,
        "done": heartbeat.done,
        "total": heartbeat.total,
        "pictures": [
            {
                "photo": printable(picture.photo),
                "style": picture.style,
                "recipe": picture.recipe,
                "share_done": picture.share_done,
                "since": _iso(picture.since),
            }
            for picture in heartbeat.pictures
        ],
    }


def _unknown_process_fields(holder: LockHolder) -> dict[str, Any]:
    """Return what is known of a program that has only just started."""
    unknown = ("started", "silent_seconds", "doing", "words", "paused", "done", "total")
    known = {"pid": holder.pid, "host": holder.host, "command": holder.command}
    return {**known, **dict.fromkeys(unknown), "pictures": []}


def _iso(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
