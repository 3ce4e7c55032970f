"""``--serve`` of ``stylewatch gallery``: its options. The server's libraries, which take a fifth of a second, are
loaded when they are needed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from pipeline.config import Config

_PORT: Final = 8765
#: The variable of the environment that may hold a password's hash.
HASH_VARIABLE: Final = "STYLEWATCH_PASSWORD_HASH"


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
    from pipeline.serving.passwords import hash_password

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
        help="With --serve: a file with the hash of a password, which is then asked for; or the hash is in "
        f"${HASH_VARIABLE}.",
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


def serve_gallery(
    config: Config,
    file: Path,
    options: ServeOptions,
    make_gallery: Callable[[], object],
    on_ready: Callable[[str], object] = lambda _address: None,
) -> None:
    """Serve a gallery; see :func:`pipeline.cli.gallery_server.run_server`."""
    from pipeline.cli.gallery_server import run_server

    run_server(config, file, options, make_gallery, on_ready)
