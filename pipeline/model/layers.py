"""The names of VGG-19's layers; what is behind them the network knows."""

from __future__ import annotations

import re
from typing import Final

_CONVOLUTIONS_PER_BLOCK: Final = (2, 2, 4, 4, 4)

#: Every layer a recipe can name, in the network's order: conv1_1, relu1_1, conv1_2, ... relu5_4.
LAYERS: Final[tuple[str, ...]] = tuple(
    f"{kind}{block}_{index}"
    for block, count in enumerate(_CONVOLUTIONS_PER_BLOCK, start=1)
    for index in range(1, count + 1)
    for kind in ("conv", "relu")
)

_KERAS_LAYER: Final = re.compile(r"block(\d)_conv(\d)")


def canonical_layer(name: str) -> str:
    """Return the usual name of a layer: Keras' ``block4_conv2`` is ``relu4_2`` (Keras' layers include the ReLU).

    Raises ``ValueError`` for a layer VGG-19 does not have.
    """
    match = _KERAS_LAYER.fullmatch(name)
    canonical = f"relu{match[1]}_{match[2]}" if match else name
    if canonical not in LAYERS:
        raise ValueError(f"{name!r} is no layer of VGG-19: conv1_1 ... conv5_4, relu1_1 ... relu5_4 are")
    return canonical
