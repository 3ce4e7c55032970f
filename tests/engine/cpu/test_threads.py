"""Pictures that are made in parallel share the threads, and are the same as made alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.calibration import KernelPlan, calibrate, default_plan, measure_algorithms
from pipeline.engine.cpu.convolution import ALGORITHMS, Algorithm
from pipeline.engine.cpu.fused import fusing_works
from pipeline.engine.cpu.threads import WorkerThreads, end_helpers, for_each, on_threads, same_bits
from pipeline.engine.cpu.winograd import packing_works
from pipeline.engine.events import Finished
from pipeline.engine.network.vgg import Network, build_convolutions, layer_shapes
from pipeline.engine.network.weights import load_weights
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.partition import is_divided
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.evaluation import evaluate
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.statistics import moments_for
from pipeline.model import (
    DEFAULT_CONTENT_LAYERS,
    DEFAULT_STYLE_LAYERS,
    EngineSettings,
    Recipe,
    StyleLossKind,
    WeightsChoice,
)
from tests.engine.scheduler.test_stylizer import load_painting, request


def test_threads_are_lent_and_given_back() -> None:
    before = torch.get_num_threads()
    with on_threads(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


def test_threads_are_given_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="no"), on_threads(3):
        raise ValueError("no")
    assert torch.get_num_threads() == before


def test_bits_that_depend_on_the_threads_are_noticed() -> None:
    with on_threads(2):
        assert same_bits(lambda: torch.ones(3))
        assert not same_bits(lambda: torch.tensor(torch.get_num_threads()))


def threads_of(workers: WorkerThreads[int]) -> list[int]:
    results = []
    while workers.busy:
        results += workers.finished()
    return results


def test_a_single_worker_works_in_the_calling_thread() -> None:
    with WorkerThreads[int](1) as workers:
        workers.submit(threading.get_ident, waiting=5)
        assert (workers.busy, workers.free) == (1, 0)
        assert workers.finished() == [threading.get_ident()]
        assert (workers.busy, workers.free) == (0, 1)


def test_tasks_run_in_parallel_each_on_its_share_of_the_threads() -> None:
    together = threading.Barrier(2, timeout=30)

    def work() -> int:
        together.wait()
        return torch.get_num_threads()

    with on_threads(4), WorkerThreads[int](2) as workers:
        workers.submit(work, waiting=1)
        workers.submit(work, waiting=0)
        assert workers.free == 0
        assert threads_of(workers) == [2, 2]


def test_a_task_that_is_alone_gets_all_threads() -> None:
    with on_threads(4), WorkerThreads[int](2) as workers:
        workers.submit(torch.get_num_threads, waiting=0)
        assert threads_of(workers) == [4]


def test_a_task_that_is_alone_is_done_in_the_calling_thread() -> None:
    with WorkerThreads[int](2) as workers:
        workers.submit(threading.get_ident, waiting=0)
        assert (workers.busy, workers.free) == (1, 1)
        assert workers.finished() == [threading.get_ident()]
        workers.submit(threading.get_ident, waiting=1)
        assert workers.finished() != [threading.get_ident()]


@pytest.mark.parametrize("waiting", [0, 1])
def test_what_a_task_raises_is_raised_where_it_is_waited_for(waiting: int) -> None:
    def work() -> int:
        raise ValueError("a bug")

    with WorkerThreads[int](2) as workers:
        workers.submit(work, waiting=waiting)
        with pytest.raises(ValueError, match="a bug"):
            workers.finished()


def test_leaving_waits_for_what_is_running() -> None:
    finish = threading.Event()
    done: list[int] = []

    def work() -> int:
        finish.wait(30)
        done.append(1)
        return 1

    with WorkerThreads[int](2) as workers:
        workers.submit(work, waiting=1)
        finish.set()
    assert done == [1]


def test_parts_are_worked_on_in_parallel_each_on_one_thread() -> None:
    together = threading.Barrier(2, timeout=30)
    found: list[tuple[int, int, bool]] = []

    def work(part: int) -> None:
        together.wait()
        found.append((part, torch.get_num_threads(), torch.is_grad_enabled()))

    with on_threads(2):
        for_each(work, range(4))
        assert torch.get_num_threads() == 2
    assert sorted(found) == [(part, 1, False) for part in range(4)]


@pytest.mark.parametrize(("threads", "parts"), [(1, 3), (4, 1), (4, 0)])
def test_parts_that_have_nothing_beside_them_are_worked_on_in_the_calling_thread(threads: int, parts: int) -> None:
    found: list[tuple[int, int]] = []
    with on_threads(threads):
        for_each(lambda _: found.append((threading.get_ident(), torch.get_num_threads())), range(parts))
    assert found == [(threading.get_ident(), threads)] * parts


@pytest.mark.parametrize("by_caller", [True, False])
def test_what_a_part_raises_is_raised_once_no_other_is_worked_on(by_caller: bool) -> None:
    caller, together = threading.get_ident(), threading.Barrier(2, timeout=30)
    done: list[int] = []

    def work(part: int) -> None:
        together.wait()
        if (threading.get_ident() == caller) is by_caller:
            raise ValueError("a bug")
        done.append(part)

    with on_threads(2), pytest.raises(ValueError, match="a bug"):
        for_each(work, range(2))
    assert len(done) == 1


def test_parts_do_not_wait_for_helpers_that_work_for_others() -> None:
    finish, occupied = threading.Event(), threading.Semaphore(0)
    most = os.cpu_count() or 1

    def occupy(_: int) -> None:
        occupied.release()
        finish.wait(30)

    def occupy_all() -> None:
        with on_threads(most + 1):
            for_each(occupy, range(most + 1))

    other = threading.Thread(target=occupy_all)
    other.start()
    for _ in range(most + 1):
        occupied.acquire()
    found: list[int] = []
    with on_threads(2):
        for_each(found.append, range(3))
    finish.set()
    other.join()
    assert found == [0, 1, 2]


def test_helpers_end_when_they_are_told_to_and_come_back_when_they_are_needed() -> None:
    end_helpers()
    running = threading.active_count()
    together = threading.Barrier(2, timeout=30)

    def meet(_: int) -> None:
        together.wait()

    for _ in range(2):
        with on_threads(2):
            for_each(meet, range(2))
        assert threading.active_count() == running + 1
        end_helpers()
        assert threading.active_count() == running


@lru_cache
def whole_network(algorithm: Algorithm) -> Network:
    weights = load_weights(WeightsChoice())
    layers = {layer for layer, _ in (*DEFAULT_CONTENT_LAYERS, *DEFAULT_STYLE_LAYERS)}
    choose = KernelPlan(dict.fromkeys(layer_shapes(), algorithm))
    return Network(weights, layers, convolutions=build_convolutions(weights, torch.device("cpu"), choose=choose))


def one_evaluation(network: Network, shape: tuple[int, int], style_loss: StyleLossKind) -> Tensor:
    """Return the losses and the gradient of an evaluation through the whole network in one tensor.

    Larger pictures are evaluated in blocks.
    """
    objective = objective_of(Recipe(tv_weight=0.1, style_loss=((style_loss, 1.0),)))
    picture = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        target = network.features(picture.flip(3))
    moments = {layer: moments_for([style_loss], target[layer]) for layer, _ in objective.style_layers}
    style = {name: one[None] for name, one in objective.style_targets(moments).items()}
    content = objective.content_targets(target)
    found = evaluate(
        network, objective, picture, content, style, in_blocks=InBlocks() if is_divided(*shape) else None
    )
    return torch.cat([found.losses.flatten(), found.gradients.flatten()])


@lru_cache
def is_said_to_be_thread_independent(algorithm: Algorithm) -> bool:
    """Tell what the program finds out about this machine before it lets pictures be made side by side."""
    with on_threads(2):
        return measure_algorithms(
            layer_shapes(), [algorithm], lambda _shape, names: {"direct": 1.0} | dict.fromkeys(names, 0.5)
        ).thread_independent


@pytest.mark.parametrize(
    ("shape", "style_loss"),
    [
        ((48, 32), "gram"),
        *(((64, 80), loss) for loss in get_args(StyleLossKind)),
        ((144, 112), "wasserstein"),
        ((528, 48), "wasserstein"),
    ],
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_bit_of_an_evaluation_depends_on_the_threads(
    algorithm: Algorithm, shape: tuple[int, int], style_loss: StyleLossKind
) -> None:
    if algorithm == "packed" and not packing_works():
        pytest.skip("this torch has no packed matrices")
    if algorithm == "fused" and not fusing_works():
        pytest.skip("LLVM is not here")
    if not is_said_to_be_thread_independent(algorithm):
        # MKL divides long products among its threads on Intel's processors; pictures are made one by one there.
        pytest.skip("on this processor the program promises nothing about threads")
    work: Callable[[], Tensor] = partial(one_evaluation, whole_network(algorithm), shape, style_loss)
    alone = work()
    for count in (2, 3):
        with on_threads(count):
            assert torch.equal(alone, work())


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> EngineSettings:
    """Return settings for which this machine is measured already; the winner is the same on every one."""
    folder = tmp_path_factory.mktemp("machine")
    with on_threads(2):
        calibrate(
            folder, layer_shapes(), lambda _shape, names: {name: 0.5 if name == "tiles" else 1.0 for name in names}
        )
    return EngineSettings(device="cpu", machine_folder=folder)


@pytest.mark.parametrize(("optimizer", "at_once"), [("lbfgs", 2), ("adam", 3)])
def test_pictures_side_by_side_are_those_made_alone(measured: EngineSettings, optimizer: str, at_once: int) -> None:
    rate = 1.0 if optimizer == "lbfgs" else 0.02
    recipe = Recipe(size=64, scales=(48, 64), iterations=3, tolerance=0, optimizer=optimizer, learning_rate=rate)  # type: ignore[arg-type]
    requests = [request(str(seed), seed, recipe, height=48 + 8 * seed, width=64) for seed in range(3)]

    def pictures(batch_size: int) -> dict[str, bytes]:
        with on_threads(2):
            stylizer = Stylizer(replace(measured, batch_size=batch_size), load_painting)
            waiting = list(requests)
            events = list(stylizer.run(lambda count: [waiting.pop(0) for _ in range(min(count, len(waiting)))]))
        return {event.token: np.asarray(event.pixels).tobytes() for event in events if isinstance(event, Finished)}

    alone = pictures(1)
    assert len(alone) == 3
    assert pictures(at_once) == alone


def test_a_plan_nothing_was_measured_for_promises_nothing_about_threads() -> None:
    assert not default_plan(layer_shapes()).thread_independent
