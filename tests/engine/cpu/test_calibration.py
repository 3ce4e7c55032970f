"""The choice of algorithms is measured once, stored, and reported by its name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import torch

from pipeline.engine.cpu.calibration import (
    DIRECT,
    SHAPE_SECONDS,
    KernelPlan,
    calibrate,
    default_plan,
    machine,
    time_kernels,
)
from pipeline.engine.cpu.convolution import Algorithm, LayerShape
from pipeline.engine.cpu.fused import fusing_works
from pipeline.engine.network.vgg import layer_shapes

SMALL = LayerShape(4, 4, 8, 8)
#: Two layers instead of the network's eleven: whatever is measured is checked with real products, too.
SHAPES = (LayerShape(64, 128, 12, 16), LayerShape(128, 128, 6, 8))


class FakeTimer:
    """Makes ``winner`` take ``lead`` seconds and all others 1, and counts how often it was asked."""

    def __init__(self, winner: Algorithm, lead: float = 0.5) -> None:
        self.winner, self.lead, self.runs = winner, lead, 0

    def __call__(self, shape: LayerShape, candidates: Iterable[Algorithm]) -> dict[Algorithm, float]:
        self.runs += 1
        return {name: self.lead if name == self.winner else 1.0 for name in candidates}


def kept_file(folder: Path) -> Path:
    (path,) = folder.glob("convolutions-*.json")
    return path


def test_without_a_folder_nothing_is_measured() -> None:
    timer = FakeTimer("tiles")
    assert calibrate(None, SHAPES, timer) == default_plan(SHAPES)
    assert timer.runs == 0
    assert set(default_plan(SHAPES).choices.values()) == {"direct", "tiles"}


def test_the_winner_is_measured_once_and_kept(tmp_path: Path) -> None:
    timer = FakeTimer("tiles")
    first = calibrate(tmp_path / "new", SHAPES, timer)
    assert timer.runs == len(SHAPES)
    assert set(first.choices.values()) == {"tiles"}
    again = FakeTimer("direct")
    assert calibrate(tmp_path / "new", SHAPES, again) == first
    assert again.runs == 0


def test_the_file_has_the_fields_that_earlier_versions_wrote(tmp_path: Path) -> None:
    calibrate(tmp_path, layer_shapes(), FakeTimer("tiles"))
    document = json.loads(kept_file(tmp_path).read_text("utf-8"))
    assert set(document) == {"machine", "choices", "steady"}
    assert document["choices"]["64 to 128 at 128x96"] == "tiles"


def test_a_narrow_victory_changes_no_pixels(tmp_path: Path) -> None:
    assert set(calibrate(tmp_path, SHAPES, FakeTimer("tiles", 0.97)).choices.values()) == {"direct"}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"choices": 3}',
        lambda data: data | {"machine": {}},
        lambda data: data | {"choices": dict.fromkeys(data["choices"], "magic")},
        lambda data: data | {"choices": {key: ["tiles"] for key in data["choices"]}},
        lambda data: data | {"choices": {}},
        lambda data: data | {"steady": "perhaps"},
    ],
)
def test_a_damaged_file_is_measured_again(tmp_path: Path, damage: object) -> None:
    calibrate(tmp_path, SHAPES, FakeTimer("tiles"))
    path = kept_file(tmp_path)
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        assert callable(damage)
        path.write_text(json.dumps(damage(json.loads(path.read_text("utf-8")))), encoding="utf-8")
    timer = FakeTimer("tiles")
    found = calibrate(tmp_path, SHAPES, timer)
    assert timer.runs == len(SHAPES)
    assert calibrate(tmp_path, SHAPES, FakeTimer("tiles")) == found


def test_a_choice_that_cannot_be_kept_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert calibrate(tmp_path / "file", SHAPES, FakeTimer("tiles")) == default_plan(SHAPES)


def test_another_number_of_threads_is_another_machine() -> None:
    threads = torch.get_num_threads()
    before = machine()
    torch.set_num_threads(threads + 1)
    try:
        assert machine() != before
    finally:
        torch.set_num_threads(threads)


def test_a_plan_takes_the_nearest_size_of_the_same_channels() -> None:
    plan = KernelPlan({LayerShape(8, 8, 10, 10): "packed", LayerShape(8, 8, 100, 100): "tiles"})
    assert plan(LayerShape(8, 8, 12, 12)) == "packed"
    assert plan(LayerShape(8, 8, 900, 900)) == "tiles"
    assert plan(LayerShape(8, 4, 12, 12)) == "direct"


def test_the_backward_pass_takes_the_algorithm_of_the_forward_pass() -> None:
    assert KernelPlan({LayerShape(4, 8, 10, 10): "tiles"})(LayerShape(8, 4, 10, 10)) == "tiles"


def test_equal_choices_have_equal_names_and_others_do_not() -> None:
    tiles, packed = KernelPlan({SMALL: "tiles"}), KernelPlan({SMALL: "packed"})
    assert tiles.name == KernelPlan({SMALL: "tiles"}).name
    assert tiles.name != packed.name
    assert tiles.name.startswith("winograd ")
    assert DIRECT.name == KernelPlan({SMALL: "direct"}).name == "direct"


def ticking(seconds: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += seconds


def test_timing_takes_every_candidate_and_leaves_the_threads_as_they_were() -> None:
    threads = torch.get_num_threads()
    ticks = ticking(0.25)
    found = time_kernels(SMALL, ("direct", "tiles"), lambda: next(ticks))
    assert found == {"direct": 0.25, "tiles": 0.25}
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("seconds", "rounds"), [(SHAPE_SECONDS, 1), (0.0, 5)])
def test_timing_ends_when_its_time_is_up(seconds: float, rounds: int) -> None:
    ticks = ticking(seconds)
    asked = 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        return next(ticks)

    time_kernels(SMALL, ("direct",), clock)
    assert asked == 1 + 3 * rounds


def test_colors_are_fused_where_that_works_without_being_timed(tmp_path: Path) -> None:
    timer, colors = FakeTimer("direct"), LayerShape(3, 64, 16, 16)
    plan = calibrate(tmp_path, [colors], timer)
    assert plan(colors) == ("fused" if fusing_works() else "direct")
    assert timer.runs == 0
