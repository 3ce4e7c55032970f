"""Computes style targets, the statistics of paintings, and keeps them in memory and on disk.

Does not decode paintings (it is given pixels) and does not compare anything. What a style asks of a layer follows
from the moments of its paintings and, for some losses, from quantiles, see
:mod:`pipeline.engine.transfer.statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.devices import to_device
from pipeline.engine.memory.requirements import target_bytes
from pipeline.engine.network.vgg import Network
from pipeline.engine.transfer.blocks.partition import Box
from pipeline.engine.transfer.blocks.passing import Passed, features_in_blocks, pass_network
from pipeline.engine.transfer.blocks.share import AfterBlock, nobody
from pipeline.engine.transfer.color.matching import ColorMatch
from pipeline.engine.transfer.lru_cache import LruCache
from pipeline.engine.transfer.paintings import LoadPainting, Paintings
from pipeline.engine.transfer.statistics import quantiles
from pipeline.engine.transfer.statistics.moments import Moments, blended, moments_of
from pipeline.engine.transfer.statistics.sliced_wasserstein import quantiles_of
from pipeline.engine.transfer.target_cache import (
    MOMENTS,
    Arrays,
    DamagedEntryError,
    StyleCache,
    TargetKey,
    decoding_of,
)
from pipeline.model import Painting, Style

#: Returns a statistic of a painting at a size, by layer and part, and adds to the target if it had to be computed.
_Find = Callable[[Painting, TargetKey, Network, "StyleTarget"], dict[str, Tensor]]

_REMEMBERED: Final = 32  # paintings at one size, of 2.5 MB each with the default layers

#: What is kept of a layer, by statistic; each statistic of a painting has a file of its own.
_PARTS: Final = {MOMENTS: ("mean", "second"), quantiles.VERSION: ("quantiles",)}


@dataclass
class StyleTarget:
    """A style's moments by layer, how many paintings were found (hits) or computed (misses), and what went wrong.

    A painting of which quantiles are wanted, too, counts twice.
    """

    moments: dict[str, Moments] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0
    notes: list[str] = field(default_factory=list)


class StyleTargets:
    """Computes style targets with the networks it is given, and remembers them under ``weights_id``."""

    def __init__(
        self,
        load_painting: LoadPainting,
        cache: StyleCache | None,
        weights_id: str,
        precision: str,
        device: torch.device,
        memory_bytes: float = math.inf,
    ) -> None:
        self._paintings = Paintings(load_painting)
        self._cache = cache
        self._weights_id = weights_id
        self._precision = precision
        self._device = device
        self._memory_bytes = memory_bytes
        self._recent: LruCache[str, dict[str, Tensor]] = LruCache(_REMEMBERED)

    def of(
        self,
        style: Style,
        size: int,
        network: Network,
        layers: tuple[str, ...],
        match: ColorMatch | None = None,
        *,
        with_quantiles: bool = False,
        after_block: AfterBlock = nobody,
    ) -> StyleTarget:
        """Return the target of ``style`` for a picture with a long side of ``size`` pixels.

        A blend's moments are the sum of its paintings', each times its share of the total weight. With a ``match``
        each of them is seen in those colors, and what follows is not kept: other photos have other ones.
        While a painting is passed in blocks, ``after_block`` is called after each, with a share of 0.
        Raises PaintingError, and what loading a painting and ``after_block`` raise.
        """
        find: _Find = partial(self._kept, after_block=after_block)
        if match is not None:
            find = partial(self._matched, match=match, after_block=after_block)
        target = StyleTarget()
        total = sum(painting.weight for painting in style.paintings)
        parts: list[tuple[dict[str, Moments], float]] = []
        for painting in style.paintings:
            key = self._key_of(painting, style.painting_size(painting, size), network, layers)
            found = find(painting, key, network, target)
            if with_quantiles:
                found = found | find(painting, replace(key, statistic=quantiles.VERSION), network, target)
            parts.append((_moments(found, key.layers), painting.weight / total))
        target.hits = len(parts) * (2 if with_quantiles else 1) - target.misses
        target.moments = {layer: blended((part[layer], share) for part, share in parts) for layer in parts[0][0]}
        return target

    def _key_of(self, painting: Painting, size: int, network: Network, layers: tuple[str, ...]) -> TargetKey:
        return TargetKey(
            painting_sha256=painting.sha256,
            size=size,
            layers=tuple(sorted(layers)),
            weights_id=self._weights_id,
            pooling=network.pooling,
            precision=self._precision,
            decoding=decoding_of(painting.path),
        )

    def _matched(
        self,
        painting: Painting,
        key: TargetKey,
        network: Network,
        target: StyleTarget,
        match: ColorMatch,
        after_block: AfterBlock,
    ) -> dict[str, Tensor]:
        target.misses += 1
        picture = match.of(self._paintings.remembered_at(painting, key.size))
        return self._unpacked(self._arrays(picture, key, network, after_block), key)

    def _kept(
        self, painting: Painting, key: TargetKey, network: Network, target: StyleTarget, after_block: AfterBlock
    ) -> dict[str, Tensor]:
        def found_or_computed() -> dict[str, Tensor]:
            found = self._read(key, target)
            return self._compute(painting, key, network, target, after_block) if found is None else found

        return self._recent.get(key.digest(), found_or_computed)

    def _read(self, key: TargetKey, target: StyleTarget) -> dict[str, Tensor] | None:
        if self._cache is None:
            return None
        try:
            arrays = self._cache.read(key)
            return None if arrays is None else self._unpacked(arrays, key)
        except (DamagedEntryError, OSError) as error:
            target.notes.append(f"style cache: {error}; computed again")
        except KeyError as missing:
            target.notes.append(f"style cache: a file by another version lacks {missing}; computed again")
        return None

    def _compute(
        self, painting: Painting, key: TargetKey, network: Network, target: StyleTarget, after_block: AfterBlock
    ) -> dict[str, Tensor]:
        target.misses += 1
        arrays = self._arrays(self._paintings.at(painting, key.size), key, network, after_block)
        if self._cache is not None:
            try:
                self._cache.write(key, arrays)
            except OSError as error:
                target.notes.append(f"style cache: can't write to {self._cache.folder} ({error.strerror})")
        return self._unpacked(arrays, key)

    def _arrays(self, picture: Tensor, key: TargetKey, network: Network, after_block: AfterBlock) -> Arrays:
        """Return what the style cache keeps of a painting (1, 3, H, W)."""
        there = to_device(picture, self._device)
        if target_bytes(picture[0, 0].numel()) > self._memory_bytes:
            found = _in_blocks(there, key, network, lambda *_: after_block(0.0))
        else:
            with torch.no_grad():
                found = network.forward(there, partial(_packed, key))
        return {name: found[name].cpu().numpy() for name in found}

    def _unpacked(self, arrays: Arrays, key: TargetKey) -> dict[str, Tensor]:
        names = [f"{layer}.{part}" for layer in key.layers for part in _PARTS[key.statistic]]
        return {name: torch.from_numpy(arrays[name]).to(self._device) for name in names}


def _packed(key: TargetKey, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        f"{layer}.{part}": tensor
        for layer in features
        if layer in key.layers
        for part, tensor in _statistic(key.statistic, features[layer]).items()
    }


def _in_blocks(picture: Tensor, key: TargetKey, network: Network, passed: Passed) -> dict[str, Tensor]:
    """Return the same of a painting (1, 3, H, W) for which there is too little memory otherwise."""
    if key.statistic == quantiles.VERSION:
        return _packed(key, features_in_blocks(network, picture, key.layers, passed))
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def add(layer: str, features: Tensor, _: Box) -> None:
        count = features[0, 0].numel()
        counts[layer] = counts.get(layer, 0) + count
        for name, value in _packed(key, {layer: features}).items():
            sums[name] = sums.get(name, 0) + value.double() * count

    pass_network(network, picture, add, passed=passed)
    return {name: (value / counts[name.rpartition(".")[0]]).float() for name, value in sums.items()}


def _statistic(name: str, features: Tensor) -> dict[str, Tensor]:
    """Return a statistic's parts of a painting's features (1, C, h, w)."""
    if name == quantiles.VERSION:
        return {"quantiles": quantiles_of(features)}
    moments = moments_of(features)
    return {"mean": moments.mean, "second": moments.second}


def _moments(found: Mapping[str, Tensor], layers: tuple[str, ...]) -> dict[str, Moments]:
    return {
        layer: Moments(found[f"{layer}.mean"], found[f"{layer}.second"], found.get(f"{layer}.quantiles"))
        for layer in layers
    }
