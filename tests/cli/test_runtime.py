"""What commands that make pictures share: the readers of their events, the user's hooks among them, and signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cli.runtime import event_readers
from pipeline.model import Remark
from pipeline.report.heartbeat import FILE_NAME, Heartbeat
from pipeline.runner.instance.lock import instance_lock
from tests.report.events import over
from tests.workshop import CONFIG, Workshop

ROOT = Path(__file__).parents[2]

NOTE = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:])); sys.exit(5)"


def hooks(folder: Path, name: str, *arguments: str) -> str:
    # JSON is YAML, whatever quotes there are.
    command = json.dumps([sys.executable, "-c", NOTE, str(folder / "notes"), *arguments])
    return f"hooks: {{{name}: {command}}}\n"


def run(workshop: Workshop) -> subprocess.CompletedProcess[str]:
    workshop.config()
    command = [sys.executable, "-m", "pipeline", "run", str(workshop.folder / "stylewatch.yaml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_run_with_nothing_to_do_is_a_run_all_the_same(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG + hooks(tmp_path, "after_run", "{finished}", "{failed}", "{left}"))
    ended = run(workshop)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "notes").read_text() == "0 0 0"
    assert "ended with exit code 5" in (tmp_path / "out" / "stylewatch.log").read_text("utf-8")


def test_a_run_that_cant_begin_is_a_failure(tmp_path: Path) -> None:
    text = CONFIG + "engine: {weights: gone.pth}\n" + hooks(tmp_path, "on_failure", "{state}: {reason}")
    ended = run(Workshop(tmp_path, text))
    assert ended.returncode == 3
    state, _, reason = (tmp_path / "notes").read_text().partition(": ")
    assert state == "stopped"
    assert reason in ended.stderr
    assert f" ERROR   {reason}\n" in (tmp_path / "out" / "stylewatch.log").read_text("utf-8")


def test_an_error_that_nobody_foresaw_is_a_failure_too(tmp_path: Path) -> None:
    config = Workshop(tmp_path, CONFIG + hooks(tmp_path, "on_failure", "{state}: {reason}")).config()
    with (
        pytest.raises(ZeroDivisionError),
        Heartbeat(tmp_path, "a test") as heart,
        event_readers(config, True, False, heart),
    ):
        raise ZeroDivisionError("a mistake of ours")
    assert (tmp_path / "notes").read_text() == "stopped: unexpected ZeroDivisionError: a mistake of ours"


def test_one_that_is_refused_because_another_works_calls_nothing(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG + hooks(tmp_path, "on_failure", "{reason}"))
    with instance_lock(workshop.config().state.folder, "a test"):
        assert run(workshop).returncode == 3
    assert not (tmp_path / "notes").exists()


#: Once it may, takes the sign of life away and waits for the next one.
AWAIT_A_SIGN = """
import pathlib, sys, time
may, sign, seen = map(pathlib.Path, sys.argv[1:])
while not may.exists():
    time.sleep(0.01)
sign.unlink()
while not sign.exists():
    time.sleep(0.01)
seen.touch()
"""


def test_the_heart_beats_while_they_are_waited_for(tmp_path: Path) -> None:
    state = tmp_path / "out" / ".stylewatch"
    files = [tmp_path / "may", state / FILE_NAME, tmp_path / "seen"]
    command = json.dumps([sys.executable, "-c", AWAIT_A_SIGN, *map(str, files)])
    config = Workshop(tmp_path, f"{CONFIG}hooks: {{after_run: {command}}}\nstate: {{folder: {state}}}\n").config()
    with (
        instance_lock(state, "a test"),
        Heartbeat(state, "a test", clock=lambda: 1e6 * time.monotonic()) as heart,
        event_readers(config, True, False, heart) as emit,
    ):
        emit(over())
        (tmp_path / "may").touch()
    assert (tmp_path / "seen").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(("times", "code"), [(1, 0), (2, 130)])
def test_the_first_signal_stops_and_the_second_exits_at_once(times: int, code: int) -> None:
    script = f"""
import os, signal
from pipeline.cli.runtime import stop_on_signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this was started under
with stop_on_signal(lambda: print("stopping", flush=True), lambda: print("at once", flush=True)) as received:
    for _ in range({times}):
        os.kill(os.getpid(), signal.SIGTERM)
assert received == [signal.SIGTERM]
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    said = ["stopping", "at once"][:times]
    assert (ended.returncode, ended.stdout.splitlines()) == (code, said), ended.stderr


def test_the_gallery_follows_a_config_that_was_read_again(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    config = workshop.config()
    with (
        instance_lock(config.state.folder, "a test"),
        Heartbeat(config.state.folder, "a test") as heart,
        event_readers(config, True, False, heart, "mine.yaml") as emit,
    ):
        with workshop.ledger():
            emit(Remark("", "hello"))
        workshop.text = CONFIG.replace("size: 48", "size: 64")
        emit.use_config(workshop.config())
    shown = (tmp_path / "out" / "gallery" / "data" / "status.js").read_text("ascii")
    assert "size: 64" in shown
    assert "mine.yaml" in shown
