"""Whatever is done to files in a watched folder ends in exactly the right pictures. Real watcher, fake engine.

The daemon looks at the whole folder only at its start: all that follows is found by events.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from pipeline.model import JobFailed, JobState
from tests.daemon.station import Gate, Station
from tests.fakes import write_photo


def some_bytes(folder: Path, shade: int = 5) -> bytes:
    return write_photo(folder / "elsewhere" / "photo.png", size=(480, 320), shade=shade).read_bytes()


def test_what_lies_there_at_the_start_is_made_and_then_what_is_dropped(station: Station) -> None:
    station.workshop.photo("old.png")
    with station.working():
        station.wait_for_pictures("old--night.jpg")
        station.workshop.photo("new.png", shade=9)
        station.wait_for_pictures("new--night.jpg", "old--night.jpg")
    assert station.show_their_photos()
    assert [notice.kind for notice in station.notices("watching", "stopped")] == ["watching", "stopped"]


def test_a_slow_copy_is_begun_once_when_it_is_complete(station: Station) -> None:
    data = some_bytes(station.workshop.folder)
    with station.working(), (station.folder / "slow.png").open("wb") as file:
        for start in range(0, len(data), len(data) // 8):
            file.write(data[start : start + len(data) // 8])
            file.flush()
            time.sleep(0.1)
        file.close()
        station.wait_for_pictures("slow--night.jpg")
    assert station.started() == ["slow.png"]
    assert station.show_their_photos()


def test_a_preallocated_file_that_is_filled_later_waits_until_it_is(station: Station) -> None:
    data = some_bytes(station.workshop.folder)
    with station.working(), (station.folder / "later.png").open("wb") as file:
        file.truncate(len(data))
        station.wait_for(lambda: ("later.png", "incomplete") in station.set_aside(), "the empty file to be noticed")
        file.write(data)
        file.close()
        station.wait_for_pictures("later--night.jpg")
    assert station.started() == ["later.png"]
    assert station.set_aside() == [("later.png", "incomplete")]
    assert station.show_their_photos()


def test_a_part_file_is_nothing_until_it_gets_its_name(station: Station) -> None:
    with station.working():
        part = station.folder / "a.png.part"
        part.write_bytes(some_bytes(station.workshop.folder))
        part.rename(station.folder / "a.png")
        station.wait_for_pictures("a--night.jpg")
    assert station.show_their_photos()


def test_a_hard_link_is_a_photo_like_any_other(station: Station) -> None:
    elsewhere = write_photo(station.workshop.folder / "elsewhere" / "a.png")
    with station.working():
        os.link(elsewhere, station.folder / "linked.png")
        station.wait_for_pictures("linked--night.jpg")
    assert station.show_their_photos()


def test_a_whole_folder_moved_in_is_found_with_all_that_is_in_it(station: Station) -> None:
    elsewhere = station.workshop.folder / "elsewhere"
    for number, name in enumerate(("a.png", "deep/b.png", "deep/er/c.png")):
        write_photo(elsewhere / name, shade=number)
    with station.working():
        elsewhere.rename(station.folder / "trip")
        station.wait_for_pictures("trip/a--night.jpg", "trip/deep/b--night.jpg", "trip/deep/er/c--night.jpg")
        # The new folders are watched from then on.
        station.workshop.photo("trip/deep/er/d.png", shade=7)
        station.wait_for(lambda: "trip/deep/er/d--night.jpg" in station.pictures(), "a photo in a new folder")
    assert station.show_their_photos()


def test_a_folder_copied_in_file_by_file_is_found_with_all_that_is_in_it(station: Station) -> None:
    elsewhere = station.workshop.folder / "elsewhere"
    names = [f"{folder}/{number}" for folder in ("a", "a/b", "c") for number in range(4)]
    for shade, name in enumerate(names):
        write_photo(elsewhere / f"{name}.png", shade=shade)
    with station.working():
        shutil.copytree(elsewhere, station.folder / "trip")
        station.wait_for_pictures(*(f"trip/{name}--night.jpg" for name in names))
    assert station.show_their_photos()


def test_a_renamed_folder_s_pictures_are_copied_and_nothing_is_painted_again(station: Station) -> None:
    station.workshop.photo("one/a.png")
    with station.working():
        station.wait_for_pictures("one/a--night.jpg")
        (station.folder / "one").rename(station.folder / "two")
        station.wait_for_pictures("one/a--night.jpg", "two/a--night.jpg")
    assert station.started() == ["one/a.png"]


def test_a_photo_replaced_while_it_waits_is_made_as_it_is_then(station: Station) -> None:
    gate = Gate()
    station.workshop.photo("a.png")
    with station.working(executor=gate.executor):
        gate.reached.wait()
        station.workshop.photo("b.png", shade=3)
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 2, "b.png to be taken in")
        replacement = write_photo(station.workshop.folder / "elsewhere.png", size=(96, 64), shade=200)
        replacement.rename(station.folder / "b.png")
        gate.open.set()
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
        station.wait_for(station.show_their_photos, "the picture of the replacement")


def test_a_photo_replaced_while_it_is_painted_is_painted_again(station: Station) -> None:
    gate = Gate()
    station.workshop.photo("a.png")
    with station.working(executor=gate.executor):
        gate.reached.wait()
        replacement = write_photo(station.workshop.folder / "elsewhere.png", size=(96, 64), shade=200)
        replacement.rename(station.folder / "a.png")
        gate.open.set()
        station.wait_for(lambda: station.pictures() and station.show_their_photos(), "the replacement's picture")
        station.wait_for_pictures("a--night.jpg")
    assert station.finished() == ["a.png", "a.png"]


def test_a_photo_overwritten_again_and_again_ends_in_its_last_picture(station: Station) -> None:
    with station.working():
        for shade in range(0, 240, 16):
            station.workshop.photo("a.png", shade=shade)
            time.sleep(0.1)
        station.wait_for(lambda: station.pictures() and station.show_their_photos(), "the last one's picture")
        station.wait_for_pictures("a--night.jpg")


def test_a_photo_deleted_while_it_waits_leaves_a_clear_word_and_no_picture(station: Station) -> None:
    gate = Gate()
    station.workshop.photo("a.png")
    with station.working(executor=gate.executor):
        gate.reached.wait()
        doomed = station.workshop.photo("b.png", shade=3)
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 2, "b.png to be taken in")
        doomed.unlink()
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 1, "b.png to be missed")
        gate.open.set()
        station.wait_for_pictures("a--night.jpg")
    told = [(event.job.photo, event.state) for event in station.told(JobFailed)]
    assert ("b.png", "gone") in station.set_aside() or ("b.png", JobState.WITHDRAWN) in told
    assert station.started() == ["a.png"]


def test_a_photo_deleted_after_its_picture_was_made_changes_nothing(station: Station) -> None:
    photo = station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
        photo.unlink()
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 0, "the photo to be missed")
    assert station.pictures() == ["a--night.jpg"]
    assert station.set_aside() == []


@pytest.mark.parametrize("age", [10 * 365 * 86400.0, -10 * 365 * 86400.0, 1.7e9], ids=["old", "future", "1972"])
def test_a_file_s_time_says_nothing(station: Station, age: float) -> None:
    elsewhere = write_photo(station.workshop.folder / "elsewhere.png")
    os.utime(elsewhere, (time.time() - age, time.time() - age))
    with station.working():
        shutil.copy2(elsewhere, station.folder / "a.png")
        station.wait_for_pictures("a--night.jpg")
        os.utime(station.folder / "a.png", (1e9, 1e9))
        station.workshop.photo("b.png", shade=1)
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert station.started() == ["a.png", "b.png"]


@pytest.mark.parametrize(
    "name", ["🏖️ beach.png", "cafe\u0301.png", "a b\nc.png", "caf\udce9.png", "-rf.png", "100%.png"]
)
def test_any_name_is_a_name(station: Station, name: str) -> None:
    try:
        station.workshop.photo(name)
    except OSError:
        pytest.skip("this file system refuses such names")
    (station.folder / name).unlink()
    with station.working():
        station.workshop.photo(name)
        station.wait_for(lambda: len(station.pictures()) == 1 and station.is_idle(), "its picture")
    assert station.finished() == [name]


def test_composed_and_decomposed_accents_are_two_photos(station: Station) -> None:
    with station.working():
        station.workshop.photo("caf\u00e9.png")
        station.workshop.photo("cafe\u0301.png", shade=100)
        if len(list(station.folder.iterdir())) == 1:
            pytest.skip("this file system takes the two names for one")
        station.wait_for(lambda: len(station.pictures()) == 2 and station.is_idle(), "two pictures")


def test_what_comes_during_a_pass_is_made_next_and_not_last(station: Station) -> None:
    gate = Gate()
    for number in range(20):
        path = station.workshop.photo(f"old{number:02}.png", shade=number)
        os.utime(path, (1e9 + number, 1e9 + number))
    with station.working(executor=gate.executor):
        gate.reached.wait()
        station.workshop.photo("new.png", shade=99)
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 21, "the new photo to be taken in")
        gate.open.set()
        station.wait_for(lambda: len(station.pictures()) == 21, "all pictures")
    assert station.started()[1] == "new.png"


def test_a_file_that_is_no_photo_is_told_of_once_and_stands_in_a_report_of_its_own(station: Station) -> None:
    with station.working():
        (station.folder / "letter.jpg").write_text("I am a letter, not a photo.")
        station.wait_for(lambda: station.set_aside() and station.is_idle(), "the letter to be noticed")
    assert station.set_aside() == [("letter.jpg", "quarantined")]
    assert [event.failed for event in station.runs()] == [1]


def test_a_photo_repaired_after_it_was_refused_is_made(station: Station) -> None:
    with station.working():
        (station.folder / "a.png").write_text("I am a letter, not a photo.")
        station.wait_for(lambda: station.set_aside() and station.is_idle(), "the letter to be noticed")
        station.workshop.photo("a.png")
        station.wait_for_pictures("a--night.jpg")


def test_folders_that_are_ignored_stay_so_whatever_happens_in_them(station: Station) -> None:
    station.workshop.text = station.workshop.text.replace("folder: in,", "folder: in, ignore: [raw/],")
    with station.working():
        station.workshop.photo("raw/a.png")
        station.workshop.photo(".hidden/b.png")
        station.workshop.photo("c.png")
        station.wait_for_pictures("c--night.jpg")


def test_another_chance_given_by_another_process_is_noticed(station: Station) -> None:
    letter = station.folder / "letter.jpg"
    letter.write_text("I am a letter, not a photo.")
    with station.working():
        station.wait_for(lambda: station.set_aside() and station.is_idle(), "the letter to be noticed")
        with station.workshop.ledger() as ledger:
            ledger.jobs.retry()
        station.wait_for(lambda: len(station.set_aside()) == 2, "another look at the letter")
