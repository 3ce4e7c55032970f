"""What a later pass makes again, copies, or leaves alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

from PIL import Image

from pipeline.engine import ENGINE_VERSION
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance
from pipeline.model import (
    ExecutorEvent,
    JobFinished,
    JobSource,
    RunEvent,
    RunFinished,
    RunStarted,
)
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.planning.run_scope import RunScope
from tests.fakes import write_painting
from tests.workshop import InProcessExecutor, Workshop


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


def test_another_image_to_start_from_is_named_as_the_reason(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: 48, init: image, init_image: start.jpg")
    write_painting(workshop.folder / "start.jpg", (10, 20, 30))
    workshop.photo("a.png")
    workshop.run()
    write_painting(workshop.folder / "start.jpg", (90, 20, 30))
    assert workshop.plan().reasons == {"start image of recipe default changed": 1}
    workshop.text = workshop.text.replace("size: 48", "size: 64")
    assert workshop.plan().reasons == {"recipe default and start image of recipe default changed": 1}


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


def test_redo_outdated_makes_again_what_another_engine_made(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    assert workshop.run(PassOptions(scope=RunScope(redo=frozenset({"outdated"})))).finished == 0
    with workshop.ledger() as ledger:
        assert ledger.jobs.redo_outdated(ENGINE_VERSION + "-next") == 1
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["a--night.jpg"]


def test_a_withdrawn_style_comes_back_with_its_picture(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    with_night = workshop.text
    workshop.text = with_night.replace("name: night", "name: dusk")
    workshop.run()
    workshop.text = with_night
    assert workshop.run().finished == 0
    assert workshop.pictures() == ["a--dusk.jpg", "a--night.jpg"]


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
