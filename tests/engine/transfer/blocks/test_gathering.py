"""What is gathered of blocks is what the whole layer has, and gradients go back to where features came from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.blocks.gathering import Gathered, Rows, Sums, Whole
from pipeline.engine.transfer.blocks.partition import Box

HEIGHT, WIDTH = 6, 5
BOXES = [Box(0, 4, 0, 2), Box(0, 4, 2, 5), Box(4, 6, 0, 2), Box(4, 6, 2, 5)]


@pytest.fixture
def features() -> Tensor:
    return torch.rand(1, 3, HEIGHT, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def gathered(of: Gathered, features: Tensor) -> Tensor:
    for box in BOXES:
        of.add(features[box.slices], box)
    return of.settle()


def returned(of: Gathered, features: Tensor, slope: Tensor) -> Tensor:
    of.differentiate(slope)
    found = torch.zeros_like(features)
    for box in BOXES:
        found[box.slices] += of.slopes(features[box.slices], box)
    return found


def test_sums_of_blocks_are_added_up(features: Tensor) -> None:
    sums = Sums(lambda x, _: x.square().sum((2, 3)), lambda x, _, slope: 2 * x * slope[:, :, None, None])
    found = gathered(sums, features)
    torch.testing.assert_close(found.detach(), features.square().sum((2, 3)))
    assert found.requires_grad
    slope = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(returned(sums, features, slope), 2 * features * slope[:, :, None, None])


def test_sums_in_float32_are_added_up_in_float64(features: Tensor) -> None:
    found = gathered(
        Sums(lambda x, _: x.sum((2, 3)), lambda x, _, slope: x * slope[:, :, None, None]), features.float()
    )
    assert found.dtype == torch.float64


def test_rows_come_from_their_positions_and_their_gradient_goes_there(features: Tensor) -> None:
    positions = torch.tensor([29, 0, 11, 12])
    rows = Rows(positions, WIDTH)
    found = gathered(rows, features)
    assert torch.equal(found.detach(), features.flatten(2).transpose(1, 2)[:, positions])
    slope = torch.rand(1, 4, 3, dtype=torch.float64)
    expected = torch.zeros_like(features)
    expected.flatten(2)[0].T[positions] = slope[0]
    assert torch.equal(returned(rows, features, slope), expected)


def test_a_loss_that_is_no_sum_gets_the_whole_layer(features: Tensor) -> None:
    whole = Whole(HEIGHT, WIDTH)
    assert torch.equal(gathered(whole, features).detach(), features)
    slope = torch.rand_like(features)
    assert torch.equal(returned(whole, features, slope), slope)


def all_kinds() -> Iterator[Gathered]:
    yield Sums(lambda x, _: x.sum((2, 3)), lambda x, _, slope: x * slope[:, :, None, None])
    yield Rows(torch.tensor([3]), WIDTH)
    yield Whole(HEIGHT, WIDTH)


def test_features_in_bfloat16_are_gathered_in_float32(features: Tensor) -> None:
    for kind in all_kinds():
        assert gathered(kind, features.bfloat16()).dtype in (torch.float32, torch.float64)
