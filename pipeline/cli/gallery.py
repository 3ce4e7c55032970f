"""``stylewatch gallery``: serves the gallery of a config."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import config_argument
from pipeline.cli.serve import ServeOptions, serve_gallery, serve_options
from pipeline.config import load_config


@click.command()
@config_argument
@serve_options
def gallery(config: Path, serving: ServeOptions) -> None:
    """Serve the web page of all pictures.

    It only reads, beside any other command; 'run' and 'watch' write the page. Without --allow nobody else can reach
    it. /healthz has the judgment of 'status' for monitors, /metrics the numbers for Prometheus.
    """
    if not serving.serve:
        raise click.UsageError("say --serve")
    serve_gallery(load_config(config), config, serving, lambda: None)
