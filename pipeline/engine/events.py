"""Requests to the engine and events from it; needs no torch.

Every process can import it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import StylewatchError
from pipeline.model import Losses, LossHistory, Occupancy, Progress, Recipe, Style


@dataclass(frozen=True, eq=False)
class Places:
    """What differs by place in a picture; arrays (H, W) of the photo's shape, float32 in 0..1.

    ``regions``: for each of the style's regions how much it has of each place; together 1 at most, and where it is
    less the first painted region has the rest. ``guarded``: how much of the photo is to be recognized, 0 = no more
    than elsewhere. None = nowhere.
    """

    regions: tuple[npt.NDArray[np.float32], ...] = ()
    guarded: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Request:
    """A picture to make. ``photo``: sRGB (H, W, 3), uint8 or float32 in 0..1, its long side the recipe's size.

    ``checkpoint``: the file from which the picture is resumed, if it is there. ``alpha``: (H, W), how opaque the
    photo is, uint8 or float32 as well, None = all of it; colors that nobody sees don't count.
    """

    token: str
    photo: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    style: Style
    recipe: Recipe
    checkpoint: Path | None = None
    places: Places | None = None
    alpha: npt.NDArray[np.uint8] | npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """An intermediate picture: float32 (H, W, 3), 0..1, of the photo's shape. ``iteration`` counts all scales."""

    token: str
    iteration: int
    scale_index: int
    pixels: npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Preview:
    """A small copy of a picture in progress: float32 (H, W, 3), 0..1, of the photo's proportions.

    It has the best pixels of the current scale after ``evaluations`` of all scales.
    """

    token: str
    evaluations: int
    pixels: npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckpointReady:
    """A checkpoint of a picture, after ``iteration`` of at most ``iterations`` evaluations at this ``size``.

    ``evaluations`` counts all sizes. ``save(path, seconds)`` writes about ``size_bytes`` to ``path``, replacing what
    is there, with the seconds spent on the picture; it may be called from any thread while the engine continues, and
    raises OSError. ``last``: the engine was suspended and does not work on this picture any more.
    """

    token: str
    size: int
    iteration: int
    iterations: int
    evaluations: int
    size_bytes: int
    save: Callable[[Path, float], None]
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A picture was resumed from its checkpoint, after ``seconds`` of work; see :class:`CheckpointReady`."""

    token: str
    size: int
    iteration: int
    iterations: int
    evaluations: int
    seconds: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Finished:
    """A finished picture, float32 (H, W, 3), 0..1, of its photo's shape.

    ``iterations`` are the evaluations at each of ``sizes``. ``first`` are the losses of the finest scale's first
    evaluation, ``last`` those of this picture. ``history`` is how they went by layer over all scales.
    """

    token: str
    pixels: npt.NDArray[Any]
    sizes: tuple[int, ...]
    iterations: tuple[int, ...]
    first: Losses
    last: Losses
    cache_hits: int
    cache_misses: int
    notes: tuple[str, ...]
    history: LossHistory | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A picture that could not be made, and why."""

    token: str
    error: StylewatchError


Event = Progress | Snapshot | Preview | CheckpointReady | Resumed | Finished | Failed | Occupancy


@dataclass(frozen=True, slots=True)
class RunControl:
    """What the engine asks between evaluations, in the thread that runs it, and whom it tells during long ones.

    ``suspend``: should the run end, with a last checkpoint of every picture in progress? Once it is so it stays so.
    ``wants_checkpoint(token)``:
    should it yield a checkpoint of this picture now? ``wants_preview(token, evaluations)``: with how long a side, in
    pixels, should it yield a preview of this picture after so many evaluations; 0 = none?

    ``on_share(token, share)`` is called after each block of a picture that is evaluated in blocks, with how much of
    the evaluation is done, 0..1, in whichever thread evaluates it, of several pictures perhaps at once. While its
    targets are computed the share is 0, and it is less than before where an evaluation begins again. There
    ``suspend`` is asked, too, so that such an evaluation ends after the current block.
    """

    suspend: Callable[[], bool] = lambda: False
    wants_checkpoint: Callable[[str], bool] = lambda _: False
    wants_preview: Callable[[str, int], int] = lambda _token, _evaluations: 0
    on_share: Callable[[str, float], None] = lambda _token, _share: None
