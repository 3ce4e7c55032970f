"""Predicts times from this machine's measured speed, which it stores and reads; does not import torch.

:mod:`pipeline.engine.measurement` measures, once for a machine and its settings. An evaluation's time is not
proportional to its pixels: small pictures leave a processor waiting, and pictures worked on in parallel share it. So
both are measured at some sizes, and between these the time is assumed to follow a power of the pixels.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from pipeline.engine import ENGINE_VERSION
from pipeline.engine.machine import performance_factors, read_measured, store_measurement
from pipeline.engine.network.architecture import (
    GRID,
    KERNEL_VALUES,
    LEAST_SIDE,
    channels_of,
    convolutions_through,
    input_channels_of,
    reduction_of,
)
from pipeline.hashing import sha256_of_json
from pipeline.model import DEFAULT_STYLE_LAYERS, EngineSettings, Recipe, StyleLossKind, canonical_layer

#: The deepest layer of the evaluations that :attr:`Speed.shallow_share` compares with the usual ones.
SHALLOW_LAYER: Final = "relu2_1"

# The names of the fields in the file, as in those of earlier versions.
_STORED_NAMES: Final = {
    "pictures_at_once": "at_once",
    "startup_seconds": "start",
    "shallow_share": "shallow",
    "measurements": "looks",
}

#: Features alone, without their gradient, as a share of an evaluation: measured 0.35 to 0.45 from 128 to 512 pixels.
FORWARD: Final = 0.4

# What a style loss adds to an evaluation with Gram matrices: as a share of one at the least size, whatever the size,
# and as a share of one at the same size. Measured at 128, 256 and 512 pixels, as shares at the same size: wasserstein
# 1.1, 0.45 and 0.15, since its matrices are as large at any size; sliced_wasserstein 0.4, 0.8 and 1.0.
_ADDED_BY: Final[Mapping[StyleLossKind, tuple[float, float]]] = {
    "gram": (0.0, 0.0),
    "mean_std": (0.0, 0.0),
    "wasserstein": (0.9, 0.1),
    "sliced_wasserstein": (0.0, 0.8),
}
_LEAST_PIXELS: Final = 128 * 96


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured with pictures of ``pixels`` each.

    Seconds that one evaluation takes, optimizer included: of a picture ``alone``, and of each of the pictures that
    are worked on at once, ``together``. ``painting``: seconds that the target of a painting of this size takes.
    """

    pixels: int
    alone: float
    together: float
    painting: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast a worker is. ``measurements`` are in the order of their pixels, one at least.

    ``pictures_at_once``: how many pictures are worked on at once. ``startup_seconds``: seconds until a new worker is
    ready. ``shallow_share``: seconds of an evaluation through :data:`SHALLOW_LAYER` alone, as a share of a usual one.
    """

    device: str
    pictures_at_once: int
    startup_seconds: float
    shallow_share: float
    measurements: tuple[Measurement, ...]

    def evaluation(self, pixels: float, pictures: int = 1) -> float:
        """Return the seconds in which each of ``pictures`` pictures of ``pixels`` is evaluated once.

        ``pictures``: 1 to :attr:`pictures_at_once`.
        """
        alone = _interpolated([(known.pixels, known.alone) for known in self.measurements], pixels)
        together = _interpolated([(known.pixels, known.together) for known in self.measurements], pixels)
        return alone + (together - alone) * (pictures - 1) / max(1, self.pictures_at_once - 1)

    def picture(self, recipe: Recipe, pixels: Sequence[float], evaluations: Sequence[float], pictures: int) -> float:
        """Return the seconds that each of ``pictures`` takes, with these ``pixels`` and evaluations of its scales."""
        share = self._share(recipe)
        # Of the photo, and of a painting that has other colors for each photo; it is taken for as large.
        features = 2 * FORWARD if recipe.matches_colors else FORWARD
        added = [_ADDED_BY[loss] for loss, _ in recipe.style_losses]
        fixed = self.evaluation(_LEAST_PIXELS, pictures) * sum(each for each, _ in added)
        longer = 1 + sum(each for _, each in added)
        return share * sum(
            self.evaluation(size, pictures) * (count * longer + features) + count * fixed
            for size, count in zip(pixels, evaluations, strict=True)
        )

    def painting(self, recipe: Recipe, pixels: float) -> float:
        """Return the seconds that the target of a painting of ``pixels`` takes when it is not in the style cache."""
        return self._share(recipe) * _interpolated(
            [(known.pixels, known.painting) for known in self.measurements], pixels
        )

    def _share(self, recipe: Recipe) -> float:
        """Return the time of an evaluation through ``recipe``'s layers as a share of a usual one's."""
        usual, shallow = multiplications(DEFAULT_STYLE_LAYERS), multiplications(((SHALLOW_LAYER, 1.0),))
        wanted = multiplications((*recipe.content_layers, *recipe.style_layers))
        return max(
            self.shallow_share, self.shallow_share + (1 - self.shallow_share) * (wanted - shallow) / (usual - shallow)
        )


#: Two cores of a usual server; for machines that can't be measured.
GUESS: Final = Speed(
    device="",
    pictures_at_once=2,
    startup_seconds=6.0,
    shallow_share=0.3,
    measurements=(
        Measurement(12288, 0.09, 0.15, 0.2),
        Measurement(49152, 0.25, 0.44, 0.3),
        Measurement(196608, 0.95, 1.7, 1.2),
    ),
)


def multiplications(layers: Sequence[tuple[str, float]]) -> float:
    """Return the multiplications for each pixel of a picture that the features of these layers take."""
    return sum(
        KERNEL_VALUES * input_channels_of(name) * channels_of(name) / reduction_of(name) ** 2
        for name in convolutions_through({canonical_layer(name) for name, _ in layers})
    )


def network_pixels(size: int, proportion: float) -> int:
    """Return the pixels of what the network sees of a picture with this long side; ``proportion`` = short / long.

    Up to 5 % wrong: the steps by which :mod:`pipeline.engine.transfer.geometry` rounds a short side grow with it.
    """
    return _network_side(size) * _network_side(max(1, round(size * proportion)))


def read_speed(settings: EngineSettings) -> Speed | None:
    """Return what was measured here with these settings, None if nothing was or the file is damaged."""
    if settings.machine_folder is None:
        return None
    found = read_measured(_path(settings.machine_folder, settings))
    try:
        fields = dict(found["speed"])
        renamed = {name: fields.pop(stored) for name, stored in _STORED_NAMES.items()}
        measurements = tuple(Measurement(**known) for known in renamed.pop("measurements"))
        speed = Speed(**fields, **renamed, measurements=measurements)
        valid = found["machine"] == _identity(settings) and _is_valid(speed)
    except (KeyError, TypeError, ValueError):
        return None
    return speed if valid else None


def store_speed(settings: EngineSettings, speed: Speed) -> None:
    """Store what was measured; where that is impossible it will be measured again."""
    if settings.machine_folder is not None:
        fields = {_STORED_NAMES.get(name, name): value for name, value in dataclasses.asdict(speed).items()}
        document = {"machine": _identity(settings), "speed": fields}
        with contextlib.suppress(OSError):
            store_measurement(_path(settings.machine_folder, settings), document)


def _interpolated(points: Sequence[tuple[float, float]], pixels: float) -> float:
    """Return the seconds at ``pixels``: a power of them between two points, proportional above the last one."""
    largest, seconds = points[-1]
    if len(points) == 1 or pixels >= largest:
        return seconds * pixels / largest
    index = next(index for index, (known, _) in enumerate(points[1:], start=1) if pixels < known)
    (before, low), (after, high) = points[index - 1], points[index]
    return low * math.exp(math.log(high / low) * math.log(pixels / before) / math.log(after / before))


def _network_side(side: int) -> int:
    return max(LEAST_SIDE, GRID * round(side / GRID))


def _identity(settings: EngineSettings) -> dict[str, str]:
    chosen = {"device": settings.device, "precision": settings.precision, "weights": settings.weights.source}
    numbers = {"threads": str(settings.threads), "batch_size": str(settings.batch_size)}
    return performance_factors() | chosen | numbers | {"engine": ENGINE_VERSION}


def _path(folder: Path, settings: EngineSettings) -> Path:
    return folder / f"speed-{sha256_of_json(_identity(settings))[:16]}.json"


def _is_valid(speed: Speed) -> bool:
    numbers = [speed.pictures_at_once, speed.startup_seconds, speed.shallow_share]
    numbers += [number for known in speed.measurements for number in dataclasses.astuple(known)]
    rising = all(before.pixels < after.pixels for before, after in pairwise(speed.measurements))
    return bool(speed.measurements) and rising and all(0 < number < math.inf for number in numbers)
