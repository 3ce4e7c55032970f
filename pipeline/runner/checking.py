"""Is everything in place? Owns the list of what a run needs; changes nothing."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.config import Config
from pipeline.config.settings import folder_settings
from pipeline.errors import HookError, PaintingError, StorageError, StylewatchError, files_explained
from pipeline.executors.child import make_stylizer
from pipeline.images.decode import decode_painting
from pipeline.intake.mounts import nearest_existing
from pipeline.intake.scan import scan
from pipeline.ledger import Ledger
from pipeline.report.formatting import counted
from pipeline.runner.preparation import ledger_file, require_state_and_output, source_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``error`` is None when it is as it should be."""

    what: str
    detail: str
    error: StylewatchError | None = None


def findings(config: Config) -> Iterator[Finding]:
    """Look at one thing after the other, the slow ones last."""
    yield _look("input", partial(_input, config))
    for style in config.styles:
        for path in style.paintings:
            yield _look(f"painting of {style.name!r}", partial(look_at_painting, path))
    for what, folder in (("output", config.output.folder), ("state", config.state.folder)):
        yield _look(what, partial(_writable, folder))
    yield _look("disk", partial(_disk, config))
    yield _look("ledger", partial(_ledger, config))
    for moment, command in config.hooks.settings().commands.items():
        yield _look(f"hook {moment}", partial(_hook, moment, command[0]))
    yield _look("engine", partial(_engine, config))


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        with files_explained():
            return Finding(what, look())
    except StylewatchError as error:
        return Finding(what, str(error), error)


def _input(config: Config) -> str:
    found = scan(config.input.folder, config.input.ignore)
    skipped = sum(found.skipped.values())
    archives = f" and {counted(len(found.archives), 'archive')}" if found.archives and config.input.archives else ""
    others = f", {counted(skipped, 'other file')}" if skipped else ""
    return f"{counted(len(found.photos), 'photo')}{archives} in {config.input.folder}{others}"


def look_at_painting(path: Path) -> str:
    """Return the painting's size in words. Raises PaintingError if it can't be decoded or is too small."""
    height, width, _ = decode_painting(path).shape
    if min(height, width) < 32:
        raise PaintingError(f"{path} is only {width} × {height} pixels; use a larger copy of the painting")
    return f"{path}, {width} × {height} pixels"


def _writable(folder: Path) -> str:
    existing = nearest_existing(folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"{existing} is not writable; change its permissions or choose another folder")
    return f"{folder} is writable" if existing == folder else f"{folder} will be made"


def _disk(config: Config) -> str:
    free = shutil.disk_usage(nearest_existing(config.output.folder)).free
    text = f"{free / 1e9:,.1f} GB free"
    if free < config.output.min_free_disk:
        raise StorageError(f"only {text}, output.min_free_disk is {config.output.min_free_disk / 1e9:,.1f} GB")
    return text


def _ledger(config: Config) -> str:
    require_state_and_output(config)
    folders = folder_settings(config)
    with Ledger.rehearsal(ledger_file(folders), source_of(folders)) as ledger:
        return f"{counted(sum(ledger.queries.counts().values()), 'picture')} on record"


def _hook(moment: str, program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise HookError(f"hooks.{moment}: the program {program!r} is not found; install it, or write its whole path")
    return found


def _engine(config: Config) -> str:
    # Without folders nothing is measured or kept: a check leaves no trace.
    settings = dataclasses.replace(config.engine_settings(), cache_folder=None, machine_folder=None)
    return f"{settings.weights.source} weights on {make_stylizer(settings).device_name}"
