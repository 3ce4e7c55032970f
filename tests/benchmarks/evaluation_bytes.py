"""Measures what :mod:`pipeline.engine.memory.requirements` predicts.

Run ``python -m tests.benchmarks.evaluation_bytes [SIDE]``. Prints the bytes a pixel that one evaluation of a picture,
and the search for a painting's targets, took at most, for several choices of layers. Linux only.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipeline.engine.cpu.calibration import default_plan
from pipeline.engine.cpu.convolution import Convolution
from pipeline.engine.memory.requirements import bytes_in_blocks, evaluation_bytes, target_bytes
from pipeline.engine.network.vgg import Network, build_convolutions, layer_shapes
from pipeline.engine.network.weights import Weights, load_weights
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.evaluation import evaluate
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.statistics import STATISTICS, moments_for
from pipeline.model import LAYERS, Recipe, WeightsChoice

_MMAP_THRESHOLD = -3

_FIRST = ("relu1_1", 1.0)
RECIPES = {
    "default": Recipe(),
    "all layers": Recipe(style_layers=tuple((layer, 1.0) for layer in LAYERS), content_layers=(_FIRST,)),
    "relu1_2": Recipe(style_layers=(_FIRST, ("relu1_2", 1.0)), content_layers=()),
    "conv1_1 and conv1_2": Recipe(style_layers=(("conv1_1", 1.0), ("conv1_2", 1.0)), content_layers=(_FIRST,)),
    "relu2_2": Recipe(style_layers=(_FIRST, ("relu2_2", 1.0)), content_layers=()),
    "mean_std": Recipe(style_loss=(("mean_std", 1.0),)),
    "gram": Recipe(style_loss=(("gram", 1.0),)),
    "sliced_wasserstein": Recipe(style_loss=(("sliced_wasserstein", 1.0),)),
    "relu3_1": Recipe(style_layers=(_FIRST, ("relu3_1", 1.0)), content_layers=()),
}


def bytes_a_pixel(
    recipe: Recipe, weights: Weights, convolutions: Mapping[str, Convolution], side: int
) -> Iterator[tuple[str, float, float]]:
    """Return for each way: its name, the bytes a pixel it took, and those predicted."""
    objective = objective_of(recipe)
    kept, styled = ({layer for layer, _ in pairs} for pairs in (objective.content_layers, objective.style_layers))
    network = Network(weights, kept | styled, convolutions=convolutions)
    small, large = torch.rand(1, 3, 64, 64), torch.rand(1, 3, side, side)

    def statistics(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
        losses = [loss for loss, _ in recipe.style_losses]
        terms = [term for term in objective.style_terms if term.layer in found]
        return {
            term.name: STATISTICS[term.loss].target(moments_for(losses, found[term.layer]))[None] for term in terms
        }

    def style(picture: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return network.forward(picture, statistics)

    def content(picture: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return network.forward(picture, objective.content_targets)

    targets = style(small)
    evaluate(network, objective, small, content(small), targets)  # makes the kernels
    yield "targets", _most_bytes(lambda: style(large)) / side**2, target_bytes(1)
    near = content(large)
    for in_blocks in (False, True):

        def once(in_blocks: bool = in_blocks) -> object:
            return evaluate(network, objective, large, near, targets, in_blocks=InBlocks() if in_blocks else None)

        predicted = bytes_in_blocks(side**2, recipe) if in_blocks else evaluation_bytes(side**2, kept | styled)
        yield "in blocks" if in_blocks else "plainly", _most_bytes(once) / side**2, predicted / side**2


def _most_bytes(work: Callable[[], object]) -> int:
    """Return by how much the resident memory grew at most while ``work`` was done."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forgets the peak so far
    before = _peak_bytes()
    work()
    return _peak_bytes() - before


def _peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def main(side: int) -> None:
    ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 65536)  # what is freed is gone at once
    weights = load_weights(WeightsChoice())
    convolutions = build_convolutions(weights, torch.device("cpu"), choose=default_plan(layer_shapes()))
    for name, recipe in RECIPES.items():
        for way, taken, predicted in bytes_a_pixel(recipe, weights, convolutions, side):
            print(f"{name}, {way}: {taken:,.0f} bytes a pixel, predicted {predicted:,.0f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 768)
