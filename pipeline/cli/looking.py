"""Commands that only look: ``check``, ``plan``, ``styles`` and ``schema``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from pipeline.cli.hours import schedule_fields, schedule_words
from pipeline.cli.options import config_argument, json_option
from pipeline.config import Config, json_schema, load_config
from pipeline.errors import StylewatchError
from pipeline.executors.measuring import known_speed
from pipeline.report.words import counted, printable
from pipeline.runner.planning.run_plan import Outlook, in_words, look_ahead

_SHOWN: Final = 20


@click.command()
@config_argument
def check(config: Path) -> None:
    """Check config, paintings, folders, disk, weights and device.

    Names everything that would keep 'run' from working, not only the first; changes nothing.
    """
    from pipeline.runner.checking import findings

    worst: StylewatchError | None = None
    settings = load_config(config)
    click.echo(f"ok    config: {config}")
    for finding in findings(settings):
        click.echo(f"{'ok   ' if finding.error is None else 'WRONG'} {finding.what}: {finding.detail}")
        worst = worst or finding.error
    if worst is not None:
        raise click.exceptions.Exit(worst.exit_code)


@click.command()
@config_argument
@click.option("--all", "show_all", is_flag=True, help=f"List every picture, not only the first {_SHOWN}.")
@json_option
def plan(config: Path, show_all: bool, as_json: bool) -> None:
    """Tell what 'run' would do, and how long it would take.

    Lists photo × style (recipe) -> picture, in the order of the work; changes nothing.
    """
    settings = load_config(config)
    outlook = look_ahead(settings, lambda engine: known_speed(engine, lambda said: click.echo(said, err=True)))
    if as_json:
        schedule = schedule_fields(settings, datetime.now(UTC), outlook.forecast.seconds)
        click.echo(json.dumps(_outlook_fields(outlook) | {"schedule": schedule}))
        return
    for job in outlook.jobs if show_all else outlook.jobs[:_SHOWN]:
        click.echo(printable(f"{job.job} -> {job.output}"))
    if not show_all and len(outlook.jobs) > _SHOWN:
        click.echo(f"... and {len(outlook.jobs) - _SHOWN:,} more (--all lists them)")
    _print_outlook(settings, outlook)
    if words := schedule_words(settings, datetime.now(UTC), outlook.forecast.seconds):
        click.echo(words)


def _print_outlook(config: Config, outlook: Outlook) -> None:
    for photo in outlook.taken_in.set_aside:
        click.echo(printable(f"{photo.kind}: {photo.path}: {photo.reason}"))
    if outlook.taken_in.unpaired:
        unpaired = counted(outlook.taken_in.unpaired, "photo")
        click.echo(
            f"no picture of {unpaired}: no rule and no style's folder fits, or the rule that fits gives it none"
        )
    click.echo(
        f"{len(outlook.jobs):,} to make, {outlook.done:,} done, {outlook.quarantined:,} quarantined; "
        f"{counted(outlook.taken_in.photos, 'photo')} in {config.input.folder}"
    )
    if not outlook.jobs:
        return
    if outlook.found:
        click.echo(
            f"Up to {counted(outlook.found, 'picture')} of these may be there already: the ledger is new, and 'run' "
            f"recognizes finished pictures by their metadata."
        )
    time = in_words(outlook.forecast.seconds)
    # A GPU's memory is divided as it is found.
    on_cpu = outlook.device is None or outlook.device.startswith("cpu")
    memory = f" and up to {outlook.memory_bytes / 1e9:.1f} GB of memory" if on_cpu else ""
    click.echo(f"It takes {time}{memory} ({_basis(outlook)}).")
    if outlook.advice:
        click.echo("What would shorten it:")
    for line in outlook.advice:
        click.echo(f"  {line}")


def _basis(outlook: Outlook) -> str:
    learned = any(recipe.learned for recipe in outlook.forecast.recipes.values())
    if outlook.device is None:
        return "a guess: this machine could not be measured"
    return "as measured here" + (", and by the pictures made so far" if learned else "")


def _outlook_fields(outlook: Outlook) -> dict[str, object]:
    return {
        "jobs": [
            {
                "photo": printable(job.job.photo),
                "style": job.job.style,
                "recipe": job.job.recipe,
                "output": printable(job.output),
            }
            for job in outlook.jobs
        ],
        "photos": outlook.taken_in.photos,
        "done": outlook.done,
        "found": outlook.found,
        "quarantined": outlook.quarantined,
        "unpaired": outlook.taken_in.unpaired,
        "seconds": round(outlook.forecast.seconds, 1),
        "start_seconds": round(outlook.forecast.start_seconds, 1),
        "painting_seconds": round(outlook.forecast.painting_seconds, 1),
        "memory_bytes": outlook.memory_bytes,
        "measured": outlook.device is not None,
        "device": outlook.device,
        "recipes": {
            name: {
                "pictures": recipe.pictures,
                "seconds": round(recipe.seconds, 1),
                "evaluations": [round(count, 1) for count in recipe.evaluations],
                "learned": recipe.learned,
            }
            for name, recipe in outlook.forecast.recipes.items()
        },
    }


@click.command()
@config_argument
@click.option(
    "--warm", is_flag=True, help="Compute every style target the config needs now, not with the first photo."
)
@click.option("--prune", is_flag=True, help="Delete the targets of paintings that no style of this config uses.")
def styles(config: Path, warm: bool, prune: bool) -> None:
    """List, fill or prune the style cache.

    It holds what is computed once for each painting and size, and reused for every photo.
    """
    from pipeline.runner.style_cache import list_targets, prune_targets, warm_targets

    settings = load_config(config)
    if warm:
        hits, misses = warm_targets(settings)
        click.echo(f"{misses} computed, {hits} already there")
    if prune:
        count, freed = prune_targets(settings)
        click.echo(f"{count} deleted, {freed / 1e6:.1f} MB freed")
    total = 0
    for row in list_targets(settings):
        total += row.size_bytes
        click.echo(f"{row.painting}  {row.size:>5} px  {row.size_bytes / 1e6:6.2f} MB")
    click.echo(f"{total / 1e6:.1f} MB in {settings.cache.folder}")


@click.command()
def schema() -> None:
    """Print the config's JSON Schema, for editors.

    With it an editor completes and checks the YAML as you type.
    """
    click.echo(json.dumps(json_schema(), indent=2))


COMMANDS = (check, plan, styles, schema)
