"""System calls that fail for one photo or one picture, and for a whole disk: what that costs, and whom."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.model import JobState
from tests.fakes import write_photo
from tests.faults.injection import StorageFaults, needs_injection
from tests.workshop import CONFIG, Workshop

pytestmark = [pytest.mark.slow, needs_injection]

OWN = ("bad.png", "locked.png", "odd.png", "sealed/b.png")


@pytest.fixture
def faults(tmp_path: Path) -> StorageFaults:
    return StorageFaults(tmp_path / "faults")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Six photos, whose pictures were all made, and are to be made again in another size."""
    workshop = Workshop(tmp_path / "shop", CONFIG + "state: {folder: state, retry_seconds: 0, max_attempts: 2}\n")
    for shade, name in enumerate(("fine.png", "trip/fine.png", *OWN)):
        workshop.photo(name, shade=shade)
    assert workshop.run().finished == 6
    workshop.text = workshop.text.replace("size: 48", "size: 64")
    return workshop


def run(workshop: Workshop, faults: StorageFaults) -> tuple[int, str]:
    workshop.config()
    result = subprocess.run(
        [sys.executable, "-m", "tests.faults.drive", workshop.folder],
        env=faults.environment(),
        capture_output=True,
        text=True,
    )
    return result.returncode, result.stderr


def failures(workshop: Workshop) -> dict[str, tuple[JobState, str, int]]:
    with workshop.ledger() as ledger:
        return {row.job.photo: (row.state, row.reason, row.attempts) for row in ledger.queries.failures()}


def test_a_folder_beside_the_pictures_that_may_not_be_listed_keeps_nobody_from_beginning(
    workshop: Workshop, faults: StorageFaults
) -> None:
    (workshop.folder / "state" / "ledger.sqlite3").unlink()
    (workshop.out / "lost+found").mkdir()
    faults.fail("list", "out/lost+found", errno.EACCES)
    workshop.text = workshop.text.replace("size: 64", "size: 48")
    assert run(workshop, faults)[0] == 0
    with workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 6
        assert ledger.found.count() == 0


def test_one_files_trouble_is_its_own_and_all_others_go_on(workshop: Workshop, faults: StorageFaults) -> None:
    deep = _deep_photo(workshop)
    faults.fail("read", "in/bad.png", errno.EIO)
    faults.fail("open", "in/locked.png", errno.EACCES)
    faults.fail("create", "out/sealed/", errno.EROFS)
    faults.fail("rename,link", "out/odd--night.jpg", errno.EINVAL)
    code, stderr = run(workshop, faults)
    assert (code, stderr) == (1, "")
    found = failures(workshop)
    assert sorted(found) == sorted((*OWN, deep))
    assert {(state, attempts) for state, _, attempts in found.values()} == {(JobState.FAILED, 1)}
    assert found["bad.png"][1].startswith("the photo bad.png can't be read (Input/output error): ")
    assert found["locked.png"][1].startswith("the photo locked.png can't be read (Permission denied): ")
    assert found["sealed/b.png"][1].startswith("the picture sealed/b--night.jpg can't be saved: ")
    assert "Read-only file system" in found["sealed/b.png"][1]
    assert "plainer output.name" in found["odd.png"][1]
    assert "shorter or plainer output.name" in found[deep][1]
    with workshop.ledger() as ledger:
        assert (ledger.queries.counts()[JobState.DONE], ledger.leases.all()) == (2, [])
    assert not list(workshop.out.rglob("*.part"))
    assert run(workshop, faults)[0] == 1
    assert {state for state, _, _ in failures(workshop).values()} == {JobState.QUARANTINED}
    faults.mend()
    with workshop.ledger() as ledger:
        ledger.jobs.retry(OWN)
    assert run(workshop, faults) == (0, "")
    assert list(failures(workshop)) == [deep]


def test_a_whole_disks_trouble_stops_the_run_and_costs_nobody_an_attempt(
    workshop: Workshop, faults: StorageFaults
) -> None:
    for calls, folder, error, said in (
        ("read", "in", errno.EIO, "nor other files in it can be read"),
        ("create,mkdir", "out", errno.EROFS, f"{workshop.out} can't be written (Read-only file system)"),
        ("write,fsync", "out", errno.EIO, f"{workshop.out} can't be written (Input/output error)"),
    ):
        faults.fail(calls, f"{workshop.folder}/{folder}/", error)
        code, stderr = run(workshop, faults)
        assert code != 0
        assert said in stderr
        assert failures(workshop) == {}
        faults.mend()
    assert run(workshop, faults) == (0, "")


def _deep_photo(workshop: Workshop) -> str:
    """Write a photo whose path the system just allows; its picture's is longer."""
    folder = workshop.folder / "in"
    while len(str(folder)) < 3800:
        folder = folder / ("d" * 200)
    folder = folder / ("d" * (4080 - len(str(folder)) - 1))
    return write_photo(folder / "x.png", shade=99).relative_to(workshop.folder / "in").as_posix()
