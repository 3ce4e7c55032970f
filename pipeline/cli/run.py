"""``stylewatch run``: makes every pending picture once. Owns its options and its exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from pipeline.cli.options import config_argument, json_option, only_option, quiet_option, redo_option
from pipeline.cli.runtime import INTERRUPTED, before_exit_by_signal, event_readers, make_executor, stop_on_signal
from pipeline.cli.until import MomentType, stopped_at
from pipeline.config import Config, load_config
from pipeline.config.settings import folder_settings, ingest_settings, pass_settings
from pipeline.errors import StorageError
from pipeline.ledger import Ledger
from pipeline.model import Remark, RunEvent, RunFinished
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.checking import recipes_in_use, require_device, require_usable_config
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.gallery.writer import page_of
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.input_root import open_input
from pipeline.runner.instance.feedback_loops import require_no_feedback_loop
from pipeline.runner.instance.lock import instance_lock, wait_for_orphaned_worker
from pipeline.runner.memory_limits import require_possible_photos
from pipeline.runner.planning.run_scope import Redo, RunScope
from pipeline.runner.preparation import ResolvedConfig, open_ledger, require_state_and_output, resolve_config
from pipeline.runner.style_folders import make_style_folders


@click.command()
@config_argument
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Make at most N pictures.")
@only_option
@redo_option
@click.option(
    "--until",
    type=MomentType(),
    metavar="TIME",
    help="Stop at this time of day (06:00) or date and time; the next run makes the rest.",
)
@quiet_option
@json_option
def run(
    config: Path,
    limit: int | None,
    only: tuple[str, ...],
    redo: tuple[Redo, ...],
    until: datetime | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make every picture that is pending, then exit.

    Pictures that are done stay as they are; after a new photo, a new painting or a changed recipe exactly the
    pictures that it changes are made. Ctrl-C ends it soon: pictures in progress are finished within seconds or saved,
    and resumed by the next run. The config's schedule is for 'watch': a run starts at once.
    """
    settings, command = load_config(config), f"stylewatch run {config}"
    require_state_and_output(settings)  # before the lock and the log make folders where a disk should be mounted
    with (
        instance_lock(settings.state.folder, command),
        Heartbeat(settings.state.folder, command) as heartbeat,
        before_exit_by_signal(heartbeat.remove, "SIGTERM"),
        event_readers(settings, quiet, as_json, heartbeat, str(config)) as emit,
    ):
        require_usable_config(settings)
        options = PassOptions(limit=limit, scope=RunScope(only, frozenset(redo)), config_name=str(config))
        finished = _run(settings, emit, options, heartbeat, until)
    has_pictures = finished.finished + finished.copied > 0
    if has_pictures and not (quiet or as_json) and (page := page_of(settings.output.folder)) is not None:
        click.echo(f"Gallery: {page}")
    has_failures = finished.failed > 0 or finished.photos_set_aside > 0
    raise click.exceptions.Exit(INTERRUPTED if finished.interrupted else 1 if has_failures else 0)


def _run(
    settings: Config,
    emit: Callable[[RunEvent], None],
    options: PassOptions,
    heartbeat: Heartbeat,
    until: datetime | None,
) -> RunFinished:
    # The heartbeat of a run that is killed during a pass stays behind: status reports the kill by it.
    with before_exit_by_signal(heartbeat.remove, "SIGHUP"):
        wait_for_orphaned_worker(settings.state.folder)
        require_no_feedback_loop(folder_settings(settings))
    with (
        contextlib.closing(make_executor(settings, heartbeat.beat)) as executor,
        _open_ledger(settings, emit, Path(options.config_name)) as ledger,
    ):
        resolved = resolve_config(settings)
        for remark in _style_folders(settings, ledger):
            emit(remark)
        the_pass = SinglePass(pass_settings(settings), resolved, ledger, executor, emit, on_poll=heartbeat.beat)
        with stop_on_signal(the_pass.stop, heartbeat.remove), stopped_at(until, the_pass):
            return the_pass.run(partial(_ingest, settings, resolved, ledger), options)


def _ingest(
    settings: Config, resolved: ResolvedConfig, ledger: Ledger, *, sleep: Callable[[float], None]
) -> IngestResult:
    """Ingest the photos; raises what the machine can't do before the first of them is claimed."""
    ingested = ingest(ingest_settings(settings), resolved, ledger, sleep=sleep)
    if ledger.queries.has_work():
        require_device(settings.engine_settings())
    require_possible_photos(
        recipes_in_use(settings).values(),
        settings.engine_settings(),
        settings.input.folder,
        ledger.queries.pending_photos,
    )
    return ingested


def _style_folders(settings: Config, ledger: Ledger) -> Iterator[Remark]:
    if folders := settings.style_folders():
        with contextlib.suppress(StorageError):  # the pass raises it, in its order
            open_input(settings.input.folder, ledger)
            yield from make_style_folders(ingest_settings(settings), folders)


def _open_ledger(settings: Config, emit: Callable[[RunEvent], None], config: Path) -> Ledger:
    return open_ledger(settings, emit=lambda text: emit(Remark("", text)), config_file=config)
