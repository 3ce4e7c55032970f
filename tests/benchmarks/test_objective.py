"""configs/pastiche.yaml asks for pastiche's own objective, to the last digits that float32 has."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from torch import Tensor

from pipeline.config import load_config
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.statistics.moments import moments_of
from pipeline.model import WeightsChoice
from tests.benchmarks.ours import PASTICHE_CONFIG

pastiche = pytest.importorskip("pastiche.pastiche", reason="the benchmark's rival")

RECIPE = load_config(PASTICHE_CONFIG).recipes_by_name()["default"]
MEAN_BGR = torch.tensor(pastiche.VGG_MEAN).view(1, 3, 1, 1)

# Pillow has a new name for getdata, which pastiche's reader uses.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*getdata.*:DeprecationWarning")]


def framed(seed: int) -> Tensor:
    """Return a picture (1, 3, 48, 64), RGB 0..1, in a frame of the weights' mean color.

    Next to that color it makes no difference whether the first convolution pads by zeros, as pastiche does, or
    repeats the border, as this program does.
    """
    mean = MEAN_BGR.flip(1) / 255
    picture = mean.repeat(1, 1, 48, 64)
    generator = torch.Generator().manual_seed(seed)
    picture[:, :, 1:-1, 1:-1] = torch.rand(1, 3, 46, 62, generator=generator)
    return picture


def to_pastiche(picture: Tensor) -> Tensor:
    return picture.flip(1) * 255 - MEAN_BGR


@pytest.fixture(scope="module")
def artist(tmp_path_factory: pytest.TempPathFactory) -> pastiche.PasticheArtist:
    path = tmp_path_factory.mktemp("artist") / "gray.png"
    Image.new("RGB", (64, 48), "gray").save(path)
    return pastiche.PasticheArtist(str(path), [str(path)], device="cpu", size=64)


def values(artist: pastiche.PasticheArtist, picture: Tensor, photo: Tensor, painting: Tensor) -> tuple[float, float]:
    """Return our objective's value and pastiche's, each by its own network and code."""
    artist.content_targets = artist.vgg19.forward(to_pastiche(photo), artist.content_layers)
    artist.style_targetss = [artist.vgg19.forward(to_pastiche(painting), artist.style_layers)]
    artist.pastiche = to_pastiche(picture)
    layers = [layer for layer, _ in (*RECIPE.content_layers, *RECIPE.style_layers)]
    network = Network(load_weights(WeightsChoice()), layers)
    objective = Objective(
        RECIPE.content_layers,
        RECIPE.style_layers,
        RECIPE.content_weight,
        RECIPE.style_weight,
        RECIPE.tv_weight,
        RECIPE.loss,
    )
    moments = {layer: moments_of(features) for layer, features in network.features(painting).items()}
    style = {name: target[None] for name, target in objective.style_targets(moments).items()}
    content = objective.content_targets(network.features(photo))
    found = objective.compare(network.features(picture), content, style)
    ours = objective.total(picture, found)
    return ours.total.item(), artist._calc_loss().item()


def test_both_objectives_give_a_picture_the_same_value(artist: pastiche.PasticheArtist) -> None:
    ours, theirs = values(artist, framed(1), framed(2), framed(3))
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_both_weigh_content_alike_when_the_style_is_met(artist: pastiche.PasticheArtist) -> None:
    ours, theirs = values(artist, framed(1), framed(2), framed(1))
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert theirs > 0


def test_both_weigh_style_alike_when_the_content_is_met(artist: pastiche.PasticheArtist) -> None:
    ours, theirs = values(artist, framed(1), framed(1), framed(3))
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert theirs > 0
