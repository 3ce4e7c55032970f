from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import CannotRunError, PhotoError, UsageError
from pipeline.executors import Executor
from pipeline.images.encode import read_provenance
from pipeline.model import (
    BacklogChanged,
    ExecutorEvent,
    Failure,
    FailureKind,
    JobFailed,
    JobFinished,
    JobSource,
    JobStarted,
    Progress,
    SnapshotSaved,
)
from pipeline.picture_settings import read_settings
from pipeline.report.formatting import failed_text
from tests.fakes import write_photo
from tests.runner.trial.trying import tried
from tests.workshop import InProcessExecutor, Workshop

TWO_STYLES = "painting: night.jpg}\n  - {name: day, painting: night.jpg, scale: 0.5}"


class Trial:
    """A photo outside the input folder, tried into a folder of its own."""

    def __init__(self, workshop: Workshop, kind: str = "fine", name: str = "sea.png") -> None:
        self.workshop = workshop
        self.folder = workshop.folder / "trial"
        self.photo = write_photo(workshop.folder / "elsewhere" / name, kind)
        self.events: list[object] = []

    def run(
        self, *styles: str, recipes: tuple[str, ...] = (), executor: Executor | None = None, photo: Path | None = None
    ) -> list[str]:
        paths = [photo or self.photo]
        return tried(self.workshop, paths, self.folder, styles, recipes, executor=executor, emit=self.events.append)

    def files(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def trial(workshop: Workshop) -> Trial:
    workshop.text = workshop.text.replace("painting: night.jpg}", TWO_STYLES)
    return Trial(workshop)


class Fails(InProcessExecutor):
    """Answers every assignment with one failure, after writing a half temporary file."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__()
        self._kind = kind

    def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
        while assignments := source(1):
            assignments[0].part_path.write_text("half")
            yield Failure(assignments[0].token, self._kind, "it went wrong")


def test_one_photo_in_all_styles_into_a_folder_of_its_own(trial: Trial) -> None:
    assert sorted(trial.run()) == ["day.jpg", "night.jpg"]
    assert trial.files() == ["day.jpg", "night.jpg"]


def test_the_ledger_is_not_touched(trial: Trial) -> None:
    trial.run()
    assert not trial.workshop.out.exists()


def test_names_are_never_used_twice_so_that_trials_can_be_compared(trial: Trial) -> None:
    trial.run("night")
    first = (trial.folder / "night.jpg").read_bytes()
    trial.workshop.text = trial.workshop.text.replace("size: 48", "size: 64")
    assert trial.run("night") == ["night-2.jpg"]
    assert trial.run("night") == ["night-3.jpg"]
    assert (trial.folder / "night.jpg").read_bytes() == first


def test_only_the_styles_asked_for_are_made(trial: Trial) -> None:
    assert trial.run("day") == ["day.jpg"]


def test_a_recipe_can_be_tried_that_no_style_uses(trial: Trial) -> None:
    trial.workshop.text += "  fine: {size: 64, scales: 1}\n"
    assert trial.run("night", recipes=("fine", "default")) == ["night.jpg", "night--fine.jpg"]  # the cheapest first


def test_events_tell_of_each_picture_under_its_name(trial: Trial) -> None:
    trial.run("night")
    assert [type(event) for event in trial.events] == [BacklogChanged, JobStarted, Progress, JobFinished]
    assert trial.events[0] == BacklogChanged(1, {"default": 1})
    started, finished = trial.events[1], trial.events[-1]
    assert isinstance(started, JobStarted)
    assert isinstance(finished, JobFinished)
    assert (started.output, finished.output) == ("night", "night.jpg")
    assert started.job.photo == "sea.png"


def test_intermediate_pictures_lie_beside_the_finished_one(trial: Trial) -> None:
    trial.workshop.text = trial.workshop.text.replace("scales: 1", "scales: 1, snapshot_every: 1")
    trial.run("night")
    assert trial.files() == ["night-snapshots/scale1-00001.jpg", "night.jpg"]
    assert any(isinstance(event, SnapshotSaved) for event in trial.events)


def test_unknown_names_are_answered_with_the_known_ones(trial: Trial) -> None:
    with pytest.raises(UsageError, match="no style 'noon'; the config has night, day"):
        trial.run("noon")
    with pytest.raises(UsageError, match="no recipe 'huge'; the config has default"):
        trial.run("night", recipes=("huge",))
    assert not trial.folder.exists()


def test_a_photo_that_cant_be_read_is_named(trial: Trial) -> None:
    with pytest.raises(PhotoError, match=r"gone\.png can't be read"):
        trial.run(photo=trial.workshop.folder / "gone.png")


def test_a_failed_picture_is_told_and_the_others_are_made(trial: Trial) -> None:
    class FailsOnce(InProcessExecutor):
        def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
            (first,) = source(1)
            yield Failure(first.token, FailureKind.ENGINE, "the loss became nan")
            yield from super().run(source)

    assert trial.run(executor=FailsOnce()) == trial.files() == ["day.jpg"]
    (failed,) = (event for event in trial.events if isinstance(event, JobFailed))
    assert "tried again" not in failed_text(failed)
    assert (failed.output, failed.reason) == ("night", "the loss became nan")


def test_nothing_is_left_where_all_failed(trial: Trial) -> None:
    assert trial.run(executor=Fails(FailureKind.CRASH)) == []
    assert not trial.folder.exists()
    trial.folder.mkdir()
    assert trial.run(executor=Fails(FailureKind.CRASH)) == trial.files() == []


def test_trouble_with_the_disk_ends_the_trial(trial: Trial) -> None:
    with pytest.raises(CannotRunError, match="it went wrong"):
        trial.run(executor=Fails(FailureKind.STORAGE))
    assert trial.files() == []
    assert [type(event) for event in trial.events] == [BacklogChanged]


def test_a_stop_keeps_what_is_done_and_is_no_failure(trial: Trial) -> None:
    class StopsAfterTheFirst(InProcessExecutor):
        def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
            yield from super().run(lambda _: [] if self.stopped else source(1))
            (second,) = source(1)
            yield Failure(second.token, FailureKind.REQUEUED, "returned to the queue: the run was stopped")

    executor = StopsAfterTheFirst()

    def stop_at_the_first(event: object) -> None:
        if isinstance(event, JobStarted):
            executor.stop()

    made = tried(trial.workshop, [trial.photo], trial.folder, executor=executor, emit=stop_at_the_first)
    assert made == ["night.jpg"]
    assert trial.files() == ["night.jpg"]


def test_a_picture_put_back_because_its_worker_died_is_made_by_the_next(trial: Trial) -> None:
    class GivesBackOnce(InProcessExecutor):
        def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
            (first,) = source(1)
            yield Failure(first.token, FailureKind.REQUEUED, "returned to the queue: the worker process died")
            yield from super().run(source)

    assert sorted(trial.run(executor=GivesBackOnce())) == ["day.jpg", "night.jpg"]


def test_a_folder_that_cant_be_made_is_named(trial: Trial) -> None:
    trial.folder.write_text("a file where the folder should be")
    with pytest.raises(CannotRunError, match="trial can't be made"):
        trial.run()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_photo_may_be_named_by_a_link(trial: Trial) -> None:
    link = trial.workshop.folder / "link.png"
    link.symlink_to(trial.photo)
    assert trial.run("night", photo=link) == ["night.jpg"]


def test_each_variant_is_known_by_its_name_and_by_its_metadata(trial: Trial) -> None:
    text = trial.workshop.text.replace("scales: 1", "scales: 1, content_weight: [0.5, 1], optimizer: [lbfgs, adam]")
    trial.workshop.text = text.replace("scale: 0.5", "scale: [0.5, 2]")
    assert sorted(trial.run("day"))[::7] == [
        "day--content_weight=0.5,optimizer=adam,scale=0.5.jpg",
        "day--content_weight=1,optimizer=lbfgs,scale=2.jpg",
    ]
    found = read_settings(read_provenance(trial.folder / "day--content_weight=1,optimizer=lbfgs,scale=2.jpg") or {})
    assert found is not None
    assert (found.recipe.content_weight, found.recipe.optimizer, found.scale) == (1.0, "lbfgs", 2.0)
    keys = {read_provenance(path)["key"] for path in trial.folder.glob("*.jpg")}  # type: ignore[index]
    assert len(keys) == 8


@pytest.mark.parametrize("has_mask", [True, False])
def test_a_style_with_regions_is_tried_with_each_scale_of_their_styles(trial: Trial, has_mask: bool) -> None:
    split = "name: split, regions: {white: night, black: day}}\nmasks: {folder: masks}\nrecipes:"
    text = trial.workshop.text.replace("recipes:", f"  - {{{split}")
    trial.workshop.text = text.replace("night.jpg}", "night.jpg, scale: [1, 2]}").replace("0.5", "[1, 2]")
    photo = trial.workshop.photo("sea.png")
    write_photo(trial.workshop.folder / "masks" / ("sea.png" if has_mask else "another.png"))
    names = trial.run("split", photo=photo)
    assert sorted(names) == ["split--scale=1.jpg", "split--scale=2.jpg"]
    records = [(read_provenance(trial.folder / name) or {})["settings"]["style"] for name in names]
    scales = [[each["scale"] for each in (record, *record.get("regions", ()))] for record in records]
    assert scales == [[scale] * (3 if has_mask else 1) for scale in (1, 2)]


def test_what_is_tried_has_the_key_that_a_run_with_these_settings_gives_it(trial: Trial) -> None:
    trial.workshop.text = trial.workshop.text.replace("scales: 1", "scales: 1, content_weight: [0.5, 1]")
    trial.run("night")
    tried_key = (read_provenance(trial.folder / "night--content_weight=1.jpg") or {})["key"]
    trial.workshop.text = trial.workshop.text.replace("[0.5, 1]", "1")
    write_photo(trial.workshop.folder / "in" / "sea.png")
    trial.workshop.run()
    assert tried_key == (read_provenance(trial.workshop.out / "sea--night.jpg") or {})["key"]
