"""The command that goes on: ``watch``. Owns what it passes on to the daemon."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from pipeline.cli.options import config_argument, json_option, quiet_option
from pipeline.cli.surroundings import INTERRUPTED, readers, stopping
from pipeline.config import load_config
from pipeline.daemon import Daemon
from pipeline.executors.local import LocalExecutor
from pipeline.runner.lock import WORKER_LOCK_NAME, instance_lock, wait_for_orphan


@click.command()
@config_argument
@quiet_option
@json_option
def watch(config: Path, quiet: bool, as_json: bool) -> None:
    """Make pictures of what is there and of what comes, until stopped.

    A photo dropped into the input folder is begun as soon as it is complete; the newest come first. Ctrl-C keeps
    what is done and puts the rest back. A lost share or a full disk only pauses it. With a schedule it makes
    pictures in its windows only, and takes in what comes meanwhile.
    """
    settings = load_config(config)
    with (
        instance_lock(settings.state.folder, f"stylewatch watch {config}"),
        readers(settings, quiet, as_json) as tell,
    ):
        wait_for_orphan(settings.state.folder)
        lock_file = settings.state.folder / WORKER_LOCK_NAME
        executor = partial(LocalExecutor, settings.engine_settings(), lock_file=lock_file)
        daemon = Daemon(settings, executor, tell, config_name=str(config))
        with stopping(daemon.stop):
            daemon.run()
    raise click.exceptions.Exit(INTERRUPTED)


COMMANDS = (watch,)
