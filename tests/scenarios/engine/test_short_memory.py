"""Memory runs out at any moment: every picture is made or has failed, once, and those made are the same."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.calibration import calibrate
from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.events import Failed, Finished, Request
from pipeline.engine.memory.requirements import need_of, usual_program_bytes
from pipeline.engine.network.vgg import Network, layer_shapes
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.partition import BLOCK_PIXELS
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.evaluation import Evaluation, Targets
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.errors import MemoryShortError, OutOfMemoryError
from pipeline.model import EngineSettings, Painting, Progress, Recipe
from tests.engine.scheduler.test_stylizer import (
    CPU,
    STYLE,
    TINY,
    load_painting,
    only,
    picture,
    request,
    run,
    style_from,
)

RECIPE = Recipe(
    size=48, scales=(32, 48), iterations=4, tolerance=0.0,
    content_layers=(("relu1_1", 1.0),), style_layers=(("relu1_1", 1.0),),
)  # fmt: skip

#: More than any process can address: where the system promises whatever it is asked for, too.
ENDLESS = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (2**24, 2**24, 3))


class Scarce:
    """Memory that runs out by chance, before or after something was done; ``most`` times in all."""

    def __init__(self, seed: int, chance: float, most: int = 1_000_000) -> None:
        self.random = random.Random(seed)
        self.chance = chance
        self.left = most
        self.lock = threading.Lock()

    def take(self) -> None:
        with self.lock:
            if self.left and self.random.random() < self.chance:
                self.left -= 1
                raise torch.OutOfMemoryError("no room")

    def load(self, painting: Painting, long_side: int) -> npt.NDArray[np.uint8]:
        self.take()
        return load_painting(painting, long_side)

    def evaluate(
        self,
        network: Network,
        objective: Objective,
        pictures: Tensor,
        content: Targets,
        style: Targets,
        *,
        in_blocks: InBlocks | None = None,
        guides: Guides | None = None,
    ) -> Evaluation:
        """Judge pictures by how far they are from a gray that the painting's Gram matrix tells."""
        self.take()
        gray = style["style relu1_1"].flatten(1)[:, :3, None].expand(-1, -1, 4).reshape(-1, 3, 4, 1).mean((1, 2, 3))
        distance = pictures - 0.1 * gray.sigmoid().view(-1, 1, 1, 1)
        total = distance.square().flatten(1).sum(1)
        self.take()
        return Evaluation(torch.stack([total, total, total], 1), 2 * distance)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSettings]:
    """Two pictures in parallel, where torch's own convolution allows it: none other is chosen on a busy machine."""
    folder = tmp_path_factory.mktemp("machine")
    with on_threads(2):
        calibrate(folder, layer_shapes(), lambda _shape, names: dict.fromkeys(names, 1.0))
        yield EngineSettings(device="cpu", batch_size=3, machine_folder=folder)


def requests() -> list[Request]:
    kinds = [replace(RECIPE), replace(RECIPE, optimizer="adam", learning_rate=0.02), replace(RECIPE, scales=(48,))]
    return [
        request(str(number), number, kinds[number % 3], style_from(f"s{number % 2}"), height=40 + 8 * (number % 2))
        for number in range(6)
    ]


def outcomes(settings: EngineSettings, memory: Scarce) -> dict[str, bytes | str]:
    stylizer = Stylizer(settings, memory.load, evaluate=memory.evaluate, available=lambda: None)
    waiting, found = requests(), dict[str, bytes | str]()
    for event in stylizer.run(lambda count: [waiting.pop(0) for _ in range(min(count, len(waiting)))]):
        if isinstance(event, Finished | Failed):
            assert event.token not in found
            found[event.token] = _outcome(event)
    assert not waiting
    return found


def _outcome(event: Finished | Failed) -> bytes | str:
    if isinstance(event, Finished):
        pixels: npt.NDArray[Any] = event.pixels
        return pixels.tobytes()
    assert isinstance(event.error, OutOfMemoryError)
    return str(event.error)


@pytest.fixture(scope="module")
def undisturbed(settings: EngineSettings) -> dict[str, bytes | str]:
    found = outcomes(settings, Scarce(0, 0.0))
    assert len(set(found.values())) == 6
    return found


@pytest.mark.parametrize("chance", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("seed", range(8))
def test_every_picture_is_made_as_ever_or_given_up(
    settings: EngineSettings, undisturbed: dict[str, bytes | str], seed: int, chance: float
) -> None:
    found = outcomes(settings, Scarce(seed, chance))
    assert found.keys() == undisturbed.keys()
    for token, outcome in found.items():
        assert outcome == undisturbed[token] or "does not fit into the device's memory, even alone" in str(outcome)


def test_memory_that_runs_out_twice_costs_no_picture(
    settings: EngineSettings, undisturbed: dict[str, bytes | str]
) -> None:
    for seed in range(8):
        assert outcomes(settings, Scarce(seed, 0.1, most=2)) == undisturbed


def test_memory_that_is_never_there_breaks_every_picture(settings: EngineSettings) -> None:
    found = outcomes(settings, Scarce(0, 1.0))
    assert len(found) == 6
    assert all("use a smaller size in recipe 'default'" in str(outcome) for outcome in found.values())


@pytest.fixture(scope="module")
def one() -> Stylizer:
    return Stylizer(CPU, load_painting, available=lambda: None)


def test_a_photo_too_large_for_this_machine_breaks_alone(one: Stylizer) -> None:
    events = run(one, Request("bad", ENDLESS, STYLE, TINY), request("good", recipe=TINY))
    (failed,) = only(events, Failed)
    assert (failed.token, type(failed.error)) == ("bad", OutOfMemoryError)
    assert "48 × 48 pixels" in str(failed.error)
    assert [event.token for event in only(events, Finished)] == ["good"]


def test_a_picture_that_can_not_be_begun_beside_others_is_not_said_to_be_too_large() -> None:
    two = Stylizer(replace(CPU, batch_size=2), load_painting, available=lambda: None)
    events = run(two, request("good", recipe=TINY), Request("bad", ENDLESS, STYLE, TINY))
    (failed,) = only(events, Failed)
    assert (failed.token, type(failed.error)) == ("bad", MemoryShortError)
    assert [event.token for event in only(events, Finished)] == ["good"]


def test_pictures_expected_not_to_fit_together_are_made_one_after_the_other(one: Stylizer) -> None:
    each = need_of(TINY, 40, 48)
    short = Stylizer(replace(CPU, batch_size=3), load_painting, available=lambda: 4 * each)
    requests = [request(token, seed) for seed, token in enumerate("abc")]
    events = run(short, *requests)
    steps = "".join(event.token for event in only(events, Progress))
    assert steps.index("c") == 15
    assert steps[:15] == "ab" * 7 + "a"
    assert all(np.array_equal(picture(events, c.token), picture(run(one, c), c.token)) for c in requests)


LONG = replace(TINY, size=BLOCK_PIXELS + 16, scales=1)


def test_a_picture_expected_not_to_fit_is_made_in_blocks_which_is_noted(one: Stylizer) -> None:
    short = Stylizer(CPU, load_painting, available=lambda: 1)
    long = request("t", recipe=LONG, width=BLOCK_PIXELS + 16, height=32)
    events = run(short, long)
    assert "evaluated in blocks" in only(events, Finished)[0].notes[0]
    assert float(np.abs(picture(events) - picture(run(one, long))).max()) < 0.01


def test_a_picture_of_one_block_is_the_same_where_memory_is_short(one: Stylizer) -> None:
    short = Stylizer(CPU, load_painting, available=lambda: 1)
    events = run(short, request("t"))
    assert only(events, Finished)[0].notes == ()
    assert np.array_equal(picture(events), picture(run(one, request("t"))))


def test_a_size_for_which_blocks_are_planned_is_made_of_the_same_bits_each_time() -> None:
    settings = replace(CPU, memory_bytes=usual_program_bytes() + 100_000_000)
    long = request("t", recipe=LONG, width=BLOCK_PIXELS + 16, height=32)
    first, again = (run(Stylizer(settings, load_painting, available=lambda: None), long) for _ in range(2))
    assert only(first, Finished)[0].notes == ()
    assert np.array_equal(picture(first), picture(again))


def test_where_nobody_knows_how_much_memory_there_is_all_are_let_in() -> None:
    events = run(Stylizer(replace(CPU, batch_size=2), load_painting, available=lambda: None), *map(request, "ab"))
    assert "".join(event.token for event in only(events, Progress)) == "ab" * 8
