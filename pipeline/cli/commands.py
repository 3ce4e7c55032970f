"""The command group. Owns what all commands share: every error becomes one sentence and an exit code.

Adding a command: write it in a module of its name, beside this one, and list it in ``_COMMANDS``.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Final

import click

from pipeline import __version__
from pipeline.cli.adopt import adopt
from pipeline.cli.check import check
from pipeline.cli.clean import clean
from pipeline.cli.demo import demo
from pipeline.cli.gallery import gallery
from pipeline.cli.init import init
from pipeline.cli.plan import plan
from pipeline.cli.redo import redo
from pipeline.cli.reject import reject
from pipeline.cli.retry import retry
from pipeline.cli.run import run
from pipeline.cli.schema import schema
from pipeline.cli.status import status
from pipeline.cli.styles import styles
from pipeline.cli.try_ import try_
from pipeline.cli.watch import watch
from pipeline.errors import ConfigError, StylewatchError, files_explained
from pipeline.report.formatting import printable

_HELP: Final = """Turn folders of photos into paintings, unattended.

\b
First steps:
  stylewatch demo input                     put two sample photos into input/
  stylewatch run configs/quickstart.yaml    make their pictures
  stylewatch init                           a config for your own photos and paintings
  stylewatch watch CONFIG                   make pictures of every photo dropped into a folder
  stylewatch try CONFIG PHOTO               one photo in all styles, to find settings
  stylewatch plan CONFIG                    what a run would do, and how long
"""

_EPILOG: Final = """\b
Exit codes:
  0    all done
  1    some pictures failed or photos were set aside, the rest is done; status: in the last 24 hours; clean,
       reject: not all could be deleted
  2    bad usage or config
  3    cannot run: weights, device, disk, or another instance is running; status: hung, killed or paused
  130  interrupted

\b
Shell completion (bash; zsh and fish alike):
  eval "$(_STYLEWATCH_COMPLETE=bash_source stylewatch)"
"""

_COMMANDS: Final = (
    *(run, try_, watch, plan, status, gallery, check, styles, schema, retry, redo, reject),
    *(adopt, clean, demo, init),
)


@click.group(
    help=_HELP, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="stylewatch")
def stylewatch() -> None:
    """Hold the commands together."""


for _command in _COMMANDS:
    stylewatch.add_command(_command)


def main() -> None:
    """Run the command line; every explained error becomes one sentence on stderr and its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Not every terminal can show "×", and file names may hold any bytes.
        sys.stdout.reconfigure(errors="replace")
    try:
        with files_explained():
            sys.exit(stylewatch.main(prog_name="stylewatch", standalone_mode=False))
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ConfigError as error:
        count = len(error.problems)
        click.echo(f"{error}\n{count} problem{'s' if count > 1 else ''} in the config; nothing was done.", err=True)
        sys.exit(error.exit_code)
    except StylewatchError as error:
        for problem in str(error).splitlines():
            click.echo(f"stylewatch: {printable(problem)}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
