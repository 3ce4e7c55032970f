"""``stylewatch watch`` as its users run it: a process of its own, the real network, real signals."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.end_to_end.program import FEW_LAYERS, pictures, run_here, start, write_landscape, write_small_painting
from tests.processes import freeze, needs_proc, worker_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGTERM to one process is POSIX")]

CONFIG = """
input: {folder: in, settle_seconds: 0.2, rescan_seconds: 3600}
output: {folder: out, min_free_disk: 0}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 48, iterations: 2, scales: 1}
"""


def test_a_dropped_photo_is_painted_and_a_signal_ends_it(tmp_path: Path) -> None:
    write_landscape(tmp_path / "in" / "first.png")
    write_small_painting(tmp_path / "blossoms.jpg")
    config = tmp_path / "stylewatch.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    said, made = [], 0
    with start("watch", "--json", config) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            said.append(event["event"])
            if event["event"] == "run_finished":
                made += event["finished"]
                if made == 1:
                    assert run_here("run", config)[0] == 3
                    write_landscape(tmp_path / "in" / "trip" / "second.png", sun=9)
                else:
                    process.send_signal(signal.SIGTERM)
    assert process.returncode == 130
    assert pictures(tmp_path / "out") == ["first--blossoms.jpg", "trip/second--blossoms.jpg"]
    assert (said[0], said[-1]) == ("watch_notice", "watch_notice")
    reports = sorted((tmp_path / "out" / "reports").iterdir())
    assert len(reports) == 2
    assert json.loads((reports[1] / "report.json").read_text("utf-8"))["pictures"][0]["photo"] == "trip/second.png"
    journal = (tmp_path / "out" / "journal.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in journal].count("run_finished") == 2
    assert "by file events" in (tmp_path / "out" / "stylewatch.log").read_text("utf-8")
    assert run_here("run", config)[0] == 0


@needs_proc
def test_a_worker_that_hangs_is_replaced_and_its_picture_made(tmp_path: Path) -> None:
    write_landscape(tmp_path / "in" / "first.png")
    write_small_painting(tmp_path / "blossoms.jpg")
    config = tmp_path / "stylewatch.yaml"
    config.write_text(
        CONFIG.replace("iterations: 2", "iterations: 50").replace("scales: 1", f"scales: 1, {FEW_LAYERS}")
        + "state: {hang_seconds: 6, max_crashes: 10}\n",
        "utf-8",
    )
    failures, frozen = [], False
    with start("watch", "--json", config) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "job_started" and not frozen:
                worker = worker_of(process.pid)
                assert worker is not None
                frozen = freeze(worker)
            if event["event"] == "job_failed":
                failures.append(event["reason"])
            if event["event"] == "run_finished":
                process.send_signal(signal.SIGTERM)
    assert pictures(tmp_path / "out") == ["first--blossoms.jpg"]
    # On a machine that is busy otherwise a worker that starts may seem to hang, too.
    assert failures
    assert all("made no progress" in reason for reason in failures)
