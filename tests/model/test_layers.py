from __future__ import annotations

import pytest

from pipeline.model import LAYERS, canonical_layer


def test_layers_are_those_of_vgg19_in_order() -> None:
    assert (len(LAYERS), LAYERS[0], LAYERS[-1]) == (32, "conv1_1", "relu5_4")


def test_keras_layers_include_the_relu() -> None:
    assert canonical_layer("block4_conv2") == "relu4_2"
    assert canonical_layer("conv4_2") == "conv4_2"


@pytest.mark.parametrize("name", ["relu3_5", "block6_conv1", "pool1", ""])
def test_a_layer_that_vgg19_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no layer of VGG-19"):
        canonical_layer(name)
