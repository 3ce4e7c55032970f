"""``stylewatch adopt``: writes a picture's settings into the config. Owns its messages."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from pipeline.cli.line_width import echo
from pipeline.cli.options import config_argument
from pipeline.config import Config, load_variants
from pipeline.config.settings import plan_settings
from pipeline.errors import StylewatchError
from pipeline.report.formatting import counted
from pipeline.report.reasons import kept_sentence
from pipeline.runner.corrections.adopt import adopt_into, picture_to_adopt
from pipeline.runner.made_pictures import find_picture, start_images
from pipeline.runner.planning.run_plan import approximate_duration, plan_run
from pipeline.runner.preparation import require_state_and_output, resolve_config


@click.command()
@config_argument
@click.argument("variant", metavar="VARIANT")
@click.option("--as", "new_name", metavar="NAME", help="As a new recipe, which the picture's style then uses.")
def adopt(config: Path, variant: str, new_name: str | None) -> None:
    """Write a picture's settings into the config.

    VARIANT is a picture, of 'stylewatch try' or any other; a path, also one in the output folder. The recipe that
    made it gets its settings, and its style the scale: what differs is changed, what is as by default is taken out
    if no comment is about it, and of values to compare the picture's one stays. All else in the file stays, comments,
    too.
    """
    found = load_variants(config)
    picture = picture_to_adopt(
        find_picture(variant, found.config.output.folder),
        resolve_config(found.config),
        new_name,
        partial(start_images, found, config),
    )
    adoption = adopt_into(config, picture.settings)
    for note in picture.notes:
        click.echo(f"note: {note}", err=True)
    if not adoption.changes:
        echo(f"{config} has these settings already")
        return
    echo(f"{config} was changed:")
    for change in adoption.changes:
        echo(f"  {change}")
    echo("To undo it, write what stood before the arrows, and take out what was not set.")
    if adoption.config.axes:
        names = ", ".join(axis.setting for axis in adoption.config.axes)
        echo(f"It still lists values to compare ({names}): 'run' needs one of each.")
        return
    for line in _what_run_will_make(adoption.config.config):
        echo(line)


def _what_run_will_make(settings: Config) -> list[str]:
    try:
        require_state_and_output(settings)
        plan = plan_run(plan_settings(settings), resolve_config(settings))
    except StylewatchError as error:
        return [f"What 'run' will make is not known: {error}"]
    again = sum(plan.reasons.values())
    kept = [f"{kept_sentence(plan.kept)}."] if plan.kept else []
    if not plan.jobs:
        return [*kept, "'run' has nothing to make."]
    time = approximate_duration(plan.forecast.seconds)
    guess = "" if plan.device else ", a guess: 'stylewatch plan' measures this machine"
    return [*kept, f"'run' will make {counted(len(plan.jobs), 'picture')}, {again:,} of them again: {time}{guess}."]
