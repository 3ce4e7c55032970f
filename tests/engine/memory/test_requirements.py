"""Predictions grow with what needs memory. Whether they are right is for tests/benchmarks/memory.py to measure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.engine.memory.requirements import evaluation_bytes, need_at, need_of, program_bytes, state_bytes
from pipeline.engine.transfer.content.self_similarity import MOST_POSITIONS
from pipeline.model import LAYERS, Recipe

RECIPE = Recipe(size=1000)
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


def test_low_memory_needs_less_where_the_network_is_deep() -> None:
    need = need_at(RECIPE, MEGA)
    assert need.low_memory < 0.88 * need.plain
    shallow = need_at(replace(RECIPE, content_layers=(), style_layers=(("relu1_1", 1.0),)), MEGA)
    assert shallow.low_memory == shallow.plain


def test_a_history_of_twenty_pairs_is_the_most_of_what_is_kept() -> None:
    by = {kind: state_bytes(MEGA, replace(RECIPE, optimizer=kind)) for kind in ("lbfgs", "adam", "sgd")}
    assert by["lbfgs"] - by["sgd"] == (40 - 1) * 12 * MEGA
    assert by["sgd"] < by["adam"] < by["lbfgs"]


def test_self_similarity_needs_matrices_of_all_the_positions_that_it_compares() -> None:
    similar = replace(RECIPE, content_loss=(("features", 1.0), ("self_similarity", 0.5)))
    assert state_bytes(MEGA, similar) - state_bytes(MEGA, RECIPE) == 4 * MOST_POSITIONS**2
    small = 64 * 48
    assert state_bytes(small, similar) - state_bytes(small, RECIPE) == 4 * (small // 64) ** 2
    for kind in ("plain", "low_memory"):
        assert (
            getattr(need_at(similar, MEGA), kind) > getattr(need_at(RECIPE, MEGA), kind) + 5 * 4 * MOST_POSITIONS**2
        )


def test_quantiles_need_a_level_for_each_value_unless_they_are_computed_twice() -> None:
    sliced = replace(RECIPE, style_loss=(("gram", 1.0), ("sliced_wasserstein", 0.5)))
    levels_bytes = 2 * MEGA * (64 + 128 // 4 + 256 // 16 + 512 // 64 + 512 // 256)
    assert need_at(sliced, MEGA).plain == need_at(RECIPE, MEGA).plain + levels_bytes
    assert need_at(sliced, MEGA).low_memory == need_at(RECIPE, MEGA).low_memory
    assert need_at(replace(RECIPE, style_loss=(("wasserstein", 1.0),)), MEGA) == need_at(RECIPE, MEGA)


def test_an_average_is_one_more_picture() -> None:
    assert state_bytes(MEGA, replace(RECIPE, ema_decay=0.9)) - state_bytes(MEGA, RECIPE) == 12 * MEGA


def test_a_photo_needs_what_it_needs_at_the_recipes_size() -> None:
    assert need_of(RECIPE, 3000, 4000) == need_at(RECIPE, 1000 * 750)
    assert need_of(RECIPE, 30, 40) == need_at(RECIPE, 1000 * 750)


def test_a_painting_much_larger_than_the_picture_counts() -> None:
    assert need_of(RECIPE, 750, 1000, style_scale=3.0).low_memory > 2 * need_of(RECIPE, 750, 1000).low_memory


def test_layers_that_do_not_exist_need_nothing() -> None:
    strange = replace(RECIPE, content_layers=(("relu9_9", 1.0),))
    assert need_at(strange, MEGA).plain < need_at(RECIPE, MEGA).plain
    assert need_at(replace(strange, style_layers=()), MEGA).plain > 0


def test_the_program_is_as_large_as_its_weights_and_their_transforms() -> None:
    shallow = replace(RECIPE, content_layers=(), style_layers=(("block1_conv2", 1.0),))
    kernels = 9 * (64 * 128 + 128 * 128)
    deeper = replace(shallow, style_layers=(("relu2_2", 1.0),))
    assert program_bytes(deeper) - program_bytes(shallow) == pytest.approx(kernels * 4 * 9)
