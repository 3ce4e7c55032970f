"""Two configs and one output folder: one after the other they work right, at the same time only as README says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from pipeline.config.settings import ingest_settings
from pipeline.errors import LedgerError, LockedError
from pipeline.failpoints import VARIABLE
from pipeline.hashing import sha256_of_file
from pipeline.model import JobState
from pipeline.runner.execution.publishing import part_path
from pipeline.runner.execution.recovery import recover
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.preparation import open_ledger, resolve_config
from tests.fakes import write_photo
from tests.faults.ready import run_pass
from tests.workshop import CONFIG, Workshop

ROOT = Path(__file__).parents[3]
OTHER = CONFIG.replace("folder: in,", "folder: other,")
OWN_STATE = OTHER + "state: {folder: state}\nlog: {file: other.log, journal: other.jsonl, reports: other-reports}\n"


@dataclass
class Pair:
    """Two workshops that differ in their input folders, ``in`` and ``other``."""

    one: Workshop
    two: Workshop

    def photo(self, name: str, kind: str = "fine", shade: int = 0) -> Path:
        """Put a photo into the second one's folder."""
        return write_photo(self.two.folder / "other" / name, kind, shade=shade)

    def pictures(self) -> dict[str, bytes]:
        return {name: (self.one.out / name).read_bytes() for name in self.one.pictures() if name.endswith(".jpg")}

    def counts(self, workshop: Workshop) -> dict[JobState, int]:
        with workshop.ledger() as ledger:
            return {state: count for state, count in ledger.queries.counts().items() if count}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    (tmp_path / "other").mkdir()
    return Pair(Workshop(tmp_path), Workshop(tmp_path, OTHER))


def shade_of(picture: Path) -> int:
    """Return which shade of a fine photo a picture was made of: the fake engine inverts colors."""
    with Image.open(picture) as image:
        return round(255 - image.convert("RGB").resize((1, 1)).getpixel((0, 0))[0]) - 40  # type: ignore[index]


# --- one after the other ----------------------------------------------------------------------------------


def test_photos_of_one_name_get_pictures_of_two_names_and_both_stay(pair: Pair) -> None:
    pair.one.photo("a.png", shade=0)
    pair.photo("a.png", shade=15)
    pair.one.run()
    pair.two.run()
    assert sorted(pair.pictures()) == ["a--night-2.jpg", "a--night.jpg"]
    assert abs(shade_of(pair.one.out / "a--night.jpg") - 0) <= 4
    assert abs(shade_of(pair.one.out / "a--night-2.jpg") - 15) <= 4


def test_neither_takes_the_others_photos_for_gone_nor_withdraws_its_jobs(pair: Pair) -> None:
    pair.one.photo("a.png")
    pair.photo("b.png", shade=1)
    for _ in range(2):
        pair.one.run()
        pair.two.run()
    assert pair.counts(pair.one) == {JobState.DONE: 1}
    assert pair.counts(pair.two) == {JobState.DONE: 1}
    assert pair.one.run().finished == pair.two.run().finished == 0


def test_a_replaced_photo_replaces_its_own_picture_only(pair: Pair) -> None:
    pair.one.photo("a.png", shade=0)
    pair.photo("a.png", shade=1)
    pair.one.run()
    pair.two.run()
    before = pair.pictures()
    pair.photo("a.png", shade=15)
    pair.one.run()
    assert pair.pictures() == before
    pair.two.run()
    after = pair.pictures()
    assert after["a--night.jpg"] == before["a--night.jpg"]
    assert after["a--night-2.jpg"] != before["a--night-2.jpg"]
    assert len(after) == 2


def test_an_equal_photo_is_copied_from_the_other_ones_picture(pair: Pair) -> None:
    pair.one.photo("a.png", shade=3)
    pair.photo("b.png", shade=3)
    pair.one.run()
    assert pair.two.run().copied == 1
    pictures = pair.pictures()
    assert pictures["a--night.jpg"] == pictures["b--night.jpg"]


def test_each_plans_counts_and_retries_its_own_only(pair: Pair) -> None:
    pair.one.photo("bad.png", "diverges")
    pair.photo("bad.png", "diverges", shade=1)
    pair.photo("fine.png", shade=2)
    pair.one.run()
    planned = sorted(job.output for job in pair.two.plan().jobs)
    assert planned == ["bad--night-2.jpg", "fine--night.jpg"]
    pair.two.run()
    assert pair.counts(pair.one) == {JobState.FAILED: 1}
    assert pair.counts(pair.two) == {JobState.FAILED: 1, JobState.DONE: 1}
    with pair.one.ledger() as ledger:
        assert [row.job.photo for row in ledger.queries.failures()] == ["bad.png"]
        assert ledger.jobs.retry() == 1
    assert pair.counts(pair.two) == {JobState.FAILED: 1, JobState.DONE: 1}
    assert [job.job.photo for job in pair.one.plan().jobs] == ["bad.png"]


def test_originals_of_both_can_go_to_one_folder(pair: Pair) -> None:
    for workshop in (pair.one, pair.two):
        workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: done}")
    photos = [pair.one.photo("a.png", shade=0).read_bytes(), pair.photo("a.png", shade=15).read_bytes()]
    pair.one.run()
    pair.two.run()
    done = pair.one.folder / "done"
    assert [(done / name).read_bytes() for name in ("a.png", "a-2.png")] == photos
    assert sorted(pair.pictures()) == ["a--night-2.jpg", "a--night.jpg"]


# --- at the same time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "watch"])
def test_the_second_is_refused_and_told_what_holds_what(pair: Pair, command: str) -> None:
    pair.photo("b.png")
    config = pair.two.config()
    path = pair.two.folder / "stylewatch.yaml"
    with instance_lock(config.state.folder, "stylewatch watch one.yaml"):
        ended = subprocess.run(
            [sys.executable, "-m", "pipeline", command, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == LockedError.exit_code
    assert f"{config.state.folder} is in use by 'stylewatch watch one.yaml' with pid {os.getpid()}" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert pair.pictures() == {}


def test_with_a_state_folder_each_both_publish_into_one_folder(pair: Pair) -> None:
    pair.two.text = OWN_STATE
    for number in range(6):
        pair.one.photo(f"{number}.png", shade=number)
        pair.photo(f"{number}.png", shade=number + 8)
    config_one = pair.one.config()  # one file for both configs: the second one's is written over it
    turns = iter(range(100))

    def let_the_other_work(*_: object) -> None:
        # Each time the first one tells anything, the second one makes all it can.
        if next(turns) == 3:
            pair.two.run()

    pair.one.run(on_event=let_the_other_work)
    assert config_one.state.folder != pair.two.config().state.folder
    pictures = pair.pictures()
    assert len(pictures) == 12
    shades = sorted(shade_of(pair.one.out / name) for name in pictures)
    assert all(abs(shade - wanted) <= 2 for shade, wanted in zip(shades, [*range(6), *range(8, 14)], strict=True))
    assert pair.counts(pair.one) == pair.counts(pair.two) == {JobState.DONE: 6}
    assert not [name for name in pair.one.pictures() if name.endswith(".part")]


def test_a_recovery_leaves_the_temporary_files_of_the_other_ledger_alone(pair: Pair) -> None:
    pair.two.text = OWN_STATE
    pair.photo("b.png")
    config = pair.two.config()
    with open_ledger(config) as ledger:
        ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)
        (claim,) = ledger.leases.claim(9, "name")
        live = part_path(config.output.folder, claim.output, claim.token)
        live.parent.mkdir(parents=True, exist_ok=True)
        live.write_bytes(b"being written")
        pair.one.photo("a.png")
        pair.one.run()
        with pair.one.ledger() as other:
            recover(other, config.output.folder)
        assert live.read_bytes() == b"being written"


def kill_one_at(pair: Pair, failpoint: str) -> None:
    pair.one.config()
    code, output = run_pass(pair.one.folder, **{VARIABLE: failpoint})
    assert code < 0, output


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("failpoint", ["artwork-recorded", "picture-linked", "picture-published"])
def test_a_kill_of_one_costs_the_other_nothing(pair: Pair, failpoint: str) -> None:
    pair.two.text = OWN_STATE
    pair.one.photo("a.png", shade=0)
    pair.photo("a.png", shade=15)
    kill_one_at(pair, failpoint)
    pair.two.run()
    pair.one.run()
    assert sorted(pair.pictures()) == ["a--night-2.jpg", "a--night.jpg"]
    assert sorted(round(shade_of(pair.one.out / name) / 15) for name in pair.pictures()) == [0, 1]
    assert not [name for name in pair.one.pictures() if name.endswith(".part")]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("failpoint", ["job-leased", "artwork-recorded", "picture-linked"])
def test_the_next_config_ends_what_a_killed_run_of_the_other_left_half_done(pair: Pair, failpoint: str) -> None:
    pair.one.photo("a.png")
    kill_one_at(pair, failpoint)
    pair.two.run()
    assert not [name for name in pair.one.pictures() if name.endswith(".part")]
    assert pair.one.run().failed == 0
    assert sorted(pair.pictures()) == ["a--night.jpg"]
    assert pair.counts(pair.one) == {JobState.DONE: 1}


# --- one state folder, two output folders -----------------------------------------------------------------


@pytest.mark.parametrize("act", [Workshop.run, Workshop.ledger])
def test_a_state_folder_serves_one_output_folder_only(tmp_path: Path, act: Callable[[Workshop], object]) -> None:
    one = Workshop(tmp_path, CONFIG + "state: {folder: state}\n")
    two = Workshop(tmp_path, one.text.replace("folder: out", "folder: pictures"))
    one.photo("a.png")
    one.run()
    picture = sha256_of_file(one.out / "a--night.jpg")
    with pytest.raises(LedgerError, match=r"belongs to the pictures in .*out, not to those in .*pictures"):
        act(two)
    assert sha256_of_file(one.out / "a--night.jpg") == picture
    one.out.rename(tmp_path / "pictures")
    assert two.run().finished == 0
