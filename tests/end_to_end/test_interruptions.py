"""Ctrl-C in the middle of a run, and a second instance beside it, with real processes and the real network."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.program import FEW_LAYERS, pictures, run, run_here, start, write_landscape, write_small_painting

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGINT to one process is POSIX")]

CONFIG = """
input: {folder: in, settle_seconds: 0, order: name}
output: {folder: out, min_free_disk: 0}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 64, iterations: 60, scales: 1, LAYERS}
state: {grace_seconds: 0}
"""


@dataclass(frozen=True)
class Interrupted:
    """What was seen of a run that got a SIGINT after its first picture, and of an instance started beside it."""

    config: Path
    pid: int
    code: int
    last: dict[str, object]
    second_code: int
    second_said: str

    @property
    def out(self) -> Path:
        return self.config.parent / "out"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    folder = tmp_path_factory.mktemp("interrupted")
    for number in range(3):
        write_landscape(folder / "in" / f"{number}.png", sun=number)
    write_small_painting(folder / "blossoms.jpg")
    config = folder / "stylewatch.yaml"
    config.write_text(CONFIG.replace("LAYERS", FEW_LAYERS), encoding="utf-8")
    second, event = (0, "", ""), {}
    with start("run", "--json", config) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "run_started":
                second = run_here("run", config)
            if event["event"] == "job_finished":
                process.send_signal(signal.SIGINT)
    return Interrupted(config, process.pid, process.returncode, event, second[0], second[2])


def test_a_second_instance_is_refused_with_exit_code_3_and_the_firsts_pid(interrupted: Interrupted) -> None:
    assert interrupted.second_code == 3
    assert f"with pid {interrupted.pid}" in interrupted.second_said


def test_ctrl_c_keeps_what_is_done_and_puts_the_rest_back(interrupted: Interrupted) -> None:
    assert interrupted.code == 130
    assert interrupted.last["event"] == "run_finished"
    assert (interrupted.last["interrupted"], interrupted.last["finished"]) == (True, 1)
    assert pictures(interrupted.out) == ["0--blossoms.jpg"]
    assert not list(interrupted.out.rglob("*.part"))
    counts = json.loads(run_here("status", "--json", interrupted.config)[1])["counts"]
    assert (counts["done"], counts["pending"], counts["leased"], counts["failed"]) == (1, 2, 0, 0)


def test_the_next_run_completes_it(interrupted: Interrupted) -> None:
    before = (interrupted.out / "0--blossoms.jpg").stat().st_mtime_ns
    code, out, _ = run("run", interrupted.config)
    assert code == 0, out
    assert pictures(interrupted.out) == [f"{number}--blossoms.jpg" for number in range(3)]
    assert (interrupted.out / "0--blossoms.jpg").stat().st_mtime_ns == before


def test_ctrl_c_during_a_trial_is_exit_code_130_too(interrupted: Interrupted, tmp_path: Path) -> None:
    photo = write_landscape(tmp_path / "photo.png", sun=30)
    with start("try", "--json", interrupted.config, photo, "--into", tmp_path / "trial") as process:
        assert process.stdout is not None
        sent = False
        for line in process.stdout:
            if not sent and json.loads(line)["event"] == "progress":
                process.send_signal(signal.SIGINT)
                sent = True
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 130
    assert not (tmp_path / "trial").exists()
