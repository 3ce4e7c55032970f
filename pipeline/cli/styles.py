"""``stylewatch styles``: lists, fills and prunes the style cache. Owns its options and messages."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import config_argument
from pipeline.config import load_config


@click.command()
@config_argument
@click.option(
    "--warm", is_flag=True, help="Compute every style target the config needs now, not with the first photo."
)
@click.option("--prune", is_flag=True, help="Delete the targets of paintings that no style of this config uses.")
def styles(config: Path, warm: bool, prune: bool) -> None:
    """List, fill or prune the style cache.

    It holds what is computed once for each painting and size, and reused for every photo: moments of the network's
    layers and, for the style loss sliced_wasserstein, quantiles.
    """
    from pipeline.runner.preparation import resolve_config
    from pipeline.runner.style_cache import list_targets, prune_targets, recipes_without_targets, warm_targets

    settings = load_config(config)
    engine, resolved = settings.engine_settings(), resolve_config(settings)
    if warm:
        hits, misses = warm_targets(engine, resolved)
        click.echo(f"{misses} computed, {hits} already there")
        for recipe in recipes_without_targets(resolved):
            click.echo(f"recipe {recipe}: nothing to compute ahead, paintings get each photo's colors (color: match)")
    if prune:
        count, freed = prune_targets(engine, resolved.styles.values())
        click.echo(f"{count} deleted, {freed / 1e6:.1f} MB freed")
    total = 0
    for row in list_targets(engine, resolved.styles.values()):
        total += row.size_bytes
        click.echo(f"{row.painting}  {row.size:>5} px  {row.size_bytes / 1e6:6.2f} MB  {row.content}")
    click.echo(f"{total / 1e6:.1f} MB in {settings.cache.folder}")
