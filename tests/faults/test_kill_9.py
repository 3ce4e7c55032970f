"""kill -9 at every named moment, with real processes: afterwards all pictures are there, once, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from pipeline.failpoints import NAMES, VARIABLE
from pipeline.model import JobState
from tests.fakes import write_photo
from tests.faults.ready import run_pass
from tests.folders import another_file_system
from tests.processes import needs_proc, worker_of
from tests.workshop import CONFIG, Workshop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")]

ROOT = Path(__file__).parents[2]
PHOTOS = 4
PICTURES = sorted(f"{number}--night.jpg" for number in range(PHOTOS))


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a pass over ``folder`` in a process of its own, with the fake engine in another."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.drive", str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path, CONFIG + "state: {checkpoint_seconds: 0.000001}\n")
    for number in range(PHOTOS):
        workshop.photo(f"{number}.png", shade=number * 16)
    workshop.config()
    return workshop


def assert_all_is_well(workshop: Workshop) -> None:
    assert workshop.pictures() == PICTURES
    for number in range(PHOTOS):
        with Image.open(workshop.out / f"{number}--night.jpg") as picture:
            green = picture.convert("RGB").getpixel((20, 20))[1]
        # The fake engine inverts colors, so each picture shows which photo it was made of.
        assert abs(green - (255 - 120 - number)) <= 3
    with workshop.ledger() as ledger:
        counts = ledger.queries.counts()
        assert ledger.leases.all() == []
    assert list((workshop.out / ".stylewatch").glob("checkpoints/*")) == []
    assert counts[JobState.DONE] == PHOTOS
    assert sum(counts.values()) == PHOTOS


MOVES = tuple(name for name in NAMES if name.startswith(("move-", "original-")))
#: Of 'clean' and 'reject': tests/faults/test_clean.py and test_reject.py kill these.
DELETIONS = tuple(name for name in NAMES if name.startswith(("withdrawn-", "reject")))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MOVES + DELETIONS])
def test_a_kill_at_every_named_moment_loses_and_doubles_nothing(workshop: Workshop, name: str) -> None:
    once = name in ("photos-recorded", "jobs-recorded")
    code, output = run_pass(workshop.folder, **{VARIABLE: name if once else f"{name}:2"})
    # A worker that dies at its second photo is replaced within the run; the program itself is not.
    assert code == (0 if name.startswith("worker-") else -signal.SIGKILL), output
    code, output = run_pass(workshop.folder)
    assert code == 0, output
    assert_all_is_well(workshop)


ACROSS_FILE_SYSTEMS = ("original-copied", "original-leaving")


@pytest.mark.parametrize("name", MOVES)
def test_a_kill_during_a_move_leaves_every_original_in_one_of_both_places(
    workshop: Workshop, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    photos, kept = workshop.folder / "in", tmp_path_factory.mktemp("kept")
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    (photos / "1.xmp").write_text("settings")
    if name in ACROSS_FILE_SYSTEMS:
        if (elsewhere := another_file_system(photos)) is None:
            pytest.skip("needs a second file system")
        kept = Path(tempfile.mkdtemp(dir=elsewhere))
    try:
        workshop.text = CONFIG.replace("settle_seconds: 0", f"settle_seconds: 0, originals: {{move: '{kept}'}}")
        workshop.config()
        code, output = run_pass(workshop.folder, **{VARIABLE: f"{name}:2"})
        assert code == -signal.SIGKILL, output
        for original, data in before.items():
            # A copy that is on its way out is hidden from the next scan, but a copy only.
            assert data in [path.read_bytes() for path in (photos / original, kept / original) if path.exists()]
        code, output = run_pass(workshop.folder)
        assert code == 0, output
        assert_all_is_well(workshop)
        assert {path.name: path.read_bytes() for path in kept.iterdir()} == before | {"1.xmp": b"settings"}
        assert list(photos.iterdir()) == []
    finally:
        if name in ACROSS_FILE_SYSTEMS:
            shutil.rmtree(kept)


def test_a_photo_that_kills_every_worker_is_given_up_and_the_rest_is_done(workshop: Workshop) -> None:
    write_photo(workshop.folder / "in" / "deadly.png", "kills the worker")
    code, output = run_pass(workshop.folder)
    assert code == 1, output
    assert workshop.pictures() == PICTURES
    with workshop.ledger() as ledger:
        (failure,) = ledger.queries.failures()
    assert failure.job.photo == "deadly.png"
    assert "SIGKILL" in failure.reason
    assert run_pass(workshop.folder)[0] == 0


@needs_proc
def test_a_worker_killed_from_outside_is_replaced_and_its_photo_tried_again(workshop: Workshop) -> None:
    write_photo(workshop.folder / "in" / "endless.png", "takes for ever")
    with start(workshop.folder) as process:
        assert process.stdout is not None
        seen, killed = set[bytes](), set[bytes]()
        for line in process.stdout:
            # A second step under the same token: only the endless picture has one. More of them may be on their way
            # when its worker dies.
            if b"Progress" in line and line in seen - killed:
                worker = worker_of(process.pid)
                assert worker is not None
                os.kill(worker, signal.SIGKILL)
                killed.add(line)
            seen.add(line)
    # The first death may find several photos in work, and then blames none.
    assert len(killed) in (3, 4)
    assert process.returncode == 1
    assert workshop.pictures() == PICTURES
