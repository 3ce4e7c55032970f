"""kill -9 while photos lie unpacked: afterwards their pictures are there, once, and nothing unpacked is left."""

from __future__ import annotations

import gzip
import os
import signal
from pathlib import Path

import pytest

from pipeline.failpoints import NAMES, VARIABLE
from pipeline.model import JobState
from tests.faults.ready import run_pass
from tests.faults.test_kill_9 import DELETIONS, MOVES
from tests.intake.packing import photo, tarred, zipped
from tests.workshop import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")]

PICTURES = ["a.zip/0--night.jpg", "a.zip/1--night.jpg", "b.tgz/2--night.jpg", "b.tgz/3--night.jpg"]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.config()
    (tmp_path / "in" / "a.zip").write_bytes(zipped(("0.png", photo(0)), ("1.png", photo(16))))
    (tmp_path / "in" / "b.tgz").write_bytes(gzip.compress(tarred(("2.png", photo(32)), ("3.png", photo(48)))))
    return workshop


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MOVES + DELETIONS])
def test_a_kill_at_every_named_moment_loses_and_leaves_nothing(workshop: Workshop, name: str) -> None:
    once = name in ("photos-recorded", "jobs-recorded")
    code, output = run_pass(workshop.folder, **{VARIABLE: name if once else f"{name}:2"})
    assert code == (0 if name.startswith("worker-") else -signal.SIGKILL), output
    unpacked = workshop.out / ".stylewatch" / "unpacked"
    if code and not once:
        assert list(unpacked.iterdir())
    code, output = run_pass(workshop.folder)
    assert code == 0, output
    assert not unpacked.exists()
    assert workshop.pictures() == PICTURES
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []
        assert ledger.queries.counts()[JobState.DONE] == len(PICTURES)
