"""Notifies systemd about the daemon: datagrams to a socket, as in sd_notify(3). Never raises, never waits."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends notifications to the service manager; does nothing if there is none."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        """``address`` is a socket's path, or ``@NAME`` for Linux' abstract ones.

        systemd takes a service without notifications for ``watchdog_seconds`` for hung (0 = never).
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


def notifier_from_environment(environment: Mapping[str, str]) -> Notifier:
    """Return the notifier that the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID ask for."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):  # none, or the host's of a virtual machine (vsock:), which is not ours
        return Notifier()
    is_ours = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    microseconds = environment.get("WATCHDOG_USEC", "") if is_ours else ""
    return Notifier(address, int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0)
