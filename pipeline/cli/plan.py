"""``stylewatch plan``: tells what a run would make and how long it takes. Owns its messages and JSON fields."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import click

from pipeline.cli.line_width import echo
from pipeline.cli.options import config_argument, json_object_option, only_option, redo_option
from pipeline.cli.schedule import schedule_fields, schedule_sentence
from pipeline.config import Config, load_config
from pipeline.config.settings import plan_settings
from pipeline.executors.measuring import load_or_measure_speed
from pipeline.model import Job, PhotoSetAside, PhotosSkipped
from pipeline.report.formatting import (
    byte_size,
    counted,
    of_no_photo,
    printable,
    set_aside_text,
    skipped_counts_text,
    unpaired_left_out,
)
from pipeline.report.reasons import backlog_sentence, chosen_sentence, kept_sentence
from pipeline.runner.checking import recipes_in_use, require_usable_config
from pipeline.runner.format_limits import too_large_sentence
from pipeline.runner.memory_limits import require_possible_photos
from pipeline.runner.planning.disk_need import DiskNeed
from pipeline.runner.planning.forecast import Forecast
from pipeline.runner.planning.overview import Total, sample_over_folders, totals_by_folder, totals_by_style
from pipeline.runner.planning.run_plan import RunPlan, approximate_duration, plan_run
from pipeline.runner.planning.run_scope import Redo, RunScope
from pipeline.runner.preparation import require_state_and_output, resolve_config

_JOBS_SHOWN: Final = 20
#: So many styles, and so many folders, have a line of their own.
_GROUPS_SHOWN: Final = 10


@click.command()
@config_argument
@click.option(
    "--all", "show_all", is_flag=True, help=f"List every picture, not only {_JOBS_SHOWN} from all the folders."
)
@only_option
@redo_option
@json_object_option
def plan(config: Path, show_all: bool, only: tuple[str, ...], redo: tuple[Redo, ...], as_json: bool) -> None:
    """Show what 'run' would do, and how long it would take.

    Lists photo × style (recipe) -> picture, in the order in which they are made, says how many are new and how many
    are made again because of what, and whether they fit on the disk; changes nothing.
    """
    settings = load_config(config)
    report = partial(click.echo, err=True)
    require_usable_config(settings)
    require_state_and_output(settings)
    run_plan = plan_run(
        plan_settings(settings),
        resolve_config(settings),
        lambda engine: load_or_measure_speed(engine, report),
        RunScope(only, frozenset(redo)),
        partial(_require_possible_photos, settings),
    )
    if as_json:
        schedule = schedule_fields(settings, datetime.now(UTC), run_plan.forecast.seconds)
        click.echo(json.dumps(_json_fields(run_plan) | {"schedule": schedule}))
        return
    for job in run_plan.jobs if show_all else sample_over_folders(run_plan.jobs, _JOBS_SHOWN):
        again = f" (again: {job.reason})" if job.reason else ""
        echo(f"{job.job} -> {job.output}{again}")
    if not show_all and len(run_plan.jobs) > _JOBS_SHOWN:
        echo(f"... and {len(run_plan.jobs) - _JOBS_SHOWN:,} more (--all lists them)")
    _print_plan(settings, run_plan)
    if words := schedule_sentence(settings, datetime.now(UTC), run_plan.forecast.seconds):
        echo(words)


def _require_possible_photos(config: Config, jobs: Sequence[Job]) -> None:
    photos: dict[str, dict[str, None]] = {}
    for job in jobs:
        photos.setdefault(job.recipe, {})[job.photo] = None
    require_possible_photos(
        recipes_in_use(config).values(),
        config.engine_settings(),
        config.input.folder,
        lambda recipe: photos.get(recipe, ()),
    )


def _print_plan(config: Config, run_plan: RunPlan) -> None:
    _print_set_aside(run_plan)
    if ruled_out := run_plan.ingested.unpaired - len(_unpaired(run_plan)):
        echo(
            f"no picture of {counted(ruled_out, 'photo')}: a rule gives {'it' if ruled_out == 1 else 'them'} no style"
        )
    if skipped := run_plan.ingested.skipped_photos:
        echo(skipped_counts_text(PhotosSkipped.of(skipped).counts))
    if unused := run_plan.ingested.unused_masks:
        echo(f"masks in {config.masks.folder}: {of_no_photo(unused)}")
    echo(_counts_line(config, run_plan))
    if kept := kept_sentence(run_plan.kept):
        echo(f"{kept}.")
    if chosen := chosen_sentence(run_plan.chosen):
        echo(f"{chosen}.")
    if not run_plan.jobs:
        return
    if again := sum(run_plan.reasons.values()):
        echo(f"{backlog_sentence(len(run_plan.jobs) - again, again, run_plan.reasons)}.")
    for line in (
        *_total_lines("By style:", totals_by_style(run_plan.jobs), "style"),
        *_total_lines("By folder:", totals_by_folder(run_plan.jobs), "folder"),
    ):
        echo(line)
    _print_sizes(config, run_plan)
    _print_needs(run_plan)


def _print_sizes(config: Config, run_plan: RunPlan) -> None:
    """Say for what pictures are too large: their format, the paintings."""
    if run_plan.too_large_for_format:
        sentence = too_large_sentence(run_plan.too_large_for_format, config.output.format)
        echo(f"{sentence[:1].upper()}{sentence[1:]}.")
    for sentence in run_plan.small_paintings[:_GROUPS_SHOWN]:
        echo(f"{sentence}.")
    if others := run_plan.small_paintings[_GROUPS_SHOWN:]:
        echo(f"{counted(len(others), 'other painting')} too small for the pictures; --json names all.")


def _counts_line(config: Config, run_plan: RunPlan) -> str:
    rejected = f", {run_plan.rejected:,} rejected" if run_plan.rejected else ""
    given_up = f", {run_plan.given_up:,} given up" if run_plan.given_up else ""
    set_aside = f", {run_plan.photos_set_aside:,} set aside" if run_plan.photos_set_aside else ""
    there = run_plan.ingested.photos
    selected = "" if run_plan.photos == there else f"{run_plan.photos:,} of "
    return (
        f"{counted(len(run_plan.jobs), 'picture')} to make, {run_plan.done:,} done{rejected}{given_up}; "
        f"{selected}{counted(there, 'photo')} in {config.input.folder}{set_aside}"
    )


def _print_needs(run_plan: RunPlan) -> None:
    """Say what the pictures take: disk, time and memory."""
    if run_plan.found:
        echo(
            f"Up to {counted(run_plan.found, 'picture')} of these may be there already: the ledger is new, and 'run' "
            f"recognizes finished pictures by their metadata."
        )
    time = approximate_duration(run_plan.forecast.seconds)
    # On a GPU the batch size follows from its memory, so there is nothing to say.
    on_cpu = run_plan.device is None or run_plan.device.startswith("cpu")
    memory = f" and up to {run_plan.memory_bytes / 1e9:.1f} GB of memory" if on_cpu else ""
    echo(_disk_sentence(run_plan.disk))
    echo(f"It takes {time}{memory} ({_basis(run_plan)}).")
    if run_plan.advice:
        echo("What would shorten it:")
    for line in run_plan.advice:
        echo(f"  {line}")


def _print_set_aside(run_plan: RunPlan) -> None:
    for photo in run_plan.ingested.set_aside:
        if photo.kind != "unpaired":
            echo(set_aside_text(photo))
    unpaired = _unpaired(run_plan)
    for photo in unpaired[:_JOBS_SHOWN]:
        echo(set_aside_text(photo))
    if len(unpaired) > _JOBS_SHOWN:
        echo(unpaired_left_out(len(unpaired) - _JOBS_SHOWN, "--json names all of them"))


def _unpaired(run_plan: RunPlan) -> list[PhotoSetAside]:
    """Return the photos that no rule and no folder gives a style, whether an earlier run has named them or not."""
    ingested = run_plan.ingested
    return sorted(
        (photo for photo in (*ingested.set_aside, *ingested.known) if photo.kind == "unpaired"),
        key=lambda photo: photo.path,
    )


def _total_lines(title: str, totals: Mapping[str, Total], noun: str) -> Iterator[str]:
    """Yield a line for each of the largest groups, if there are several."""
    if len(totals) < 2:
        return
    yield title
    for name, total in list(totals.items())[:_GROUPS_SHOWN]:
        again = f" ({total.again:,} of them again)" if total.again else ""
        yield f"  {total.all:,} {name or 'in the input folder itself'}{again}"
    if others := list(totals.values())[_GROUPS_SHOWN:]:
        yield f"  {sum(total.all for total in others):,} in {counted(len(others), 'other ' + noun)}"


def _disk_sentence(disk: DiskNeed) -> str:
    need = f"The pictures take about {byte_size(disk.bytes)} of disk"
    if not disk.bytes:
        need = "The pictures take no more of the disk than those that they replace"
    if disk.free_bytes is None:
        return f"{need}; how much is free is not known."
    if disk.fits:
        return f"{need}; {byte_size(disk.free_bytes)} are free."
    return (
        f"{need}, which does not fit: {byte_size(disk.free_bytes)} are free, and a run stops when there is less "
        f"than {byte_size(disk.min_free_bytes)} (output.min_free_disk)."
    )


def _basis(run_plan: RunPlan) -> str:
    learned = any(recipe.learned for recipe in run_plan.forecast.recipes.values())
    if run_plan.device is None:
        return "a guess: this machine could not be measured"
    return "as measured here" + (", and by the pictures made so far" if learned else "")


def _total_fields(totals: Mapping[str, Total]) -> dict[str, dict[str, int]]:
    return {printable(name): dataclasses.asdict(total) for name, total in totals.items()}


def _json_fields(run_plan: RunPlan) -> dict[str, object]:
    again = sum(run_plan.reasons.values())
    return {
        "jobs": [
            {
                "photo": printable(job.job.photo),
                "style": job.job.style,
                "recipe": job.job.recipe,
                "output": printable(job.output),
                "again": job.reason or None,
            }
            for job in run_plan.jobs
        ],
        "photos": run_plan.photos,
        "done": run_plan.done,
        "found": run_plan.found,
        "new": len(run_plan.jobs) - again,
        "again": again,
        "reasons": run_plan.reasons,
        "kept": run_plan.kept,
        "rejected": run_plan.rejected,
        "chosen_recipes": run_plan.chosen,
        "styles": _total_fields(totals_by_style(run_plan.jobs)),
        "folders": _total_fields(totals_by_folder(run_plan.jobs)),
        "quarantined": run_plan.quarantined,
        "given_up": run_plan.given_up,
        "photos_set_aside": run_plan.photos_set_aside,
        "unpaired": run_plan.ingested.unpaired,
        "unpaired_photos": [
            {"photo": printable(photo.path), "reason": photo.reason} for photo in _unpaired(run_plan)
        ],
        **_skipped_fields(run_plan.ingested.skipped_photos),
        "unused_masks": len(run_plan.ingested.unused_masks),
        **_forecast_fields(run_plan.forecast),
        **_size_fields(run_plan),
        "memory_bytes": run_plan.memory_bytes,
        "measured": run_plan.device is not None,
        "device": run_plan.device,
        "disk": dataclasses.asdict(run_plan.disk) | {"fits": run_plan.disk.fits},
    }


def _size_fields(run_plan: RunPlan) -> dict[str, object]:
    return {
        "too_large_for_format": run_plan.too_large_for_format,
        "small_paintings": [printable(sentence) for sentence in run_plan.small_paintings],
    }


def _skipped_fields(skipped: Mapping[str, str]) -> dict[str, object]:
    return {
        "skipped": PhotosSkipped.of(skipped).counts,
        "skipped_photos": [{"photo": printable(path), "reason": reason} for path, reason in sorted(skipped.items())],
    }


def _forecast_fields(expected: Forecast) -> dict[str, object]:
    return {
        "seconds": round(expected.seconds, 1),
        "start_seconds": round(expected.start_seconds, 1),
        "painting_seconds": round(expected.painting_seconds, 1),
        "recipes": {
            name: {
                "pictures": recipe.pictures,
                "seconds": round(recipe.seconds, 1),
                "evaluations": [round(count, 1) for count in recipe.evaluations],
                "learned": recipe.learned,
            }
            for name, recipe in expected.recipes.items()
        },
    }
