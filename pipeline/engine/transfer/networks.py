"""Builds the networks that recipes need: parts of one VGG-19, made when they are first asked for."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pipeline.engine.cpu.convolution import Convolution
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import Weights
from pipeline.engine.transfer.losses import objective_of
from pipeline.model import PoolingKind, Recipe


class Networks:
    """The networks of ``weights`` on ``device``, which share ``convolutions``; see :class:`Network`."""

    def __init__(
        self, weights: Weights, convolutions: Mapping[str, Convolution], device: torch.device, *, autocast: bool
    ) -> None:
        self._weights, self._convolutions = weights, convolutions
        self._device, self._autocast = device, autocast
        self._networks: dict[tuple[frozenset[str], PoolingKind], Network] = {}

    def of(self, recipe: Recipe) -> Network:
        """Return the network with the layers and the pooling of ``recipe``. Raises StylizeError for a wrong layer."""
        objective = objective_of(recipe)
        layers = frozenset(layer for layer, _ in (*objective.content_layers, *objective.style_layers))
        key = (layers, recipe.pooling)
        if key not in self._networks:
            self._networks[key] = Network(
                self._weights,
                layers,
                pooling=recipe.pooling,
                device=self._device,
                autocast=self._autocast,
                convolutions=self._convolutions,
            )
        return self._networks[key]
