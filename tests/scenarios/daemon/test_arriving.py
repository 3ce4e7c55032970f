"""Whatever is done to files in a watched folder ends in exactly the right pictures. Real watcher, fake engine.

The daemon looks at the whole folder only at its start: all that follows is found by events.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from pipeline.model import JobFailed, JobState, RunFinished
from tests.daemon.harness import DaemonHarness, Gate
from tests.fakes import write_photo


def some_bytes(folder: Path, shade: int = 5) -> bytes:
    return write_photo(folder / "elsewhere" / "photo.png", size=(480, 320), shade=shade).read_bytes()


def test_what_lies_there_at_the_start_is_made_and_then_what_is_dropped(harness: DaemonHarness) -> None:
    harness.workshop.photo("old.png")
    with harness.running():
        harness.wait_for_pictures("old--night.jpg")
        harness.workshop.photo("new.png", shade=9)
        harness.wait_for_pictures("new--night.jpg", "old--night.jpg")
    assert harness.show_their_photos()
    assert [notice.kind for notice in harness.notices("watching", "stopped")] == ["watching", "stopped"]


def test_a_slow_copy_is_begun_once_when_it_is_complete(harness: DaemonHarness) -> None:
    data = some_bytes(harness.workshop.folder)
    with harness.running(), (harness.folder / "slow.png").open("wb") as file:
        for start in range(0, len(data), len(data) // 8):
            file.write(data[start : start + len(data) // 8])
            file.flush()
            time.sleep(0.1)
        file.close()
        harness.wait_for_pictures("slow--night.jpg")
    assert harness.started() == ["slow.png"]
    assert harness.show_their_photos()


def test_a_preallocated_file_that_is_filled_later_waits_until_it_is(harness: DaemonHarness) -> None:
    data = some_bytes(harness.workshop.folder)
    with harness.running(), (harness.folder / "later.png").open("wb") as file:
        file.truncate(len(data))
        harness.wait_for(lambda: ("later.png", "incomplete") in harness.set_aside(), "the empty file to be noticed")
        file.write(data)
        file.close()
        harness.wait_for_pictures("later--night.jpg")
    assert harness.started() == ["later.png"]
    assert harness.set_aside() == [("later.png", "incomplete")]
    assert harness.show_their_photos()


def test_a_part_file_is_nothing_until_it_gets_its_name(harness: DaemonHarness) -> None:
    with harness.running():
        part = harness.folder / "a.png.part"
        part.write_bytes(some_bytes(harness.workshop.folder))
        part.rename(harness.folder / "a.png")
        harness.wait_for_pictures("a--night.jpg")
    assert harness.show_their_photos()


def test_a_hard_link_is_a_photo_like_any_other(harness: DaemonHarness) -> None:
    elsewhere = write_photo(harness.workshop.folder / "elsewhere" / "a.png")
    with harness.running():
        os.link(elsewhere, harness.folder / "linked.png")
        harness.wait_for_pictures("linked--night.jpg")
    assert harness.show_their_photos()


def test_a_whole_folder_moved_in_is_found_with_all_that_is_in_it(harness: DaemonHarness) -> None:
    elsewhere = harness.workshop.folder / "elsewhere"
    for number, name in enumerate(("a.png", "deep/b.png", "deep/er/c.png")):
        write_photo(elsewhere / name, shade=number)
    with harness.running():
        elsewhere.rename(harness.folder / "trip")
        harness.wait_for_pictures("trip/a--night.jpg", "trip/deep/b--night.jpg", "trip/deep/er/c--night.jpg")
        # The new folders are watched from then on.
        harness.workshop.photo("trip/deep/er/d.png", shade=7)
        harness.wait_for(lambda: "trip/deep/er/d--night.jpg" in harness.pictures(), "a photo in a new folder")
    assert harness.show_their_photos()


def test_a_folder_copied_in_file_by_file_is_found_with_all_that_is_in_it(harness: DaemonHarness) -> None:
    elsewhere = harness.workshop.folder / "elsewhere"
    names = [f"{folder}/{number}" for folder in ("a", "a/b", "c") for number in range(4)]
    for shade, name in enumerate(names):
        write_photo(elsewhere / f"{name}.png", shade=shade)
    with harness.running():
        shutil.copytree(elsewhere, harness.folder / "trip")
        harness.wait_for_pictures(*(f"trip/{name}--night.jpg" for name in names))
    assert harness.show_their_photos()


def test_a_renamed_folder_s_pictures_are_copied_and_nothing_is_painted_again(harness: DaemonHarness) -> None:
    harness.workshop.photo("one/a.png")
    with harness.running():
        harness.wait_for_pictures("one/a--night.jpg")
        (harness.folder / "one").rename(harness.folder / "two")
        harness.wait_for_pictures("one/a--night.jpg", "two/a--night.jpg")
    assert harness.started() == ["one/a.png"]


def test_a_photo_replaced_while_it_waits_is_made_as_it_is_then(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.photo("a.png")
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        harness.workshop.photo("b.png", shade=3)
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 2, "b.png to be taken in")
        replacement = write_photo(harness.workshop.folder / "elsewhere.png", size=(96, 64), shade=200)
        replacement.rename(harness.folder / "b.png")
        gate.open.set()
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
        harness.wait_for(harness.show_their_photos, "the picture of the replacement")


def test_a_photo_replaced_while_it_is_painted_is_painted_again(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.photo("a.png")
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        replacement = write_photo(harness.workshop.folder / "elsewhere.png", size=(96, 64), shade=200)
        replacement.rename(harness.folder / "a.png")
        gate.open.set()
        harness.wait_for(lambda: harness.pictures() and harness.show_their_photos(), "the replacement's picture")
        harness.wait_for_pictures("a--night.jpg")
    assert harness.finished() == ["a.png", "a.png"]


def test_a_photo_overwritten_again_and_again_ends_in_its_last_picture(harness: DaemonHarness) -> None:
    with harness.running():
        for shade in range(0, 240, 16):
            harness.workshop.photo("a.png", shade=shade)
            time.sleep(0.1)
        harness.wait_for(lambda: harness.pictures() and harness.show_their_photos(), "the last one's picture")
        harness.wait_for_pictures("a--night.jpg")


def test_a_photo_deleted_while_it_waits_leaves_a_clear_word_and_no_picture(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.photo("a.png")
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        doomed = harness.workshop.photo("b.png", shade=3)
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 2, "b.png to be taken in")
        doomed.unlink()
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 1, "b.png to be missed")
        gate.open.set()
        harness.wait_for_pictures("a--night.jpg")
    told = [(event.job.photo, event.state) for event in harness.events_of(JobFailed)]
    assert ("b.png", "gone") in harness.set_aside() or ("b.png", JobState.WITHDRAWN) in told
    assert harness.started() == ["a.png"]


def test_a_photo_deleted_after_its_picture_was_made_changes_nothing(harness: DaemonHarness) -> None:
    photo = harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
        photo.unlink()
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 0, "the photo to be missed")
    assert harness.pictures() == ["a--night.jpg"]
    assert harness.set_aside() == []


@pytest.mark.parametrize("age", [10 * 365 * 86400.0, -10 * 365 * 86400.0, 1.7e9], ids=["old", "future", "1972"])
def test_a_file_s_time_says_nothing(harness: DaemonHarness, age: float) -> None:
    elsewhere = write_photo(harness.workshop.folder / "elsewhere.png")
    os.utime(elsewhere, (time.time() - age, time.time() - age))
    with harness.running():
        shutil.copy2(elsewhere, harness.folder / "a.png")
        harness.wait_for_pictures("a--night.jpg")
        os.utime(harness.folder / "a.png", (1e9, 1e9))
        harness.workshop.photo("b.png", shade=1)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert harness.started() == ["a.png", "b.png"]


@pytest.mark.parametrize(
    "name", ["🏖️ beach.png", "cafe\u0301.png", "a b\nc.png", "caf\udce9.png", "-rf.png", "100%.png"]
)
def test_any_name_is_a_name(harness: DaemonHarness, name: str) -> None:
    try:
        harness.workshop.photo(name)
    except OSError:
        pytest.skip("this file system refuses such names")
    (harness.folder / name).unlink()
    with harness.running():
        harness.workshop.photo(name)
        harness.wait_for(lambda: len(harness.pictures()) == 1 and harness.is_idle(), "its picture")
    assert harness.finished() == [name]


def test_composed_and_decomposed_accents_are_two_photos(harness: DaemonHarness) -> None:
    with harness.running():
        harness.workshop.photo("caf\u00e9.png")
        harness.workshop.photo("cafe\u0301.png", shade=100)
        if len(list(harness.folder.iterdir())) == 1:
            pytest.skip("this file system takes the two names for one")
        harness.wait_for(lambda: len(harness.pictures()) == 2 and harness.is_idle(), "two pictures")


def test_what_comes_during_a_pass_is_made_next_and_not_last(harness: DaemonHarness) -> None:
    gate = Gate()
    for number in range(20):
        path = harness.workshop.photo(f"old{number:02}.png", shade=number)
        os.utime(path, (1e9 + number, 1e9 + number))
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        harness.workshop.photo("new.png", shade=99)
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 21, "the new photo to be taken in")
        gate.open.set()
        harness.wait_for(lambda: len(harness.pictures()) == 21, "all pictures")
    assert harness.started()[1] == "new.png"


def test_a_file_that_is_no_photo_is_told_of_once_and_stands_in_a_report_of_its_own(harness: DaemonHarness) -> None:
    with harness.running():
        (harness.folder / "letter.jpg").write_text("I am a letter, not a photo.")
        harness.wait_for(lambda: harness.set_aside() and harness.is_idle(), "the letter to be noticed")
    assert harness.set_aside() == [("letter.jpg", "quarantined")]
    assert [(event.failed, event.photos_set_aside) for event in harness.runs()] == [(0, 1)]


def test_a_file_that_is_no_photo_counts_in_the_pass_during_which_it_is_found(harness: DaemonHarness) -> None:
    gate = Gate()
    for number in range(3):
        harness.workshop.photo(f"{number}.png", shade=number)
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        (harness.folder / "letter.jpg").write_text("I am a letter, not a photo.")
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_problems(), "the letter to be noticed")
        gate.open.set()
        harness.wait_for(lambda: bool(harness.runs()) and harness.is_idle(), "the end of the pass")
    assert sum(event.photos_set_aside for event in harness.runs()) == len(harness.set_aside()) == 1


def test_a_photo_repaired_after_it_was_refused_is_made(harness: DaemonHarness) -> None:
    with harness.running():
        (harness.folder / "a.png").write_text("I am a letter, not a photo.")
        harness.wait_for(lambda: harness.set_aside() and harness.is_idle(), "the letter to be noticed")
        harness.workshop.photo("a.png")
        harness.wait_for_pictures("a--night.jpg")


def test_folders_that_are_ignored_stay_so_whatever_happens_in_them(harness: DaemonHarness) -> None:
    harness.workshop.text = harness.workshop.text.replace("folder: in,", "folder: in, ignore: [raw/],")
    with harness.running():
        harness.workshop.photo("raw/a.png")
        harness.workshop.photo(".hidden/b.png")
        harness.workshop.photo("c.png")
        harness.wait_for_pictures("c--night.jpg")


def test_another_chance_given_by_another_process_is_noticed(harness: DaemonHarness) -> None:
    letter = harness.folder / "letter.jpg"
    letter.write_text("I am a letter, not a photo.")
    with harness.running(haste=10):
        harness.wait_for(lambda: harness.set_aside() and harness.is_idle(), "the letter to be noticed")
        with harness.workshop.ledger() as ledger:
            ledger.jobs.retry()
        harness.wait_for(lambda: len(harness.set_aside()) == 2, "another look at the letter")


def test_what_is_no_photo_is_counted_by_the_run_in_which_it_is_told(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.photo("a.png")
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        (harness.folder / "letter.jpg").write_text("I am a letter, not a photo.")
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_problems(), "the letter to be looked at")
        gate.open.set()
        harness.wait_for(lambda: harness.set_aside() and harness.is_idle(), "the end of all runs")
    kinds = [type(event).__name__ for event in harness.events]
    told = kinds.index("PhotoSetAside")
    ended = next(event for event in harness.events[told:] if isinstance(event, RunFinished))
    assert (ended.photos_set_aside, ended.failed) == (1, 0)
    assert sum(run.photos_set_aside for run in harness.runs()) == 1
