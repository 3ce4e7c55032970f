"""A picture that was interrupted, after whatever evaluation, is the picture that was not, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import Tensor

from pipeline.engine.events import CheckpointReady, Event, Finished, Request, Resumed, RunControl, Snapshot
from pipeline.engine.network.vgg import Network
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.checkpoints import _write
from pipeline.engine.transfer.evaluation import Evaluation, Targets
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.model import ColorKind, OptimizerKind, Progress, Recipe
from tests.engine.scheduler.test_stylizer import CPU, TINY, Source, load_painting, only, picture, request, run

RATES = {"lbfgs": 1.0, "adam": 0.02, "sgd": 0.002}


@pytest.fixture(scope="module")
def one() -> Stylizer:
    return Stylizer(CPU, load_painting)


@pytest.fixture(scope="module")
def another() -> Stylizer:
    return Stylizer(CPU, load_painting)


def run_until(stylizer: Stylizer, evaluations: int, *requests: Request) -> list[Event]:
    """Return what is reported until the run was suspended after so many evaluations."""
    reported: list[Event] = []
    control = RunControl(suspend=lambda: len(only(reported, Progress)) >= evaluations)
    for event in stylizer.run(Source(requests), control):
        reported.append(event)
    return reported


def last_draft(events: Sequence[Event]) -> CheckpointReady:
    (checkpoint,) = (event for event in events if isinstance(event, CheckpointReady) and event.last)
    return checkpoint


def interrupted(stylizer: Stylizer, evaluations: int, wanted: Request, path: Path) -> Request:
    """Return the request with its checkpoint, made after so many (more) evaluations."""
    events = run_until(stylizer, evaluations, wanted)
    last_draft(events).save(path, 7.0)
    return replace(wanted, checkpoint=path)


def assert_same_rest(resumed: Sequence[Event], whole: Sequence[Event], evaluations: int) -> None:
    (finished,), (wanted,) = only(resumed, Finished), only(whole, Finished)
    assert np.array_equal(finished.pixels, wanted.pixels)
    assert (finished.sizes, finished.iterations, finished.first, finished.last, finished.history) == (
        wanted.sizes,
        wanted.iterations,
        wanted.first,
        wanted.last,
        wanted.history,
    )
    assert only(resumed, Progress) == only(whole, Progress)[evaluations:]


def recipe_for(optimizer: OptimizerKind, **changes: Any) -> Recipe:
    return replace(TINY, optimizer=optimizer, learning_rate=RATES[optimizer], **changes)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_picture_interrupted_after_any_evaluation_is_the_same(
    one: Stylizer, another: Stylizer, optimizer: OptimizerKind, tmp_path: Path
) -> None:
    wanted = request("t", recipe=recipe_for(optimizer))
    whole = run(one, wanted)
    for evaluations in range(1, 8):
        again = interrupted(one, evaluations, wanted, tmp_path / "c.safetensors")
        resumed = run(another, again)
        assert_same_rest(resumed, whole, evaluations)
        (reported,) = (event for event in resumed if isinstance(event, Resumed))
        assert (reported.evaluations, reported.seconds) == (evaluations, 7.0)
        assert (reported.size, reported.iteration) == (
            (32, evaluations) if evaluations < 4 else (48, evaluations - 4)
        )
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_picture_interrupted_after_every_evaluation_is_the_same(
    one: Stylizer, another: Stylizer, optimizer: OptimizerKind, tmp_path: Path
) -> None:
    wanted = request("t", recipe=recipe_for(optimizer, init="noise"))
    whole = run(one, wanted)
    again = wanted
    for number in range(7):
        again = interrupted((one, another)[number % 2], 1, again, tmp_path / "c.safetensors")
    assert_same_rest(run(one, again), whole, 7)


def test_adam_goes_on_with_its_own_memory(one: Stylizer, another: Stylizer, tmp_path: Path) -> None:
    wanted = request("t", recipe=recipe_for("adam", adam_betas=(0.5, 0.999)))
    whole = run(one, wanted)
    assert_same_rest(run(another, interrupted(one, 3, wanted, tmp_path / "c.safetensors")), whole, 3)


@pytest.mark.parametrize("color", ["photo", "match"])
def test_a_picture_in_the_photos_colors_is_the_same_when_it_was_interrupted(
    one: Stylizer, another: Stylizer, color: ColorKind, tmp_path: Path
) -> None:
    wanted = request("t", recipe=replace(TINY, color=color, color_mix=0.8))
    whole = run(one, wanted)
    for evaluations in (2, 6):
        resumed = run(another, interrupted(one, evaluations, wanted, tmp_path / "c.safetensors"))
        assert_same_rest(resumed, whole, evaluations)


def test_an_average_is_resumed_and_pictures_without_one_have_files_as_before(
    one: Stylizer, another: Stylizer, tmp_path: Path
) -> None:
    path = tmp_path / "c.safetensors"
    interrupted(one, 2, request("t", recipe=recipe_for("adam")), path)
    assert "average" not in document_of(path)["state"]
    wanted = request("t", recipe=recipe_for("adam", ema_decay=0.9, laplacian_weight=0.1))
    whole = run(one, wanted)
    for evaluations in (2, 4, 6):
        assert_same_rest(run(another, interrupted(one, evaluations, wanted, path)), whole, evaluations)
    assert document_of(path)["state"]["average"] == {"tensor": "state.average"}


@pytest.mark.no_cover
def test_an_early_end_comes_as_early(one: Stylizer, another: Stylizer, tmp_path: Path) -> None:
    wanted = request("t", recipe=replace(TINY, iterations=30, tolerance=0.3))
    whole = run(one, wanted)
    counts = only(whole, Finished)[0].iterations
    assert all(count < 30 for count in counts)
    for evaluations in (1, counts[0] - 1, counts[0], counts[0] + 1, sum(counts) - 1):
        again = interrupted(one, evaluations, wanted, tmp_path / "c.safetensors")
        assert_same_rest(run(another, again), whole, evaluations)


def bumpy(
    network: Network,
    objective: Objective,
    pictures: Tensor,
    content: Targets,
    style: Targets,
    *,
    in_blocks: InBlocks | None = None,
    guides: Guides | None = None,
) -> Evaluation:
    """Judge pictures by slopes that promise too much: L-BFGS has to take back, to shorten and to forget."""
    distance = pictures - 0.5
    total = distance.square().flatten(1).sum(1)
    total = total * (1 + 0.6 * (total * 5).sin())
    return Evaluation(torch.stack([total, total, total], 1), 2 * distance)


@pytest.mark.no_cover
def test_a_search_that_goes_astray_does_so_in_the_same_way(tmp_path: Path) -> None:
    wanted = request("t", recipe=replace(TINY, iterations=40))
    engines = [Stylizer(CPU, load_painting, evaluate=bumpy) for _ in range(2)]
    whole = run(engines[0], wanted)
    rejections, pairs = set(), set()
    for evaluations in range(1, 80, 7):
        again = interrupted(engines[0], evaluations, wanted, tmp_path / "c.safetensors")
        optimizer = document_of(tmp_path / "c.safetensors")["state"]["optimizer"]
        rejections.add(optimizer["rejections"])
        pairs.add(len(optimizer["steps"]))
        assert_same_rest(run(engines[1], again), whole, evaluations)
    assert max(rejections) >= 2
    assert max(pairs) >= 5


def document_of(path: Path) -> Any:
    with safetensors.safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["document"])


def test_a_full_history_is_kept(one: Stylizer, another: Stylizer, tmp_path: Path) -> None:
    wanted = request("t", recipe=replace(TINY, scales=(48,), iterations=26))
    whole = run(one, wanted)
    for evaluations in (20, 21, 22, 25):
        again = interrupted(one, evaluations, wanted, tmp_path / "c.safetensors")
        assert_same_rest(run(another, again), whole, evaluations)
    assert len(document_of(tmp_path / "c.safetensors")["state"]["optimizer"]["steps"]) == 20


def test_checkpoints_on_the_way_are_of_their_moment_whenever_they_are_saved(
    one: Stylizer, another: Stylizer, tmp_path: Path
) -> None:
    wanted = request("t")
    whole = list(one.run(Source([wanted]), RunControl(wants_checkpoint=lambda token: token == "t")))
    checkpoints = only(whole, CheckpointReady)
    assert [checkpoint.evaluations for checkpoint in checkpoints] == list(range(1, 8))
    assert not any(checkpoint.last for checkpoint in checkpoints)
    for checkpoint in reversed(checkpoints):
        checkpoint.save(tmp_path / "c.safetensors", 1.0)
        written = (tmp_path / "c.safetensors").stat().st_size
        assert checkpoint.size_bytes < written < checkpoint.size_bytes + 8000
        resumed = run(another, replace(wanted, checkpoint=tmp_path / "c.safetensors"))
        assert_same_rest(resumed, whole, checkpoint.evaluations)


def test_pictures_side_by_side_are_all_suspended_and_go_on(one: Stylizer, tmp_path: Path) -> None:
    three = Stylizer(replace(CPU, batch_size=3), load_painting)
    wanted = [request(token, seed, height=40 + 8 * seed) for seed, token in enumerate("abcde")]
    reported = run_until(three, 5, *wanted)
    checkpoints = {checkpoint.token: checkpoint for checkpoint in only(reported, CheckpointReady)}
    assert sorted(checkpoints) == list("abc")
    assert sum(checkpoint.evaluations for checkpoint in checkpoints.values()) == 5
    for token, checkpoint in checkpoints.items():
        checkpoint.save(tmp_path / f"{token}.safetensors", 0.0)
    again = [replace(each, checkpoint=tmp_path / f"{each.token}.safetensors") for each in wanted]
    rest = run(three, *again)
    for each in wanted:
        assert np.array_equal(picture(rest, each.token), picture(run(one, each), each.token))


def test_a_resumed_picture_has_the_losses_of_the_whole_and_of_an_older_version_s_the_rest(
    one: Stylizer, tmp_path: Path
) -> None:
    path = tmp_path / "c.safetensors"
    wanted = request("t", recipe=replace(TINY, iterations=60, tv_weight=0.01))
    whole = only(run(one, wanted), Finished)[0].history
    again = interrupted(one, 50, wanted, path)
    assert only(run(one, again), Finished)[0].history == whole
    assert whole is not None
    assert 40 < len(whole.points) <= 80
    document = document_of(path)
    del document["history"]
    _write(path, json.dumps(document), safetensors.torch.load_file(path))
    rest = only(run(one, again), Finished)[0].history
    assert rest is not None
    assert rest.points[0].evaluation == 51
    assert rest.points[-1] == whole.points[-1]


def test_a_picture_is_resumed_where_memory_is_short_to_the_same_bits(one: Stylizer, tmp_path: Path) -> None:
    short = Stylizer(CPU, load_painting, available=lambda: 1)
    whole = run(one, request("t"))
    again = interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    assert_same_rest(run(short, again), whole, 5)
    again = interrupted(short, 3, request("t"), tmp_path / "c.safetensors")
    rest = run(one, again)
    assert_same_rest(rest, whole, 3)


def test_a_plan_is_kept_with_its_pairs_in_bfloat16(one: Stylizer, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    settings = replace(CPU, memory_bytes=1)
    short = Stylizer(settings, load_painting)
    whole = run(short, request("t"))
    again = interrupted(short, 7, request("t"), path)
    assert document_of(path)["state"]["plan"]["bfloat16_history"]
    assert_same_rest(run(short, again), whole, 7)
    # Also where there is more memory now: the size that was begun is finished as it was planned.
    assert_same_rest(run(one, again), whole, 7)


def test_a_point_that_is_the_best_one_is_written_once(one: Stylizer, tmp_path: Path) -> None:
    path, long_tail = tmp_path / "c.safetensors", replace(TINY, iterations=9)
    short = Stylizer(replace(CPU, memory_bytes=1), load_painting)
    wanted = request("t", recipe=long_tail)
    whole = run(short, wanted)
    written = set[bool]()
    for evaluations in (10, 12, 14, 16):
        again = interrupted(short, evaluations, wanted, path)
        state = document_of(path)["state"]
        with safetensors.safe_open(path, framework="np") as file:
            names = set(file.keys())
        point = state["optimizer"]["point"]
        written.add(point["tensor"] in names)
        if "values" in point:
            assert point["values"] in names, "versions that don't know it find no tensor, and begin anew"
        assert_same_rest(run(short, again), whole, evaluations)
    assert False in written


def test_a_point_that_is_not_the_best_one_is_written_too(tmp_path: Path) -> None:
    path, wanted = tmp_path / "c.safetensors", request("t", recipe=replace(TINY, iterations=40))
    engine = Stylizer(replace(CPU, memory_bytes=1), load_painting, evaluate=uneven)
    whole, shared = run(engine, wanted), set[bool]()
    for evaluations in range(41, 80, 3):
        again = interrupted(engine, evaluations, wanted, path)
        shared.add("values" in document_of(path)["state"]["optimizer"]["point"])
        assert_same_rest(run(engine, again), whole, evaluations)
    assert shared == {False, True}


def uneven(*given: Any, **how: Any) -> Evaluation:
    """Judge pictures so that what is accepted is not always better than before."""
    distance = given[2] - 0.5
    total = 100 + 10 * (1000 * distance.square().flatten(1).sum(1)).sin()
    return Evaluation(torch.stack([total, total, total], 1), 2 * distance)


def test_of_other_optimizers_with_a_plan_nothing_is_left_out(tmp_path: Path) -> None:
    path, wanted = tmp_path / "c.safetensors", request("t", recipe=recipe_for("adam"))
    engine = Stylizer(replace(CPU, memory_bytes=1), load_painting)
    again = interrupted(engine, 6, wanted, path)
    assert_same_rest(run(engine, again), run(engine, wanted), 6)


def test_a_file_of_what_needs_no_plan_is_as_it_always_was(one: Stylizer, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    interrupted(one, 7, request("t"), path)
    assert "plan" not in document_of(path)["state"]


def test_snapshots_come_as_if_nothing_had_happened(one: Stylizer, tmp_path: Path) -> None:
    wanted = request("t", recipe=replace(TINY, snapshot_every=3))
    again = interrupted(one, 4, wanted, tmp_path / "c.safetensors")
    assert [(each.iteration, each.scale_index) for each in only(run(one, again), Snapshot)] == [(6, 1)]


def test_where_it_was_resumed_is_reported_with_the_picture(one: Stylizer, tmp_path: Path) -> None:
    again = interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    (finished,) = only(run(one, again), Finished)
    assert finished.notes == ("resumed from a checkpoint at evaluation 1 of 4 at 48 px",)
    assert (finished.cache_hits, finished.cache_misses) == (3, 0)


def test_a_run_suspended_before_it_begins_does_nothing(one: Stylizer) -> None:
    source = Source([request("t")])
    assert list(one.run(source, RunControl(suspend=lambda: True))) == []
    assert source.asked == []


def test_no_checkpoint_means_a_new_beginning(one: Stylizer, tmp_path: Path) -> None:
    events = run(one, replace(request("t"), checkpoint=tmp_path / "none.safetensors"))
    assert len(only(events, Progress)) == 8
    assert only(events, Finished)[0].notes == ()


def flip(from_the_end: int) -> Callable[[bytes], bytes]:
    def flipped(data: bytes) -> bytes:
        position = len(data) - from_the_end
        return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]

    return flipped


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", "can't be read"),
        (lambda data: data[:1000], "can't be read"),
        (lambda data: data[:-4], "can't be read"),
        (lambda data: b"\xff" * 100, "can't be read"),
        (flip(1), "is damaged"),
        (flip(5000), "is damaged"),
        (lambda data: data.replace(b'\\"seconds\\": 7.0', b'\\"seconds\\": 8.0'), "is damaged"),
        (lambda data: data.replace(b'\\"origin\\": {', b'\\"origin\\": ['), "can't be read"),
        (lambda data: safetensors.numpy.save({"x": np.zeros(3)}), "can't be read"),
        (lambda data: safetensors.numpy.save({"x": np.zeros(3)}, {"document": "[]"}), "can't be read"),
        (lambda data: safetensors.numpy.save({"x": np.zeros(3)}, {"document": '{"origin": 3}'}), "can't be read"),
    ],
)
def test_a_damaged_or_foreign_file_is_left_alone(
    one: Stylizer, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    again = interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    before = (tmp_path / "c.safetensors").read_bytes()
    assert damage(before) != before
    (tmp_path / "c.safetensors").write_bytes(damage(before))
    events = run(one, again)
    assert_same_rest(events, run(one, request("t")), 0)
    assert only(events, Finished)[0].notes == (f"restarted from the beginning: its checkpoint {said}",)


def test_a_folder_in_the_place_of_a_checkpoint_is_left_alone(one: Stylizer, tmp_path: Path) -> None:
    events = run(one, replace(request("t"), checkpoint=tmp_path))
    assert "can't be read" in only(events, Finished)[0].notes[0]


@pytest.mark.parametrize(
    "other",
    [
        request("t", 1),
        request("t", width=40),
        request("t", recipe=replace(TINY, iterations=5)),
        request("t", recipe=replace(TINY, optimizer="adam")),
    ],
)
def test_a_checkpoint_of_another_picture_is_left_alone(one: Stylizer, tmp_path: Path, other: Request) -> None:
    interrupted(one, 5, other, tmp_path / "c.safetensors")
    events = run(one, replace(request("t"), checkpoint=tmp_path / "c.safetensors"))
    assert_same_rest(events, run(one, request("t")), 0)
    assert only(events, Finished)[0].notes == ("restarted from the beginning: its checkpoint is of another picture",)


def test_a_checkpoint_of_a_photo_that_shows_other_colors_is_left_alone(one: Stylizer, tmp_path: Path) -> None:
    wanted = request("t", recipe=replace(TINY, scales=1, color="match"))
    clear = replace(wanted, alpha=np.full((40, 48), 128, np.uint8))
    again = interrupted(one, 2, clear, tmp_path / "c.safetensors")
    assert any(isinstance(event, Resumed) for event in run(one, again))
    assert not any(isinstance(event, Resumed) for event in run(one, replace(again, alpha=None)))


def test_a_recipe_by_another_name_goes_on(one: Stylizer, tmp_path: Path) -> None:
    interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    renamed = request("u", recipe=replace(TINY, name="fine", snapshot_every=100))
    events = run(one, replace(renamed, checkpoint=tmp_path / "c.safetensors"))
    assert len(only(events, Progress)) == 3


def test_a_checkpoint_by_another_engine_is_left_alone(one: Stylizer, tmp_path: Path) -> None:
    coarse = Stylizer(replace(CPU, precision="bfloat16"), load_painting)
    again = interrupted(coarse, 5, request("t"), tmp_path / "c.safetensors")
    events = run(one, again)
    assert_same_rest(events, run(one, request("t")), 0)
    assert "was made with another device, so resuming would change" in only(events, Finished)[0].notes[0]


def test_a_draft_that_can_not_be_written_says_so_and_leaves_nothing(one: Stylizer, tmp_path: Path) -> None:
    checkpoint = last_draft(run_until(one, 3, request("t")))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"(?i)exists|directory"):
        checkpoint.save(tmp_path / "file" / "c.safetensors", 0.0)
    (tmp_path / "c.part").mkdir()
    with pytest.raises(OSError, match=r"\S"):
        checkpoint.save(tmp_path / "c.safetensors", 0.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.part", "file"]
