from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.engine.events import Event, Places, Request
from pipeline.engine.faces.face_map import Face
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance
from pipeline.model import (
    Artwork,
    Assignment,
    CheckpointRules,
    EvaluationShare,
    ExecutorEvent,
    Failure,
    FailureKind,
    Job,
    Mask,
    Occupancy,
    Painting,
    Progress,
    Recipe,
    Region,
    Remark,
    SnapshotSaved,
    Started,
    Style,
)
from pipeline.picture_settings import RecordedPainting, read_settings
from pipeline.worker import StopDeadline, Worker
from tests.fakes import FakeEngine, kept_in, write_photo

STYLE = Style("night", (Painting(Path("night.jpg"), "0" * 64),))


def an_assignment(photo: Path, token: str = "t1", **changes: object) -> Assignment:
    assignment = Assignment(
        token=token,
        job=Job(photo.name, "night", "default"),
        key="k" * 64,
        photo_path=photo,
        photo_sha256=sha256_of_file(photo),
        style=STYLE,
        recipe=Recipe(size=48, scales=1),
        part_path=photo.with_name(f".{token}.part"),
    )
    return replace(assignment, **changes)  # type: ignore[arg-type]


def work(*assignments: Assignment) -> list[ExecutorEvent]:
    waiting, told = list(assignments), list[ExecutorEvent]()

    def source(count: int) -> Sequence[Assignment]:
        taken = waiting[:count]
        del waiting[:count]
        return taken

    ticks = iter(range(1000))
    Worker(FakeEngine(), told.append, clock=lambda: next(ticks)).work(source)
    return told


def test_a_photo_becomes_a_temporary_file_whose_hash_is_told(tmp_path: Path) -> None:
    assignment = an_assignment(write_photo(tmp_path / "a.png"))
    started, progress, occupancy, artwork = work(assignment)
    assert (started, occupancy) == (Started("t1"), Occupancy(used=3, offered=4))
    assert isinstance(progress, Progress)
    assert isinstance(artwork, Artwork)
    assert artwork.sha256 == sha256_of_file(assignment.part_path)
    assert (artwork.width, artwork.height) == (48, 32)
    assert artwork.seconds >= 4  # at least one tick of the clock each for reading, two steps and writing
    with Image.open(assignment.part_path) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (48, 32)
        red, green, blue = picture.convert("RGB").getpixel((20, 20))
    assert abs(red - 215) < 6
    assert abs(green - 135) < 6
    assert abs(blue - 215) < 6


def test_without_reading_ahead_a_finished_picture_is_told_before_the_next_photo_can_do_any_harm(
    tmp_path: Path,
) -> None:
    waiting = [an_assignment(write_photo(tmp_path / f"{token}.png"), token) for token in ("t1", "t2")]
    told, finished_at_pull = list[ExecutorEvent](), list[int]()

    def emit(event: ExecutorEvent) -> None:
        if isinstance(event, Artwork):
            time.sleep(0.2)  # as a slow disk takes
        told.append(event)

    def source(count: int) -> Sequence[Assignment]:
        finished_at_pull.append(sum(isinstance(event, Artwork) for event in told))
        return [waiting.pop(0)] if waiting else []

    Worker(FakeEngine(capacity=1), emit, photos_ahead=0).work(source)
    assert finished_at_pull == [0, 1, 2]


class PlacesEngine(FakeEngine):
    """Notes what differs by place in each photo, and how opaque it is."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Places | None] = []
        self.alphas: list[Any] = []

    def _paint(self, request: Request) -> Iterator[Event]:
        self.places.append(request.places)
        self.alphas.append(request.alpha)
        yield from super()._paint(request)


def test_a_mask_goes_with_its_photo_to_the_engine_and_into_the_record(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png")
    Image.new("L", (48, 32), 51).save(tmp_path / "mask.png")
    mask = Mask(tmp_path / "mask.png", sha256_of_file(tmp_path / "mask.png"))
    split = replace(STYLE, regions=(Region("#ffffff", STYLE), Region("#000000", None)))
    waiting, told, engine = [an_assignment(photo, style=split, mask=mask)], list[ExecutorEvent](), PlacesEngine()
    bad = an_assignment(photo, "t2", style=split, mask=replace(mask, sha256="0" * 64))
    waiting.insert(0, bad)
    Worker(engine, told.append).work(lambda count: [waiting.pop()] if waiting else [])
    assert engine.places[0] is not None
    assert [float(share.max()) for share in engine.places[0].regions] == pytest.approx([0.2, 0.8])
    assert len(engine.places) == 1
    provenance = read_provenance(tmp_path / ".t1.part")
    assert provenance is not None
    assert provenance["settings"]["mask"] == mask.sha256
    assert [failure.kind for failure in told if isinstance(failure, Failure)] == [FailureKind.CHANGED]


def test_how_opaque_a_photo_is_goes_with_it_to_the_engine(tmp_path: Path) -> None:
    Image.new("RGBA", (48, 32), (40, 120, 40, 254)).save(tmp_path / "a.png")
    waiting, engine = (
        [an_assignment(tmp_path / "a.png"), an_assignment(write_photo(tmp_path / "b.png"), "t2")],
        PlacesEngine(),
    )
    Worker(engine, lambda _: None).work(lambda count: [waiting.pop(0)] if waiting else [])
    clear, opaque = engine.alphas
    assert clear.shape == (32, 48)
    assert set(clear.flat) == {254}
    assert opaque is None


def test_faces_are_told_to_the_engine_and_how_many_to_the_report(tmp_path: Path) -> None:
    keeping = an_assignment(write_photo(tmp_path / "a.png"), recipe=Recipe(size=48, scales=1, keep_faces=0.5))
    short = replace(keeping, token="t2", part_path=tmp_path / ".t2.part")
    waiting, told, engine = [short, keeping], list[ExecutorEvent](), PlacesEngine()
    memory = iter([True, False])

    def find_faces(photo: object) -> tuple[Face, ...]:
        if not next(memory):
            raise MemoryError
        return (Face(20, 16, 10, 12, 0.9),)

    Worker(engine, told.append, find_faces=find_faces).work(lambda count: [waiting.pop()] if waiting else [])
    (places,) = engine.places
    assert places is not None
    assert places.guarded is not None
    assert (places.regions, float(places.guarded.max())) == ((), 0.5)
    (artwork,) = (event for event in told if isinstance(event, Artwork))
    assert "keep_faces: 1 face was found and kept by 0.5" in artwork.notes
    assert [failure.kind for failure in told if isinstance(failure, Failure)] == [FailureKind.MEMORY]


def test_provenance_stands_in_the_picture(tmp_path: Path) -> None:
    assignment = an_assignment(write_photo(tmp_path / "a.png"), weights="embedded:0")
    work(assignment)
    provenance = read_provenance(assignment.part_path)
    assert provenance is not None
    assert provenance["style"] == "night"
    assert provenance["key"] == "k" * 64
    made_with = read_settings(provenance)
    assert made_with is not None
    assert (made_with.recipe, made_with.scale, made_with.weights) == (assignment.recipe, 1.0, "embedded:0")
    assert made_with.paintings == (RecordedPainting("night.jpg", 1.0, "0" * 64),)


def test_every_assignment_is_answered_once_whatever_happens_to_it(tmp_path: Path) -> None:
    fine = an_assignment(write_photo(tmp_path / "a.png"), "fine")
    broken = an_assignment(write_photo(tmp_path / "b.png", "diverges"), "broken")
    large = an_assignment(write_photo(tmp_path / "c.png", "needs too much memory"), "large")
    changed = an_assignment(write_photo(tmp_path / "d.png"), "changed", photo_sha256="1" * 64)
    gone = an_assignment(write_photo(tmp_path / "e.png"), "gone", photo_path=tmp_path / "nowhere.png")
    text = tmp_path / "f.jpg"
    text.write_text("not a photo")
    no_photo = an_assignment(text, "text")
    folder = an_assignment(write_photo(tmp_path / "g.png"), "folder", photo_path=tmp_path)
    told = work(fine, broken, large, changed, gone, no_photo, folder)
    answers = {event.token: event for event in told if isinstance(event, Artwork | Failure)}
    assert sum(isinstance(event, Artwork | Failure) for event in told) == len(answers) == 7
    kinds = {token: answer.kind for token, answer in answers.items() if isinstance(answer, Failure)}
    assert kinds == {
        "broken": FailureKind.ENGINE,
        "large": FailureKind.SIZE,
        "changed": FailureKind.CHANGED,
        "gone": FailureKind.GONE,
        "text": FailureKind.PHOTO,
        "folder": FailureKind.CHANGED,
    }


def test_a_photo_is_begun_before_its_first_byte_is_read(tmp_path: Path) -> None:
    gone = an_assignment(write_photo(tmp_path / "e.png"), "gone", photo_path=tmp_path / "nowhere.png")
    assert [type(event) for event in work(gone)] == [Started, Failure]


def test_a_photo_that_may_not_be_read_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assignment = an_assignment(write_photo(tmp_path / "a.png"))

    really_open = os.open

    def refuse(path: str | Path, *arguments: int, **more: int) -> int:
        if Path(path).name == "a.png":
            raise PermissionError(13, "Permission denied")
        return really_open(path, *arguments, **more)

    # The tests may run as root, whom no file mode stops.
    monkeypatch.setattr(os, "open", refuse)
    _, failure = work(assignment)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.ENGINE
    assert "permission" in failure.reason


def test_a_picture_that_can_not_be_written_is_told_for_somebody_to_judge(tmp_path: Path) -> None:
    assignment = an_assignment(write_photo(tmp_path / "a.png"), part_path=tmp_path / "nowhere" / "x.part")
    failure = work(assignment)[-1]
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNWRITABLE
    assert "nowhere can't be written (No such file or directory)" in failure.reason


def test_a_picture_too_large_for_its_format_fails_alone(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", size=(65_501, 1))
    recipe = Recipe(size=65_501, scales=1)
    failure = work(an_assignment(photo, recipe=recipe))[-1]
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.ENGINE


def test_intermediate_pictures_go_into_their_folder(tmp_path: Path) -> None:
    recipe = Recipe(size=48, scales=1, snapshot_every=1)
    assignment = an_assignment(write_photo(tmp_path / "a.png"), recipe=recipe, snapshot_folder=tmp_path / "snapshots")
    checkpoints = [event for event in work(assignment) if isinstance(event, SnapshotSaved)]
    assert [event.path.name for event in checkpoints] == ["scale1-00001.jpg"]
    assert checkpoints[0].path.exists()


def test_a_failing_intermediate_picture_does_not_cost_the_finished_one(tmp_path: Path) -> None:
    in_the_way = tmp_path / "snapshots"
    in_the_way.write_text("a file where the folder should be")
    recipe = Recipe(size=48, scales=1, snapshot_every=1)
    assignment = an_assignment(write_photo(tmp_path / "a.png"), recipe=recipe, snapshot_folder=in_the_way)
    told = work(assignment)
    assert not any(isinstance(event, SnapshotSaved) for event in told)
    assert isinstance(told[-1], Artwork)


def test_no_folder_for_intermediate_pictures_means_none(tmp_path: Path) -> None:
    recipe = Recipe(size=48, scales=1, snapshot_every=1)
    told = work(an_assignment(write_photo(tmp_path / "a.png"), recipe=recipe))
    assert not any(isinstance(event, SnapshotSaved) for event in told)


def suspended_after(
    steps: int, *assignments: Assignment, photos_ahead: int = 0, capacity: int = 2, **rules: float
) -> list[ExecutorEvent]:
    """Let stop_deadline time come after so many evaluations; return what was told."""
    waiting, told = list(assignments), list[ExecutorEvent]()
    stop_deadline = StopDeadline()

    def emit(event: ExecutorEvent) -> None:
        told.append(event)
        if sum(isinstance(event, Progress) for event in told) == steps:
            stop_deadline.set(0.0)

    def source(count: int) -> Sequence[Assignment]:
        taken = waiting[:count]
        del waiting[:count]
        return taken

    keeping = CheckpointRules(every_seconds=rules.get("every_seconds", 0.0))
    Worker(
        FakeEngine(capacity), emit, photos_ahead=photos_ahead, checkpoint_rules=keeping, stop_deadline=stop_deadline
    ).work(source)
    return told


def test_a_picture_is_put_back_at_the_deadline_and_resumed_where_it_was(tmp_path: Path) -> None:
    checkpoint = tmp_path / "k.safetensors"
    endless = an_assignment(write_photo(tmp_path / "a.png", "takes for ever"), checkpoint_path=checkpoint)
    told = suspended_after(3, endless)
    assert told[-1] == Failure(
        "t1", FailureKind.REQUEUED, "stopped after evaluation 3 of 4 at 48 px; it will be resumed there"
    )
    evaluations, seconds = kept_in(checkpoint)
    assert evaluations == 3
    assert seconds > 0
    told = suspended_after(2, endless)
    assert Remark("t1", "resumed from its checkpoint after evaluation 3 of 4 at 48 px") in told
    evaluations, more_seconds = kept_in(checkpoint)
    assert evaluations == 5
    assert more_seconds > seconds


def test_what_was_not_begun_at_the_deadline_is_not_begun(tmp_path: Path) -> None:
    endless = an_assignment(write_photo(tmp_path / "a.png", "takes for ever"), "a", checkpoint_path=tmp_path / "a")
    others = [
        an_assignment(write_photo(tmp_path / f"{n}.png", shade=n), f"t{n}", checkpoint_path=tmp_path / f"{n}")
        for n in range(4)
    ]
    told = suspended_after(2, endless, *others, photos_ahead=2)
    assert not any(isinstance(event, Artwork) for event in told)
    answered = {event.token: event.reason for event in told if isinstance(event, Failure)}
    assert answered["a"].endswith("it will be resumed there")
    assert set(answered.values()) - {answered["a"]} <= {"stopped before its first evaluation; it will start again"}


def test_pictures_are_kept_on_the_way_and_a_finished_one_after_that(tmp_path: Path) -> None:
    checkpoint = tmp_path / "k.safetensors"
    fine = an_assignment(write_photo(tmp_path / "a.png"), checkpoint_path=checkpoint)
    told = suspended_after(10, fine, every_seconds=1e-9)
    assert isinstance(told[-1], Artwork)
    assert kept_in(checkpoint)[0] == 1


def test_a_picture_that_fails_drops_its_checkpoint_unless_memory_was_short(tmp_path: Path) -> None:
    kept = {}
    for kind in ("diverges", "needs too much memory"):
        checkpoint = tmp_path / f"{kind}.safetensors"
        checkpoint.write_text("3 1.0")
        suspended_after(10, an_assignment(write_photo(tmp_path / "a.png", kind), checkpoint_path=checkpoint))
        kept[kind] = checkpoint.exists()
    assert kept == {"diverges": False, "needs too much memory": True}


class SlowEngine(FakeEngine):
    """Takes its time for the only evaluation of each picture, and says at each tenth of a second how far it is."""

    def __init__(self, clock: Callable[[float], None]) -> None:
        super().__init__(capacity=2)
        self._pass_time = clock

    def _paint(self, request: Request) -> Iterator[Event]:
        for number in range(25):
            self.control.on_share(request.token, number / 25)
            self._pass_time(0.1)
        yield from super()._paint(request)


def test_how_far_a_long_evaluation_is_is_told_about_once_a_second_of_each_picture(tmp_path: Path) -> None:
    now, told = [100.0], list[ExecutorEvent]()
    waiting = [an_assignment(write_photo(tmp_path / f"{token}.png"), token) for token in ("t1", "t2")]

    def pass_time(seconds: float) -> None:
        now[0] = round(now[0] + seconds, 3)

    worker = Worker(SlowEngine(pass_time), told.append, clock=lambda: now[0])
    worker.work(lambda count: [waiting.pop(0)] if waiting else [])
    shares = [event for event in told if isinstance(event, EvaluationShare)]
    assert shares == [EvaluationShare(token, share) for token in ("t1", "t2") for share in (0.0, 0.4, 0.8)]
