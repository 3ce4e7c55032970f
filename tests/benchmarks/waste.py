"""(e) Batch waste: the share of an engine's slots that are empty, or hold what is finished, while there is work.

The real engine works through an archive of mixed shapes, sizes and iterations, and counts; only its evaluations are
replaced by arithmetic that costs nothing. Some pictures end by their tolerance, others by their iterations.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from pipeline.engine.events import Request
from pipeline.engine.network.vgg import Network
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.evaluation import Evaluation, Targets
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import decode_painting
from pipeline.model import EngineSettings, Occupancy, Painting, Recipe, Style
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, percent

TITLE = "e. Batch waste"

CAPACITY = 16
# A shallow network, since only its place in the order of work matters here.
_SHALLOW: Final[dict[str, Any]] = {"optimizer": "adam", "content_layers": (), "style_layers": (("relu1_1", 1.0),)}
_RECIPES = (
    Recipe(name="short", size=32, scales=1, iterations=4, **_SHALLOW),
    Recipe(name="usual", size=48, scales=(32, 48), iterations=(5, 3), **_SHALLOW),
    Recipe(name="long", size=64, scales=(32, 64), iterations=(8, 5), **_SHALLOW),
    Recipe(name="patient", size=48, scales=1, iterations=16, tolerance=0.9, **_SHALLOW),
)
_PROPORTIONS = (1.0, 0.75, 0.67, 0.56, 1.33)


def rows(subjects: Subjects) -> list[Row]:
    """Return the waste over an archive of 1,000 jobs, the last ones, when nothing is left to fill slots, included."""
    jobs = 60 if subjects.quick else 1000
    used, offered = slots(subjects.paintings[0], jobs)
    ours = f"{used:,} of {offered:,} slots used"
    return [
        Row(f"{jobs:,} jobs of mixed sizes, {CAPACITY} at once", ours, "", percent(1 - used / offered), "at most 5 %")
    ]


def slots(painting: Path, jobs: int) -> tuple[int, int]:
    """Return how many of how many slots the engine used for ``jobs`` pictures, by its own count."""
    settings = EngineSettings(device="cpu", batch_size=CAPACITY)
    # As much memory as anybody likes: who waits for memory on this machine is not the question.
    stylizer = Stylizer(
        settings,
        lambda painting, long_side: decode_painting(painting.path, long_side=long_side),
        evaluate=_free_of_charge,
        available=lambda: None,
    )
    style = Style("painting", (Painting(painting, sha256_of_file(painting)),))
    waiting = iter(range(jobs))

    def pull(count: int) -> list[Request]:
        return [_request_of(number, style) for number in islice(waiting, count)]

    reported = [event for event in stylizer.run(pull) if isinstance(event, Occupancy)]
    return sum(event.used for event in reported), sum(event.offered for event in reported)


def _request_of(number: int, style: Style) -> Request:
    recipe = _RECIPES[number % len(_RECIPES)]
    height = round(recipe.size * _PROPORTIONS[number % len(_PROPORTIONS)])
    shape = (min(height, recipe.size), min(recipe.size, round(recipe.size * recipe.size / height)))
    return Request(str(number), np.full((*shape, 3), number % 256, np.uint8), style, recipe)


def _free_of_charge(
    network: Network,
    objective: Objective,
    pictures: Tensor,
    content: Targets,
    style: Targets,
    *,
    in_blocks: InBlocks | None = None,
    guides: Guides | None = None,
) -> Evaluation:
    """Pull all pixels to gray, which needs no network."""
    offset = pictures.detach() - 0.5
    loss = offset.square().flatten(1).mean(1)
    return Evaluation(torch.stack([loss, loss, loss], dim=1), 2 * offset / offset[0].numel())
