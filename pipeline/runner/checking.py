"""Checks that everything a run needs is in place. Owns the list of these checks; changes nothing."""

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
class CheckResult:
    """The result of one check; ``error`` is None when all is as it should be."""

    name: str
    detail: str
    error: StylewatchError | None = None


def run_checks(config: Config) -> Iterator[CheckResult]:
    """Yield the results of all checks, the slow ones last."""
    yield _run_check("input", partial(_check_input, config))
    for style in config.styles:
        for path in style.paintings:
            yield _run_check(f"painting of {style.name!r}", partial(check_painting, path))
    for name, folder in (("output", config.output.folder), ("state", config.state.folder)):
        yield _run_check(name, partial(_check_writable, folder))
    yield _run_check("disk", partial(_check_disk, config))
    yield _run_check("ledger", partial(_check_ledger, config))
    for name, command in config.hooks.settings().commands.items():
        yield _run_check(f"hook {name}", partial(_check_hook, name, command[0]))
    yield _run_check("engine", partial(_check_engine, config))


def _run_check(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        with files_explained():
            return CheckResult(name, check())
    except StylewatchError as error:
        return CheckResult(name, str(error), error)


def _check_input(config: Config) -> str:
    found = scan(config.input.folder, config.input.ignore)
    skipped = sum(found.skipped.values())
    archives = f" and {counted(len(found.archives), 'archive')}" if found.archives and config.input.archives else ""
    others = f", {counted(skipped, 'other file')}" if skipped else ""
    return f"{counted(len(found.photos), 'photo')}{archives} in {config.input.folder}{others}"


def check_painting(path: Path) -> str:
    """Return the painting's path and size in words. Raises PaintingError if it can't be decoded or is too small."""
    height, width, _ = decode_painting(path).shape
    if min(height, width) < 32:
        raise PaintingError(f"{path} is only {width} × {height} pixels; use a larger copy of the painting")
    return f"{path}, {width} × {height} pixels"


def _check_writable(folder: Path) -> str:
    existing = nearest_existing(folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"{existing} is not writable; change its permissions or choose another folder")
    return f"{folder} is writable" if existing == folder else f"{folder} will be made"


def _check_disk(config: Config) -> str:
    free = shutil.disk_usage(nearest_existing(config.output.folder)).free
    text = f"{free / 1e9:,.1f} GB free"
    if free < config.output.min_free_disk:
        raise StorageError(f"only {text}, output.min_free_disk is {config.output.min_free_disk / 1e9:,.1f} GB")
    return text


def _check_ledger(config: Config) -> str:
    require_state_and_output(config)
    folders = folder_settings(config)
    with Ledger.rehearsal(ledger_file(folders), source_of(folders)) as ledger:
        return f"{counted(sum(ledger.queries.counts().values()), 'picture')} on record"


def _check_hook(name: str, program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise HookError(f"hooks.{name}: the program {program!r} is not found; install it, or write its whole path")
    return found


def _check_engine(config: Config) -> str:
    # Without folders nothing is measured or kept: a check leaves no trace.
    settings = dataclasses.replace(config.engine_settings(), cache_folder=None, machine_folder=None)
    return f"{settings.weights.source} weights on {make_stylizer(settings).device_name}"
