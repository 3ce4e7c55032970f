from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pipeline.failpoints import failpoint_listener
from pipeline.model import JobState
from tests.runner.cleaning.cleaned import SNAPSHOTS, TWO_STYLES, TwoStyles


class KilledError(BaseException):
    """The process ends here."""


def states(workshop: TwoStyles) -> dict[JobState, int]:
    with workshop.ledger() as ledger:
        return {state: count for state, count in ledger.queries.counts().items() if count}


def test_all_that_was_found_goes_with_its_empty_folders(workshop: TwoStyles) -> None:
    text = TWO_STYLES.replace("scales: 1", f"scales: 1, {SNAPSHOTS}").replace(
        "out, min", "out, name: '{style}/{folder}/{stem}--{variant}', min"
    )
    workshop.make("a.png", "sub/b.png", text=text)
    workshop.try_out()
    deleted = workshop.delete()
    assert deleted.files == {"withdrawn": 2, "snapshots": 4, "tries": 2}
    assert all(deleted.size_bytes[kind] > 0 for kind in deleted.files)
    assert deleted.failed == []
    assert workshop.images() == ["night/a--night.jpg", "night/sub/b--night.jpg"]
    assert sorted(path.name for path in workshop.out.iterdir() if path.is_dir()) == [
        ".stylewatch",
        "gallery",
        "night",
    ]
    assert workshop.found() == []


def test_what_else_is_in_a_folder_keeps_it(workshop: TwoStyles) -> None:
    workshop.make("sub/a.png")
    workshop.try_out()
    (workshop.out / "try" / "sea" / "notes.txt").write_text("day is too dark")
    workshop.delete()
    assert workshop.pictures() == ["sub/a--night.jpg", "try/sea/notes.txt"]


def test_a_style_that_is_wanted_again_is_painted_again_under_its_name(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.delete()
    workshop.run()
    assert states(workshop) == {JobState.DONE: 1, JobState.WITHDRAWN: 1}
    workshop.text = TWO_STYLES
    assert workshop.run().finished == 1
    assert workshop.images() == ["a--day.jpg", "a--night.jpg"]


def test_the_other_pictures_are_not_made_again(workshop: TwoStyles) -> None:
    workshop.make("a.png", "b.png")
    workshop.delete()
    assert workshop.run().finished == 0


@pytest.mark.parametrize("name", ["withdrawn-recorded", "withdrawn-deleted"])
def test_a_kill_between_ledger_and_files_loses_nothing(workshop: TwoStyles, name: str) -> None:
    workshop.make("a.png", "b.png")

    def kill(passed: str) -> None:
        if passed == name:
            raise KilledError

    with failpoint_listener(kill), pytest.raises(KilledError):
        workshop.delete()
    left = [] if name == "withdrawn-deleted" else ["a--day.jpg", "b--day.jpg"]
    assert workshop.found() == left  # the next attempt finds what is left,
    workshop.text = TWO_STYLES
    assert workshop.run().finished == 2  # and wanted again, nothing counts as deleted by the user,
    assert workshop.images() == ["a--day.jpg", "a--night.jpg", "b--day.jpg", "b--night.jpg"]  # nor as a stranger's


def test_a_file_that_can_t_be_deleted_is_named_and_the_rest_goes(workshop: TwoStyles) -> None:
    workshop.make("a.png", "b.png", "c.png")

    def unlink(path: Path) -> None:
        if path.name == "b--day.jpg":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        path.unlink()

    deleted = workshop.delete(unlink=unlink)
    assert deleted.failed == [(workshop.out / "b--day.jpg", "Permission denied")]
    assert deleted.files == {"withdrawn": 2}
    assert workshop.found() == ["b--day.jpg"]
    workshop.text = TWO_STYLES
    assert workshop.run().finished == 2  # the one that is there need not be made again


def test_a_file_that_was_edited_during_the_question_stays(workshop: TwoStyles) -> None:
    workshop.make("a.png", "b.png")
    workshop.try_out()
    found = workshop.survey()
    (workshop.out / "a--day.jpg").write_bytes(b"my retouched picture")
    (workshop.out / "try" / "sea" / "day.jpg").write_bytes(b"mine, too")
    (workshop.out / "b--day.jpg").unlink()
    deleted = workshop.delete(found)
    assert [path.name for path, _ in deleted.failed] == ["a--day.jpg", "day.jpg"]
    assert deleted.files == {"tries": 1}
    assert (workshop.out / "a--day.jpg").read_bytes() == b"my retouched picture"


def test_more_pictures_than_fit_into_one_transaction_go_all(workshop: TwoStyles) -> None:
    workshop.make(*(f"{number}.png" for number in range(5)))
    assert workshop.delete(batch=2).files == {"withdrawn": 5}
    assert len(workshop.images()) == 5
