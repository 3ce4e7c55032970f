"""kill -9 of a working daemon, and of its worker alone, at random moments: nothing lost, doubled or half-written.

``python -m tests.faults.long --only kills`` kills more often than CI does; ``-s`` tells the figures. The seed of the
day, which a failure prints, decides what is dropped, but not at which moment a kill comes.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.chances import KILLS, how_to_replay
from tests.faults.siege import Siege
from tests.processes import freeze, needs_proc, worker_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300 + 60 * KILLS),
    pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX"),
]


@pytest.fixture
def siege(tmp_path: Path) -> Siege:
    print(how_to_replay("tests/faults/test_siege.py"))
    return Siege(tmp_path)


def tell(what: str, siege: Siege) -> None:
    figures = ", ".join(f"{count} {name}" for name, count in siege.figures.items())
    print(
        f"\n{what}: {figures}; lost {len(siege.lost)}, doubled {len(siege.doubled)}, "
        f"half-written {len(siege.half_written)}",
        flush=True,
    )


def test_a_daemon_killed_at_random_moments_loses_doubles_and_halves_nothing(siege: Siege) -> None:
    while siege.figures["kills while leased"] < KILLS:
        siege.drop(12)
        with siege.daemon() as process:
            siege.watch_it_work(most_pictures=10)
            process.kill()
        siege.look()
        tell("the daemon so far", siege)
    siege.end()
    tell("the daemon", siege)


KILLS_OF_ONE_DAEMON = 5


@needs_proc
def test_a_worker_killed_at_random_moments_costs_no_picture(siege: Siege) -> None:
    while siege.figures["kills while leased"] < KILLS:
        with siege.daemon() as process:
            # After deaths a daemon works on one picture at a time for good: a new one has more in work.
            for _ in range(KILLS_OF_ONE_DAEMON):
                siege.drop(8)
                siege.watch_it_work(most_pictures=6)
                kill_its_worker(process, siege)
                tell("its worker so far", siege)
    siege.end()
    tell("its worker", siege)


def kill_its_worker(process: subprocess.Popen[str], siege: Siege) -> None:
    """Hold both still, look whether jobs are leased, kill the worker if so, and let its daemon find out."""
    worker = worker_of(process.pid)
    if worker is None or not freeze(worker):
        return
    assert freeze(process.pid)
    os.kill(worker, signal.SIGKILL if siege.look() else signal.SIGCONT)
    process.send_signal(signal.SIGCONT)
