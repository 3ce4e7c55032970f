"""``stylewatch redo``: has single pictures made again, perhaps by another recipe. Owns its messages."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from pipeline.cli.line_width import echo
from pipeline.cli.named import (
    by_whom,
    echo_names,
    find_named,
    ledger_in_place,
    pictures_argument,
    show_in_gallery,
)
from pipeline.cli.options import config_argument
from pipeline.config import Config, load_config
from pipeline.engine import ENGINE_VERSION
from pipeline.errors import UsageError
from pipeline.ledger import Ledger, PictureRecord
from pipeline.model import JobState
from pipeline.report.formatting import counted, printable
from pipeline.runner.corrections.redo import RecipeChange, Redone
from pipeline.runner.corrections.redo import redo as make_again
from pipeline.runner.planning.run_plan import approximate_duration
from pipeline.runner.preparation import ResolvedConfig, resolve_config

#: So many pictures stand in the command that undoes a choice.
_UNDO_NAMES: Final = 10


@click.command()
@config_argument
@pictures_argument
@click.option("--recipe", metavar="NAME", help="By this recipe of the config, now and from then on.")
def redo(config: Path, pictures: tuple[str, ...], recipe: str | None) -> None:
    """Make single pictures again in the next run.

    Deleted and rejected ones, too. PICTURE is a path, absolute, in the current folder or in the output folder, or a
    pattern: 'sub/*--night.jpg'. The old picture stays until the new one takes its place. Equal settings make an equal
    picture: change the recipe first, or give these photos another one with --recipe; that lasts until it is undone by
    the recipe they had.
    """
    settings = load_config(config)
    resolved = resolve_config(settings)
    with ledger_in_place(settings) as ledger:
        found, lost = find_named(ledger, settings.output.folder, pictures)
        if recipe is None:
            done = make_again(ledger, found)
        else:
            output = settings.output
            change = RecipeChange(
                ledger, resolved, settings.picture_options().format, output.on_change, settings.output.folder
            )
            done = change.apply(found, recipe)
        _print_done(settings, resolved, ledger, done)
        if recipe is None and (equal := sum(map(_will_be_equal, done.again))):
            echo(
                f"The settings of {counted(equal, 'picture')} have not changed, so the new ones will be like the old "
                "ones: change the recipe first, or choose another one with --recipe NAME."
            )
        if recipe is not None:
            _print_undo(config, ledger, done, recipe)
    show_in_gallery(settings, str(config))
    refused = [(picture.output, reason) for picture, reason in done.refused]
    if problems := [printable(f"{name}: {reason}") for name, reason in (*lost, *refused)]:
        raise UsageError("\n".join(problems))


def _will_be_equal(picture: PictureRecord) -> bool:
    is_of_now = picture.has_present_settings and picture.engine_version == ENGINE_VERSION
    return picture.state is JobState.DONE and not picture.is_rejected and is_of_now


def _print_done(settings: Config, resolved: ResolvedConfig, ledger: Ledger, done: Redone) -> None:
    if done.again:
        seconds = done.seconds(ledger, settings.engine_settings(), resolved)
        takes = "" if seconds is None else f", which takes {approximate_duration(seconds)}"
        echo(f"{counted(len(done.again), 'picture')} will be made {by_whom(settings)}{takes}:")
        echo_names([picture.output for picture in done.again])
    if done.waiting:
        be = "was" if len(done.waiting) == 1 else "were"
        echo(f"{counted(len(done.waiting), 'picture')} {be} to be made already:")
        echo_names([picture.output for picture in done.waiting])
    if done.there:
        echo(f"{counted(len(done.there), 'picture')} made by that recipe before, and wanted again:")
        echo_names([picture.output for picture in done.there])
    if done.replaced:
        old = "The old picture stays" if len(done.replaced) == 1 else "The old pictures stay"
        echo(f"{old} until 'stylewatch clean' deletes {'it' if len(done.replaced) == 1 else 'them'}:")
        echo_names(done.replaced)


def _print_undo(config: Path, ledger: Ledger, done: Redone, recipe: str) -> None:
    """Say how choices are undone: a command for each recipe that the pictures had by the config."""
    before = {replace(base, recipe=chosen): base.recipe for base, chosen in ledger.recipe_choices.all().items()}
    names: dict[str, list[str]] = {}
    for picture in (*done.again, *done.waiting, *done.there):
        if picture.job.recipe == recipe and picture.job in before:
            names.setdefault(before[picture.job], []).append(picture.output)
    for own, pictures in names.items():
        words = ["stylewatch", "redo", str(config), *pictures[:_UNDO_NAMES], "--recipe", own]
        more = len(pictures) - _UNDO_NAMES
        echo(f"To undo it: {shlex.join(words)}{f', and so for the {more:,} others' if more > 0 else ''}")
