"""A stop ends an evaluation in blocks after the current block; nothing is lost but that evaluation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.engine.cpu.calibration import calibrate
from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.events import CheckpointReady, Event, Finished, Request, Resumed, RunControl
from pipeline.engine.network.vgg import layer_shapes
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.partition import BLOCK_PIXELS
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.evaluation import Evaluation
from pipeline.engine.transfer.guides import Guides
from pipeline.model import EngineSettings, Progress
from tests.engine.scheduler.test_stylizer import CPU, TINY, Source, load_painting, only, request, run

#: Memory for nothing, so that whatever has several blocks is evaluated in blocks.
SHORT = replace(CPU, memory_bytes=1)

LONG_SIDE = BLOCK_PIXELS + 16

RECIPE = replace(TINY, size=LONG_SIDE, scales=(64, LONG_SIDE), iterations=3, content_layers=(("relu3_1", 1.0),))


def long_request(token: str, seed: int = 0) -> Request:
    """Return a picture that has two blocks at its last size."""
    return request(token, seed, RECIPE, width=LONG_SIDE, height=32)


class StopsAtBlock:
    """Suspends the run once so many blocks were told of, whichever pictures they are of."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self.told: list[tuple[str, float]] = []
        self.control = RunControl(
            suspend=lambda: len(self.told) >= self.blocks,
            on_share=lambda token, share: self.told.append((token, share)),
        )


def run_under(stylizer: Stylizer, control: RunControl, *requests: Request) -> list[Event]:
    return list(stylizer.run(Source(requests), control))


def resumable(events: Sequence[Event], requests: Sequence[Request], folder: Path) -> list[Request]:
    """Return the requests with their last checkpoints."""
    kept = {event.token: event for event in only_checkpoints(events) if event.last}
    for token, checkpoint in kept.items():
        checkpoint.save(folder / f"{token}.safetensors", 1.0)
    return [replace(each, checkpoint=folder / f"{each.token}.safetensors") for each in requests]


def only_checkpoints(events: Sequence[Event]) -> list[CheckpointReady]:
    return [event for event in events if isinstance(event, CheckpointReady)]


def pictures(events: Sequence[Event]) -> dict[str, Any]:
    return {event.token: event for event in only(events, Finished)}


def assert_same_picture(found: Finished, whole: Finished) -> None:
    assert np.array_equal(found.pixels, whole.pixels)
    assert (found.iterations, found.first, found.last, found.history) == (
        whole.iterations,
        whole.first,
        whole.last,
        whole.history,
    )


@pytest.fixture(scope="module")
def short() -> Stylizer:
    return Stylizer(SHORT, load_painting)


def test_a_picture_of_two_blocks_stopped_after_any_block_is_the_same(short: Stylizer, tmp_path: Path) -> None:
    wanted, whole_run = long_request("t"), StopsAtBlock(10_000)
    run(short, wanted)  # now it remembers what the painting looks like
    whole = run_under(short, whole_run.control, wanted)
    (finished,), evaluated = only(whole, Finished), only(whole, Progress)
    shares = [share for _, share in whole_run.told]
    assert shares.count(0.0) >= 2, "of its targets"
    assert sum(share > 0.999 for share in shares) == 3, "one for each evaluation in blocks"
    evaluations = set[int]()
    for blocks in range(1, len(shares), 2):
        stops = StopsAtBlock(blocks)
        stopped = run_under(short, stops.control, wanted)
        assert len(stops.told) == blocks, "no block more"
        (last,) = only_checkpoints(stopped)
        assert last.last
        assert last.evaluations == len(only(stopped, Progress))
        evaluations.add(last.evaluations)
        (again,) = resumable(stopped, [wanted], tmp_path)
        rest = run(short, again)
        assert only(rest, Progress) == evaluated[last.evaluations :]
        assert_same_picture(only(rest, Finished)[0], finished)
    # Before the first one, before the last one of the first size, to which the next size's targets belong, and then
    # before and after each.
    assert evaluations == {0, 2, 3, 4, 5}


class Gray:
    """Judges pictures by how far they are from gray, in four blocks of so many seconds."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self, *given: Any, in_blocks: InBlocks | None = None, guides: Guides | None = None) -> Evaluation:
        pictures = given[2]
        for block in range(4 if in_blocks is not None else 0):
            time.sleep(self.seconds)
            assert in_blocks is not None
            in_blocks.after_block((block + 1) / 4)
        distance = pictures - 0.5
        total = totals(distance.square())
        return Evaluation(torch.stack([total, total, total], 1), 2 * distance)


@pytest.fixture
def two_at_once(tmp_path: Path) -> EngineSettings:
    """Two pictures in parallel, where torch's own convolution allows it: none other is chosen on a busy machine."""
    calibrate(tmp_path / "machine", layer_shapes(), lambda _shape, names: dict.fromkeys(names, 1.0))
    return EngineSettings(device="cpu", batch_size=2, machine_folder=tmp_path / "machine")


def begun_in_blocks(settings: EngineSettings, tmp_path: Path) -> list[Request]:
    """Return two pictures in blocks with checkpoints, after four evaluations of each.

    A size stays as it was planned, also where there is enough memory for two pictures.
    """
    short = Stylizer(replace(settings, memory_bytes=1), load_painting, evaluate=Gray())
    wanted = [long_request("a"), long_request("b", seed=1)]
    begun = []
    for each in wanted:
        reported: list[Event] = []
        control = RunControl(suspend=lambda reported=reported: len(only(reported, Progress)) >= 4)  # type: ignore[misc]
        for event in short.run(Source([each]), control):
            reported.append(event)
        begun += resumable(reported, [each], tmp_path)
    return begun


def test_pictures_that_are_evaluated_in_parallel_are_all_stopped_and_the_same(
    two_at_once: EngineSettings, tmp_path: Path
) -> None:
    with on_threads(2):
        begun = begun_in_blocks(two_at_once, tmp_path)
        engine = Stylizer(two_at_once, load_painting, evaluate=Gray(0.02), available=lambda: None)
        whole = run(engine, *begun)
        assert len([event for event in whole if isinstance(event, Resumed)]) == 2
        wholes = pictures(whole)
        for blocks in (1, 4, 7, 11):
            stops = StopsAtBlock(blocks)
            stopped = run_under(engine, stops.control, *begun)
            assert len(stops.told) <= blocks + 1, "each ends after its current block"
            kept = only_checkpoints(stopped)
            assert [each.last for each in kept] == [True, True]
            reported = [each.token for each in only(stopped, Progress)]
            assert {each.token: each.evaluations - 4 for each in kept} == {
                each.token: reported.count(each.token) for each in kept
            }
            (tmp_path / str(blocks)).mkdir()
            rest = run(engine, *resumable(stopped, begun, tmp_path / str(blocks)))
            assert {each.token: each.evaluations for each in rest if isinstance(each, Resumed)} == {
                each.token: each.evaluations for each in kept
            }
            found = pictures(rest)
            assert found.keys() == {"a", "b"}
            for token in found:
                assert_same_picture(found[token], wholes[token])


def test_a_run_that_is_left_does_not_wait_for_the_evaluations_of_others(
    two_at_once: EngineSettings, tmp_path: Path
) -> None:
    with on_threads(2):
        begun = begun_in_blocks(two_at_once, tmp_path)
        engine = Stylizer(two_at_once, load_painting, evaluate=Gray(1.0), available=lambda: None)
        events = engine.run(Source(begun))
        assert [type(next(events)) for _ in begun] == [Resumed] * 2
        assert isinstance(next(events), Progress)
        left = time.monotonic()
        events.close()
    assert time.monotonic() - left < 3.0, "the other picture's evaluation would take four seconds"


def test_what_was_stopped_before_its_first_evaluation_begins_anew(short: Stylizer) -> None:
    stops = StopsAtBlock(1)
    whole = replace(RECIPE, scales=1)
    (last,) = only_checkpoints(run_under(short, stops.control, request("t", 0, whole, width=LONG_SIDE, height=32)))
    assert (last.evaluations, last.iteration, last.last) == (0, 0, True)
