"""``stylewatch watch``: starts the daemon. Owns what it is given, and what SIGHUP and a closed terminal mean."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Final

import click

from pipeline.cli.options import config_argument, json_option, quiet_option
from pipeline.cli.runtime import INTERRUPTED, before_exit_by_signal, event_readers, make_executor, stop_on_signal
from pipeline.config import Config, load_config
from pipeline.config.settings import folder_settings
from pipeline.daemon import Daemon
from pipeline.daemon.config_reloader import ConfigReloader
from pipeline.daemon.health import Health
from pipeline.daemon.notify import Notifier, notifier_from_environment
from pipeline.errors import StorageError
from pipeline.executors.local import LocalExecutor
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.checking import require_device, require_usable_config
from pipeline.runner.instance.feedback_loops import require_no_feedback_loop
from pipeline.runner.instance.lock import instance_lock, wait_for_orphaned_worker
from pipeline.runner.preparation import require_state_and_output

_RETRY_SECONDS: Final = 2.0


@click.command()
@config_argument
@quiet_option
@json_option
def watch(config: Path, quiet: bool, as_json: bool) -> None:
    """Make pictures of all photos and of new ones, until stopped.

    Work on a photo dropped into the input folder starts as soon as the file is complete; the newest come first.
    Ctrl-C ends it soon: pictures in progress are finished within seconds or saved, and resumed at the next start. A
    lost share or a full disk only pauses it. A changed config is applied if it is valid. With a schedule it makes
    pictures in its windows only; photos that arrive meanwhile are recorded and wait.
    """
    reloader = ConfigReloader(config)  # before it is read: every change from here on counts
    settings, command = load_config(config), f"stylewatch watch {config}"
    notifier = notifier_from_environment(os.environ)
    wait_for_folders(settings, notifier)
    with (
        instance_lock(settings.state.folder, command),
        Heartbeat(settings.state.folder, command) as heartbeat,
        before_exit_by_signal(heartbeat.remove, "SIGTERM"),
        event_readers(settings, quiet, as_json, heartbeat, str(config)) as emit,
    ):
        with before_exit_by_signal(heartbeat.remove, "SIGHUP"):
            require_usable_config(settings)
            require_device(settings.engine_settings())
            wait_for_orphaned_worker(settings.state.folder)
            require_no_feedback_loop(folder_settings(settings))
        health = Health(heartbeat, notifier)

        def executor(settings: Config) -> LocalExecutor:
            return make_executor(settings, lambda: daemon.report_alive())

        reloader.on_change = emit.use_config
        daemon = Daemon(settings, executor, emit, reloader, health=health)
        with stop_on_signal(daemon.stop, heartbeat.remove), on_hangup(reloader.request_reload, daemon.stop):
            daemon.run()
    raise click.exceptions.Exit(INTERRUPTED)


def wait_for_folders(config: Config, notify: Notifier, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until the disks of state and pictures are mounted: before that there is no place for a lock or a log.

    The reason is reported once, on standard error and to systemd. Raises LedgerError, UsageError.
    """
    reported = ""
    while True:
        try:
            require_state_and_output(config)
        except StorageError as error:
            if str(error) != reported:
                reported = str(error)
                click.echo(f"stylewatch: waiting: {reported}", err=True)
                notify("READY=1", f"STATUS=waiting: {reported}")
            notify("WATCHDOG=1")
            sleep(_RETRY_SECONDS)
        else:
            return


@contextlib.contextmanager
def on_hangup(reload: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``reload`` at SIGHUP, or ``stop`` if the signal says that the terminal is closed.

    With nohup there never was a terminal, so it means ``reload``. Windows has no such signal.
    """
    number = getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    had_terminal = _has_terminal()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if had_terminal and not _has_terminal():
            stop()
        else:
            reload()

    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


def _has_terminal() -> bool:
    # After a hangup the descriptors are still open, but none is a terminal any more.
    return any(os.isatty(descriptor) for descriptor in (0, 1, 2))
