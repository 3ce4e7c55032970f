"""``stylewatch try``: makes the pictures of one photo, to find settings. Owns its options; touches no ledger."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from pipeline.cli.display import Display
from pipeline.cli.options import config_argument, json_option, quiet_option
from pipeline.cli.runtime import INTERRUPTED, stop_on_signal
from pipeline.config import load_config
from pipeline.config.settings import pass_settings
from pipeline.executors.local import LocalExecutor
from pipeline.report.formatting import counted
from pipeline.runner.checking import require_usable_for_trial
from pipeline.runner.execution.tryout import Tryout
from pipeline.runner.found_pictures import TRIES_FOLDER
from pipeline.runner.preparation import resolve_config


@click.command(name="try")
@config_argument
@click.argument("photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Folder of the pictures.")
@click.option("--style", "styles", multiple=True, metavar="NAME", help="Only this style; may be repeated.")
@click.option("--recipe", "recipes", multiple=True, metavar="NAME", help="This recipe instead of the styles' own.")
@quiet_option
@json_option
def try_(
    config: Path,
    photo: Path,
    into: Path | None,
    styles: tuple[str, ...],
    recipes: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Make one PHOTO's pictures in all styles, to find settings.

    They go into a folder of their own, OUTPUT/try/PHOTO unless --into names another one. The ledger is not touched
    and no file is overwritten, so trials can be compared. PHOTO may be anywhere.
    """
    settings = load_config(config)
    require_usable_for_trial(settings, photo, styles, recipes)
    folder = into or settings.output.folder / TRIES_FOLDER / photo.stem
    display = Display(quiet=quiet, json_lines=as_json)
    executor = LocalExecutor(settings.engine_settings())
    with contextlib.closing(executor), stop_on_signal(executor.stop) as signals, display:
        pictures = Tryout(pass_settings(settings), resolve_config(settings), executor, display).run(
            photo, folder, styles, recipes
        )
    if not quiet and not as_json:
        click.echo(f"{counted(len(pictures), 'picture')} in {folder}")
    raise click.exceptions.Exit(INTERRUPTED if signals else 0)
