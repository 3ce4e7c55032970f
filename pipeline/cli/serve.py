"""``--serve`` of ``stylewatch gallery``: its options, its password and what it prints. The server is elsewhere."""

from __future__ import annotations

import codecs
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from pipeline.cli.runtime import INTERRUPTED, stop_on_signal
from pipeline.config import Config
from pipeline.errors import StorageError, UsageError
from pipeline.report.formatting import printable
from pipeline.serving.files import SiteFolders
from pipeline.serving.hosts import TrustedHosts, is_host_name
from pipeline.serving.metrics import metrics_answer
from pipeline.serving.monitoring import CurrentSettings, StateReader
from pipeline.serving.passwords import PasswordCheck, hash_password, is_password_hash
from pipeline.serving.server import LOOPBACK, Server, listen
from pipeline.serving.site import Monitoring, Site

_PORT: Final = 8765
_VARIABLE: Final = "STYLEWATCH_PASSWORD_HASH"
_WARNING: Final = (
    "this is plain HTTP: whoever can listen in on the network can read the password and the pictures; use it only in "
    "a network that you trust, or behind a proxy with HTTPS"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line says about serving. ``allow``: the address to listen at instead of this machine's own."""

    serve: bool
    port: int
    allow: str | None
    host_names: tuple[str, ...]
    password_file: Path | None


def serve_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about serving; it is called with one ``serving``, a :class:`ServeOptions`."""

    def with_options(
        *,
        serve: bool,
        port: int | None,
        allow: str | None,
        host_name: tuple[str, ...],
        password_file: Path | None,
        **others: Any,
    ) -> Any:
        if not serve and (port is not None or allow or host_name or password_file):
            raise click.UsageError("--port, --allow, --host-name and --password-file need --serve.")
        options = ServeOptions(
            serve=serve,
            port=_PORT if port is None else port,
            allow=allow,
            host_names=host_name,
            password_file=password_file,
        )
        return command(serving=options, **others)

    with_options.__doc__ = command.__doc__
    with_options.__name__ = command.__name__
    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _hash_and_exit(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    click.echo(hash_password(password))
    context.exit()


_OPTIONS: Final = (
    click.option("--serve", is_flag=True, help="Serve the gallery over HTTP, on this machine only, until stopped."),
    click.option(
        "--port",
        type=click.IntRange(0, 65_535),
        help=f"With --serve: the port; {_PORT} by default, 0 = any free one.",
    ),
    click.option(
        "--allow",
        metavar="ADDRESS",
        help="With --serve: let other machines in, at this address of this machine (0.0.0.0 = all of IPv4, :: = all "
        "that it has). Needs a password.",
    ),
    click.option(
        "--host-name",
        multiple=True,
        metavar="NAME",
        help="With --serve: a name that browsers know this machine by (a proxy's, say); may be repeated.",
    ),
    click.option(
        "--password-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help=f"With --serve: a file with the hash of a password, which is then asked for; or it is in ${_VARIABLE}.",
    ),
    click.option(
        "--hash-password",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_hash_and_exit,
        help="Ask for a password (or read one line), print its hash for --password-file, and exit.",
    ),
)


def serve_gallery(config: Config, file: Path, options: ServeOptions, make_gallery: Callable[[], object]) -> None:
    """Serve what is in the output folder of a config, read from ``file``, until a signal; exits as after Ctrl-C.

    If there is no page yet, ``make_gallery`` makes it.
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
            _announce(options, server.port)
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
    source = f"--password-file {options.password_file}" if options.password_file else _VARIABLE
    text = _hash_in(options.password_file) if options.password_file else os.environ.get(_VARIABLE, "").strip()
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


def _announce(options: ServeOptions, port: int) -> None:
    if options.allow is not None:
        click.echo(f"stylewatch: warning: {_WARNING}", err=True)
    host = options.allow or "127.0.0.1"
    if host in ("0.0.0.0", "::"):  # noqa: S104 - the user's own choice
        host = platform.node() or host
    address = f"[{host}]" if ":" in host else host
    click.echo(f"serving the gallery at http://{address}:{port}/ (Ctrl-C ends it)")


def _report(sentence: str) -> None:
    click.echo(f"stylewatch: {printable(sentence)}", err=True)
