"""What becomes of archives' photos from one pass to the next: like photos in folders, all at once."""

from __future__ import annotations

import gzip
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from pipeline.config.settings import folder_settings
from pipeline.ledger import Ledger
from pipeline.model import ExecutorEvent, JobSource, JobStarted, JobState, PhotoSetAside, RunEvent
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.preparation import ledger_file
from tests.fakes import write_photo
from tests.intake.packing import photo, tarred, zipped
from tests.workshop import CONFIG, InProcessExecutor, Workshop


def put(workshop: Workshop, name: str, *members: tuple[str, bytes]) -> Path:
    """Write an archive with another inode than what was there; a file system may give equal times to quick writes."""
    path = workshop.folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = zipped(*members) if name.endswith(".zip") else tarred(*members)
    fresh = path.with_name("fresh.tmp")
    fresh.write_bytes(gzip.compress(packed) if name.endswith("gz") else packed)
    fresh.replace(path)
    return path


def set_aside(workshop: Workshop) -> list[tuple[str, str]]:
    return [(event.path, event.kind) for event in workshop.events if isinstance(event, PhotoSetAside)]


def made(workshop: Workshop) -> list[str]:
    return [event.job.photo for event in workshop.finished()]


FORMS = pytest.mark.parametrize("name", ["trip.zip", "trip.tar", "trip.tgz", "far/away/trip.tar.gz"])


@FORMS
def test_pictures_go_under_a_folder_named_like_the_archive(workshop: Workshop, name: str) -> None:
    put(workshop, name, ("1.png", photo(1)), ("beach/2.png", photo(2)))
    finished = workshop.run()
    assert (finished.finished, finished.failed) == (2, 0)
    assert workshop.pictures() == [f"{name}/1--night.jpg", f"{name}/beach/2--night.jpg"]


@FORMS
def test_a_known_archive_is_not_opened_again(workshop: Workshop, name: str) -> None:
    path = put(workshop, name, ("1.png", photo(1)), ("2.png", b"no photo"))
    workshop.run()
    assert set_aside(workshop) == [(f"{name}/2.png", "quarantined")]
    status = path.stat()
    path.write_bytes(bytes(status.st_size))  # whoever opens it now finds nothing
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    finished = workshop.run()
    assert (finished.finished, finished.failed, finished.left) == (0, 0, 0)
    assert set_aside(workshop) == []
    assert workshop.ledger().queries.counts()[JobState.DONE] == 1


@FORMS
def test_a_replaced_archive_is_like_all_its_photos_replaced(workshop: Workshop, name: str) -> None:
    put(workshop, name, ("same.png", photo(1)), ("changed.png", photo(2)), ("gone.png", photo(3)))
    workshop.run()
    put(workshop, name, ("same.png", photo(1)), ("changed.png", photo(4)), ("new.png", photo(5)))
    finished = workshop.run()
    assert made(workshop) == [f"{name}/changed.png", f"{name}/new.png"]
    assert finished.counts["done"] == 4  # the picture of what is gone stays
    assert set_aside(workshop) == []


def test_unfinished_photos_of_a_removed_archive_are_withdrawn(workshop: Workshop) -> None:
    path = put(workshop, "trip.zip", ("1.png", photo(1)), ("deadly.png", photo(2)))
    workshop.run()
    path.unlink()
    counts = workshop.run().counts
    assert (counts["done"], counts["withdrawn"], counts["pending"]) == (1, 1, 0)


def test_an_archive_that_comes_back_is_opened_again(workshop: Workshop) -> None:
    path = put(workshop, "trip.zip", ("1.png", photo(1)), ("2.png", photo(2)))
    elsewhere = workshop.folder / "elsewhere.zip"
    workshop.run()
    path.rename(elsewhere)
    workshop.run()
    elsewhere.rename(path)
    counts = workshop.run().counts
    assert (counts["done"], counts["withdrawn"]) == (2, 0)
    with workshop.ledger() as ledger:
        assert [row.path for row in ledger.photos.at("trip.zip")] == ["trip.zip", "trip.zip/1.png", "trip.zip/2.png"]


def test_an_unpacked_archive_is_known_by_its_content(workshop: Workshop) -> None:
    path = put(workshop, "trip.zip", ("1.png", photo(1)))
    workshop.run()
    path.unlink()
    folder = workshop.folder / "in" / "trip.zip"
    folder.mkdir()
    (folder / "1.png").write_bytes(photo(1))
    (folder / "2.png").write_bytes(photo(2))
    finished = workshop.run()
    assert made(workshop) == ["trip.zip/2.png"]
    assert finished.counts["done"] == 2


def test_an_archive_in_a_folder_with_an_archives_name(workshop: Workshop) -> None:
    put(workshop, "all.zip/trip.zip", ("b.zip/1.png", photo(1)))
    workshop.run()
    assert workshop.pictures() == ["all.zip/trip.zip/b.zip/1--night.jpg"]


def test_an_archive_that_becomes_whole_is_taken_then(workshop: Workshop) -> None:
    path = put(workshop, "trip.zip", ("1.png", photo(1)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    workshop.run()
    assert set_aside(workshop) == [("trip.zip", "incomplete")]
    path.write_bytes(whole)
    workshop.run()
    assert workshop.pictures() == ["trip.zip/1--night.jpg"]


def test_photos_of_an_archive_that_is_being_replaced_wait_for_the_new_one(workshop: Workshop) -> None:
    path = put(workshop, "trip.zip", ("1.png", photo(1)), ("deadly.png", photo(2)))
    workshop.run()
    path.write_bytes(path.read_bytes()[:-5])
    counts = workshop.run().counts
    assert set_aside(workshop) == [("trip.zip", "incomplete")]
    assert workshop.failed() == []
    assert counts["withdrawn"] == 0


def test_a_whole_archive_replaced_by_a_refused_one_loses_its_photos_and_no_picture(workshop: Workshop) -> None:
    path = put(workshop, "trip.zip", ("1.png", photo(1)), ("deadly.png", photo(2)))
    workshop.run()
    path.write_text("<!doctype html> not found " * 50)
    counts = workshop.run().counts
    assert set_aside(workshop) == [("trip.zip", "quarantined")]
    assert (counts["done"], counts["withdrawn"]) == (1, 1)
    assert workshop.run().failed == 0


def test_the_same_photo_in_an_archive_and_beside_it_is_painted_once(workshop: Workshop) -> None:
    (workshop.folder / "in" / "1.png").write_bytes(photo(1))
    put(workshop, "a.zip", ("1.png", photo(1)))
    put(workshop, "b.tgz", ("x/1.png", photo(1)))
    finished = workshop.run()
    assert (finished.finished, finished.copied) == (1, 2)


def test_pairing_sees_the_path_in_the_archive(workshop: Workshop) -> None:
    workshop.text = CONFIG + "pairing: {by: folder, rules: [{match: 'trip.zip/sea/**', styles: []}]}\n"
    put(workshop, "trip.zip", ("night/1.png", photo(1)), ("sea/night/2.png", photo(2)), ("day/3.png", photo(3)))
    workshop.run()
    assert workshop.pictures() == ["trip.zip/night/1--night.jpg"]


def test_ignore_patterns_work_in_archives_as_in_folders(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("folder: in,", "folder: in, ignore: ['raw/', 'x*.png', '/other.zip'],")
    put(workshop, "trip.zip", ("1.png", photo(1)), ("raw/2.png", photo(2)), ("a/x3.png", photo(3)))
    put(workshop, "other.zip", ("1.png", photo(1)))
    workshop.run()
    assert workshop.pictures() == ["trip.zip/1--night.jpg"]


def test_archives_can_be_left_alone(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("folder: in,", "folder: in, archives: false,")
    put(workshop, "trip.zip", ("1.png", photo(1)))
    assert workshop.run().finished == 0
    assert workshop.plan().ingested.skipped == {"archive": 1}


def test_a_plan_reads_archives_and_writes_nothing(workshop: Workshop) -> None:
    put(workshop, "trip.tgz", ("1.png", photo(1)), ("clip.mov", b"film"))
    run_plan = workshop.plan()
    assert [job.output for job in run_plan.jobs] == ["trip.tgz/1--night.jpg"]
    assert (run_plan.ingested.photos, run_plan.ingested.skipped) == (1, {"video": 1})
    assert not workshop.out.exists()
    assert not ledger_file(folder_settings(workshop.config())).exists()


def test_retry_looks_at_one_photo_of_an_archive_again_and_at_no_other(workshop: Workshop) -> None:
    put(workshop, "trip.zip", ("1.png", b"no photo"), ("2.png", b"none either"), ("3.png", photo(3)))
    workshop.run()
    with workshop.ledger() as ledger:
        assert ledger.jobs.retry(["trip.zip/1.png"]) == 1
    workshop.run()
    assert set_aside(workshop) == [("trip.zip/1.png", "quarantined")]
    assert made(workshop) == []


def test_a_photo_that_only_the_decoder_refuses_is_reported_once(workshop: Workshop) -> None:
    damaged = bytearray(photo(1))
    middle = damaged.index(b"IDAT") + 6
    damaged[middle : middle + 8] = b"\xff" * 8
    put(workshop, "trip.zip", ("1.png", bytes(damaged)), ("2.png", photo(2)))
    workshop.run()
    assert [event.job.photo for event in workshop.failed()] == ["trip.zip/1.png"]
    assert made(workshop) == ["trip.zip/2.png"]
    workshop.run()
    assert workshop.failed() == []


class _Meddling(InProcessExecutor):
    """Does something to the folder once the first job is leased."""

    def __init__(self, meddle: object) -> None:
        super().__init__()
        self.meddle = meddle

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        def meddled(count: int) -> list:
            assignments = list(source(count))
            self.meddle, meddle = (lambda: None), self.meddle
            meddle()  # type: ignore[operator]
            return assignments

        yield from super().run(meddled)


@FORMS
def test_a_photo_is_painted_from_the_bytes_that_were_hashed_whatever_becomes_of_its_archive(
    workshop: Workshop, name: str
) -> None:
    path = put(workshop, name, ("1.png", photo(1)), ("2.png", photo(2)))
    finished = workshop.run(executor=_Meddling(lambda: put(workshop, name, ("1.png", photo(8)), ("2.png", photo(9)))))
    assert made(workshop) == [f"{name}/1.png"]
    assert [event.reason for event in workshop.failed()] == ["the photo changed after it was found"]
    assert finished.failed == 0
    workshop.run()
    assert made(workshop) == [f"{name}/1.png", f"{name}/2.png"]
    assert path.exists()


@FORMS
def test_photos_of_an_archive_that_is_removed_meanwhile_are_gone(workshop: Workshop, name: str) -> None:
    path = put(workshop, name, ("1.png", photo(1)), ("2.png", photo(2)))
    finished = workshop.run(executor=_Meddling(path.unlink))
    assert made(workshop) == [f"{name}/1.png"]
    assert [event.reason for event in workshop.failed()] == ["the photo is gone"]
    assert (finished.failed, finished.counts["withdrawn"]) == (0, 1)


def test_what_an_earlier_process_left_unpacked_is_removed(workshop: Workshop) -> None:
    left = workshop.out / ".stylewatch" / "unpacked" / "7.photo"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"left by kill -9")
    workshop.run()
    assert not left.parent.exists()


def unpacked_bytes(workshop: Workshop) -> int:
    folder = workshop.out / ".stylewatch" / "unpacked"
    return sum(file.stat().st_size for file in folder.glob("*")) if folder.exists() else 0


@FORMS
def test_unpacked_photos_never_take_more_than_the_space_they_are_given(workshop: Workshop, name: str) -> None:
    size = len(photo(1)) + 500
    workshop.text = CONFIG.replace("folder: in,", f"folder: in, archive_space: {3 * size},")
    shuffled = [(f"{n * 7 % 20:02d}.png", photo(n)) for n in range(20)]
    put(workshop, name, *shuffled)
    most = 0

    def watch(_: SinglePass, event: RunEvent) -> None:
        nonlocal most
        if isinstance(event, JobStarted):
            most = max(most, unpacked_bytes(workshop))

    finished = workshop.run(on_event=watch)
    assert (finished.finished, finished.failed) == (20, 0)
    assert 0 < most <= 3 * size


class _Hoarding(InProcessExecutor):
    """Takes as many assignments as it is given before it works on one."""

    most = 0

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        while hoard := list(source(1)):
            while more := source(1):
                hoard += more
            self.most = max(self.most, len(hoard))
            given = iter([*([one] for one in hoard), []])
            yield from super().run(lambda count: next(given))  # noqa: B023


@FORMS
def test_when_all_space_is_taken_by_photos_in_work_the_next_ones_wait(workshop: Workshop, name: str) -> None:
    workshop.text = CONFIG.replace("folder: in,", f"folder: in, archive_space: {len(photo(1)) * 5 // 2},")
    put(workshop, name, *((f"{n}.png", photo(n)) for n in range(7)))
    executor = _Hoarding()
    finished = workshop.run(executor=executor)
    assert (finished.finished, finished.failed, finished.left) == (7, 0, 0)
    assert executor.most == 2


def test_two_styles_of_one_photo_need_it_unpacked_once(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace(
        "  - {name: night, painting: night.jpg}",
        "  - {name: a, painting: night.jpg}\n  - {name: b, painting: day.jpg}",
    )
    write_photo(workshop.folder / "day.jpg", size=(64, 64))
    put(workshop, "trip.zip", ("1.png", photo(1)))
    workshop.run()
    assert workshop.pictures() == ["trip.zip/1--a.jpg", "trip.zip/1--b.jpg"]


def test_photos_on_record_below_a_path(workshop: Workshop) -> None:
    put(workshop, "a.zip", ("1.png", photo(1)), ("x/2.png", b"none"))
    put(workshop, "a.zip-2.zip", ("1.png", photo(1)))
    workshop.photo("a.zip0.png")
    workshop.run()
    with workshop.ledger() as ledger:
        assert isinstance(ledger, Ledger)
        assert [(row.path, row.has_problem) for row in ledger.photos.at("a.zip")] == [
            ("a.zip", False),
            ("a.zip/1.png", False),
            ("a.zip/x/2.png", True),
        ]
