"""``stylewatch plan``: tells what a run would make and how long it takes. Owns its messages and JSON fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import click

from pipeline.cli.options import config_argument, json_option
from pipeline.cli.schedule import schedule_fields, schedule_sentence
from pipeline.config import Config, load_config
from pipeline.config.settings import plan_settings
from pipeline.executors.measuring import load_or_measure_speed
from pipeline.model import PhotoSetAside
from pipeline.report.formatting import counted, printable
from pipeline.runner.checking import recipes_in_use, require_usable_config
from pipeline.runner.memory_limits import require_possible_photos
from pipeline.runner.planning.run_plan import RunPlan, approximate_duration, plan_run
from pipeline.runner.preparation import require_state_and_output, resolve_config

_JOBS_SHOWN: Final = 20


@click.command()
@config_argument
@click.option("--all", "show_all", is_flag=True, help=f"List every picture, not only the first {_JOBS_SHOWN}.")
@json_option
def plan(config: Path, show_all: bool, as_json: bool) -> None:
    """Show what 'run' would do, and how long it would take.

    Lists photo × style (recipe) -> picture, in the order in which they are made; changes nothing.
    """
    settings = load_config(config)
    report = partial(click.echo, err=True)
    require_usable_config(settings)
    require_state_and_output(settings)
    run_plan = plan_run(
        plan_settings(settings), resolve_config(settings), lambda engine: load_or_measure_speed(engine, report)
    )
    _require_possible_photos(settings, run_plan)
    if as_json:
        schedule = schedule_fields(settings, datetime.now(UTC), run_plan.forecast.seconds)
        click.echo(json.dumps(_json_fields(run_plan) | {"schedule": schedule}))
        return
    for job in run_plan.jobs if show_all else run_plan.jobs[:_JOBS_SHOWN]:
        click.echo(printable(f"{job.job} -> {job.output}"))
    if not show_all and len(run_plan.jobs) > _JOBS_SHOWN:
        click.echo(f"... and {len(run_plan.jobs) - _JOBS_SHOWN:,} more (--all lists them)")
    _print_plan(settings, run_plan)
    if words := schedule_sentence(settings, datetime.now(UTC), run_plan.forecast.seconds):
        click.echo(words)


def _require_possible_photos(config: Config, run_plan: RunPlan) -> None:
    photos: dict[str, dict[str, None]] = {}
    for planned in run_plan.jobs:
        photos.setdefault(planned.job.recipe, {})[planned.job.photo] = None
    require_possible_photos(
        recipes_in_use(config).values(),
        config.engine_settings(),
        config.input.folder,
        lambda recipe: photos.get(recipe, ()),
    )


def _print_plan(config: Config, run_plan: RunPlan) -> None:
    for photo in run_plan.ingested.set_aside:
        if photo.kind != "unpaired":
            click.echo(printable(f"{photo.kind}: {photo.path}: {photo.reason}"))
    _print_unpaired(run_plan)
    if run_plan.ingested.unpaired:
        unpaired = counted(run_plan.ingested.unpaired, "photo")
        click.echo(
            f"no picture of {unpaired}: no rule and no style's folder fits, or the rule that fits gives it none"
        )
    click.echo(
        f"{len(run_plan.jobs):,} to make, {run_plan.done:,} done, {run_plan.quarantined:,} quarantined; "
        f"{counted(run_plan.ingested.photos, 'photo')} in {config.input.folder}"
    )
    if not run_plan.jobs:
        return
    if run_plan.found:
        click.echo(
            f"Up to {counted(run_plan.found, 'picture')} of these may be there already: the ledger is new, and 'run' "
            f"recognizes finished pictures by their metadata."
        )
    time = approximate_duration(run_plan.forecast.seconds)
    # On a GPU the batch size follows from its memory, so there is nothing to say.
    on_cpu = run_plan.device is None or run_plan.device.startswith("cpu")
    memory = f" and up to {run_plan.memory_bytes / 1e9:.1f} GB of memory" if on_cpu else ""
    click.echo(f"It takes {time}{memory} ({_basis(run_plan)}).")
    if run_plan.advice:
        click.echo("What would shorten it:")
    for line in run_plan.advice:
        click.echo(f"  {line}")


def _print_unpaired(run_plan: RunPlan) -> None:
    unpaired = _unpaired(run_plan)
    for photo in unpaired[:_JOBS_SHOWN]:
        click.echo(printable(f"no picture of {photo.path}: it {photo.reason}"))
    if len(unpaired) > _JOBS_SHOWN:
        click.echo(f"... nor of {counted(len(unpaired) - _JOBS_SHOWN, 'more photo')} (--json names them)")


def _unpaired(run_plan: RunPlan) -> list[PhotoSetAside]:
    """Return the photos that no rule and no folder gives a style, whether an earlier run has named them or not."""
    ingested = run_plan.ingested
    return sorted(
        (photo for photo in (*ingested.set_aside, *ingested.known) if photo.kind == "unpaired"),
        key=lambda photo: photo.path,
    )


def _basis(run_plan: RunPlan) -> str:
    learned = any(recipe.learned for recipe in run_plan.forecast.recipes.values())
    if run_plan.device is None:
        return "a guess: this machine could not be measured"
    return "as measured here" + (", and by the pictures made so far" if learned else "")


def _json_fields(run_plan: RunPlan) -> dict[str, object]:
    return {
        "jobs": [
            {
                "photo": printable(job.job.photo),
                "style": job.job.style,
                "recipe": job.job.recipe,
                "output": printable(job.output),
            }
            for job in run_plan.jobs
        ],
        "photos": run_plan.ingested.photos,
        "done": run_plan.done,
        "found": run_plan.found,
        "quarantined": run_plan.quarantined,
        "unpaired": run_plan.ingested.unpaired,
        "unpaired_photos": [
            {"photo": printable(photo.path), "reason": photo.reason} for photo in _unpaired(run_plan)
        ],
        "seconds": round(run_plan.forecast.seconds, 1),
        "start_seconds": round(run_plan.forecast.start_seconds, 1),
        "painting_seconds": round(run_plan.forecast.painting_seconds, 1),
        "memory_bytes": run_plan.memory_bytes,
        "measured": run_plan.device is not None,
        "device": run_plan.device,
        "recipes": {
            name: {
                "pictures": recipe.pictures,
                "seconds": round(recipe.seconds, 1),
                "evaluations": [round(count, 1) for count in recipe.evaluations],
                "learned": recipe.learned,
            }
            for name, recipe in run_plan.forecast.recipes.items()
        },
    }
