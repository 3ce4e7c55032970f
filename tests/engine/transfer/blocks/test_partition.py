"""Every position is in one block, blocks see what their features reach, and stages are as deep as the network."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from pipeline.engine.network.architecture import CONVOLUTIONS, block_of
from pipeline.engine.transfer.blocks.partition import (
    BLOCK_PIXELS,
    Box,
    blocks_of,
    equal_parts,
    is_divided,
    stages_of,
)

SEGMENTS = [tuple(name for name in CONVOLUTIONS if block_of(name) == block) for block in range(1, 6)]


def test_a_box_is_reduced_widened_and_counted_from_another_ones_corner() -> None:
    box = Box(8, 24, 16, 32)
    assert box.reduced(4) == Box(2, 6, 4, 8)
    assert box.widened(8, 28, 100) == Box(0, 28, 8, 40)
    assert box.inside(Box(0, 28, 8, 40)) == Box(8, 24, 8, 24)
    assert torch.zeros(1, 3, 40, 50)[box.slices].shape == (1, 3, 16, 16)


def test_stages_have_the_margin_that_their_convolutions_reach() -> None:
    stages = stages_of(SEGMENTS)
    assert [len(stage.segments) for stage in stages] == [2, 1, 1, 1]
    assert [stage.reduction for stage in stages] == [1, 4, 8, 16]
    assert [stage.grid for stage in stages] == [4, 2, 2, 1]
    # 2 convolutions reach 2 pixels, 1 after pooling, 2 more 3, and 2 after pooling, of 4 pixels each.
    assert [stage.margin for stage in stages] == [8, 4, 4, 4]
    assert [stage.is_last for stage in stages] == [False, False, False, True]


def test_a_shallow_network_has_one_stage_which_is_the_last() -> None:
    (stage,) = stages_of([SEGMENTS[0], SEGMENTS[1][:1]])
    assert (stage.grid, stage.margin, stage.is_last) == (2, 4, True)
    (stage,) = stages_of([SEGMENTS[0][:1]])
    assert (stage.grid, stage.margin, stage.is_last) == (1, 1, True)
    assert stage.factor_of("relu1_1") == 1


@pytest.mark.parametrize("side", [32, 48, 512, 528, 1008, 1536, 2000, 6000])
def test_parts_are_equal_up_to_a_step_of_the_grid_and_as_few_as_possible(side: int) -> None:
    for stage in stages_of(SEGMENTS):
        length = side // 16 * 16 // stage.reduction
        cuts = equal_parts(length, stage)
        parts = [after - before for before, after in pairwise(cuts)]
        assert (cuts[0], cuts[-1]) == (0, length)
        assert max(parts) - min(parts) <= stage.grid
        assert all(part % stage.grid == 0 for part in parts)
        most = BLOCK_PIXELS * (1 if stage.reduction == 1 else 2) // stage.reduction
        assert max(parts) <= most
        assert len(parts) == -(-length // most)


def test_every_position_is_in_one_core_which_is_in_what_its_block_sees() -> None:
    stage = stages_of(SEGMENTS)[0]
    found = torch.zeros(1, 1, 96, 128)
    for block in blocks_of(stage, 96, 128, lambda side, _: [0, 32, 36, side]):
        found[block.core.slices] += 1
        assert block.core.inside(block.seen) == Box(
            min(8, block.core.top),
            min(8, block.core.top) + block.core.bottom - block.core.top,
            min(8, block.core.left),
            min(8, block.core.left) + block.core.right - block.core.left,
        )
    assert bool((found == 1).all())


def test_a_picture_no_larger_than_a_block_is_not_divided() -> None:
    assert not is_divided(BLOCK_PIXELS, BLOCK_PIXELS)
    assert is_divided(BLOCK_PIXELS + 16, 32)
    assert is_divided(32, BLOCK_PIXELS + 16)
