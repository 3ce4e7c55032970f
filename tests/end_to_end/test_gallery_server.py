"""The server as a process of its own, asked byte by byte: clients tidy up an address before they send it."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.security import generate_password_hash

from tests.faults.injection import StorageFaults, needs_injection
from tests.serving.sites import PICTURE, make_output
from tests.workshop import Workshop

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SECRET = b"a secret of the machine"


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int

    def send(self, request: bytes) -> bytes:
        """Return all that is answered to these bytes; nothing if they are too many, and the connection is reset."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection, suppress(ConnectionError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(65536):
                answer += received
        return answer

    def get(self, target: bytes, *headers: bytes, method: bytes = b"GET") -> tuple[int, bytes]:
        """Return status and body; ``target`` is sent as it is."""
        lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers, b"", b""]
        answer = self.send(b"\r\n".join(lines))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


@contextmanager
def serving(workshop: Workshop, *options: str, **environment: str) -> Iterator[Running]:
    config = workshop.folder / "stylewatch.yaml"
    command = [sys.executable, "-m", "pipeline", "gallery", str(config), "--serve", "--port", "0", *options]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            (port,) = re.findall(r"http://127.0.0.1:(\d+)/", said)
            yield Running(process, int(port))
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.run()
    make_output(workshop.out)
    (tmp_path / "secret.jpg").write_bytes(SECRET)
    return workshop


TRAVERSALS = [
    b"/../secret.jpg",
    b"/gallery/../../secret.jpg",
    b"/%2e%2e/secret.jpg",
    b"/%2E%2E%2Fsecret.jpg",
    b"/gallery/%2e%2e/%2e%2e/secret.jpg",
    b"/..%5csecret.jpg",
    b"/..\\secret.jpg",
    b"/%252e%252e/secret.jpg",
    b"/..%c0%afsecret.jpg",
    b"/./../secret.jpg",
    b"/.%00./secret.jpg",
    b"/../secret.jpg%00.jpg",
    b"/gallery/..;/..;/secret.jpg",
    b"//../secret.jpg",
    b"http://localhost/../secret.jpg",
    b"../secret.jpg",
    b"/link/secret.jpg",
    b"/.stylewatch/unpacked/private.jpg",
    b"/%2estylewatch/unpacked/private.jpg",
    b"/stylewatch.log",
    b"/reports/1/report.txt",
    b"/in/a.png",
]


def test_no_request_gets_out_of_the_folder_and_none_ends_the_server(workshop: Workshop) -> None:
    (workshop.out / "link").symlink_to(workshop.folder)
    odd = b"Gr\xfc\xdfe & 100% #1?--night.jpg"
    (workshop.out / os.fsdecode(odd)).write_bytes(PICTURE)
    absolute = os.fsencode(workshop.folder / "secret.jpg")
    with serving(workshop) as running:
        for target in [*TRAVERSALS, absolute, b"/" + absolute, b"file://" + absolute]:
            status, body = running.get(target)
            assert (status, SECRET in body, PICTURE in body) in ((404, False, False), (400, False, False)), target
        for nonsense in (
            b"",
            b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\xff\x00" * 500 + b"\r\n\r\n",
        ):
            assert SECRET not in running.send(nonsense)
        assert b" 421 " in running.send(b"GET /a--night.jpg HTTP/1.0\r\n\r\n").splitlines()[0]
        assert PICTURE not in running.send(b"GET /a--night.jpg HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
        assert running.get(b"/", b"Content-Length: 9", b"", b"some body", method=b"POST")[0] == 405
        assert running.get(b"/Gr%FC%DFe%20%26%20100%25%20%231%3F--night.jpg") == (200, PICTURE)
        assert running.get(b"/a--night.jpg", b"Range: bytes=0-1") == (206, PICTURE[:2])
        assert running.get(b"/a--night.jpg", method=b"HEAD") == (200, b"")
        assert running.get(b"/gallery/index.html")[0] == 200


def test_it_outlives_disk_ledger_and_the_runs_beside_it_and_ends_at_a_signal(workshop: Workshop) -> None:
    ledger = workshop.config().state.folder / "ledger.sqlite3"
    with serving(workshop) as running:
        assert running.get(b"/healthz") == (200, b"0: all is well\n")
        away = workshop.out.with_name("away")
        workshop.out.rename(away)
        assert running.get(b"/gallery/index.html")[0] == 503
        assert running.get(b"/metrics")[0] == 200
        away.rename(workshop.out)
        workshop.photo("b.png")
        workshop.run()
        assert running.get(b"/b--night.jpg")[0] == 200
        ledger.write_bytes(b"x" * 4096)
        asked = [threading.Thread(target=running.get, args=(b"/gallery/index.html",)) for _ in range(20)]
        for thread in asked:
            thread.start()
        for thread in asked:
            thread.join()
        assert running.get(b"/metrics")[0] == 200
        running.process.send_signal(signal.SIGTERM if os.name != "nt" else signal.SIGBREAK)  # type: ignore[attr-defined]
        out, err = running.process.communicate(timeout=10)
    assert (running.process.returncode, out, err) == (130, "", "")


def test_with_a_password_it_warns_and_asks_for_it(workshop: Workshop) -> None:
    password = generate_password_hash("correct horse", "pbkdf2:sha256:1")
    right = b"Authorization: Basic " + b64encode(b"me:correct horse")
    with serving(workshop, "--allow", "127.0.0.1", STYLEWATCH_PASSWORD_HASH=password) as running:
        assert [running.get(path)[0] for path in (b"/", b"/a--night.jpg", b"/metrics")] == [401] * 3
        assert [running.get(path, right)[0] for path in (b"/", b"/a--night.jpg", b"/metrics")] == [302, 200, 200]
        assert running.get(b"/healthz")[0] == 200
        running.process.send_signal(signal.SIGTERM)
        _, err = running.process.communicate(timeout=10)
    assert err.startswith("stylewatch: warning: this is plain HTTP")


@needs_injection
def test_a_file_or_a_disk_that_cant_be_read_ends_one_answer_only(workshop: Workshop, tmp_path: Path) -> None:
    faults = StorageFaults(tmp_path / "faults")
    (workshop.out / "large.png").write_bytes(b"x" * 3_000_000)
    with serving(workshop, **faults.environment()) as running:
        faults.fail("open", "a--night.jpg", errno.EACCES)
        assert running.get(b"/a--night.jpg") == (
            503,
            b"this file can't be read (Permission denied); check its permissions and its disk\n",
        )
        faults.fail("read", "large.png", errno.EIO, skip=1)
        assert len(running.get(b"/large.png")[1]) < 3_000_000
        faults.mend()
        assert running.get(b"/a--night.jpg") == (200, PICTURE)
        assert len(running.get(b"/large.png")[1]) == 3_000_000
        running.process.send_signal(signal.SIGTERM)
        _, err = running.process.communicate(timeout=10)
    assert (running.process.returncode, err) == (130, "")
