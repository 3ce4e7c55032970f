"""(c) The convolutions' rate against the machine's own for large matrix products, and against plain torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.network.weights import Weights, load_weights
from pipeline.engine.transfer.geometry import network_geometry, to_network, to_tensor
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.statistics.moments import moments_of
from pipeline.model import Recipe, WeightsChoice
from tests.benchmarks.arithmetic import convolution_flops, matrix_rate
from tests.benchmarks.engine_loop import EngineLoop
from tests.benchmarks.profile import profiled
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, percent

TITLE = "c. Rate of the convolutions"


def rows(subjects: Subjects) -> list[Row]:
    """Measure matrix products, the engine's evaluations and plain torch's in turns, and compare the medians."""
    rounds = 3 if subjects.quick else 12
    loop = EngineLoop(subjects, 2 * rounds + 10)
    photo = to_tensor(loop.photo)
    pixels = to_network(photo, network_geometry(*photo.shape[2:]))
    plain = partial(_timed, plain_evaluation(load_weights(WeightsChoice()), pixels))
    loop.seconds(), loop.seconds(), plain()
    measured = [(matrix_rate(), loop.seconds(), plain()) for _ in range(rounds)]
    of_matrices, ours, of_plain = (median(column) for column in zip(*measured, strict=True))
    profile = profiled(loop.seconds, 3 if subjects.quick else 6)
    alone = ours * (1 - profile.share_outside)
    flops = convolution_flops(*pixels.shape[2:])
    peak = f"{of_matrices / 1e9:.0f} GFLOP/s, matrix products of 2048 × 2048"
    return [
        Row(f"convolutions through relu5_1 and back, {pixels.shape[3]} × {pixels.shape[2]}",
            f"{flops / alone / 1e9:.0f} GFLOP/s", peak, percent(flops / alone / of_matrices), "85 %"),
        Row("the whole evaluation, optimizer included",
            f"{flops / ours / 1e9:.0f} GFLOP/s, {ours:.3f} s", peak, percent(flops / ours / of_matrices)),
        Row("the whole evaluation against plain torch's",
            f"{ours:.3f} s", f"{of_plain:.3f} s, no optimizer", f"{of_plain / ours:.2f}×", "2.3×"),
    ]  # fmt: skip


def plain_evaluation(weights: Weights, pixels: Tensor) -> Callable[[], Tensor]:
    """Return what anybody would write: conv2d, relu and pooling, the losses of Gatys at default layers, and autograd.

    ``pixels`` (1, 3, H, W), RGB 0..1, are the photo; the style's target is its own too, which takes as long.
    """
    recipe = Recipe()
    objective = Objective(recipe.content_layers, recipe.style_layers, recipe.content_weight, 1.0, 0.0, "relative")
    mean, deviation = (torch.tensor(part).view(1, 3, 1, 1) for part in (weights.mean, weights.deviation))

    def features(picture: Tensor) -> dict[str, Tensor]:
        x, found = (picture - mean) / deviation, {}
        for name, (weight, bias) in weights.convolutions.items():
            if name.endswith("_1") and name != "conv1_1":
                x = nn.max_pool2d(x, 2)
            x = nn.relu(nn.conv2d(x, weight, bias, padding=1))
            found[name.replace("conv", "relu")] = x
            if name == "conv5_1":
                break
        return found

    with torch.no_grad():
        found = features(pixels)
        content = objective.content_targets(found)
        moments = {layer: moments_of(found[layer]) for layer, _ in objective.style_layers}
        style = {name: target[None] for name, target in objective.style_targets(moments).items()}

    def evaluate() -> Tensor:
        picture = (pixels * 0.9).requires_grad_()
        losses = objective.total(picture, objective.compare(features(picture), content, style))
        return torch.autograd.grad(losses.total.sum(), picture)[0]

    return evaluate


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
