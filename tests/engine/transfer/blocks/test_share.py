"""The share of an evaluation in blocks grows with each block, by how long a block takes."""

from __future__ import annotations

import pytest

from pipeline.engine.network.architecture import convolutions_through
from pipeline.engine.transfer.blocks.partition import Stage, blocks_of, equal_parts, stages_of
from pipeline.engine.transfer.blocks.share import InBlocks, ShareDone

HEIGHT, WIDTH = 1040, 528

STAGES = stages_of([("conv1_1", "conv1_2"), ("conv2_1", "conv2_2"), ("conv3_1",), ("conv4_1", "conv4_2", "conv4_3")])


def shares(stages: tuple[Stage, ...], count: int = 1) -> list[list[float]]:
    """Return what is told in each pass through each stage, of ``count`` pictures."""
    told: list[float] = []
    done = ShareDone(stages, HEIGHT, WIDTH, told.append, count=count)
    found = []
    for _ in range(count):
        for passed, order in ((done.forward, stages), (done.backward, stages[::-1])):
            for stage in order:
                told.clear()
                for block in blocks_of(stage, HEIGHT // stage.reduction, WIDTH // stage.reduction, equal_parts):
                    passed(stage, block)
                found.append(list(told))
    return found


def test_the_share_grows_with_each_block_and_is_whole_after_the_last_one() -> None:
    told = [share for each in shares(STAGES) for share in each]
    assert told == sorted(told)
    assert len(set(told)) == len(told) == 2 * (6 + 2 + 2)
    assert told[0] > 0
    assert told[-1] == pytest.approx(1.0)
    assert max(told) <= 1.0


def test_the_first_stage_is_half_of_it_and_the_pass_with_gradients_two_thirds() -> None:
    ends = [each[-1] for each in shares(STAGES)]
    assert ends == pytest.approx([1 / 6, 1 / 6 + 1 / 24, 1 / 3, 1 / 3 + 1 / 4, 1 / 3 + 1 / 4 + 1 / 12, 1.0])


def test_a_network_of_one_stage_is_all_of_it() -> None:
    stages = stages_of([tuple(convolutions_through(["relu1_2"]))])
    assert [each[-1] for each in shares(stages)] == pytest.approx([1 / 3, 1.0])


def test_pictures_of_a_batch_count_alike() -> None:
    ends = [each[-1] for each in shares(STAGES[:1], count=2)]
    assert ends == pytest.approx([1 / 6, 1 / 2, 2 / 3, 1.0])


def test_nobody_needs_to_hear_of_it() -> None:
    InBlocks().after_block(0.5)
