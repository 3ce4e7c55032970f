"""What only a GPU can prove: ``pytest -m gpu`` on a machine with a CUDA device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.engine.devices import to_device
from pipeline.engine.events import Failed, Finished
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.model import EngineSettings, Occupancy, Recipe
from tests.engine.scheduler.test_stylizer import CPU, TINY, load_painting, only, picture, request, run
from tests.scenarios.engine.test_by_place import requests as requests_by_place

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def cuda() -> Iterator[Stylizer]:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    yield Stylizer(EngineSettings(device="cuda"), load_painting)
    torch.cuda.empty_cache()


def test_it_takes_many_canvases_and_makes_nearly_the_same_picture(cuda: Stylizer) -> None:
    assert cuda.capacity > 1
    difference = picture(run(cuda, request("t"))) - picture(run(Stylizer(CPU, load_painting), request("t")))
    assert np.abs(difference).mean() < 0.03


def test_it_is_named_with_its_precision(cuda: Stylizer) -> None:
    assert torch.cuda.get_device_name() in cuda.device_name
    assert "bfloat16" in cuda.device_name


def test_matrix_products_may_use_tensor_cores(cuda: Stylizer) -> None:
    assert cuda.capacity
    assert torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_copies_arrive_whole(cuda: Stylizer) -> None:
    assert cuda.capacity
    numbers = torch.arange(3_000_000, dtype=torch.float32)
    assert torch.equal(to_device(numbers, torch.device("cuda")).cpu(), numbers)


def test_canvases_of_one_kind_are_evaluated_at_once(cuda: Stylizer) -> None:
    requests = [request(str(seed), seed) for seed in range(8)]
    events = run(cuda, *requests)
    assert len(only(events, Finished)) == 8
    (reported, *_) = only(events, Occupancy)
    # All eight end at the same evaluation: one step an evaluation, not one a picture.
    assert reported.offered == sum(TINY.iterations_by_scale()) * cuda.capacity


@pytest.mark.parametrize("loss", ["relative", "gatys", "tensorflow"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_every_loss_goes_down(cuda: Stylizer, loss: str, optimizer: str) -> None:
    rate = {"lbfgs": 1.0, "adam": 0.01, "sgd": 0.002}[optimizer]
    changes = {"loss": loss, "optimizer": optimizer, "learning_rate": rate, "scales": 1, "iterations": 8}
    (finished,) = only(run(cuda, request("t", recipe=replace(TINY, **changes))), Finished)  # type: ignore[arg-type]
    assert finished.last.total < 0.8 * finished.first.total


def test_a_picture_leaves_no_memory_behind(cuda: Stylizer) -> None:
    recipe = Recipe(size=256, scales=1, iterations=3)
    run(cuda, request("first", recipe=recipe, height=192, width=256))
    before = torch.cuda.memory_allocated()
    for number in range(5):
        run(cuda, request(str(number), number, recipe, height=192, width=256))
    assert torch.cuda.memory_allocated() <= before


def test_want_of_memory_halves_the_batch_and_loses_no_picture() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    greedy = Stylizer(EngineSettings(device="cuda", batch_size=8), load_painting)
    torch.cuda.empty_cache()
    in_use, all_bytes = torch.cuda.memory_reserved(), torch.cuda.get_device_properties(0).total_memory
    # Room for about two pictures of 1,024 pixels.
    torch.cuda.set_per_process_memory_fraction(min(1.0, (in_use + 4e9) / all_bytes))
    try:
        recipe = Recipe(size=1024, scales=1, iterations=2)
        events = run(greedy, *(request(str(seed), seed, recipe, height=768, width=1024) for seed in range(8)))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert only(events, Failed) == []
    assert len(only(events, Finished)) == 8


def test_pictures_by_place_are_nearly_the_same_too(cuda: Stylizer) -> None:
    made = run(cuda, *(each for each in requests_by_place() if each.token != "plain"))
    for each in requests_by_place():
        if each.token != "plain":
            alone = picture(run(Stylizer(CPU, load_painting), each), each.token)
            assert np.abs(picture(made, each.token) - alone).mean() < 0.03


def test_a_picture_in_blocks_is_nearly_the_whole_one(cuda: Stylizer) -> None:
    recipe = Recipe(size=1040, scales=1, iterations=4)
    large = request("t", recipe=recipe, height=784, width=1040)
    in_blocks = Stylizer(EngineSettings(device="cuda", memory_bytes=10**9), load_painting)
    difference = picture(run(in_blocks, large)) - picture(run(cuda, large))
    assert np.abs(difference).mean() < 0.01
