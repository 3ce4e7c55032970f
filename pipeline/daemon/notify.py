"""What systemd is told of the daemon, as sd_notify(3) says: datagrams to a socket. Never raises, never waits."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Tells the program that started this one; without one, nobody."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        """``address`` is a socket's path, or ``@NAME`` for Linux' abstract ones.

        A service that says nothing for ``watchdog_seconds`` (0 = any time) is taken for hung.
        """
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_seconds = watchdog_seconds

    def __call__(self, *assignments: str) -> None:
        """Send ``NAME=VALUE`` assignments, all in one datagram."""
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        message = "\n".join(assignments).encode("utf-8", "replace")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.sendto(message, self._address)


def notifier_of(environment: Mapping[str, str]) -> Notifier:
    """Return the notifier that the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID ask for."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):  # none, or a virtual machine's, which is not for us
        return Notifier()
    ours = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    microseconds = environment.get("WATCHDOG_USEC", "") if ours else ""
    return Notifier(address, int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0)
