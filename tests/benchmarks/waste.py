"""(e) Batch waste: the share of an engine's slots that are empty, or hold what is finished, while there is work.

The real engine works through an archive of mixed shapes, sizes and iterations; only its evaluations are replaced by
arithmetic that costs nothing. Its events tell all: one step is one slot used, and a round ends when a canvas that
has had its step gets another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from pipeline.engine.evaluation import Evaluation, Targets
from pipeline.engine.events import Commission, Step
from pipeline.engine.losses import Objective
from pipeline.engine.stylizer import Stylizer
from pipeline.engine.vgg import Network
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import decode_painting
from pipeline.model import EngineSettings, Painting, Recipe, Style
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, percent

TITLE = "e. Batch waste"

_CAPACITY = 16
_RECIPES = (
    Recipe(name="short", optimizer="adam", size=32, scales=1, iterations=9),
    Recipe(name="usual", optimizer="adam", size=48, scales=(32, 48), iterations=(12, 7)),
    Recipe(name="long", optimizer="adam", size=64, scales=(32, 64), iterations=(21, 13)),
)
_PROPORTIONS = (1.0, 0.75, 0.67, 0.56, 1.33)


def rows(subjects: Subjects) -> list[Row]:
    """Return the waste over an archive of 1,000 jobs, the last ones, when nothing is left to fill slots, included."""
    jobs = 60 if subjects.quick else 1000
    rounds, used = slots(_tokens_of_steps(subjects, jobs))
    ours = f"{used:,} of {rounds * _CAPACITY:,} slots used in {rounds:,} rounds"
    waste = percent(1 - used / (rounds * _CAPACITY))
    return [Row(f"{jobs:,} jobs of mixed sizes, {_CAPACITY} at once", ours, "", waste, "at most 5 %")]


def slots(tokens: Iterable[str]) -> tuple[int, int]:
    """Return how many rounds there were and how many slots were used, from the tokens of all steps in their order."""
    rounds, used = 0, 0
    in_this_round: set[str] = set()
    for token in tokens:
        if not in_this_round or token in in_this_round:
            rounds += 1
            in_this_round = set()
        in_this_round.add(token)
        used += 1
    return rounds, used


def _tokens_of_steps(subjects: Subjects, jobs: int) -> Iterator[str]:
    settings = EngineSettings(device="cpu", batch_size=_CAPACITY)
    stylizer = Stylizer(settings, lambda painting: decode_painting(painting.path), evaluate=_free_of_charge)
    painting = subjects.paintings[0]
    style = Style("painting", (Painting(painting, sha256_of_file(painting)),))
    waiting = iter(range(jobs))

    def pull(count: int) -> list[Commission]:
        return [_commission(number, style) for number in islice(waiting, count)]

    for event in stylizer.run(pull):
        if isinstance(event, Step):
            yield event.token


def _commission(number: int, style: Style) -> Commission:
    recipe = _RECIPES[number % len(_RECIPES)]
    height = round(recipe.size * _PROPORTIONS[number % len(_PROPORTIONS)])
    shape = (min(height, recipe.size), min(recipe.size, round(recipe.size * recipe.size / height)))
    return Commission(str(number), np.full((*shape, 3), number % 256, np.uint8), style, recipe)


def _free_of_charge(
    network: Network, objective: Objective, pictures: Tensor, content: Targets, style: Targets
) -> Evaluation:
    """Pull all pixels to gray, which needs no network."""
    offset = pictures.detach() - 0.5
    loss = offset.square().flatten(1).mean(1)
    return Evaluation(torch.stack([loss, loss, loss], dim=1), 2 * offset / offset[0].numel())
