from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image

from pipeline.engine import ENGINE_VERSION
from pipeline.errors import LockedError, StorageError
from pipeline.executors import JobSource
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance
from pipeline.model import (
    ExecutorEvent,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    RunStarted,
)
from pipeline.runner.single_pass import SinglePass, Wishes
from tests.fakes import write_painting, write_photo
from tests.workshop import InProcessExecutor, Workshop


def test_every_photo_becomes_a_picture_in_a_mirrored_folder(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sub/b.png", shade=1)
    finished = workshop.run()
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]
    assert (finished.finished, finished.failed, finished.left) == (2, 0, 0)


def test_the_events_tell_the_run_from_begin_to_end(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    first, last = workshop.events[0], workshop.events[-1]
    assert isinstance(first, RunStarted)
    assert (first.photos, first.jobs, first.done) == (1, 1, 0)
    assert isinstance(last, RunFinished)
    assert last.cache_hits == 1
    assert (last.slots_used, last.slots_offered) == (3, 4)
    assert last.counts["done"] == 1


def test_a_second_run_does_nothing(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    before = {name: (workshop.out / name).stat().st_mtime_ns for name in workshop.pictures()}
    finished = workshop.run()
    assert (finished.finished, finished.copied, finished.left) == (0, 0, 0)
    assert before == {name: (workshop.out / name).stat().st_mtime_ns for name in workshop.pictures()}
    assert [type(event) for event in workshop.events] == [RunStarted, RunFinished]


def test_a_changed_photo_makes_its_picture_again_and_no_other(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    workshop.run()
    before = sha256_of_file(workshop.out / "a--night.jpg")
    workshop.photo("a.png", shade=50)
    workshop.run()
    assert [event.job.photo for event in workshop.finished()] == ["a.png"]
    assert workshop.pictures() == ["a--night.jpg", "b--night.jpg"]
    assert sha256_of_file(workshop.out / "a--night.jpg") != before


def test_a_touched_photo_makes_nothing_again(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    workshop.run()
    os.utime(photo, (1_000_000, 1_000_000))
    finished = workshop.run()
    assert (finished.finished, finished.left) == (0, 0)
    assert finished.counts["done"] == 1


def test_a_changed_recipe_makes_all_pictures_again(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("size: 48", "size: 64")
    workshop.run()
    assert len(workshop.finished()) == 1
    with Image.open(workshop.out / "a--night.jpg") as picture:
        assert picture.size == (64, 43)


def test_a_changed_painting_makes_its_style_again_and_no_other(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: day, painting: day.jpg}"
    )
    write_painting(workshop.folder / "day.jpg", (10, 20, 30))
    workshop.photo("a.png")
    workshop.run()
    write_painting(workshop.folder / "day.jpg", (90, 20, 30))
    workshop.run()
    assert [event.job.style for event in workshop.finished()] == ["day"]


def test_snapshots_change_no_pixel_and_so_make_nothing_again(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("scales: 1", "scales: 1, snapshot_every: 1")
    assert workshop.run().finished == 0


def test_a_renamed_photo_is_published_by_copying(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    workshop.run()
    photo.rename(photo.with_name("z.png"))
    finished = workshop.run()
    assert (finished.finished, finished.copied) == (0, 1)
    assert workshop.pictures() == ["a--night.jpg", "z--night.jpg"]
    assert sha256_of_file(workshop.out / "a--night.jpg") == sha256_of_file(workshop.out / "z--night.jpg")


def test_a_copy_is_never_made_from_a_picture_that_somebody_changed(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    workshop.run()
    (workshop.out / "a--night.jpg").write_bytes(b"cropped by its owner")
    shutil.copyfile(photo, photo.with_name("z.png"))
    finished = workshop.run()
    assert (finished.finished, finished.copied) == (1, 0)
    assert (workshop.out / "a--night.jpg").read_bytes() == b"cropped by its owner"


def test_a_picture_that_somebody_changed_is_not_replaced_by_its_successor(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    (workshop.out / "a--night.jpg").write_bytes(b"cropped by its owner")
    workshop.photo("a.png", shade=9)
    workshop.run()
    assert (workshop.out / "a--night.jpg").read_bytes() == b"cropped by its owner"
    assert workshop.pictures() == ["a--night-2.jpg", "a--night.jpg"]


def test_a_file_of_the_users_under_our_name_stays(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.out.mkdir()
    (workshop.out / "a--night.jpg").write_bytes(b"mine")
    workshop.run()
    assert (workshop.out / "a--night.jpg").read_bytes() == b"mine"
    assert [event.output for event in workshop.finished()] == ["a--night-2.jpg"]


def test_a_deleted_picture_stays_deleted(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    (workshop.out / "a--night.jpg").unlink()
    workshop.run()
    assert workshop.pictures() == []


def test_photos_that_differ_only_by_case_or_suffix_get_names_of_their_own(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("A.png", shade=1)
    workshop.photo("a.PNG", shade=2)
    workshop.run()
    assert len(workshop.pictures()) == 3
    assert len({name.casefold() for name in workshop.pictures()}) == 3


def test_a_name_that_is_not_utf_8_is_a_name_like_any_other(workshop: Workshop) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    try:
        workshop.photo(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    finished = workshop.run()
    assert finished.finished == 1
    assert workshop.run().left == 0


def test_a_limit_leaves_the_rest_for_the_next_run(workshop: Workshop) -> None:
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)
    first = workshop.run(Wishes(limit=2))
    assert (first.finished, first.left) == (2, 3)
    assert workshop.run().finished == 3


def test_a_broken_photo_is_quarantined_and_the_rest_is_done(workshop: Workshop) -> None:
    workshop.photo("a.png")
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    finished = workshop.run()
    assert workshop.pictures() == ["a--night.jpg"]
    assert finished.failed == 1
    aside = [event for event in workshop.events if isinstance(event, PhotoSetAside)]
    assert [(event.path, event.kind) for event in aside] == [("b.jpg", "quarantined")]


def test_old_known_failures_do_not_count_again(workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    workshop.run()
    finished = workshop.run()
    assert finished.failed == 0
    assert finished.counts["quarantined"] == 1


def test_a_photo_that_decoding_refuses_is_quarantined_in_all_its_styles(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, max_megapixels: 0.0001")
    workshop.text = workshop.text.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: day, painting: night.jpg}"
    )
    workshop.photo("a.png")
    finished = workshop.run()
    assert finished.counts["quarantined"] == 2
    assert finished.left == 0


def test_a_half_copied_photo_is_left_for_the_next_run(workshop: Workshop) -> None:
    whole = workshop.photo("a.png").read_bytes()
    (workshop.folder / "in" / "a.png").write_bytes(whole[: len(whole) // 2])
    finished = workshop.run()
    assert (finished.failed, workshop.pictures()) == (0, [])
    assert [event.kind for event in workshop.events if isinstance(event, PhotoSetAside)] == ["incomplete"]
    (workshop.folder / "in" / "a.png").write_bytes(whole)
    assert workshop.run().finished == 1


def test_a_failure_of_the_engine_is_tried_again_by_later_runs_and_then_given_up(workshop: Workshop) -> None:
    workshop.photo("a.png", "diverges")
    states = []
    for _ in range(4):
        finished = workshop.run()
        states.append((finished.failed, [event.state for event in workshop.failed()]))
    assert states == [
        (1, [JobState.FAILED]),
        (1, [JobState.FAILED]),
        (1, [JobState.QUARANTINED]),
        (0, []),
    ]


def test_running_out_of_memory_costs_no_attempt(workshop: Workshop) -> None:
    workshop.photo("a.png", "needs too much memory")
    for _ in range(5):
        workshop.run()
        assert [event.state for event in workshop.failed()] == [JobState.FAILED]


def test_a_photo_that_kills_its_worker_is_given_up_and_the_rest_goes_on(workshop: Workshop) -> None:
    workshop.photo("deadly.png")
    workshop.photo("fine.png", shade=1)
    finished = workshop.run()
    assert [event.state for event in workshop.failed()] == [
        JobState.PENDING,
        JobState.PENDING,
        JobState.QUARANTINED,
    ]
    assert workshop.pictures() == ["fine--night.jpg"]
    assert finished.failed == 1


def test_a_photo_that_vanishes_before_its_turn_is_told_of(workshop: Workshop) -> None:
    for name in ("a.png", "b.png"):
        workshop.photo(name, shade=ord(name[0]))

    def delete_the_other(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            other = {"a.png": "b.png", "b.png": "a.png"}[event.job.photo]
            (workshop.folder / "in" / other).unlink(missing_ok=True)

    finished = workshop.run(on_event=delete_the_other)
    assert (finished.finished, finished.failed, finished.left) == (1, 0, 0)
    assert [(event.state, event.reason) for event in workshop.failed()] == [(JobState.WITHDRAWN, "the photo is gone")]


def test_a_photo_that_changes_before_its_turn_waits_for_the_next_run(workshop: Workshop) -> None:
    for name in ("a.png", "b.png"):
        workshop.photo(name, shade=ord(name[0]))

    def change_the_other(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            other = {"a.png": "b.png", "b.png": "a.png"}[event.job.photo]
            write_photo(workshop.folder / "in" / other, size=(64, 48), shade=77)

    finished = workshop.run(on_event=change_the_other)
    assert (finished.finished, finished.failed, finished.left) == (1, 0, 1)
    assert workshop.run().finished == 1


def test_a_folder_that_is_unmounted_during_a_run_stops_it_and_nothing_is_taken_for_deleted(
    workshop: Workshop,
) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def unmount(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            (workshop.folder / "in").rename(workshop.folder / "elsewhere")

    with pytest.raises(StorageError, match="nothing is taken for deleted"):
        workshop.run(on_event=unmount)
    (workshop.folder / "elsewhere").rename(workshop.folder / "in")
    workshop.run()
    assert len(workshop.pictures()) == 3


def test_a_missing_input_folder_stops_the_run(workshop: Workshop) -> None:
    (workshop.folder / "in").rmdir()
    with pytest.raises(StorageError):
        workshop.run()


def test_too_little_disk_stops_the_run_before_anything_is_made(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("min_free_disk: 0", "min_free_disk: 1000000 TB")
    workshop.photo("a.png")
    with pytest.raises(StorageError, match="min_free_disk"):
        workshop.run()
    last = workshop.events[-1]
    assert isinstance(last, RunFinished)
    assert "min_free_disk" in last.reason
    assert last.left == 1


def test_a_file_in_the_way_of_a_pictures_folder_fails_that_picture_only(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sub/b.png", shade=1)
    workshop.out.mkdir()
    (workshop.out / "sub").write_text("somebody's notes")
    finished = workshop.run()
    assert (finished.finished, finished.failed, finished.left) == (1, 1, 0)
    (failed,) = workshop.failed()
    assert "sub can't be made" in failed.reason
    (workshop.out / "sub").unlink()
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]


def test_a_stop_publishes_what_is_done_and_puts_the_rest_back(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.stop()

    finished = workshop.run(on_event=stop)
    assert finished.interrupted
    assert (finished.finished, finished.left) == (1, 2)
    assert workshop.run().finished == 2


def test_a_planned_stop_is_no_interruption(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.stop("the window ended at 06:00")

    finished = workshop.run(on_event=stop)
    assert (finished.interrupted, finished.planned_end) == (False, True)
    assert finished.reason == "the window ended at 06:00"
    assert (finished.finished, finished.left) == (1, 2)


@pytest.mark.parametrize("reasons", [("as planned", ""), ("", "as planned")])
def test_a_signal_beside_a_planned_stop_interrupts(workshop: Workshop, reasons: tuple[str, str]) -> None:
    for number in range(2):
        workshop.photo(f"{number}.png", shade=number)

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            for reason in reasons:
                the_pass.stop(reason)

    finished = workshop.run(on_event=stop)
    assert (finished.interrupted, finished.planned_end) == (True, False)
    assert finished.reason == "stopped before everything was done"


def test_runs_that_are_cut_short_make_the_same_pictures_as_one(workshop: Workshop, tmp_path: Path) -> None:
    whole = Workshop(tmp_path / "whole")
    for number in range(6):
        workshop.photo(f"{number}.png", shade=number)
        whole.photo(f"{number}.png", shade=number)
    shutil.copy(workshop.folder / "night.jpg", whole.folder / "night.jpg")
    whole.run()

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobFinished):
            the_pass.stop("stopped at 06:00 as asked")

    made = [workshop.run(on_event=stop) for _ in range(3)] + [workshop.run()]
    assert [run.finished for run in made] == [1, 1, 1, 3]
    assert [run.left for run in made] == [5, 4, 3, 0]
    assert [run.planned_end for run in made] == [True, True, True, False]
    assert workshop.pictures() == whole.pictures()
    for name in whole.pictures():
        assert (workshop.out / name).read_bytes() == (whole.out / name).read_bytes()


def test_a_stop_ends_a_long_row_of_copies(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    for number in range(3):
        workshop.photo(f"copy{number}.png")

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobFinished):
            the_pass.stop()

    finished = workshop.run(on_event=stop)
    assert finished.interrupted
    assert (finished.copied, finished.left) == (1, 2)


def test_redo_outdated_makes_again_what_another_engine_made(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    assert workshop.run(Wishes(redo_outdated=True)).finished == 0
    with workshop.ledger() as ledger:
        assert ledger.redo_outdated(ENGINE_VERSION + "-next") == 1
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["a--night.jpg"]


def test_a_pass_with_nothing_to_compute_starts_no_worker(workshop: Workshop) -> None:
    class Untouchable(InProcessExecutor):
        def run(self, source: object) -> object:  # type: ignore[override]
            raise AssertionError("a worker was started")

    workshop.photo("a.png")
    workshop.run()
    workshop.photo("copy.png")
    assert workshop.run(executor=Untouchable()).copied == 1


def test_a_second_instance_is_refused_with_the_firsts_pid(workshop: Workshop) -> None:
    workshop.photo("a.png")
    refusals = []

    def run_again(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            with pytest.raises(LockedError, match=str(os.getpid())) as caught:
                Workshop(workshop.folder).run()
            refusals.append(caught.value)

    workshop.run(on_event=run_again)
    assert len(refusals) == 1


def test_a_withdrawn_style_comes_back_with_its_picture(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    with_night = workshop.text
    workshop.text = with_night.replace("name: night", "name: dusk")
    workshop.run()
    workshop.text = with_night
    assert workshop.run().finished == 0
    assert workshop.pictures() == ["a--dusk.jpg", "a--night.jpg"]


def test_two_configs_on_one_output_folder_keep_their_jobs_apart(workshop: Workshop, tmp_path: Path) -> None:
    workshop.photo("a.png")
    workshop.run()
    other = Workshop(tmp_path, workshop.text.replace("folder: in", "folder: in2"))
    write_photo(tmp_path / "in2" / "a.png", shade=3)
    other.run()
    assert workshop.pictures() == ["a--night-2.jpg", "a--night.jpg"]
    assert workshop.run().finished == 0
    assert other.run().finished == 0


def test_failures_are_told_with_their_reasons(workshop: Workshop) -> None:
    workshop.photo("a.png", "diverges")
    workshop.run()
    (failure,) = (event for event in workshop.events if isinstance(event, JobFailed))
    assert failure.reason == "the loss became nan"
    with workshop.ledger() as ledger:
        assert [row.reason for row in ledger.failures()] == ["the loss became nan"]


def test_photos_of_equal_content_are_painted_once_even_when_they_come_together(workshop: Workshop) -> None:
    class Greedy(InProcessExecutor):
        """Asks for everything before it begins with anything, as one that decodes ahead does."""

        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            waiting = list(source(100))
            while waiting:
                yield from super().run(lambda _: [waiting.pop()] if waiting else [])

    for name in ("a.png", "b.png", "c.png"):
        workshop.photo(name)
    workshop.photo("other.png", shade=9)
    finished = workshop.run(executor=Greedy())
    assert (finished.finished, finished.copied, finished.left) == (2, 2, 0)
    assert len(workshop.pictures()) == 4


def test_an_output_folder_that_cant_be_made_leaves_no_lease_behind(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    too_long = "/".join(["x" * 200] * 30)
    workshop.text = workshop.text.replace("{folder: out,", f'{{folder: out, name: "{too_long}/{{stem}}{{style}}",')
    with pytest.raises(StorageError, match="can't be made"):
        workshop.run()
    with workshop.ledger() as ledger:
        assert ledger.leases() == []


def test_a_copy_is_made_only_of_a_file_that_would_be_written_the_same_way(workshop: Workshop) -> None:
    photo = workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("min_free_disk: 0", "min_free_disk: 0, metadata: strip_location")
    shutil.copyfile(photo, photo.with_name("z.png"))
    finished = workshop.run()
    assert (finished.finished, finished.copied) == (1, 0)


def test_a_copy_is_made_only_within_a_style_whose_name_stands_in_the_file(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: dusk, painting: night.jpg}"
    )
    workshop.photo("a.png")
    finished = workshop.run()
    assert (finished.finished, finished.copied) == (2, 0)
    for style in ("night", "dusk"):
        provenance = read_provenance(workshop.out / f"a--{style}.jpg")
        assert provenance is not None
        assert provenance["style"] == style


def test_a_job_that_was_put_back_does_not_use_up_the_limit(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, order: name")
    workshop.photo("a-deadly.png")
    workshop.photo("fine.png", shade=1)
    finished = workshop.run(Wishes(limit=1))
    assert (finished.finished, finished.failed) == (1, 1)


def test_a_drained_pass_finishes_what_is_in_work_and_claims_nothing_more(workshop: Workshop) -> None:
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)

    def drain_at_the_first(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.drain()

    finished = workshop.run(on_event=drain_at_the_first)
    assert (finished.finished, finished.left, finished.interrupted) == (1, 4, False)
    assert workshop.run().finished == 4
