"""``stylewatch clean``: deletes what is needed no more. Owns its question, messages and JSON fields."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from pipeline.cli.gallery import update_gallery
from pipeline.cli.line_width import echo
from pipeline.cli.options import config_argument
from pipeline.cli.questions import can_ask
from pipeline.config import Config, load_config
from pipeline.config.settings import folder_settings, ingest_settings
from pipeline.ledger import Ledger, ledger_exists
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.report.formatting import byte_size, counted, printable
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.report.gallery.sheets import SheetFiles
from pipeline.runner.cleaning.deletion import Deleted, Deletion
from pipeline.runner.cleaning.own_files import OwnFile
from pipeline.runner.cleaning.survey import EDITED, OF_ANOTHER, PHOTO_GONE, Survey, survey
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.preparation import (
    ledger_file,
    open_ledger,
    require_state_and_output,
    resolve_config,
    variant_of,
)

#: Version of the JSON. Fields may be added to it; one that changes its meaning or goes makes it 2.
_VERSION: Final = 1

_KINDS: Final = {
    "withdrawn": "pictures that this config does not ask for any more",
    "snapshots": "snapshots of finished pictures",
    "tries": "pictures of 'stylewatch try'",
    "copies": "the gallery's small copies of pictures and photos that are gone",
}
_REASONS: Final = {
    EDITED: "edited, replaced or can't be read",
    PHOTO_GONE: "the photo is not in the input folder, so they could not be made again",
    OF_ANOTHER: "a config with another state folder has them on record, too",
}


@click.command()
@config_argument
@click.option("--only", type=click.Choice(list(_KINDS)), multiple=True, help="Only these files; may be repeated.")
@click.option("--all", "show_all", is_flag=True, help="List every file.")
@click.option("-y", "--yes", is_flag=True, help="Delete without asking.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for other programs; asks nothing.")
def clean(config: Path, only: tuple[str, ...], show_all: bool, yes: bool, as_json: bool) -> None:
    """Delete withdrawn pictures, old snapshots and unused copies.

    Says first what that frees, and asks. Without a terminal to ask in, nothing is deleted unless --yes is given.
    What was edited stays, and so do the pictures of photos that are gone.
    """
    settings = load_config(config)
    require_state_and_output(settings)
    with _locked(settings, f"stylewatch clean {config}") as has_ledger:
        found = _survey(settings, only, has_ledger=has_ledger)
        if not as_json:
            _print_survey(found, show_all)
        files = [file for files in found.by_kind().values() for file in files]
        deleted = _delete(settings, found) if files and (yes or (not as_json and _confirmed(files))) else None
        if deleted is not None and has_ledger:
            _forget_sheets(settings)
            update_gallery(settings, str(config))
    if as_json:
        click.echo(json.dumps(_json_fields(found, deleted)))
    elif deleted is not None:
        _print_deleted(deleted)
    raise click.exceptions.Exit(1 if deleted and deleted.failed else 0)


@contextlib.contextmanager
def _locked(settings: Config, command: str) -> Iterator[bool]:
    """Hold the state folder, also during the question; yields whether there is a ledger, without which it isn't."""
    if not ledger_exists(ledger_file(folder_settings(settings))):
        yield False
        return
    with instance_lock(settings.state.folder, command):
        yield True


def _survey(settings: Config, only: tuple[str, ...], *, has_ledger: bool) -> Survey:
    folders = folder_settings(settings)
    found = survey(folders, ingest_settings(settings), resolve_config(settings), has_ledger=has_ledger)
    if not only:
        return found
    left_out = [kind for kind in _KINDS if kind not in only]
    if not {"withdrawn", "copies"} <= set(only):
        left_out += ["copies_of_withdrawn"]
    return replace(found, **dict.fromkeys(left_out, ()))  # type: ignore[arg-type]


def _confirmed(files: list[OwnFile]) -> bool:
    if not can_ask():
        click.echo("Nothing was deleted: there is no terminal to ask in; --yes deletes these files.")
        return False
    if click.confirm(f"Delete {counted(len(files), 'file')} and free {byte_size(_bytes(files))}?"):
        return True
    click.echo("Nothing was deleted.")
    return False


def _delete(settings: Config, found: Survey) -> Deleted:
    def opened() -> Ledger:
        ledger = open_ledger(settings)
        take_over_moved_source(folder_settings(settings), ledger)
        return ledger

    return Deletion(settings.output.folder).run(found, opened)


def _forget_sheets(settings: Config) -> None:
    """Take the contact sheets of deleted tries out of the gallery."""
    with contextlib.suppress(OSError):
        SheetFiles(GalleryFolder(settings.output.folder / GALLERY_FOLDER)).forget_gone()


def _print_survey(found: Survey, show_all: bool) -> None:
    for kind, files in found.by_kind().items():
        if files:
            echo(f"{counted(len(files), 'file')}, {byte_size(_bytes(files))}: {_KINDS[kind]}")
        if kind == "withdrawn":
            _print_styles(found)
        for file in files if show_all else ():
            echo(f"  {file.path}")
    for reason, count in found.kept.items():
        echo(f"{counted(count, 'withdrawn picture')} kept: {_REASONS[reason]}")
    if not any(found.by_kind().values()):
        echo("nothing to delete")


def _print_styles(found: Survey) -> None:
    for variant, count in sorted(Counter(variant_of(entry.picture.job) for entry in found.withdrawn).items()):
        echo(f"  {variant}: {count:,}")


def _print_deleted(deleted: Deleted) -> None:
    click.echo(f"{counted(deleted.files.total(), 'file')} deleted, {byte_size(deleted.size_bytes.total())} freed")
    for path, reason in deleted.failed:
        click.echo(printable(f"{path} was not deleted: {reason}"), err=True)


def _bytes(files: list[OwnFile] | tuple[OwnFile, ...]) -> int:
    return sum(file.size_bytes for file in files)


def _json_fields(found: Survey, deleted: Deleted | None) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "found": {kind: {"files": len(files), "bytes": _bytes(files)} for kind, files in found.by_kind().items()},
        "kept": {reason: found.kept.get(reason, 0) for reason in _REASONS},
        "deleted": {
            kind: {
                "files": deleted.files[kind] if deleted else 0,
                "bytes": deleted.size_bytes[kind] if deleted else 0,
            }
            for kind in _KINDS
        },
        "failed": [
            {"file": printable(str(path)), "reason": reason} for path, reason in (deleted.failed if deleted else ())
        ],
    }
