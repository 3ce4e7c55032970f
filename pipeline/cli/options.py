"""Arguments and options that several commands take. Owns their names and help texts."""

from __future__ import annotations

from pathlib import Path

import click

config_argument = click.argument("config", type=click.Path(dir_okay=False, path_type=Path), metavar="CONFIG")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print only what went wrong.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for other programs.")
json_object_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, for other programs."
)
only_option = click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Only photos whose path in the input folder fits, as in pairing.rules: '2024/**', '*-sea.jpg'; may be "
    "repeated.",
)
redo_option = click.option(
    "--redo",
    type=click.Choice(["outdated", "changed"]),
    multiple=True,
    help="Also make again the pictures of other engine versions (outdated), or those that 'output.on_change: keep' "
    "kept when their settings changed (changed); may be repeated.",
)
