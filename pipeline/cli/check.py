"""``stylewatch check``: names everything that would keep a run from working. Owns its messages and exit code."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import config_argument
from pipeline.config import load_variants
from pipeline.config.loading import refusal_of_values
from pipeline.errors import StylewatchError
from pipeline.report.formatting import counted


@click.command()
@config_argument
def check(config: Path) -> None:
    """Check config, paintings, folders, disk, weights and device.

    Reports everything that would keep 'run' from working, not only the first problem; changes nothing.
    """
    from pipeline.runner.checking import run_checks

    found = load_variants(config)
    click.echo(f"ok    config: {config}")
    for imported in found.imports:
        click.echo(f"ok    recipes: {', '.join(imported.recipes) or 'none'} from {imported.file}")
    first: StylewatchError | None = refusal_of_values(found, config)
    if first is not None:
        click.echo(f"WRONG variants: {first}; these are {counted(found.count(), 'picture')} of a photo")
    for result in run_checks(found.config):
        click.echo(f"{'ok   ' if result.error is None else 'WRONG'} {result.name}: {result.detail}")
        first = first or result.error
    if first is not None:
        raise click.exceptions.Exit(first.exit_code)
