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
from pipeline.cli.runtime import INTERRUPTED, dying, executor_of, readers, stopping
from pipeline.config import Config, load_config
from pipeline.daemon import Daemon
from pipeline.daemon.health import Health
from pipeline.daemon.notify import Notifier, notifier_of
from pipeline.daemon.reloading import Reloading
from pipeline.errors import StorageError
from pipeline.executors.local import LocalExecutor
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.instance.feedback_loops import require_no_feedback_loop
from pipeline.runner.instance.lock import instance_lock, wait_for_orphan
from pipeline.runner.preparation import require_state_and_output

_WAIT_SECONDS: Final = 2.0


@click.command()
@config_argument
@quiet_option
@json_option
def watch(config: Path, quiet: bool, as_json: bool) -> None:
    """Make pictures of what is there and of what comes, until stopped.

    A photo dropped into the input folder is begun as soon as it is complete; the newest come first. Ctrl-C ends it
    soon: what is in work is finished within seconds or kept as it is, and the next start goes on there. A lost share
    or a full disk only pauses it. A changed config is taken over, if it is good. With a schedule it makes pictures
    in its windows only, and takes in what comes meanwhile.
    """
    reloading = Reloading(config)  # before it is read: a change from here on is one
    settings, command = load_config(config), f"stylewatch watch {config}"
    notifier = notifier_of(os.environ)
    wait_for_folders(settings, notifier)
    with (
        instance_lock(settings.state.folder, command),
        Heartbeat(settings.state.folder, command) as heart,
        dying(heart.forget, "SIGTERM"),
        readers(settings, quiet, as_json, heart) as emit,
    ):
        with dying(heart.forget, "SIGHUP"):
            wait_for_orphan(settings.state.folder)
            require_no_feedback_loop(settings)
        health = Health(heart, notifier)

        def executor(settings: Config) -> LocalExecutor:
            return executor_of(settings, health.main_turned)

        daemon = Daemon(settings, executor, emit, config_name=str(config), reloading=reloading, health=health)
        with stopping(daemon.stop, heart.forget), hanging_up(reloading.ask, daemon.stop):
            daemon.run()
    raise click.exceptions.Exit(INTERRUPTED)


def wait_for_folders(config: Config, notify: Notifier, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until the disks of state and pictures are mounted: before that there is no place for a lock or a log.

    Says so once, on standard error and to systemd. Raises LedgerError, UsageError.
    """
    said = ""
    while True:
        try:
            require_state_and_output(config)
        except StorageError as error:
            if str(error) != said:
                said = str(error)
                click.echo(f"stylewatch: waiting: {said}", err=True)
                notify("READY=1", f"STATUS=waiting: {said}")
            notify("WATCHDOG=1")
            sleep(_WAIT_SECONDS)
        else:
            return


@contextlib.contextmanager
def hanging_up(reload: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``reload`` at SIGHUP, or ``stop`` if it came because the terminal is gone; Windows has no such signal.

    With nohup there never was a terminal, and it is ``reload``.
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
    # After the hang-up the files are still open, but no terminal any more.
    return any(os.isatty(descriptor) for descriptor in (0, 1, 2))
