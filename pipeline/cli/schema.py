"""``stylewatch schema``: prints the JSON Schema of a config file."""

from __future__ import annotations

import json

import click

from pipeline.config import json_schema


@click.command()
def schema() -> None:
    """Print the config's JSON Schema, for editors.

    With it an editor completes and checks the YAML as you type.
    """
    click.echo(json.dumps(json_schema(), indent=2))
