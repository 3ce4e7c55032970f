"""(n) Large pictures: an evaluation in blocks against the same one of the whole picture, and seconds a megapixel.

Both evaluate the same pixels, the photo with some noise, by turns. Seams would show as pixels at a block's border
whose gradient is larger or smaller than elsewhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.calibration import calibrate
from pipeline.engine.memory.requirements import LEAST, PLAIN, need_at
from pipeline.engine.network.architecture import GRID
from pipeline.engine.network.vgg import Network, build_convolutions, layer_shapes
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.blocks.partition import equal_parts, stages_of
from pipeline.engine.transfer.blocks.passing import features_in_blocks
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.evaluation import Evaluation, Targets, evaluate
from pipeline.engine.transfer.geometry import resample, to_tensor
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.statistics import moments_for
from pipeline.images.decode import decode, decode_painting
from pipeline.model import Recipe, WeightsChoice
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, seconds

TITLE = "n. Large pictures"

_NOISE: Final = 0.05
# A whole picture is evaluated beside one in blocks up to so many bytes.
_WHOLE_BYTES: Final = 9e9


@dataclass(frozen=True, eq=False)
class _Case:
    """A picture (1, 3, H, W), and how it is evaluated."""

    picture: Tensor
    evaluate: Callable[[bool], Evaluation]

    @property
    def megapixels(self) -> float:
        """Return how many it has."""
        return self.picture[0, 0].numel() / 1e6


def rows(subjects: Subjects) -> list[Row]:
    """Return a row for each size, and one for what is left of the blocks' borders in a gradient."""
    weights = load_weights(WeightsChoice())
    plan = calibrate(subjects.folder / "machine", layer_shapes())
    recipe = Recipe()
    objective = objective_of(recipe)
    layers = {layer for layer, _ in (*objective.content_layers, *objective.style_layers)}
    network = Network(weights, layers, convolutions=build_convolutions(weights, torch.device("cpu"), choose=plan))
    photo = to_tensor(decode(subjects.photos[0].read_bytes(), long_side=2048, max_pixels=10**9).pixels)
    style = _style(network, recipe, subjects.paintings[0])
    megapixels = (0.25, 0.5) if subjects.quick else (0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
    found = []
    for wanted in megapixels:
        subjects.tell(f"{wanted:g} megapixels")
        found += _row(_case(network, recipe, resample(photo, _sides(photo, wanted)).clamp(0, 1), style), recipe)
    return found


def _sides(photo: Tensor, megapixels: float) -> tuple[int, int]:
    """Return height and width of so many pixels in the photo's proportions, as the network takes them."""
    height, width = photo.shape[2:]
    factor = math.sqrt(megapixels * 1e6 / (height * width))
    return round(height * factor / GRID) * GRID, round(width * factor / GRID) * GRID


def _style(network: Network, recipe: Recipe, painting: Path) -> dict[str, Tensor]:
    objective = objective_of(recipe)
    picture = to_tensor(decode_painting(painting))
    picture = resample(picture, tuple(min(1024, side) for side in picture.shape[2:])).clamp(0, 1)  # type: ignore[arg-type]
    with torch.no_grad():
        features = network.features(picture)
    losses = [loss for loss, _ in recipe.style_losses]
    moments = {layer: moments_for(losses, features[layer]) for layer, _ in objective.style_layers}
    return {name: target[None] for name, target in objective.style_targets(moments).items()}


def _case(network: Network, recipe: Recipe, photo: Tensor, style: Targets) -> _Case:
    objective = objective_of(recipe)
    features = features_in_blocks(network, photo, {layer for layer, _ in objective.content_layers})
    content = objective.content_targets({**features, PIXELS: photo})
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    picture = (photo + _NOISE * noise).clamp(0, 1)
    return _Case(
        picture,
        lambda in_blocks: evaluate(
            network, objective, picture, content, style, in_blocks=InBlocks() if in_blocks else None
        ),
    )


def _row(case: _Case, recipe: Recipe) -> list[Row]:
    pixels = case.picture[0, 0].numel()
    height, width = case.picture.shape[2:]
    whole_fits = need_at(recipe, pixels, PLAIN) < _WHOLE_BYTES
    times: dict[bool, list[float]] = {True: [], False: []}
    found: dict[bool, Evaluation] = {}
    for _ in range(3 if case.megapixels < 4 else 1):
        for in_blocks in (True, False) if whole_fits else (True,):
            began = time.perf_counter()
            found[in_blocks] = case.evaluate(in_blocks)
            times[in_blocks].append(time.perf_counter() - began)
    taken = median(times[True])
    memory = need_at(recipe, pixels, LEAST) / 1e9
    what = f"{width} × {height}, {case.megapixels:.2g} megapixels: an evaluation in blocks; a megapixel; memory"
    ours = f"{seconds(taken)}; {seconds(taken / case.megapixels)}; {memory:.1f} GB"
    if not whole_fits:
        return [Row(what, ours)]
    difference = (found[True].gradients - found[False].gradients).norm() / found[False].gradients.norm()
    whole = median(times[False])
    row = Row(what, ours, f"whole {seconds(whole)}", f"{taken / whole:.2f}")
    seams = Row(
        f"{width} × {height}: gradient in blocks against the whole; at the blocks' borders against elsewhere",
        f"{float(difference):.1e}; {border_energy(found[True].gradients, case.picture.shape[2:]):.4f}",
        f"whole, at the same pixels {border_energy(found[False].gradients, case.picture.shape[2:]):.4f}",
    )
    return [row, seams]


def border_energy(gradients: Tensor, sides: tuple[int, ...]) -> float:
    """Return the mean square of gradients (1, 3, H, W) beside the borders of blocks by that of all others.

    1.0 where a picture of these ``sides`` has one block.
    """
    first = stages_of([("conv1_1",), ("conv2_1",), ("conv3_1",)])[0]
    at_border = torch.zeros(sides, dtype=torch.bool)
    for axis, side in enumerate(sides):
        for before, _ in list(pairwise(equal_parts(side, first)))[1:]:
            at_border.index_fill_(axis, torch.tensor([before - 1, before]), True)
    if not at_border.any():
        return 1.0
    squares = gradients[0].square().sum(0)
    return float(squares[at_border].mean() / squares[~at_border].mean())
