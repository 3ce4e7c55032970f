from __future__ import annotations

import torch
from torch.nn.functional import conv2d

from pipeline.engine.cpu.convolution import Convolution
from tests.benchmarks.profile import profiled


def test_convolutions_are_told_from_all_else_forward_and_backward() -> None:
    picture = torch.rand(1, 8, 32, 32, requires_grad=True)
    weight = torch.rand(8, 8, 3, 3)

    def work() -> None:
        torch.autograd.grad(conv2d(picture, weight).exp().sum(), picture)

    profile = profiled(work, 3)
    assert 0 < profile.convolutions < profile.seconds
    assert 0 < profile.share_outside < 1
    assert profile.others["aten::exp"] > 0
    assert not any("convolution_backward" in name or "conv2d" in name for name in profile.others)


def test_what_has_no_convolutions_is_all_outside() -> None:
    profile = profiled(lambda: torch.rand(64, 64).exp(), 3)
    assert (profile.convolutions, profile.share_outside) == (0, 1)


def test_the_engines_own_convolutions_count_whatever_their_algorithm() -> None:
    picture = torch.rand(1, 8, 32, 32, requires_grad=True)
    convolution = Convolution(torch.rand(8, 8, 3, 3), torch.zeros(8), choose=lambda shape: "rows")

    def work() -> None:
        torch.autograd.grad(convolution(picture, rectify=True).exp().sum(), picture)

    profile = profiled(work, 3)
    assert profile.convolutions > 0
    assert "aten::bmm" not in profile.others
