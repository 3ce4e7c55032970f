"""(i) A daemon over 100,000 finished photos: what it costs while nothing happens, and how soon it notices a photo."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.settings import ingest_settings
from pipeline.intake.stability import StabilityTimes, StabilityTracker
from pipeline.runner.ingest.incremental import IncrementalIngest
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import open_ledger, resolve_config
from tests.benchmarks.processes import ROOT
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, percent, seconds
from tests.fakes import write_photo
from tests.test_imports import finish
from tests.workshop import CONFIG, Workshop

TITLE = "i. Watching"

_SETTLE_SECONDS = 2.0
_FIRST_LOOK_SECONDS = 60.0


def rows(subjects: Subjects) -> list[Row]:
    """Fill a folder and a ledger, then watch it: idle for ten minutes, and with a photo dropped now and then."""
    count, idle_seconds, drops = (1000, 10.0, 3) if subjects.quick else (100_000, 600.0, 20)
    text = CONFIG.replace("settle_seconds: 0", f"settle_seconds: {_SETTLE_SECONDS}")
    workshop = Workshop(subjects.folder / "i", text)
    subjects.tell(f"making {count:,} finished photos ...")
    finish(workshop, count)
    quiet_look = _quiet_look(workshop)
    subjects.tell(f"watching for {idle_seconds:.0f} s ...")
    share, resident, peak = _idle(workshop, idle_seconds, _FIRST_LOOK_SECONDS if not subjects.quick else 5.0)
    delays = _delays(workshop, drops)
    photos = f"{count:,} finished photos"
    return [
        Row("a full look that finds nothing new", seconds(quiet_look), photos, goal="10 s"),
        Row("processor time while idle", percent(share), f"of one core, over {idle_seconds:.0f} s", goal="0.5 %"),
        Row("resident memory while idle", _megabytes(resident), f"peak {_megabytes(peak)}", goal="120 MB"),
        Row(
            "from a finished copy to the start of its picture",
            f"{statistics.median(delays):.2f} s",
            f"at most {max(delays):.2f} s of {drops}; settle_seconds is {_SETTLE_SECONDS:.0f}",
            goal=f"{_SETTLE_SECONDS + 1:.0f} s",
        ),
    ]


def _quiet_look(workshop: Workshop) -> float:
    config = workshop.config()
    room = StabilityTracker(config.input.folder, StabilityTimes(_SETTLE_SECONDS, 3600))
    with open_ledger(config) as ledger:
        incremental_ingest = IncrementalIngest(
            ingest_settings(config), resolve_config(config), ledger, room, InputRoot(config.input.folder)
        )
        incremental_ingest.ingest_folder()
        began = time.monotonic()
        incremental_ingest.ingest_folder()
        return time.monotonic() - began


def _idle(workshop: Workshop, idle_seconds: float, first_look_seconds: float) -> tuple[float, int, int]:
    """Return the share of a core that the real program uses after its first look, its resident and peak bytes."""
    with _started("pipeline", "watch", "--quiet", str(workshop.folder / "stylewatch.yaml")) as process:
        time.sleep(first_look_seconds)
        before, began = _processor_seconds(process.pid), time.monotonic()
        time.sleep(idle_seconds)
        used = _processor_seconds(process.pid) - before
        share = used / (time.monotonic() - began)
        return share, _status_bytes(process.pid, "VmRSS"), _status_bytes(process.pid, "VmHWM")


def _delays(workshop: Workshop, count: int) -> list[float]:
    """Drop photos one by one; return for each the seconds from its rename to the start of work on it."""
    delays = []
    with _started("tests.daemon.drive", str(workshop.folder)) as process:
        for number in range(-1, count):
            part = write_photo(workshop.folder / f"{number}.png", shade=number + 1)
            began = time.monotonic()
            part.rename(workshop.folder / "in" / f"dropped{number}.png")
            _read_until(process, f"JobStarted 'dropped{number}.png'")
            delays.append(time.monotonic() - began)
            _read_until(process, "RunFinished")
    # The first one came during the first look, and its worker had to be started.
    return delays[1:]


@contextlib.contextmanager
def _started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def _read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    if not any(words in line for line in process.stdout):
        raise RuntimeError(f"the daemon ended without a word of {words!r}")


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status_bytes(pid: int, key: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
