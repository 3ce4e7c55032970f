"""``stylewatch watch`` as a service manager and a terminal treat it: a process of its own, real signals and sockets.

Nothing is to be painted, so that no engine is loaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.harness import CONFIG, TIMEOUT_SECONDS
from tests.end_to_end.program import run_here
from tests.scenarios.daemon.test_process import ROOT, driven, read_until, wait_for
from tests.workshop import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path, CONFIG)
    workshop.config()
    return workshop


@contextmanager
def watching(workshop: Workshop, *wrapper: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the real program, which is killed in the end if it is still there."""
    process = subprocess.Popen(
        [*wrapper, sys.executable, "-m", "pipeline", "watch", str(workshop.folder / "stylewatch.yaml")],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def log_of(workshop: Workshop) -> str:
    file = workshop.out / "stylewatch.log"
    return file.read_text("utf-8") if file.exists() else ""


def status(workshop: Workshop) -> tuple[int, dict[str, object]]:
    code, out, _ = run_here("status", "--json", workshop.folder / "stylewatch.yaml")
    fields: dict[str, object] = json.loads(out)
    return code, fields


def test_systemd_is_told_all_from_the_begin_to_the_end(workshop: Workshop) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(workshop.folder / "notify"))
        ear.settimeout(TIMEOUT_SECONDS)

        def hear_until(word: str) -> list[str]:
            heard: list[str] = []
            while word not in heard:
                heard += ear.recv(4096).decode().splitlines()
            return heard

        environment = {"NOTIFY_SOCKET": str(workshop.folder / "notify"), "WATCHDOG_USEC": "2000000"}
        with watching(workshop, **environment) as process:
            assert hear_until("READY=1") == ["READY=1"]
            assert "STATUS=waiting for photos" in hear_until("WATCHDOG=1") + hear_until("WATCHDOG=1")
            process.send_signal(signal.SIGHUP)
            assert any(
                word.startswith("MONOTONIC_USEC=") for word in hear_until("RELOADING=1") + hear_until("READY=1")
            )
            process.send_signal(signal.SIGSTOP)
            ear.settimeout(3)
            with contextlib.suppress(TimeoutError):
                for _ in range(100):
                    ear.recv(4096)
                raise AssertionError("a stopped program says that it gets on")
            ear.settimeout(TIMEOUT_SECONDS)
            process.send_signal(signal.SIGCONT)
            hear_until("WATCHDOG=1")
            process.terminate()
            hear_until("STOPPING=1")
            assert process.wait(TIMEOUT_SECONDS) == 130


def test_a_hang_up_reloads_a_changed_config_and_names_the_mistakes_of_a_bad_one(workshop: Workshop) -> None:
    workshop.photo("a.png")
    with driven(workshop) as process:
        read_until(process.stdout, "JobFinished 'a.png'")
        workshop.text = workshop.text.replace("name: night", "name: dusk")
        workshop.config()
        process.send_signal(signal.SIGHUP)
        assert "config reloaded: styles changed" in read_until(process.stdout, "reloaded")
        read_until(process.stdout, "JobFinished 'a.png'")
        workshop.text = workshop.text.replace("name: dusk", "nam: dusk")
        (workshop.folder / "stylewatch.yaml").write_text(workshop.text)
        process.send_signal(signal.SIGHUP)
        assert "did you mean 'name'?" in read_until(process.stdout, "stays in force")
        process.terminate()
        read_until(process.stdout, "stopped")
        assert process.wait(TIMEOUT_SECONDS) == 130
    assert {"a--dusk.jpg", "a--night.jpg"} <= set(workshop.pictures())


def test_status_tells_it_from_a_process_that_was_killed(workshop: Workshop) -> None:
    with watching(workshop) as process:
        read_until(process.stdout, "watching")
        code, fields = status(workshop)
        assert (code, fields["life"]) == (0, "running")
        assert isinstance(fields["process"], dict)
        assert fields["process"]["pid"] == process.pid
        process.kill()
        process.wait()
        code, fields = status(workshop)
        assert (code, fields["life"]) == (3, "died")
    with watching(workshop) as process:
        read_until(process.stdout, "watching")
        assert status(workshop)[0] == 0
        process.terminate()
        process.wait()
    code, fields = status(workshop)
    assert (code, fields["life"]) == (0, "not running")


def test_a_closed_terminal_ends_it_in_good_order(workshop: Workshop) -> None:
    ours, theirs = os.openpty()
    # The first terminal that the leader of a session opens becomes its own.
    take = (
        "import os, sys; terminal = os.open(sys.argv[1], os.O_RDWR)\n"
        "for number in (0, 1, 2): os.dup2(terminal, number)\n"
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    program = [sys.executable, "-m", "pipeline", "watch", str(workshop.folder / "stylewatch.yaml")]
    process = subprocess.Popen(
        [sys.executable, "-c", take, os.ttyname(theirs), *program], cwd=ROOT, start_new_session=True
    )
    os.close(theirs)
    try:
        wait_for(lambda: "watching" in log_of(workshop))
        os.close(ours)
        assert process.wait(TIMEOUT_SECONDS) in (120, 130)  # 120: there is no terminal for the last words
    finally:
        process.kill()
        process.wait()
    assert log_of(workshop).rstrip().endswith("stopped")


def test_with_nohup_it_goes_on_and_reads_its_config_again(workshop: Workshop) -> None:
    with watching(workshop, "nohup") as process:
        read_until(process.stdout, "watching")
        process.send_signal(signal.SIGHUP)
        read_until(process.stdout, "config reloaded: no effective change")
        assert process.poll() is None
