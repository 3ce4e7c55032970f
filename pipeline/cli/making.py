"""Commands that make pictures: ``run`` and ``try``. Owns signals and who reads the events."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import click

from pipeline.cli.display import Display
from pipeline.cli.options import config_argument, json_option, quiet_option
from pipeline.config import Config, load_config
from pipeline.executors.local import LocalExecutor
from pipeline.model import RunEvent, RunFinished
from pipeline.report.journal import Journal
from pipeline.report.log import LogWriter, close_log, configure_log
from pipeline.report.summary import Summary
from pipeline.report.words import counted
from pipeline.runner.lock import WORKER_LOCK_NAME, instance_lock, wait_for_orphan
from pipeline.runner.preparation import open_ledger, prepare
from pipeline.runner.single_pass import SinglePass, Wishes
from pipeline.runner.tryout import Tryout

_INTERRUPTED = 130


@click.command()
@config_argument
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Make at most N pictures.")
@click.option("--redo", type=click.Choice(["outdated"]), help="Also make again what an older engine made.")
@quiet_option
@json_option
def run(config: Path, limit: int | None, redo: str | None, quiet: bool, as_json: bool) -> None:
    """Make every picture that is pending, then exit.

    Pictures that are done stay as they are; a new photo, a new painting or a changed recipe makes exactly the
    pictures that changed. Ctrl-C keeps what is done and puts the rest back.
    """
    settings = load_config(config)
    with instance_lock(settings.state.folder, f"stylewatch run {config}"), _readers(settings, quiet, as_json) as tell:
        finished = _run(settings, config, tell, Wishes(limit=limit, redo_outdated=redo is not None))
    raise click.exceptions.Exit(_INTERRUPTED if finished.interrupted else 1 if finished.failed else 0)


def _run(settings: Config, config: Path, tell: Callable[[RunEvent], None], wishes: Wishes) -> RunFinished:
    wait_for_orphan(settings.state.folder)
    executor = LocalExecutor(
        settings.engine_settings(),
        lock_file=settings.state.folder / WORKER_LOCK_NAME,
        hang_seconds=settings.state.hang_seconds,
    )
    with contextlib.closing(executor), open_ledger(settings) as ledger:
        the_pass = SinglePass(settings, prepare(settings), ledger, executor, tell, config_name=str(config))
        with _stopping(the_pass.stop):
            return the_pass.run(wishes)


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

    They go into a folder of their own, without --into OUTPUT/try/PHOTO. The ledger is not touched and no name is
    used twice, so trials can be compared. PHOTO may lie anywhere.
    """
    settings = load_config(config)
    folder = into or settings.output.folder / "try" / photo.stem
    display = Display(quiet=quiet, json_lines=as_json)
    executor = LocalExecutor(settings.engine_settings())
    with contextlib.closing(executor), _stopping(executor.stop) as stopped, display:
        pictures = Tryout(settings, prepare(settings), executor, display).run(photo, folder, styles, recipes)
    if not quiet and not as_json:
        click.echo(f"{counted(len(pictures), 'picture')} in {folder}")
    raise click.exceptions.Exit(_INTERRUPTED if stopped else 0)


@contextlib.contextmanager
def _readers(config: Config, quiet: bool, as_json: bool) -> Iterator[Callable[[RunEvent], None]]:
    """Open the terminal, the log, the journal and the report, all fed from one stream."""
    max_bytes = round(config.log.max_megabytes * 1e6)
    configure_log(config.log.file, config.log.level.upper(), max_bytes, config.log.backups)
    journal = Journal(config.log.journal, max_bytes, config.log.backups)
    summary = Summary(config.log.reports)
    display = Display(quiet=quiet, json_lines=as_json, summary=summary)
    # The report is written before the display tells where it is.
    readers = (LogWriter(), journal, summary, display)

    def tell(event: RunEvent) -> None:
        for reader in readers:
            reader(event)

    with contextlib.closing(journal), display:
        try:
            yield tell
        finally:
            close_log()


@contextlib.contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Call ``stop`` at the first SIGINT or SIGTERM, exit at once at the second; yields the signals that came.

    Exiting at once is safe: it is no worse than kill -9, and the next run recovers from that.
    """
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if came:
            os._exit(_INTERRUPTED)
        came.append(number)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


COMMANDS = (run, try_)
