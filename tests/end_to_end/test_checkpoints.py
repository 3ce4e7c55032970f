"""Stopped or killed in the middle of a picture: the next run goes on there, to the very bytes it would have made."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.program import FEW_LAYERS, pictures, start, write_landscape, write_small_painting
from tests.processes import worker_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the worker's pid in /proc"),
]

CONFIG = """
input: {folder: in, settle_seconds: 0, order: name}
output: {folder: out, min_free_disk: 0}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 64, iterations: 40, scales: [48, 64], tolerance: 0, LAYERS}
engine: {device: cpu, batch_size: 2}  # where the same work gives the same bits
state: {grace_seconds: GRACE, checkpoint_seconds: EVERY}
"""

PICTURES = ["0--blossoms.jpg", "1--blossoms.jpg"]
EVALUATIONS = 160

Event = dict[str, Any]
Meddle = Callable[[int, int], None]


def new_folder(folder: Path, *, grace: float = 0.0, every: float = 0.0) -> Path:
    """Return the config of a folder with two photos."""
    for number in range(2):
        write_landscape(folder / "in" / f"{number}.png", sun=number * 20)
    write_small_painting(folder / "blossoms.jpg")
    return write_config(folder, grace=grace, every=every)


def write_config(folder: Path, *, grace: float, every: float) -> Path:
    text = CONFIG.replace("GRACE", str(grace)).replace("EVERY", str(every)).replace("LAYERS", FEW_LAYERS)
    (folder / "stylewatch.yaml").write_text(text, encoding="utf-8")
    return folder / "stylewatch.yaml"


def run(
    config: Path, meddle: Meddle = lambda pid, evaluations: None, command: str = "run"
) -> tuple[int, list[Event]]:
    """Return the exit code and what was told; ``meddle`` hears of every evaluation."""
    events: list[Event] = []
    with start(command, "--json", config) as process:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):  # the last line of one that was killed
                events.append(json.loads(line))
            if evaluations_of(events[-1:]):
                meddle(process.pid, evaluations_of(events))
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    return process.returncode, events


def evaluations_of(events: list[Event]) -> int:
    return sum(event["event"] == "progress" for event in events)


def remarks(events: list[Event]) -> list[str]:
    return [event["text"] for event in events if event["event"] == "remark" and event["token"]]


def kept(config: Path) -> list[str]:
    folder = config.parent / "out" / ".stylewatch" / "checkpoints"
    return sorted(path.suffix for path in folder.iterdir()) if folder.is_dir() else []


def made(config: Path) -> dict[str, bytes]:
    out = config.parent / "out"
    assert list(out.rglob("*.part")) == []
    return {name: (out / name).read_bytes() for name in pictures(out)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    config = new_folder(tmp_path_factory.mktemp("undisturbed"))
    code, events = run(config)
    assert (code, evaluations_of(events)) == (0, EVALUATIONS)
    assert remarks(events) == []
    assert kept(config) == []
    assert sorted(made(config)) == PICTURES
    return made(config)


def signaled(number: int, at: int, times: int = 1) -> Meddle:
    def meddle(pid: int, evaluations: int) -> None:
        if at <= evaluations < at + times:
            os.kill(pid, number)

    return meddle


def test_signals_put_pictures_back_and_they_go_on_there(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    config = new_folder(tmp_path)
    done = 0
    for command, at in (("run", 30), ("watch", 40)):  # two evenings
        code, events = run(config, signaled(signal.SIGTERM, at), command)
        assert code == 130
        assert sum("it will be resumed there" in text for text in remarks(events)) == 2
        assert sum("resumed from its checkpoint" in text for text in remarks(events)) == (2 if done else 0)
        assert kept(config) == [".safetensors"] * 2
        assert made(config) == {}
        done += evaluations_of(events)
    assert events[-1]["kind"] == "stopped"
    code, events = run(config)
    assert code == 0
    assert done + evaluations_of(events) == EVALUATIONS
    assert made(config) == undisturbed
    assert kept(config) == []
    reports = sorted((tmp_path / "out" / "reports").glob("*/report.json"))
    assert [json.loads(report.read_text("utf-8"))["run"]["interrupted"] for report in reports] == [True] * 2 + [False]
    finished = [event for event in events if event["event"] == "job_finished"]
    assert all(event["artwork"]["iterations"] == [40, 40] for event in finished)
    assert all("resumed from a checkpoint" in str(event["artwork"]["notes"]) for event in finished)
    assert "resumed from its checkpoint" in (tmp_path / "out" / "stylewatch.log").read_text("utf-8")


def test_a_picture_that_is_soon_finished_is_finished(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    config = new_folder(tmp_path, grace=300)
    code, events = run(config, signaled(signal.SIGTERM, 70))
    assert (code, evaluations_of(events)) == (130, EVALUATIONS)
    assert made(config) == undisturbed
    assert kept(config) == []


def kill_all(pid: int) -> None:
    worker = worker_of(pid)
    assert worker is not None
    os.kill(pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)


def test_accidents_cost_what_was_made_since_the_last_checkpoint(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    config = new_folder(tmp_path, grace=300, every=0.05)
    code, events = run(config, signaled(signal.SIGTERM, 30, times=2))  # the second one ends it at once
    assert code == 130
    lived = evaluations_of(events)
    assert lived < EVALUATIONS
    assert ".safetensors" in kept(config)

    code, events = run(config, lambda pid, evaluations: kill_all(pid) if evaluations == 40 else None)  # a power cut
    assert code == -signal.SIGKILL
    assert any("resumed from its checkpoint" in text for text in remarks(events))
    lived += evaluations_of(events)
    assert ".safetensors" in kept(config)

    killed: list[int] = []

    def kill_the_worker(pid: int, evaluations: int) -> None:
        if evaluations == 30:
            worker = worker_of(pid)
            assert worker is not None
            os.kill(worker, signal.SIGKILL)
            killed.append(worker)

    code, events = run(config, kill_the_worker)
    assert code == 0
    assert len(killed) == 1
    # Once from the power cut's checkpoints, once from those of the worker that was killed.
    assert sum("resumed from its checkpoint" in text for text in remarks(events)) > 2
    assert 30 < evaluations_of(events) < EVALUATIONS
    assert made(config) == undisturbed
    assert ".safetensors" not in kept(config)
    code, _ = run(config)  # what the killed worker may have left half-written goes at the next start
    assert (code, kept(config)) == (0, [])


def test_a_checkpoint_without_room_is_not_written_and_told_once(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    config = new_folder(tmp_path, every=0.05)
    config.write_text(config.read_text("utf-8").replace("{grace", "{checkpoint_space: 1 kB, grace"), encoding="utf-8")
    code, events = run(config, signaled(signal.SIGTERM, 40))
    assert code == 130
    warnings = [event["text"] for event in events if event["event"] == "remark" and event["warning"]]
    assert len(warnings) == 1
    assert "not fit into state.checkpoint_space" in warnings[0]
    assert sum("it will start again from the beginning" in text for text in remarks(events)) == 2
    assert run(config)[0] == 0
    assert made(config) == undisturbed
