"""Arguments and options that several commands take. Owns their names and help texts."""

from __future__ import annotations

from pathlib import Path

import click

config_argument = click.argument("config", type=click.Path(dir_okay=False, path_type=Path), metavar="CONFIG")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print only what went wrong.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for other programs.")
