"""What systemd hears, on a real socket."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.daemon.notify import Notifier, notifier_from_environment

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets with paths are POSIX")


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(10)
        yield ear


def test_assignments_arrive_in_one_datagram(ear: socket.socket) -> None:
    Notifier(ear.getsockname())("READY=1", "STATUS=idle")
    assert ear.recv(1000) == b"READY=1\nSTATUS=idle"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract sockets are Linux'")
def test_an_abstract_socket_is_reached_by_its_name() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(f"\0stylewatch-test-{os.getpid()}")
        ear.settimeout(10)
        Notifier(f"@stylewatch-test-{os.getpid()}")("WATCHDOG=1")
        assert ear.recv(1000) == b"WATCHDOG=1"


def test_names_that_are_no_text_get_a_question_mark(ear: socket.socket) -> None:
    Notifier(ear.getsockname())("STATUS=caf\udce9.jpg")
    assert ear.recv(1000) == b"STATUS=caf?.jpg"


def test_nobody_is_told_where_nobody_listens(tmp_path: Path) -> None:
    Notifier()("READY=1")
    Notifier(str(tmp_path / "nowhere"))("READY=1")
    Notifier("/" + "x" * 500)("READY=1")


def test_whoever_does_not_read_is_not_waited_for(ear: socket.socket) -> None:
    notify = Notifier(ear.getsockname())
    for _ in range(5000):
        notify("STATUS=" + "x" * 1000)
    assert ear.recv(2000).startswith(b"STATUS=xxx")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}, 0.0),
        ({"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "30000000"}, 0.0),
    ],
)
def test_the_watchdog_is_ours_if_systemd_says_so(environment: dict[str, str], seconds: float) -> None:
    assert notifier_from_environment(environment).watchdog_seconds == seconds


def test_the_socket_is_the_one_that_systemd_names(ear: socket.socket) -> None:
    notifier_from_environment({"NOTIFY_SOCKET": ear.getsockname()})("STOPPING=1")
    assert ear.recv(1000) == b"STOPPING=1"
