"""Runs the server of ``stylewatch gallery --serve``. Owns what it is made of, its password and what it prints."""

from __future__ import annotations

import codecs
import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import click

from pipeline.cli.runtime import INTERRUPTED, stop_on_signal
from pipeline.cli.serve import HASH_VARIABLE, ServeOptions
from pipeline.config import Config
from pipeline.errors import StorageError, UsageError
from pipeline.report.formatting import printable
from pipeline.serving.files import SiteFolders
from pipeline.serving.hosts import TrustedHosts, is_host_name
from pipeline.serving.metrics import metrics_answer
from pipeline.serving.monitoring import CurrentSettings, StateReader
from pipeline.serving.passwords import PasswordCheck, is_password_hash
from pipeline.serving.server import LOOPBACK, Server, listen
from pipeline.serving.site import Monitoring, Site

_WARNING: Final = (
    "this is plain HTTP: whoever can listen in on the network can read the password and the pictures; use it only in "
    "a network that you trust, or behind a proxy with HTTPS"
)


def run_server(
    config: Config,
    file: Path,
    options: ServeOptions,
    make_gallery: Callable[[], object],
    on_ready: Callable[[str], object] = lambda _address: None,
) -> None:
    """Serve what is in the output folder of a config, read from ``file``, until a signal; exits as after Ctrl-C.

    If there is no page yet, ``make_gallery`` makes it. ``on_ready`` gets the address as soon as it can be asked.
    """
    folders = _site_folders(config)
    hosts, passwords = TrustedHosts(_host_names(options)), _password_check(options)
    sockets = listen(_addresses(options), options.port)
    try:
        if not folders.page.exists():
            make_gallery()
        if not folders.page.exists():
            raise StorageError(f"there is no {printable(str(folders.page))}: 'stylewatch run' makes it")
        reader = StateReader(CurrentSettings(file, config))
        monitoring = Monitoring(health=reader.health, metrics=partial(metrics_answer, reader))
        site = Site(folders, hosts, monitoring, passwords=passwords, report=_report)
        server = Server(site, sockets)
        with stop_on_signal(server.stop):
            on_ready(_announce(options, server.port))
            server.run()
    finally:
        for each in sockets:
            each.close()
    raise click.exceptions.Exit(INTERRUPTED)


def _site_folders(config: Config) -> SiteFolders:
    originals = config.input.originals_folder
    hidden = (config.state.folder, config.cache.folder, config.input.folder, *([originals] if originals else []))
    return SiteFolders(output=config.output.folder, hidden=hidden)


def _host_names(options: ServeOptions) -> tuple[str, ...]:
    for name in options.host_names:
        if not is_host_name(name):
            raise UsageError(f"--host-name {name}: a name only, like nas.local, without http:// and port")
    own = platform.node()
    short = own.partition(".")[0]
    return (*options.host_names, own, short, f"{short}.local") if options.allow is not None else options.host_names


def _addresses(options: ServeOptions) -> tuple[str, ...]:
    if options.allow is None:
        return LOOPBACK
    return ("::", "0.0.0.0") if options.allow == "::" else (options.allow,)  # noqa: S104 - the user's own choice


def _password_check(options: ServeOptions) -> PasswordCheck | None:
    source = f"--password-file {options.password_file}" if options.password_file else HASH_VARIABLE
    text = _hash_in(options.password_file) if options.password_file else os.environ.get(HASH_VARIABLE, "").strip()
    if not text and not options.password_file:
        if options.allow is not None:
            raise UsageError(
                "--allow needs a password: 'stylewatch gallery --hash-password > FILE' makes the file for "
                "--password-file FILE"
            )
        return None
    if not is_password_hash(text):
        raise UsageError(
            f"{source}: this is not the hash of a password; 'stylewatch gallery --hash-password' prints one"
        )
    return PasswordCheck(text)


def _hash_in(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"--password-file {file}: it can't be read ({error.strerror})") from error
    # PowerShell's ">" writes UTF-16.
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf16 else "utf-8-sig", "replace").strip()


def _announce(options: ServeOptions, port: int) -> str:
    """Say where the gallery is, and return that address."""
    if options.allow is not None:
        click.echo(f"stylewatch: warning: {_WARNING}", err=True)
    host = options.allow or "127.0.0.1"
    if host in ("0.0.0.0", "::"):  # noqa: S104 - the user's own choice
        host = platform.node() or host
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    click.echo(f"serving the gallery at {address} (Ctrl-C ends it)")
    return address


def _report(sentence: str) -> None:
    click.echo(f"stylewatch: {printable(sentence)}", err=True)
