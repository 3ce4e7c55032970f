"""What the commands about single pictures share: their argument, the ledger, and how pictures are listed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from pipeline.cli.gallery import update_gallery
from pipeline.cli.line_width import echo
from pipeline.config import Config
from pipeline.config.settings import folder_settings
from pipeline.errors import UsageError
from pipeline.ledger import Ledger, PictureRecord, ledger_exists
from pipeline.runner.corrections.named_pictures import NamedPictures
from pipeline.runner.instance.lock import is_held
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.preparation import ledger_file, open_ledger, require_state_and_output

_PICTURES_SHOWN: Final = 10

pictures_argument = click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")


@contextlib.contextmanager
def ledger_in_place(settings: Config) -> Iterator[Ledger]:
    """Open the config's ledger, which is to be there already. Raises UsageError if it is not."""
    require_state_and_output(settings)  # on an unmounted disk the ledger would seem not to exist
    folders = folder_settings(settings)
    if not ledger_exists(ledger_file(folders)):
        raise UsageError("no picture was made by this config yet: 'stylewatch run' makes them")
    with open_ledger(settings) as ledger:
        take_over_moved_source(folders, ledger)
        yield ledger


def find_named(
    ledger: Ledger, output_folder: Path, names: Sequence[str]
) -> tuple[list[PictureRecord], list[tuple[str, str]]]:
    """Return the pictures that the user named, each once, and what was not found, with why and what would help."""
    known = NamedPictures(ledger.pictures.all(), output_folder, Path.cwd())
    found: dict[PictureRecord, None] = {}
    lost = []
    for name in names:
        pictures = known.find(name)
        found |= dict.fromkeys(pictures)
        if not pictures:
            lost.append((name, known.why_not_found(name)))
    return list(found), lost


def echo_names(names: Sequence[str]) -> None:
    """Print names of pictures, a line each; of very many only the first."""
    for name in names[:_PICTURES_SHOWN]:
        echo(f"  {name}")
    if len(names) > _PICTURES_SHOWN:
        echo(f"  ... and {len(names) - _PICTURES_SHOWN:,} more")


def by_whom(settings: Config) -> str:
    """Return who makes what is pending."""
    return "by the program that is at work" if is_held(settings.state.folder) else "by the next run"


def show_in_gallery(settings: Config, config_name: str) -> None:
    """Bring the gallery up to date, if there is one, unless a program is at work, which does that soon."""
    if not is_held(settings.state.folder):
        update_gallery(settings, config_name)
