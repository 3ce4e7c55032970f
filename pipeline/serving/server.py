"""Runs the HTTP server. Owns its sockets and limits, and what is said when an address can't be had."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import waitress
from waitress import wasyncore

from pipeline.errors import CannotRunError, UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK: Final = ("127.0.0.1", "::1")

_THREADS: Final = 8
_CONNECTIONS: Final = 200
_IDLE_SECONDS: Final = 60
#: Nobody has anything to send.
_LARGEST_BODY_BYTES: Final = 65_536
_LARGEST_HEADER_BYTES: Final = 32_768
#: How soon a stop is noticed.
_TURN_SECONDS: Final = 0.2
#: Requests in progress are not waited for longer than this at the end.
_END_SECONDS: Final = 0.5

#: A system without IPv6, or without an IPv6 address for itself.
_NO_SUCH_FAMILY: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


@dataclass(slots=True)
class Server:
    """A server that listens on its ``sockets`` from the beginning. Use :meth:`run` in one thread."""

    application: WSGIApplication
    sockets: Sequence[socket.socket]
    _is_stopped: bool = False
    _channels: dict[int, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port, also if any was asked for."""
        return int(self.sockets[0].getsockname()[1])

    def run(self) -> None:
        """Serve until :meth:`stop`."""
        # Its warnings are about its own threads, and its errors come with a traceback.
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        server = waitress.create_server(
            self.application,
            map=self._channels,
            sockets=list(self.sockets),
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            max_request_body_size=_LARGEST_BODY_BYTES,
            max_request_header_size=_LARGEST_HEADER_BYTES,
            ident=None,
        )
        try:
            while not self._is_stopped:
                wasyncore.loop(timeout=_TURN_SECONDS, map=self._channels, count=1)
        finally:
            server.task_dispatcher.shutdown(timeout=_END_SECONDS)
            for channel in list(self._channels.values()):
                channel.handle_close()  # close() would leave open what it was sending

    def stop(self) -> None:
        """End :meth:`run` soon. May be called from a signal handler or another thread."""
        self._is_stopped = True


def listen(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Open a socket for each of the addresses, all with one port; 0 = any that is free.

    Of several, those whose kind of address this system doesn't have are left out. Raises UsageError for what is no
    address of this machine, CannotRunError for a port that can't be had.
    """
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            wanted = opened[0].getsockname()[1] if opened else port
            with contextlib.suppress(_MissingFamilyError) if opened else contextlib.nullcontext():
                opened.append(_listen_at(address, wanted))
    except BaseException:
        for each in opened:
            each.close()
        raise
    return opened


class _MissingFamilyError(UsageError):
    """The system has no addresses of this kind."""


def _listen_at(address: str, port: int) -> socket.socket:
    try:
        ((family, kind, protocol, _, place), *_) = socket.getaddrinfo(
            address or "no address", port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
        )
        opened = socket.socket(family, kind, protocol)
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(f"{address} is no address of numbers, like 192.168.1.20 or 0.0.0.0 (= all)") from error
    except OSError as error:
        raise _explained(error, address, port) from error
    try:
        _set_options(opened)
        opened.bind(place)
        opened.listen(_CONNECTIONS)
    except OSError as error:
        opened.close()
        raise _explained(error, address, port) from error
    return opened


def _set_options(opened: socket.socket) -> None:
    if os.name == "nt":
        # There another program could take the port of a running one.
        opened.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009 - for type checkers
    else:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _explained(error: OSError, address: str, port: int) -> UsageError | CannotRunError:
    where = f"port {port} of {address}"
    if error.errno in _NO_SUCH_FAMILY:
        return _MissingFamilyError(f"{address} is no address of this machine; name one of its own, or 0.0.0.0")
    if error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) == 10013:
        return CannotRunError(f"{where} is in use by another program; stop it, or choose another one with --port")
    if error.errno == errno.EACCES:
        return CannotRunError(
            f"{where} needs rights that this program doesn't have; choose one above 1023 with --port"
        )
    return CannotRunError(f"{where} can't be used ({error.strerror}); choose another one with --port")
