"""``stylewatch run --until`` with the real network: cut short again and again, it makes what one run makes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.end_to_end.program import pictures, run, write_landscape, write_small_painting

pytestmark = pytest.mark.slow

CONFIG = """
input: {folder: in, settle_seconds: 0, order: name}
output: {folder: out, min_free_disk: 0, format: png}
engine: {device: cpu, threads: 1, batch_size: 1}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 48, iterations: 40, scales: 1, tolerance: 0}
"""


def prepared(folder: Path) -> Path:
    for number in range(4):
        write_landscape(folder / "in" / f"{number}.png", sun=number)
    write_small_painting(folder / "blossoms.jpg")
    (folder / "stylewatch.yaml").write_text(CONFIG, encoding="utf-8")
    return folder / "stylewatch.yaml"


def run_for(seconds: float, config: Path) -> dict[str, object]:
    """Run until that many seconds from now, and return the run's last event."""
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    code, out, _ = run("run", "--json", "--until", until, config)
    assert code == 0, out
    event: dict[str, object] = json.loads(out.splitlines()[-1])
    return event


def seconds_between(out: str, first: str, last: str) -> float:
    """Return the time from the first event of a kind to the last one of another."""
    times: dict[str, list[datetime]] = {}
    for line in out.splitlines():
        event = json.loads(line)
        times.setdefault(event["event"], []).append(datetime.fromisoformat(event["time"]))
    return (times[last][-1] - times[first][0]).total_seconds()


def test_runs_cut_three_times_make_the_same_pictures_as_one(tmp_path: Path) -> None:
    whole, cut = prepared(tmp_path / "whole"), prepared(tmp_path / "cut")
    began = time.monotonic()
    code, out, _ = run("run", "--json", whole)
    assert code == 0
    work = seconds_between(out, "job_started", "job_finished")
    start = time.monotonic() - began - work
    # They end in the middle of the work if the machine keeps its pace, else elsewhere.
    for end in [run_for(start + 0.3 * work, cut) for _ in range(3)]:
        assert not end["interrupted"]
        if end["left"]:
            assert end["planned_end"]
            assert "as asked" in str(end["reason"])
    assert run("run", cut)[0] == 0
    assert pictures(tmp_path / "cut" / "out") == pictures(tmp_path / "whole" / "out") != []
    for name in pictures(tmp_path / "whole" / "out"):
        assert (tmp_path / "cut" / "out" / name).read_bytes() == (tmp_path / "whole" / "out" / name).read_bytes()
    assert not list((tmp_path / "cut" / "out").rglob("*.part"))
