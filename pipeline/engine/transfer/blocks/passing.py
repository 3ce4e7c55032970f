"""Passes the network forward block by block, without gradients."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from pipeline.engine.network.architecture import reduction_of
from pipeline.engine.network.vgg import Network
from pipeline.engine.transfer.blocks.partition import Block, Box, Divide, Stage, blocks_of, equal_parts, stages_of

#: Takes a layer's features (B, C, h, w) in a block, and where in the layer these are.
Take = Callable[[str, Tensor, Box], None]
#: Called after each block of a stage; what it raises ends the work.
Passed = Callable[[Stage, Block], None]


def nobody(_stage: Stage, _block: Block) -> None:
    """Stand for those who want to hear of no block."""


def run_block(network: Network, stage: Stage, block: Block, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the block's own part of the stage's output, and of the features of its layers in use.

    ``x`` (B, C, h, w) is the part of the stage's input that the block sees.
    """
    if stage.reduction == 1:
        x = network.normalized(x)
    found: dict[str, Tensor] = {}
    for names in stage.segments:
        x, features = network.segment(names, x)
        found |= features
    core = block.core.inside(block.seen)
    own = {layer: found[layer][core.reduced(stage.factor_of(layer)).slices] for layer in found}
    return x[core.reduced(stage.grid).slices], own


@torch.no_grad()
def pass_stage(
    network: Network, stage: Stage, x: Tensor, take: Take, divide: Divide, passed: Passed = nobody
) -> Tensor:
    """Return the stage's output for its whole input ``x`` (B, C, h, w); of the last stage an empty tensor."""
    height, width = x.shape[2:]
    whole = x.new_empty(0)
    for block in blocks_of(stage, height, width, divide):
        output, features = run_block(network, stage, block, seen_by(block, x))
        for layer, own in features.items():
            take(layer, own, block.core.reduced(stage.factor_of(layer)))
        if not (stage.is_last or whole.numel()):
            shape = (*output.shape[:2], height // stage.grid, width // stage.grid)
            whole = torch.empty(shape, dtype=output.dtype, device=output.device, memory_format=torch.channels_last)
        if not stage.is_last:
            whole[block.core.reduced(stage.grid).slices] = output
        passed(stage, block)
    return whole


def pass_network(
    network: Network, pictures: Tensor, take: Take, divide: Divide = equal_parts, passed: Passed = nobody
) -> None:
    """Give ``take`` all features of pictures (B, 3, H, W), RGB 0..1, block by block."""
    x = pictures
    for stage in stages_of(network.segments):
        x = pass_stage(network, stage, x, take, divide, passed)


@torch.no_grad()
def features_in_blocks(
    network: Network, pictures: Tensor, layers: Collection[str], passed: Passed = nobody
) -> dict[str, Tensor]:
    """Return the whole features (B, C, h, w) of some layers, computed block by block."""
    found: dict[str, Tensor] = {}

    def take(layer: str, features: Tensor, box: Box) -> None:
        if layer not in layers:
            return
        if layer not in found:
            sides = (side // reduction_of(layer) for side in pictures.shape[2:])
            found[layer] = features.new_empty(*features.shape[:2], *sides)
        found[layer][box.slices] = features

    pass_network(network, pictures, take, passed=passed)
    return found


def seen_by(block: Block, x: Tensor) -> Tensor:
    """Return the part of a stage's input that a block sees, in memory of its own."""
    return x[block.seen.slices].contiguous(memory_format=torch.channels_last)
