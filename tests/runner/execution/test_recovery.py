"""Every state in which a kill can leave a lease, built by hand, and what the next start makes of it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config.settings import ingest_settings
from pipeline.engine import ENGINE_VERSION
from pipeline.errors import StorageError, UnwritableError
from pipeline.failpoints import failpoint_listener
from pipeline.hashing import sha256_of_file
from pipeline.ledger import Claim, Ledger
from pipeline.model import JobState
from pipeline.runner.execution.publishing import Publisher, part_path
from pipeline.runner.execution.recovery import MAX_INTERRUPTIONS, recover
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import resolve_config
from tests.ledger.facts import facts
from tests.workshop import Workshop

PICTURE = b"a finished picture"
SHA256 = hashlib.sha256(PICTURE).hexdigest()


@dataclass
class Scene:
    """A ledger with one photo's job leased, as a killed process leaves it, and its files."""

    workshop: Workshop
    ledger: Ledger

    def lease(self) -> Claim:
        config = self.workshop.config()
        ingest(ingest_settings(config), resolve_config(config), self.ledger, sleep=lambda _: None)
        (claim,) = self.ledger.leases.claim(9, "name")
        self.ledger.photos.note_sha256(claim.job.photo, sha256_of_file(config.input.folder / claim.job.photo))
        return claim

    def lease_noted(self) -> Claim:
        """Return a lease made when the photo's content was on record already."""
        self.ledger.leases.release(self.lease().token)
        (claim,) = self.ledger.leases.claim(9, "name")
        return claim

    def part(self, claim: Claim) -> Path:
        path = part_path(self.workshop.out, claim.output, claim.token)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def recover(self) -> int:
        return recover(self.ledger, self.workshop.out)

    def state(self) -> JobState:
        (state,) = (state for state, count in self.ledger.queries.counts().items() if count)
        return state

    def files(self) -> dict[str, bytes]:
        return {name: (self.workshop.out / name).read_bytes() for name in self.workshop.pictures()}


@pytest.fixture
def scene(workshop: Workshop) -> Iterator[Scene]:
    workshop.photo("a.png")
    workshop.out.mkdir()
    with workshop.ledger() as ledger:
        yield Scene(workshop, ledger)


def test_nothing_left_behind_is_nothing_to_do(scene: Scene) -> None:
    assert scene.recover() == 0


def test_a_lease_without_any_file_is_put_back(scene: Scene) -> None:
    scene.lease()
    assert scene.recover() == 1
    assert (scene.state(), scene.files()) == (JobState.PENDING, {})


def test_a_half_written_file_is_removed_and_its_job_put_back(scene: Scene) -> None:
    claim = scene.lease()
    scene.ledger.leases.start(claim.token)
    scene.part(claim).write_bytes(PICTURE[:5])
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {})


def test_a_whole_file_whose_hash_is_not_on_record_is_not_trusted(scene: Scene) -> None:
    scene.part(scene.lease()).write_bytes(PICTURE)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {})


def test_a_recorded_file_is_published(scene: Scene) -> None:
    claim = scene.lease_noted()
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.DONE, {"a--night.jpg": PICTURE})
    (row,) = scene.ledger.queries.finished()
    assert (row.output, row.sha256, row.engine_version) == ("a--night.jpg", SHA256, ENGINE_VERSION)


@pytest.mark.parametrize("killed_at", ["artwork-recorded", "picture-linked", "picture-published"])
def test_a_kill_while_a_picture_is_published_loses_nothing_of_how_it_was_made(scene: Scene, killed_at: str) -> None:
    claim = scene.lease_noted()
    scene.part(claim).write_bytes(PICTURE)

    def die(name: str) -> None:
        if name == killed_at:
            raise KeyboardInterrupt

    with failpoint_listener(die), pytest.raises(KeyboardInterrupt):
        Publisher(scene.ledger, scene.workshop.out).publish(claim, "k1", SHA256, facts=facts())
    scene.recover()
    assert scene.state() is JobState.DONE
    (row,) = scene.ledger.gallery.rows(0, 9)
    details = scene.ledger.gallery.details(row.id)
    assert details is not None
    assert (details.copied, details.facts) == (False, facts())
    assert scene.ledger.totals.read().pictures_made == 1


def test_a_picture_under_both_names_loses_the_temporary_one(scene: Scene) -> None:
    claim = scene.lease_noted()
    part = scene.part(claim)
    part.write_bytes(PICTURE)
    (scene.workshop.out / claim.output).hardlink_to(part)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.DONE, {"a--night.jpg": PICTURE})


def test_a_recovery_killed_when_the_job_is_done_leaves_no_temporary_file(scene: Scene) -> None:
    claim = scene.lease_noted()
    part = scene.part(claim)
    part.write_bytes(PICTURE)
    (scene.workshop.out / claim.output).hardlink_to(part)
    scene.ledger.leases.record_artwork(claim.token, SHA256)

    def die(name: str) -> None:
        if name == "job-done":
            raise KeyboardInterrupt

    with failpoint_listener(die), pytest.raises(KeyboardInterrupt):
        scene.recover()
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.DONE, {"a--night.jpg": PICTURE})


def test_a_picture_under_its_final_name_alone_is_done(scene: Scene) -> None:
    claim = scene.lease_noted()
    (scene.workshop.out / claim.output).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.DONE, {"a--night.jpg": PICTURE})


def test_a_temporary_file_with_another_hash_is_removed_and_its_job_put_back(scene: Scene) -> None:
    claim = scene.lease_noted()
    scene.part(claim).write_bytes(b"damaged by a power cut")
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {})


def test_a_recorded_file_that_is_gone_is_made_again(scene: Scene) -> None:
    claim = scene.lease_noted()
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {})


def test_a_picture_of_a_photo_whose_content_is_not_on_record_is_made_again(scene: Scene) -> None:
    config = scene.workshop.config()
    ingest(ingest_settings(config), resolve_config(config), scene.ledger, sleep=lambda _: None)
    (claim,) = scene.ledger.leases.claim(9, "name")
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {})


def test_a_users_file_under_the_final_name_stays_and_the_picture_takes_another(scene: Scene) -> None:
    claim = scene.lease_noted()
    (scene.workshop.out / claim.output).write_bytes(b"the user's")
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert scene.state() is JobState.DONE
    assert scene.files() == {"a--night.jpg": b"the user's", "a--night-2.jpg": PICTURE}


def test_a_users_file_is_not_taken_for_a_picture_that_was_lost(scene: Scene) -> None:
    claim = scene.lease_noted()
    (scene.workshop.out / claim.output).write_bytes(b"the user's")
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {"a--night.jpg": b"the user's"})


def test_a_kill_after_another_name_was_taken_ends_under_that_name(scene: Scene) -> None:
    claim = scene.lease_noted()
    (scene.workshop.out / claim.output).write_bytes(b"the user's")
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    assert scene.ledger.leases.rename_output(claim.token) == "a--night-2.jpg"
    scene.recover()
    assert scene.files() == {"a--night.jpg": b"the user's", "a--night-2.jpg": PICTURE}


def published_before(scene: Scene) -> Claim:
    """Publish a picture, change the photo, and lease its successor."""
    claim = scene.lease_noted()
    scene.part(claim).write_bytes(b"the predecessor")
    scene.ledger.leases.record_artwork(claim.token, hashlib.sha256(b"the predecessor").hexdigest())
    scene.recover()
    scene.workshop.photo("a.png", shade=9)
    return scene.lease_noted()


def test_a_successor_replaces_the_picture_we_published(scene: Scene) -> None:
    claim = published_before(scene)
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.DONE, {"a--night.jpg": PICTURE})


def test_a_successor_leaves_a_picture_alone_that_the_user_changed(scene: Scene) -> None:
    claim = published_before(scene)
    (scene.workshop.out / "a--night.jpg").write_bytes(b"retouched")
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    scene.recover()
    assert scene.files() == {"a--night.jpg": b"retouched", "a--night-2.jpg": PICTURE}


def test_a_successor_that_is_not_finished_leaves_its_predecessor_in_place(scene: Scene) -> None:
    claim = published_before(scene)
    scene.part(claim).write_bytes(PICTURE[:5])
    scene.recover()
    assert (scene.state(), scene.files()) == (JobState.PENDING, {"a--night.jpg": b"the predecessor"})


def test_nothing_but_the_leases_own_temporary_file_is_ever_removed(scene: Scene) -> None:
    claim = scene.lease()
    scene.part(claim).write_bytes(PICTURE[:5])
    (scene.workshop.out / ".stylewatch-somebody.part").write_bytes(b"else's")
    scene.recover()
    assert scene.files() == {".stylewatch-somebody.part": b"else's"}


def test_many_kills_in_a_row_while_working_on_a_photo_count_against_it(scene: Scene) -> None:
    states = []
    for _ in range(MAX_INTERRUPTIONS):
        scene.ledger.leases.start(scene.lease().token)
        scene.recover()
        states.append(scene.state())
    assert states == [JobState.PENDING] * (MAX_INTERRUPTIONS - 1) + [JobState.QUARANTINED]
    (failure,) = scene.ledger.queries.failures()
    assert "ended unexpectedly" in failure.reason


def test_kills_before_work_began_never_count(scene: Scene) -> None:
    for _ in range(MAX_INTERRUPTIONS + 2):
        scene.lease()
        scene.recover()
    assert scene.state() is JobState.PENDING


def test_recovering_twice_is_recovering_once(scene: Scene) -> None:
    claim = scene.lease_noted()
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    assert scene.recover() == 1
    assert scene.recover() == 0
    assert scene.files() == {"a--night.jpg": PICTURE}


def run_on_a_disk_that_fails(workshop: Workshop) -> None:
    """Make a pass that can't give a finished picture its name."""

    def fail(name: str) -> None:
        if name == "artwork-recorded":
            raise StorageError("the disk is full")

    with failpoint_listener(fail), pytest.raises(StorageError):
        workshop.run()


def test_a_finished_picture_that_could_not_be_published_is_published_by_the_next_run(workshop: Workshop) -> None:
    workshop.photo("a.png")
    run_on_a_disk_that_fails(workshop)
    assert [Path(name).suffix for name in workshop.pictures()] == [".part"]
    assert workshop.run().finished == 0
    assert workshop.pictures() == ["a--night.jpg"]


def test_a_copy_that_could_not_be_published_is_published_by_the_next_run(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    workshop.run()
    shutil.copyfile(photo, photo.with_name("b.png"))
    run_on_a_disk_that_fails(workshop)
    finished = workshop.run()
    assert (finished.finished, finished.copied) == (0, 0)
    assert workshop.pictures() == ["a--night.jpg", "b--night.jpg"]


def test_a_finished_picture_that_a_disk_refuses_by_its_name_stops_no_recovery(scene: Scene) -> None:
    claim = scene.lease_noted()
    scene.ledger.leases.start(claim.token)
    scene.part(claim).write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)

    def refuse(name: str) -> None:
        if name == "artwork-recorded":
            raise UnwritableError("that name is refused")

    with failpoint_listener(refuse):
        assert scene.recover() == 1
    assert scene.state() is JobState.PENDING
    assert scene.files() == {}
    assert scene.ledger.leases.all() == []
