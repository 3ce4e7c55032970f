"""Sockets: which addresses can be had, what is said of those that can't, and that a stop is at once."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import CannotRunError, UsageError
from pipeline.serving.server import LOOPBACK, Server, _explained, listen
from tests.serving.sites import PICTURE, make_output, make_site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = environ["PATH_INFO"].encode("latin-1")
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def get(address: str, port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_answers_at_all_loopback_addresses_until_it_is_stopped_and_the_port_is_free_again() -> None:
    sockets = listen(LOOPBACK, 0)
    with serving(Server(hello, sockets)) as server:
        port = server.port
        for opened in sockets:
            assert get(opened.getsockname()[0], port, "/a%FF%2Fb") == b"/a\xff/b"
        waiting = socket.create_connection(("127.0.0.1", port))
        before = time.monotonic()
    assert time.monotonic() - before < 5, "a connection that says nothing keeps it from ending"
    waiting.close()
    again = listen(["127.0.0.1"], port)
    again[0].close()


def test_nothing_is_open_beyond_loopback() -> None:
    sockets = listen(LOOPBACK, 0)
    assert {opened.getsockname()[0] for opened in sockets} <= {"127.0.0.1", "::1"}
    for opened in sockets:
        opened.close()


def test_all_sockets_have_one_port() -> None:
    sockets = listen(LOOPBACK, 0)
    assert len({opened.getsockname()[1] for opened in sockets}) == 1
    for opened in sockets:
        opened.close()


def test_a_port_in_use_is_one_sentence_and_nothing_stays_open() -> None:
    (taken,) = listen(["127.0.0.1"], 0)
    port = taken.getsockname()[1]
    with pytest.raises(CannotRunError, match=f"port {port} of 127.0.0.1 is in use by another program; .* --port"):
        listen(["127.0.0.1"], port)
    taken.close()


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_an_address_of_another_machine_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=f"{address} is no address of this machine"):
        listen([address], 0)


@pytest.mark.parametrize("address", ["nas.local", "", "1.2.3.4:80", "all"])
def test_a_name_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of numbers"):
        listen([address], 0)


def test_a_kind_of_address_that_the_system_lacks_is_left_out() -> None:
    (only,) = listen(["127.0.0.1", "2001:db8::7"], 0)
    assert only.family == socket.AF_INET
    only.close()


def test_clients_that_read_nothing_of_large_files_keep_nobody_waiting(tmp_path: Path) -> None:
    visitor = make_site(make_output(tmp_path / "out"))
    with (tmp_path / "out" / "large.tiff").open("wb") as file:
        file.truncate(100_000_000)
    with serving(Server(visitor.site, listen(["127.0.0.1"], 0))) as server, ExitStack() as stack:
        for wanted in ("0-", "5-") * 10:
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(f"GET /large.tiff HTTP/1.1\r\nHost: localhost\r\nRange: bytes={wanted}\r\n\r\n".encode())
            assert slow.recv(20).startswith(b"HTTP/1.1 20")
        assert get("127.0.0.1", server.port, "/a--night.jpg") == PICTURE


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "port 80 of 0.0.0.0 needs rights that this program doesn't have; choose one above 1023"),
        (errno.ENOBUFS, "port 80 of 0.0.0.0 can't be used (No buffer space available)"),
    ],
)
def test_a_port_that_is_refused_is_one_sentence(number: int, said: str) -> None:
    error = _explained(OSError(number, os.strerror(number)), "0.0.0.0", 80)
    assert isinstance(error, CannotRunError)
    assert said in str(error)
    assert "--port" in str(error)
