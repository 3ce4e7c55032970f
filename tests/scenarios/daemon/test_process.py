"""A daemon in a process of its own: stopped, frozen under a burst, starved of what the kernel lends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from pipeline.model import JobState
from tests.daemon.harness import CONFIG, TIMEOUT_SECONDS
from tests.workshop import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")]

ROOT = Path(__file__).parents[3]

#: Taken in, but never painted: what is counted is whether every one was noticed.
NO_PICTURES = CONFIG + 'pairing: {rules: [{match: "burst/**", styles: []}]}\n'

_A_GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02L\x01\x00;"


@contextmanager
def driven(workshop: Workshop, *wrapper: str) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon in a process, which is killed in the end if it is still there."""
    workshop.config()
    process = subprocess.Popen(
        [*wrapper, sys.executable, "-m", "tests.daemon.drive", str(workshop.folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(output: IO[str] | None, words: str) -> str:
    assert output is not None
    for line in output:
        if words in line:
            return line
    raise AssertionError(f"the daemon ended without a word of {words!r}")


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 3 * TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_what_is_done_kept(tmp_path: Path, number: signal.Signals) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {grace_seconds: 1}\n")
    workshop.photo("fine.png")
    with driven(workshop) as process:
        read_until(process.stdout, "JobFinished 'fine.png'")
        workshop.photo("endless.png", "takes for ever")
        read_until(process.stdout, "Progress")
        process.send_signal(number)
        read_until(process.stdout, "stopped")
        assert process.wait(TIMEOUT_SECONDS) == 130
    assert "fine--night.jpg" in workshop.pictures()
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []
        assert ledger.queries.has_work()
    assert not [name for name in workshop.pictures() if name.endswith(".part")]


def test_a_burst_of_12_000_files_while_it_is_frozen_loses_none(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, NO_PICTURES)
    workshop.photo("first.png")
    watched = workshop.folder / "in" / "burst"
    watched.mkdir()
    with driven(workshop) as process:
        read_until(process.stdout, "RunFinished")
        process.send_signal(signal.SIGSTOP)
        for number in range(12_000):
            # Half of them where each is an event or three, of which the system keeps 16,384; half in new folders.
            folder = watched if number % 2 else watched / f"{number % 20}"
            if number < 20:
                folder.mkdir(exist_ok=True)
            (folder / f"{number}.gif").write_bytes(_A_GIF)
        process.send_signal(signal.SIGCONT)
        with workshop.ledger() as ledger:
            wait_for(lambda: ledger.queries.photo_count() == 12_001)
        workshop.photo("last.png", shade=7)
        read_until(process.stdout, "JobFinished 'last.png'")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux'")
def test_without_watches_it_says_what_to_raise_and_polls(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG)
    for number in range(10):
        (workshop.folder / "in" / str(number)).mkdir()
    # A user namespace has limits of its own, so that nobody else's are touched.
    limited = 'echo 5 > /proc/sys/user/max_inotify_watches; exec "$@"'
    namespace = ("unshare", "--user", "--map-root-user", "sh", "-c", limited, "sh")
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("may not make a user namespace here")
    with driven(workshop, *namespace) as process:
        assert "sysctl fs.inotify.max_user_watches" in read_until(process.stdout, "polling")
        workshop.photo("9/a.png")
        read_until(process.stdout, "JobFinished '9/a.png'")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("breaks the worker", "SIGSEGV"), ("kills the worker", "SIGKILL"), ("hangs", "made no progress for 2 s")],
)
def test_a_photo_that_ends_its_worker_each_time_is_given_up_and_the_rest_is_made(
    tmp_path: Path, kind: str, reason: str
) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {hang_seconds: 2}\n")
    workshop.photo("bad.png", kind)
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    with driven(workshop) as process:
        told = [read_until(process.stdout, "JobFailed 'bad.png'") for _ in range(3)]
        workshop.photo("last.png", shade=9)
        read_until(process.stdout, "JobFinished 'last.png'")
        with workshop.ledger() as ledger:
            wait_for(lambda: ledger.queries.counts()[JobState.DONE] == 4)
            (failure,) = ledger.queries.failures()
    assert all(reason in line for line in told)
    assert (failure.job.photo, failure.state, reason in failure.reason) == ("bad.png", JobState.QUARANTINED, True)
