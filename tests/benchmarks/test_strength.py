from __future__ import annotations

import numpy as np

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.model import WeightsChoice
from tests.benchmarks.strength import distance, features_of


def test_pictures_are_the_farther_apart_the_less_they_have_in_common() -> None:
    random = np.random.default_rng(0)
    picture, other = random.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    network = Network(load_weights(WeightsChoice()), ("relu1_2", "relu2_2"))
    nearly = np.where(random.random((32, 32, 1)) < 0.1, other, picture)
    a, b, c = (features_of(network, each) for each in (picture, nearly, other))
    assert distance(a, a) == 0
    assert 0 < distance(a, b) < distance(a, c) < 2
