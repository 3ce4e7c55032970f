"""An input or output folder that is somewhere else now: no picture is made or copied a second time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipeline.config.settings import folder_settings
from pipeline.ledger import Ledger
from pipeline.model import JobState, Remark
from pipeline.runner.instance.moved_source import Comparison, is_same_source, take_over_moved_source
from tests.intake.packing import photo, zipped
from tests.workshop import CONFIG, Workshop


@pytest.fixture
def painted(workshop: Workshop) -> Workshop:
    for number in range(6):
        workshop.photo(f"{number}.png", shade=number)
    workshop.photo("sub/6.png", shade=6)
    workshop.run()
    return workshop


def copy_away(folder: Path, name: str) -> Path:
    """Copy a folder as to another disk: other inodes, other times."""
    copy = folder.with_name(name)
    shutil.copytree(folder, copy, copy_function=shutil.copy)
    return copy


def made(workshop: Workshop) -> tuple[int, int, int]:
    finished = workshop.run()
    return finished.finished, finished.copied, finished.failed


def said(workshop: Workshop) -> list[str]:
    return [event.text for event in workshop.events if isinstance(event, Remark)]


def use(workshop: Workshop, name: str) -> None:
    workshop.text = workshop.text.replace("folder: in,", f"folder: {name},")


def contents(workshop: Workshop) -> dict[str, bytes]:
    return {name: (workshop.out / name).read_bytes() for name in workshop.pictures()}


# --- the photos -------------------------------------------------------------------------------------------


def test_photos_moved_to_another_disk_keep_their_pictures_and_it_is_said(painted: Workshop) -> None:
    before = contents(painted)
    source = painted.folder / "in"
    copy_away(source, "new")
    shutil.rmtree(source)
    use(painted, "new")
    assert made(painted) == (0, 0, 0)
    assert said(painted) == [
        f"the photos of {source.resolve()} are in {source.resolve().with_name('new')} now; their finished pictures "
        f"are not made again"
    ]
    assert contents(painted) == before
    assert made(painted) == (0, 0, 0)
    assert said(painted) == []
    painted.run()
    (painted.folder / "new" / "later.png").write_bytes((painted.folder / "new" / "0.png").read_bytes() + b"!")
    painted.photo("../new/more.png", shade=20)
    assert made(painted)[0] >= 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_in_their_old_place_changes_nothing(painted: Workshop) -> None:
    source = painted.folder / "in"
    disk = copy_away(source, "disk")
    shutil.rmtree(source)
    source.symlink_to(disk)
    assert made(painted) == (0, 0, 0)
    assert len(painted.pictures()) == 7


def test_a_copy_is_known_while_the_old_folder_is_still_there(painted: Workshop) -> None:
    copy_away(painted.folder / "in", "new")
    use(painted, "new")
    assert made(painted) == (0, 0, 0)
    assert len(painted.pictures()) == 7


def test_photos_that_were_deleted_and_changed_on_the_way_are_no_hindrance(painted: Workshop) -> None:
    copy = copy_away(painted.folder / "in", "new")
    shutil.rmtree(painted.folder / "in")
    (copy / "0.png").unlink()
    painted.photo("../new/1.png", shade=30)
    use(painted, "new")
    assert made(painted) == (1, 0, 0)
    assert len(painted.pictures()) == 7


def test_other_photos_under_the_same_names_get_pictures_of_their_own(painted: Workshop) -> None:
    before = contents(painted)
    shutil.rmtree(painted.folder / "in")
    for number in range(6):
        painted.photo(f"../new/{number}.png", shade=40 + number)
    use(painted, "new")
    assert made(painted) == (6, 0, 0)
    after = contents(painted)
    assert len(after) == 13
    assert {name: after[name] for name in before} == before
    assert said(painted) == []


def test_a_folder_that_shares_a_few_photos_with_one_in_use_is_another_one(painted: Workshop) -> None:
    (painted.folder / "new").mkdir()
    shutil.copy(painted.folder / "in" / "0.png", painted.folder / "new" / "0.png")
    use(painted, "new")
    assert made(painted) == (0, 1, 0)
    assert said(painted) == []


@pytest.fixture
def renamed(tmp_path: Path) -> Workshop:
    """A folder whose originals were moved to ``done`` when they were painted, and that is called ``new`` since."""
    text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: done}")
    workshop = Workshop(tmp_path, text)
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    workshop.run()
    (tmp_path / "in").rename(tmp_path / "new")
    return workshop


def test_originals_that_were_moved_away_are_not_painted_again(tmp_path: Path, renamed: Workshop) -> None:
    (tmp_path / "done").rename(tmp_path / "kept")
    renamed.text = renamed.text.replace("move: done", "move: kept")
    use(renamed, "new")
    assert made(renamed) == (0, 0, 0)
    assert said(renamed) != []
    shutil.move(tmp_path / "kept" / "1.png", tmp_path / "new" / "1.png")
    assert made(renamed) == (0, 0, 0)
    assert len(renamed.pictures()) == 3


def test_originals_that_were_put_back_into_a_folder_that_moved_keep_their_pictures(
    tmp_path: Path, renamed: Workshop
) -> None:
    for number in range(3):
        shutil.move(tmp_path / "done" / f"{number}.png", tmp_path / "new")
    use(renamed, "new")
    assert made(renamed) == (0, 0, 0)
    assert len(renamed.pictures()) == 3


def test_photos_in_archives_are_known_by_their_archive(workshop: Workshop) -> None:
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(("1.png", photo(1)), ("2.png", photo(2))))
    workshop.run()
    copy_away(workshop.folder / "in", "new")
    shutil.rmtree(workshop.folder / "in")
    use(workshop, "new")
    assert made(workshop) == (0, 0, 0)
    assert len(workshop.pictures()) == 2


def test_plan_and_retry_see_the_move_too(painted: Workshop) -> None:
    (painted.folder / "in").rename(painted.folder / "new")
    use(painted, "new")
    assert painted.plan(lambda _: None).jobs == ()
    with painted.ledger() as ledger:
        assert take_over_moved_source(folder_settings(painted.config()), ledger) != ""
        assert ledger.queries.counts()[JobState.DONE] == 7
        assert take_over_moved_source(folder_settings(painted.config()), ledger) == ""


def test_a_folder_that_is_not_there_yet_is_nobody(painted: Workshop) -> None:
    use(painted, "new")
    with painted.ledger() as ledger:
        assert take_over_moved_source(folder_settings(painted.config()), ledger) == ""


# --- the pictures -----------------------------------------------------------------------------------------


def test_pictures_moved_with_their_ledger_are_not_made_again(painted: Workshop) -> None:
    before = contents(painted)
    (painted.folder / "elsewhere").mkdir()
    moved = painted.out.rename(painted.folder / "elsewhere" / "out")
    painted.text = painted.text.replace("folder: out", "folder: elsewhere/out")
    assert made(painted) == (0, 0, 0)
    assert {path.name for path in moved.glob("*.jpg")} == {name for name in before if "/" not in name}
    assert not painted.out.exists()


def test_pictures_and_photos_moved_apart_are_not_made_again(painted: Workshop) -> None:
    shutil.copytree(painted.folder, painted.folder / "old disk", copy_function=shutil.copy)
    (painted.folder / "a" / "b").mkdir(parents=True)
    painted.out.rename(painted.folder / "a" / "pictures")
    (painted.folder / "in").rename(painted.folder / "a" / "b" / "photos")
    painted.text = painted.text.replace("folder: out", "folder: a/pictures").replace(
        "folder: in", "folder: a/b/photos"
    )
    assert made(painted) == (0, 0, 0)


# --- the decision -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "equal", "is_there", "has_left", "verdict"),
    [
        (0, 0, False, False, False),
        (20, 20, False, False, True),
        (20, 10, False, False, True),
        (20, 9, False, False, False),
        (1, 0, False, False, False),
        (20, 20, True, False, True),
        (20, 19, True, False, False),
        (20, 20, False, True, True),
        (20, 20, True, True, False),
    ],
)
def test_what_counts_as_a_move(size: int, equal: int, is_there: bool, has_left: bool, verdict: bool) -> None:
    assert is_same_source(Comparison(size, equal), still_in_use=is_there, originals_moved=has_left) is verdict


def test_nothing_of_the_old_source_is_lost_when_it_is_taken_over(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger", "old") as old:
        assert old.sources.is_new()
    with Ledger.open(tmp_path / "ledger", "new") as new:
        assert new.sources.others() == ["old"]
        new.sources.take_over("old")
        assert new.sources.others() == []
    with Ledger.open(tmp_path / "ledger", "old") as old:
        assert old.sources.others() == ["new"]


def test_empty_folders_in_the_old_place_dont_keep_it_in_use(painted: Workshop) -> None:
    source = painted.folder / "in"
    copy = copy_away(source, "new")
    shutil.rmtree(source)
    (source / "night").mkdir(parents=True)
    next(copy.glob("*.png")).unlink()  # so that not all of them are found again
    use(painted, "new")
    assert made(painted) == (0, 0, 0)
    assert len(said(painted)) == 1
