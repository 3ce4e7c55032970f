"""Strength is the balance of photo and painting: more of it is less of the photo, in steps that are even."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.strength import content_factor
from pipeline.model import Recipe
from tests.engine.scheduler.test_stylizer import CPU, TINY, load_painting, picture, pixels, request, run


def test_the_usual_strength_leaves_the_weights_as_they_are() -> None:
    assert content_factor(0.5) == 1.0
    for weight in (0.02, 1e4, 0.1 + 0.2):
        assert objective_of(Recipe(content_weight=weight)).content_weight == weight


def test_the_factor_falls_all_the_way_in_equal_steps_and_less_on_the_wild_side() -> None:
    factors = [content_factor(step / 8) for step in range(9)]
    steps = [before / after for before, after in pairwise(factors)]
    assert steps[:4] == pytest.approx([32**0.25] * 4)
    assert steps[4:] == pytest.approx([2.5**0.25] * 4)
    assert (factors[0], factors[4], factors[8]) == pytest.approx((32, 1, 0.4))


def test_it_multiplies_the_content_weight_and_leaves_the_other_weights() -> None:
    plain = objective_of(Recipe(content_weight=3.0, style_weight=7.0, tv_weight=0.5))
    strong = objective_of(Recipe(content_weight=3.0, style_weight=7.0, tv_weight=0.5, strength=0.8))
    assert strong == replace(plain, content_weight=3.0 * content_factor(0.8))


def test_more_strength_is_farther_from_the_photo_alone_and_in_a_batch() -> None:
    strengths = (0.0, 0.5, 1.0)
    recipes = [replace(TINY, size=32, scales=1, iterations=12, tolerance=0.04, strength=each) for each in strengths]
    requests = [request(str(recipe.strength), recipe=recipe, height=32, width=32) for recipe in recipes]
    together = run(Stylizer(replace(CPU, batch_size=3), load_painting), *requests)
    made = [picture(together, each.token) for each in requests]
    distances = [float(np.abs(each - pixels(0, 32, 32) / 255).mean()) for each in made]
    assert 0 < distances[0] < distances[1] < distances[2] < 1
    alone = run(Stylizer(CPU, load_painting), requests[0])
    assert np.array_equal(picture(alone, requests[0].token), made[0])
