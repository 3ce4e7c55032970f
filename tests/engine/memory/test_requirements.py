"""Predictions grow with what needs memory. Whether they are right is for tests/benchmarks/memory.py to measure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.engine.memory.plan import LEAST, PLAIN, PLANS
from pipeline.engine.memory.requirements import (
    bytes_in_blocks,
    evaluation_bytes,
    largest_possible,
    least_need_at,
    move_bytes,
    need_at,
    need_of,
    plan_at,
    program_bytes,
    state_bytes,
    usual_program_bytes,
)
from pipeline.engine.transfer.content.self_similarity import MOST_POSITIONS
from pipeline.model import LAYERS, Recipe

RECIPE = Recipe(size=1000)
LAYERS_OF_RECIPE = {layer for layer, _ in (*RECIPE.content_layers, *RECIPE.style_layers)}
MEGA = 1_000_000


def test_what_the_network_saves_is_counted_by_its_shapes() -> None:
    without = evaluation_bytes(MEGA, {"relu4_3"})
    # Another 512 channels of four bytes, for every 64th pixel; twice if they are read before they are rectified.
    assert evaluation_bytes(MEGA, {"relu4_4"}) - without == 512 * 4 / 64 * MEGA
    assert evaluation_bytes(MEGA, {"conv4_4"}) - without == 2 * 512 * 4 / 64 * MEGA


def test_more_pixels_and_more_layers_need_more() -> None:
    needs = [evaluation_bytes(MEGA, LAYERS[: depth + 1]) for depth in range(len(LAYERS))]
    assert needs == sorted(needs)
    assert evaluation_bytes(2 * MEGA, {"relu4_1"}) == 2 * evaluation_bytes(MEGA, {"relu4_1"})


def test_in_blocks_a_picture_needs_what_a_block_does_and_what_is_kept_between_the_stages() -> None:
    block = evaluation_bytes(528 * 528, LAYERS_OF_RECIPE)
    kept = bytes_in_blocks(MEGA, RECIPE) - block
    # The outputs of the first and the second stage, and the gradient by the first one's, with three pictures; and
    # what is freed but kept.
    assert kept == (128 / 16 + 256 / 64 + 128 / 16 + 3 * 3) * 4 * MEGA + 40 * MEGA
    assert bytes_in_blocks(100 * MEGA, RECIPE) - block == 100 * kept
    assert bytes_in_blocks(100 * MEGA, RECIPE) < 0.1 * evaluation_bytes(100 * MEGA, LAYERS)


def test_a_small_picture_needs_no_more_in_blocks_than_one_block() -> None:
    shallow = replace(RECIPE, content_layers=(), style_layers=(("relu1_1", 1.0),))
    assert bytes_in_blocks(4096, shallow) == evaluation_bytes(4096, {"relu1_1"}) + 4096 * (9 * 4 + 40)


def test_shorter_histories_and_less_precise_ones_need_less() -> None:
    long = replace(RECIPE, iterations=200)
    needs = [need_at(long, 24 * MEGA, plan) for plan in PLANS]
    assert needs == sorted(needs, reverse=True)
    assert len(set(needs)) == len(needs)
    short = replace(RECIPE, iterations=6)
    assert need_at(short, MEGA) == need_at(long, MEGA) - 15 * 2 * 12 * MEGA


def test_a_size_is_planned_by_what_it_may_take() -> None:
    assert plan_at(RECIPE, MEGA, 1e12) == PLAIN
    assert plan_at(RECIPE, 24 * MEGA, 12e9) == plan_at(RECIPE, 24 * MEGA, 12.1e9)
    assert plan_at(RECIPE, 24 * MEGA, 12e9).in_blocks
    assert plan_at(RECIPE, 24 * MEGA, 1.0) == LEAST


def test_twenty_four_megapixels_fit_into_twelve_gib_with_the_program() -> None:
    assert least_need_at(RECIPE, 24 * MEGA) + program_bytes(RECIPE) < 12 * 2**30


@pytest.mark.parametrize("limit", [3e9, 12e9, 40e9])
def test_the_largest_possible_picture_is_the_last_one_that_fits(limit: float) -> None:
    pixels = largest_possible(RECIPE, limit)
    assert least_need_at(RECIPE, pixels) <= limit < least_need_at(RECIPE, pixels + 1)
    assert largest_possible(RECIPE, 0) == 1


def test_a_history_of_twenty_pairs_is_the_most_of_what_is_kept() -> None:
    by = {kind: state_bytes(MEGA, replace(RECIPE, optimizer=kind)) for kind in ("lbfgs", "adam", "sgd")}
    assert by["lbfgs"] - by["sgd"] == (40 + 2 - 1) * 12 * MEGA
    assert by["sgd"] < by["adam"] < by["lbfgs"]


def test_what_moving_the_pixels_takes_counts_where_it_is_more_than_an_evaluation() -> None:
    shallow = replace(RECIPE, content_layers=(), style_layers=(("relu1_1", 1.0),))
    assert need_at(shallow, 24 * MEGA, LEAST) == state_bytes(24 * MEGA, shallow, LEAST) + move_bytes(24 * MEGA)
    assert need_at(RECIPE, MEGA) == state_bytes(MEGA, RECIPE) + evaluation_bytes(MEGA, LAYERS_OF_RECIPE)


def test_self_similarity_needs_matrices_of_all_the_positions_that_it_compares() -> None:
    similar = replace(RECIPE, content_loss=(("features", 1.0), ("self_similarity", 0.5)))
    assert state_bytes(MEGA, similar) - state_bytes(MEGA, RECIPE) == 4 * MOST_POSITIONS**2
    small = 64 * 48
    assert state_bytes(small, similar) - state_bytes(small, RECIPE) == 4 * (small // 64) ** 2
    for plan in (PLAIN, LEAST):
        assert need_at(similar, MEGA, plan) > need_at(RECIPE, MEGA, plan) + 5 * 4 * MOST_POSITIONS**2


def test_quantiles_need_a_level_for_each_value_and_in_blocks_all_features() -> None:
    sliced = replace(RECIPE, style_loss=(("gram", 1.0), ("sliced_wasserstein", 0.5)))
    levels_bytes = 2 * MEGA * (64 + 128 // 4 + 256 // 16 + 512 // 64 + 512 // 256)
    assert need_at(sliced, MEGA) == need_at(RECIPE, MEGA) + levels_bytes
    assert need_at(sliced, MEGA, LEAST) == pytest.approx(need_at(RECIPE, MEGA, LEAST) + 5 * levels_bytes)
    assert need_at(replace(RECIPE, style_loss=(("wasserstein", 1.0),)), MEGA) == need_at(RECIPE, MEGA)


def test_an_average_is_one_more_picture() -> None:
    assert state_bytes(MEGA, replace(RECIPE, ema_decay=0.9)) - state_bytes(MEGA, RECIPE) == 12 * MEGA


def test_a_photo_needs_what_it_needs_at_the_recipes_size() -> None:
    assert need_of(RECIPE, 3000, 4000) == need_at(RECIPE, 1000 * 750)
    assert need_of(RECIPE, 30, 40) == need_at(RECIPE, 1000 * 750)


def test_a_painting_much_larger_than_the_picture_counts() -> None:
    assert need_of(RECIPE, 750, 1000, style_scale=3.0) > 2 * need_of(RECIPE, 750, 1000)
    in_blocks = need_of(RECIPE, 750, 1000, style_scale=3.0, plan=LEAST)
    assert in_blocks < 0.2 * need_of(RECIPE, 750, 1000, style_scale=3.0)


def test_layers_that_do_not_exist_need_nothing() -> None:
    strange = replace(RECIPE, content_layers=(("relu9_9", 1.0),))
    assert need_at(strange, MEGA) < need_at(RECIPE, MEGA)
    assert need_at(replace(strange, style_layers=()), MEGA) > 0
    assert need_at(replace(strange, style_layers=()), MEGA, LEAST) > 0


def test_the_program_is_as_large_as_its_weights_and_their_transforms() -> None:
    shallow = replace(RECIPE, content_layers=(), style_layers=(("block1_conv2", 1.0),))
    kernels = 9 * (64 * 128 + 128 * 128)
    deeper = replace(shallow, style_layers=(("relu2_2", 1.0),))
    assert program_bytes(deeper) - program_bytes(shallow) == pytest.approx(kernels * 4 * 9)


@pytest.mark.parametrize("layer", ["conv4_2", "conv5_1", "conv5_2"])
def test_the_usual_program_has_room_for_the_weights_of_all_layers_of_the_paper(layer: str) -> None:
    assert program_bytes(replace(RECIPE, content_layers=((layer, 1.0),))) <= usual_program_bytes()
