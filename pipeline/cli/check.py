"""``stylewatch check``: names everything that would keep a run from working. Owns its messages and exit code."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import config_argument
from pipeline.config import load_config
from pipeline.errors import StylewatchError


@click.command()
@config_argument
def check(config: Path) -> None:
    """Check config, paintings, folders, disk, weights and device.

    Reports everything that would keep 'run' from working, not only the first problem; changes nothing.
    """
    from pipeline.runner.checking import run_checks

    first: StylewatchError | None = None
    settings = load_config(config)
    click.echo(f"ok    config: {config}")
    for result in run_checks(settings):
        click.echo(f"{'ok   ' if result.error is None else 'WRONG'} {result.name}: {result.detail}")
        first = first or result.error
    if first is not None:
        raise click.exceptions.Exit(first.exit_code)
