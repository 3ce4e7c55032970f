"""Runs that end at their time, with the real network: what they leave, and what comes out in the end."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from pipeline.cli.runtime import make_executor
from pipeline.config import load_config
from pipeline.config.settings import ingest_settings, pass_settings
from pipeline.model import Progress, RunEvent, RunFinished
from pipeline.runner.execution.deadline import deadline
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.preparation import open_ledger, resolve_config
from tests.end_to_end.program import FEW_LAYERS, pictures, run, write_landscape, write_small_painting

pytestmark = pytest.mark.slow

CONFIG = """
input: {folder: in, settle_seconds: 0, order: name}
output: {folder: out, min_free_disk: 0, format: png}
engine: {device: cpu, threads: 1, batch_size: 1}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 48, iterations: 30, scales: 1, tolerance: 0, LAYERS}
"""


def prepared(folder: Path, photos: int) -> Path:
    for number in range(photos):
        write_landscape(folder / "in" / f"{number}.png", sun=number)
    write_small_painting(folder / "blossoms.jpg")
    (folder / "stylewatch.yaml").write_text(CONFIG.replace("LAYERS", FEW_LAYERS), encoding="utf-8")
    return folder / "stylewatch.yaml"


def test_a_run_ends_at_its_time_with_exit_code_0(tmp_path: Path) -> None:
    config = prepared(tmp_path, 1)
    endless = config.read_text("utf-8").replace("iterations: 30", "iterations: 1000000")
    config.write_text(f"{endless}state: {{grace_seconds: 0}}\n", encoding="utf-8")
    until = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    code, out, err = run("run", "--json", "--until", until, config)
    last = json.loads(out.splitlines()[-1])
    assert (code, err) == (0, "")
    assert (last["planned_end"], last["interrupted"], last["left"], last["failed"]) == (True, False, 1, 0)
    assert last["reason"].endswith(" as asked")
    assert not list(tmp_path.rglob("*.part"))


def cut_after(evaluations: int, path: Path) -> RunFinished:
    """Make a pass whose time is over once it has made so many evaluations."""
    config, over, made = load_config(path), threading.Event(), list[int]()

    def emit(event: RunEvent) -> None:
        if isinstance(event, Progress):
            made.append(event.iteration)
            if len(made) == evaluations:
                over.set()

    with (
        instance_lock(config.state.folder, "a test"),
        open_ledger(config) as ledger,
        contextlib.closing(make_executor(config)) as executor,
    ):
        resolved = resolve_config(config)
        the_pass = SinglePass(pass_settings(config), resolved, ledger, executor, emit)
        with deadline(over.is_set, partial(the_pass.stop, "the time is over")):
            return the_pass.run(partial(ingest, ingest_settings(config), resolved, ledger))


def test_runs_cut_twice_make_the_same_pictures_as_one(tmp_path: Path) -> None:
    whole, cut = prepared(tmp_path / "whole", 4), prepared(tmp_path / "cut", 4)
    assert run("run", whole)[0] == 0
    ends = [cut_after(evaluations, cut) for evaluations in (35, 45)]
    assert ends[0].planned_end
    assert ends[0].left
    assert [end.interrupted for end in ends] == [False] * 2
    assert run("run", cut)[0] == 0
    assert pictures(tmp_path / "cut" / "out") == pictures(tmp_path / "whole" / "out") != []
    for name in pictures(tmp_path / "whole" / "out"):
        assert (tmp_path / "cut" / "out" / name).read_bytes() == (tmp_path / "whole" / "out" / name).read_bytes()
