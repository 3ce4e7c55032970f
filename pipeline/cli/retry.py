"""``stylewatch retry``: gives failed, quarantined and deleted pictures another attempt. Owns its messages."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import click

from pipeline.cli.named import show_in_gallery
from pipeline.cli.options import config_argument
from pipeline.config import Config, load_config
from pipeline.config.settings import folder_settings
from pipeline.errors import StorageError, UsageError
from pipeline.ledger import FinishedJob, Ledger, ledger_exists
from pipeline.report.formatting import counted, printable
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.preparation import ledger_file, open_ledger, require_state_and_output

_PHOTOS_SHOWN: Final = 5


@click.command()
@config_argument
@click.argument("photos", nargs=-1, metavar="[PHOTO]...")
@click.option(
    "--missing",
    is_flag=True,
    help="Also make pictures again that were deleted from the output folder; rejected ones only of a named PHOTO.",
)
def retry(config: Path, photos: tuple[str, ...], missing: bool) -> None:
    """Try what failed or is set aside again in the next run.

    Without PHOTO all of them; PHOTO is a path as 'stylewatch status' prints it, relative to the input folder.
    """
    settings = load_config(config)
    count = 0
    unmatched: list[str] = []
    without_photo: list[FinishedJob] = []
    skipped: dict[str, str] = {}
    require_state_and_output(settings)  # on an unmounted disk the ledger would seem not to exist
    if not ledger_exists(ledger_file(folder_settings(settings))):
        unmatched += photos
    else:
        with open_ledger(settings) as ledger:
            take_over_moved_source(folder_settings(settings), ledger)
            missing_rows = _missing_pictures(settings, ledger, photos) if missing else []
            possible = [row.job for row in missing_rows if row.absence is None]
            without_photo = [row for row in missing_rows if row.absence is not None]
            explained = {row.job.photo for row in without_photo}
            skipped = dict(ledger.skipped.now().new)
            for photo in photos or (None,):
                found = ledger.jobs.retry(None if photo is None else (photo,))
                found += ledger.jobs.redo(job for job in possible if photo in (None, job.photo))
                count += found
                unmatched += [photo] if photo is not None and not found and photo not in explained else []
    if count:
        show_in_gallery(settings, str(config))
    click.echo(f"{counted(count, 'picture')} will be tried by the next run")
    if without_photo:
        click.echo(_without_photos_text(without_photo, skipped), err=True)
    if unmatched:
        raise UsageError(
            f"nothing to try again of {', '.join(unmatched)}; 'stylewatch status' lists what failed, "
            "by the photo's path in the input folder"
        )


def _without_photos_text(rows: Sequence[FinishedJob], skipped: Mapping[str, str]) -> str:
    photos = {
        row.job.photo: f"skipped: {skipped[row.job.photo]}" if row.job.photo in skipped else row.absence
        for row in rows
    }
    where = (
        "is skipped or not in the input folder" if skipped.keys() & photos.keys() else "is not in the input folder"
    )
    shown = [printable(f"{photo} ({absence})") for photo, absence in islice(photos.items(), _PHOTOS_SHOWN)]
    more = [f"{len(photos) - _PHOTOS_SHOWN:,} more"] if len(photos) > _PHOTOS_SHOWN else []
    return (
        f"{counted(len(rows), 'deleted picture')} can't be made again while the photo {where}: "
        f"{', '.join([*shown, *more])}"
    )


def _missing_pictures(config: Config, ledger: Ledger, photos: Collection[str]) -> list[FinishedJob]:
    """Return the finished jobs, of ``photos`` if any are named, whose pictures are not there any more."""
    if not config.output.folder.is_dir():
        raise StorageError(
            f"output.folder: {config.output.folder} is not there; mount its disk or correct the setting"
        )
    # One listing a folder: a stat for each of 100,000 files takes minutes on a network share.
    listings: dict[Path, set[str]] = {}
    missing = []
    for row in ledger.queries.finished(rejected=bool(photos)):
        if photos and row.job.photo not in photos:
            continue
        path = config.output.folder / row.output
        if path.parent not in listings:
            listings[path.parent] = _names_in(path.parent)
        # Ask the disk before believing the listing: some list accented names in another Unicode form.
        if path.name not in listings[path.parent] and not os.path.lexists(path):
            missing.append(row)
    return missing


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise StorageError(
            f"{folder} can't be listed ({error.strerror}), so it is unknown which of its pictures were deleted; "
            f"fix that first"
        ) from error
