"""(l) Steps of strength: how far each of them takes a picture, and how many evaluations the picture needs.

A distance is that of two pictures' features, each position's scaled to length 1: the mean of their squared
differences over the positions and four layers. Two pictures that have nothing in common are about 1.5 apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from statistics import mean, median
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from pipeline import StyleTransfer
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.geometry import to_tensor
from pipeline.model import WeightsChoice
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row

TITLE = "l. Steps of strength"

_LAYERS: Final = ("relu1_2", "relu2_2", "relu3_2", "relu4_2")

Features = Mapping[str, Tensor]


def rows(subjects: Subjects) -> list[Row]:
    """Return a row for each strength: of all photos with each its painting, the middle one."""
    strengths = [step / 4 for step in range(5)] if subjects.quick else [step / 8 for step in range(9)]
    network = Network(load_weights(WeightsChoice()), _LAYERS)
    found = []
    with StyleTransfer() as transfer:
        for number, photo in enumerate(subjects.photos):
            painting = subjects.paintings[number % len(subjects.paintings)]
            subjects.tell(f"{photo.name} in {painting.name}")
            made = [_made(transfer, photo, painting, size=subjects.size, strength=strength) for strength in strengths]
            first = _made(transfer, photo, painting, size=subjects.size, style_weight=0, iterations=1)[0]
            features = [features_of(network, pixels) for pixels in (first, *(pixels for pixels, _ in made))]
            found.append(
                [
                    (distance(features[0], after), distance(before, after), evaluations)
                    for (before, after), (_, evaluations) in zip(pairwise(features), made, strict=True)
                ]
            )
    return [_row(strength, list(each)) for strength, each in zip(strengths, zip(*found, strict=True), strict=True)]


def _row(strength: float, found: list[tuple[float, float, int]]) -> Row:
    from_photo, step, evaluations = (median(each) for each in zip(*found, strict=True))
    what = f"strength {strength:g}: from the photo; from the strength before, or the photo"
    return Row(what, f"{from_photo:.2f}; {step:.2f}", f"{evaluations:g} evaluations")


def _made(transfer: StyleTransfer, photo: Any, painting: Any, **settings: Any) -> tuple[Any, int]:
    """Return a picture's pixels, and its evaluations at all sizes."""
    evaluations = 0

    def count(_: object) -> None:
        nonlocal evaluations
        evaluations += 1

    picture = transfer.stylize(photo, painting, progress=count, **settings)
    return np.asarray(picture), evaluations


def features_of(network: Network, pixels: Any) -> Features:
    """Return a picture's features, each position's of length 1."""
    with torch.no_grad():
        return {name: normalize(found) for name, found in network.features(to_tensor(pixels)).items()}


def distance(before: Features, after: Features) -> float:
    """Return how far two pictures are apart, from 0 to 2."""
    return mean(float((before[name] - after[name]).square().sum(1).mean()) for name in before)
