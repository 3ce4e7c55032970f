"""Rejected pictures: what is deleted, and what stays rejected."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from pipeline.failpoints import failpoint_listener
from pipeline.ledger import PictureRecord
from pipeline.model import JobState
from pipeline.runner.corrections.reject import Rejected, reject
from pipeline.runner.execution.single_pass import PassOptions
from pipeline.runner.planning.run_scope import RunScope
from tests.workshop import CONFIG, Workshop


class KilledError(BaseException):
    """Stands for kill -9."""


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png", shade=1)
    workshop.photo("sub/b.png", shade=2)
    assert workshop.run().finished == 2
    return workshop


def rejected(workshop: Workshop, *outputs: str) -> Rejected:
    with workshop.ledger() as ledger:
        pictures = [picture for picture in ledger.pictures.all() if picture.output in outputs]
        assert len(pictures) == len(outputs)
        return reject(ledger, workshop.out, pictures)


def record(workshop: Workshop, output: str) -> PictureRecord:
    with workshop.ledger() as ledger:
        return next(picture for picture in ledger.pictures.all() if picture.output == output)


def test_its_file_goes_and_stays_away(workshop: Workshop) -> None:
    done = rejected(workshop, "sub/b--night.jpg")
    assert [picture.output for picture in done.deleted] == ["sub/b--night.jpg"]
    assert (done.before, done.refused, done.due) == ([], [], [])
    assert workshop.pictures() == ["a--night.jpg"]
    over = workshop.run(PassOptions(scope=RunScope((), frozenset({"outdated", "changed"}))))
    assert (over.finished, over.copied, over.left) == (0, 0, 0)
    assert (over.counts["done"], over.counts["rejected"]) == (1, 1)
    assert over.standing is not None
    assert (over.standing.done, over.standing.rejected) == (1, 1)
    assert workshop.pictures() == ["a--night.jpg"]
    assert (workshop.plan().done, workshop.plan().rejected) == (1, 1)


def test_once_more_there_is_nothing_to_do(workshop: Workshop) -> None:
    rejected(workshop, "a--night.jpg")
    again = rejected(workshop, "a--night.jpg")
    assert ([picture.output for picture in again.before], again.deleted) == (["a--night.jpg"], [])


def test_a_file_that_was_edited_stays(workshop: Workshop) -> None:
    (workshop.out / "a--night.jpg").write_bytes(b"my retouched picture")
    done = rejected(workshop, "a--night.jpg")
    assert done.deleted == []
    assert "was edited or replaced since it was made" in done.refused[0][1]
    assert (workshop.out / "a--night.jpg").read_bytes() == b"my retouched picture"
    assert record(workshop, "a--night.jpg").is_rejected is False


def test_one_that_the_user_has_deleted_is_rejected_without_a_file(workshop: Workshop) -> None:
    (workshop.out / "a--night.jpg").unlink()
    assert [picture.output for picture in rejected(workshop, "a--night.jpg").deleted] == ["a--night.jpg"]
    assert record(workshop, "a--night.jpg").is_rejected


def test_one_that_was_not_made_is_refused(workshop: Workshop) -> None:
    workshop.photo("bad.png", "diverges")
    workshop.run()
    assert rejected(workshop, "bad--night.jpg").refused[0][1] == "was not made yet"


def test_one_in_progress_is_refused(workshop: Workshop) -> None:
    with workshop.ledger() as ledger:
        (picture, _) = ledger.pictures.all()
        ledger.jobs.redo([picture.job])
        assert ledger.leases.claim(1, "newest")
        pictures = ledger.pictures.all()
        done = reject(ledger, workshop.out, [each for each in pictures if each.state is JobState.LEASED])
    assert "is being made again just now" in done.refused[0][1]
    assert len(workshop.pictures()) == 2


def test_new_settings_make_another_picture_and_the_old_ones_none(workshop: Workshop) -> None:
    rejected(workshop, "a--night.jpg")
    workshop.text = CONFIG.replace("size: 48", "size: 40")
    assert workshop.run().finished == 2
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]
    workshop.text = CONFIG
    over = workshop.run()
    assert (over.finished, over.counts["rejected"]) == (1, 1)
    assert workshop.pictures() == ["sub/b--night.jpg"]
    workshop.text = CONFIG.replace("size: 48", "size: 40")
    assert workshop.run().finished == 2
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]


def test_a_picture_that_was_edited_does_not_go_with_the_settings(workshop: Workshop) -> None:
    rejected(workshop, "a--night.jpg")
    workshop.text = CONFIG.replace("size: 48", "size: 40")
    workshop.run()
    (workshop.out / "a--night.jpg").write_bytes(b"my retouched picture")
    workshop.text = CONFIG
    workshop.run()
    assert (workshop.out / "a--night.jpg").read_bytes() == b"my retouched picture"


def test_rejected_with_old_settings_it_is_made_with_the_new_ones(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("size: 48", "size: 40")
    workshop.run(PassOptions(limit=0))
    done = rejected(workshop, "a--night.jpg")
    assert [picture.output for picture in done.due] == ["a--night.jpg"]
    assert workshop.run().finished == 2


def test_a_changed_photo_gets_a_picture_and_a_renamed_one_none(workshop: Workshop) -> None:
    rejected(workshop, "a--night.jpg", "sub/b--night.jpg")
    workshop.photo("a.png", shade=9)
    (workshop.folder / "in" / "sub" / "b.png").rename(workshop.folder / "in" / "c.png")
    over = workshop.run()
    assert (over.finished, over.copied, over.counts["rejected"]) == (1, 0, 2)  # of the old name and of the new one
    assert workshop.pictures() == ["a--night.jpg"]


def test_a_copy_of_its_photo_gets_none_but_a_picture_that_there_is_is_copied(workshop: Workshop) -> None:
    shutil.copy(workshop.folder / "in" / "a.png", workshop.folder / "in" / "twin.png")
    assert workshop.run().copied == 1
    rejected(workshop, "a--night.jpg")
    assert workshop.run().copied == 0
    shutil.copy(workshop.folder / "in" / "a.png", workshop.folder / "in" / "third.png")
    assert workshop.run().copied == 1
    rejected(workshop, "twin--night.jpg", "third--night.jpg")
    shutil.copy(workshop.folder / "in" / "a.png", workshop.folder / "in" / "fourth.png")
    assert workshop.run().counts["rejected"] == 4
    assert workshop.pictures() == ["sub/b--night.jpg"]


def test_one_that_was_to_be_made_again_is_not_any_more(workshop: Workshop) -> None:
    with workshop.ledger() as ledger:
        ledger.jobs.redo([picture.job for picture in ledger.pictures.all()])
    done = rejected(workshop, "a--night.jpg")
    assert done.due == []
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["sub/b--night.jpg"]


def test_asked_for_by_name_it_is_made_again(workshop: Workshop) -> None:
    rejected(workshop, "a--night.jpg")
    with workshop.ledger() as ledger:
        assert ledger.jobs.redo([record(workshop, "a--night.jpg").job]) == 1
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]


def test_the_photo_of_a_rejected_picture_is_done_with(workshop: Workshop) -> None:
    rejected(workshop, "a--night.jpg")
    workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: kept}")
    workshop.run()
    assert (workshop.folder / "kept" / "a.png").exists()


@pytest.mark.parametrize("name", ["rejection-noted", "rejected-set-aside", "rejected-deleted"])
@pytest.mark.parametrize("by", ["run", "reject"])
def test_after_a_kill_the_rest_is_done(workshop: Workshop, name: str, by: str) -> None:
    def kill(passed: str) -> None:
        if passed == name:
            raise KilledError

    with failpoint_listener(kill), pytest.raises(KilledError):
        rejected(workshop, "a--night.jpg")
    if by == "run":
        assert workshop.run().finished == 0
    else:
        assert len(rejected(workshop, "a--night.jpg").before) == 1
    assert workshop.pictures() == ["sub/b--night.jpg"]
    assert record(workshop, "a--night.jpg").is_rejected
    with workshop.ledger() as ledger:
        assert ledger.rejections.unfinished() == []


def test_a_picture_that_replaces_it_meanwhile_stays(workshop: Workshop) -> None:
    """As a running program may publish one between the note and the deletion."""
    (workshop.folder / "new").write_bytes(b"the next picture")

    def publish(passed: str) -> None:
        if passed == "rejection-noted":
            (workshop.folder / "new").replace(workshop.out / "a--night.jpg")

    with failpoint_listener(publish):
        done = rejected(workshop, "a--night.jpg")
    assert done.refused[0][1] == "was replaced meanwhile: it stays; look at it again"
    assert (workshop.out / "a--night.jpg").read_bytes() == b"the next picture"
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]
    assert not record(workshop, "a--night.jpg").is_rejected


def test_what_can_t_be_deleted_is_rejected_and_goes_later(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "a--night.jpg":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    done = rejected(workshop, "a--night.jpg")
    monkeypatch.undo()
    assert "a--night.jpg can't be deleted (Permission denied); check that its folder" in done.refused[0][1]
    assert "The next run tries again" in done.refused[0][1]
    workshop.run()
    assert workshop.pictures() == ["sub/b--night.jpg"]
