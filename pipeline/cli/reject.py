"""``stylewatch reject``: deletes pictures that are not wanted, for good. Owns its messages."""

from __future__ import annotations

from pathlib import Path

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
from pipeline.errors import UsageError
from pipeline.report.formatting import counted, printable
from pipeline.runner.corrections.reject import Rejected
from pipeline.runner.corrections.reject import reject as delete_for_good


@click.command()
@config_argument
@pictures_argument
def reject(config: Path, pictures: tuple[str, ...]) -> None:
    """Delete pictures, and don't make them again.

    PICTURE is a path, absolute, in the current folder or in the output folder, or a pattern: 'sub/*--night.jpg'. A
    file that was edited stays. Other settings, or another content of the photo, make a new picture; 'stylewatch redo'
    makes the same one again.
    """
    settings = load_config(config)
    with ledger_in_place(settings) as ledger:
        found, lost = find_named(ledger, settings.output.folder, pictures)
        done = delete_for_good(ledger, settings.output.folder, found, settings.output.on_change)
    _print_done(settings, done)
    show_in_gallery(settings, str(config))
    for picture, reason in done.refused:
        click.echo(printable(f"{picture.output}: {reason}"), err=True)
    if lost:
        raise UsageError("\n".join(printable(f"{name}: {reason}") for name, reason in lost))
    raise click.exceptions.Exit(1 if done.refused else 0)


def _print_done(settings: Config, done: Rejected) -> None:
    if done.deleted:
        echo(f"{counted(len(done.deleted), 'picture')} rejected and deleted:")
        echo_names([picture.output for picture in done.deleted])
    if done.due:
        echo(f"{counted(len(done.due), 'picture')} of these will be made with new settings {by_whom(settings)}:")
        echo_names([picture.output for picture in done.due])
    if done.before:
        be = "was" if len(done.before) == 1 else "were"
        echo(f"{counted(len(done.before), 'picture')} {be} rejected before:")
        echo_names([picture.output for picture in done.before])
