"""Commands that change what will be done: ``retry`` and ``demo``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pipeline.cli.options import config_argument
from pipeline.config import Config, load_config
from pipeline.errors import UsageError
from pipeline.ledger import Ledger
from pipeline.model import Job
from pipeline.report.words import counted
from pipeline.runner.preparation import ledger_file, open_ledger


@click.command()
@config_argument
@click.argument("photos", nargs=-1, metavar="[PHOTO]...")
@click.option("--missing", is_flag=True, help="Also make pictures again that were deleted from the output folder.")
def retry(config: Path, photos: tuple[str, ...], missing: bool) -> None:
    """Give failed and quarantined photos another chance in the next run.

    Without PHOTO all of them; PHOTO is a path as 'stylewatch status' prints it, relative to the input folder.
    """
    settings = load_config(config)
    count = 0
    nothing: list[str] = []
    if ledger_file(settings).exists():
        with open_ledger(settings) as ledger:
            gone = _missing(settings, ledger) if missing else []
            for photo in photos or (None,):
                found = ledger.retry(None if photo is None else (photo,))
                found += ledger.redo(job for job in gone if photo in (None, job.photo))
                count += found
                nothing += [photo] if photo is not None and not found else []
    click.echo(f"{counted(count, 'picture')} will be tried by the next run")
    if nothing:
        raise UsageError(
            f"nothing to try again of {', '.join(nothing)}; 'stylewatch status' lists what failed, "
            "by the photo's path in the input folder"
        )


def _missing(config: Config, ledger: Ledger) -> list[Job]:
    """Return the jobs whose published pictures are not there any more."""
    # One listing a folder: a stat for each of 100,000 files takes minutes on a network share.
    listings: dict[Path, set[str]] = {}
    missing = []
    for row in ledger.finished():
        path = config.output.folder / row.output
        if path.parent not in listings:
            listings[path.parent] = set(os.listdir(path.parent)) if path.parent.is_dir() else set()
        # The last word is the disk's: some list accents in the other of their two ways of writing.
        if path.name not in listings[path.parent] and not os.path.lexists(path):
            missing.append(row.job)
    return missing


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def demo(folder: Path) -> None:
    """Put two public-domain sample photos into FOLDER."""
    from pipeline.images.samples import write_sample_photos

    written = write_sample_photos(folder)
    for path in written:
        click.echo(path)
    if not written:
        click.echo(f"the sample photos are in {folder} already")


COMMANDS = (retry, demo)
