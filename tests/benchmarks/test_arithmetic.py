from __future__ import annotations

import pytest

from tests.benchmarks.arithmetic import convolution_flops, matrix_rate


def test_the_first_layers_are_counted_as_by_hand() -> None:
    # 3x3 convolutions: 3 -> 64 and 64 -> 64 channels at 4 x 2 positions, then 64 -> 128 at 2 x 1; there and back.
    by_hand = 2 * 2 * 9 * (3 * 64 * 8 + 64 * 64 * 8 + 64 * 128 * 2)
    assert convolution_flops(4, 2, "relu2_1") == by_hand


def test_a_picture_takes_a_megaflop_and_a_half_a_pixel() -> None:
    assert convolution_flops(192, 256) / (192 * 256) == pytest.approx(1.44e6, rel=0.01)


def test_layers_between_convolutions_cost_nothing() -> None:
    assert convolution_flops(32, 32, "conv4_2") == convolution_flops(32, 32, "relu4_2")


def test_the_rate_of_matrix_products_is_a_positive_number() -> None:
    assert matrix_rate(side=16, repetitions=1) > 0
