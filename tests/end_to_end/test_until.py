"""``stylewatch run --until`` with the real network: cut short again and again, it makes what one run makes."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.end_to_end.program import pictures, run, write_landscape, write_small_painting

pytestmark = pytest.mark.slow

CONFIG = """
input: {folder: in, settle_seconds: 0, order: name}
output: {folder: out, min_free_disk: 0, format: png}
engine: {device: cpu, threads: 1, batch_size: 2}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 64, iterations: 100, scales: 1, tolerance: 0}
"""


def prepared(folder: Path) -> Path:
    for number in range(6):
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


def test_runs_cut_three_times_make_the_same_pictures_as_one(tmp_path: Path) -> None:
    whole, cut = prepared(tmp_path / "whole"), prepared(tmp_path / "cut")
    assert run("run", "--limit", "1", whole)[0] == 0  # whatever is measured or computed only once
    shutil.rmtree(tmp_path / "whole" / "out")
    began = time.monotonic()
    code, out, _ = run("run", "--json", whole)
    assert code == 0
    seconds = time.monotonic() - began
    begun = [event["time"] for line in out.splitlines() if (event := json.loads(line))["event"] == "job_started"]
    ended = [event["time"] for line in out.splitlines() if (event := json.loads(line))["event"] == "job_finished"]
    work = (datetime.fromisoformat(ended[-1]) - datetime.fromisoformat(begun[0])).total_seconds()
    # Each ends somewhere in the middle of a picture, if the machine keeps its pace; if not, elsewhere.
    ends = [run_for(seconds - work + share * work, cut) for share in (0.25, 0.25, 0.2)]
    assert (ends[0]["planned_end"], ends[0]["interrupted"]) == (True, False)
    assert "as asked" in str(ends[0]["reason"])
    assert int(str(ends[0]["left"])) > 0
    assert run("run", cut)[0] == 0
    assert pictures(tmp_path / "cut" / "out") == pictures(tmp_path / "whole" / "out") != []
    for name in pictures(tmp_path / "whole" / "out"):
        assert (tmp_path / "cut" / "out" / name).read_bytes() == (tmp_path / "whole" / "out" / name).read_bytes()
    assert not list((tmp_path / "cut" / "out").rglob("*.part"))
