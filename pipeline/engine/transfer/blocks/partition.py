"""Divides a picture into blocks, and the network into the stages that are passed block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from pipeline.engine.memory.plan import BLOCK_PIXELS, FIRST_STAGE_SEGMENTS
from pipeline.engine.network.architecture import reduction_of


@dataclass(frozen=True, slots=True)
class Box:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, without the latter ones."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def positions(self) -> int:
        """How many there are in the box."""
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index of tensors (B, C, h, w)."""
        return slice(None), slice(None), slice(self.top, self.bottom), slice(self.left, self.right)

    def reduced(self, by: int) -> Box:
        """Return the same box where sides are divided by ``by``."""
        return Box(self.top // by, self.bottom // by, self.left // by, self.right // by)

    def inside(self, outer: Box) -> Box:
        """Return the same box, counted from the corner of ``outer``."""
        return Box(self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left)

    def widened(self, margin: int, height: int, width: int) -> Box:
        """Return the box with a margin at each side, as far as there are so many rows and columns."""
        return Box(
            max(0, self.top - margin),
            min(height, self.bottom + margin),
            max(0, self.left - margin),
            min(width, self.right + margin),
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a stage's input: ``core`` belongs to this block alone, ``seen`` is the core with its margin."""

    core: Box
    seen: Box


@dataclass(frozen=True, slots=True)
class Stage:
    """Segments of the network that are passed block by block.

    ``reduction``: by what the picture's sides are divided at its input. ``grid``: its blocks' sides are multiples of
    this, counted at its input, as is ``margin``.
    """

    segments: tuple[tuple[str, ...], ...]
    reduction: int
    grid: int
    margin: int
    is_last: bool

    def factor_of(self, layer: str) -> int:
        """Return by what the sides of this stage's input are divided at a layer."""
        return reduction_of(layer) // self.reduction


#: Returns where a side of so many pixels of a stage's input is cut: 0, then multiples of its grid, then the side.
Divide = Callable[[int, Stage], Sequence[int]]


def stages_of(segments: Sequence[tuple[str, ...]]) -> tuple[Stage, ...]:
    """Return the stages for a network's segments, between two of which is a pooling."""
    parts = [tuple(segments[:FIRST_STAGE_SEGMENTS]), *((segment,) for segment in segments[FIRST_STAGE_SEGMENTS:])]
    return tuple(_stage(part, is_last=part is parts[-1]) for part in parts)


def _stage(segments: tuple[tuple[str, ...], ...], *, is_last: bool) -> Stage:
    # Each convolution reads a position further; of the two that become one by pooling, one further is enough.
    reach, grid = 0, 1
    for segment in segments:
        reach += sum(1 for _ in segment)
        if not (is_last and segment is segments[-1]):
            reach, grid = -(-reach // 2), grid * 2
    return Stage(segments, reduction_of(segments[0][0]), grid, reach * grid, is_last)


def is_divided(height: int, width: int) -> bool:
    """Tell whether a picture of this size has more than one block."""
    return max(height, width) > BLOCK_PIXELS


def equal_parts(length: int, stage: Stage) -> Sequence[int]:
    """Divide a side into parts of at most :data:`BLOCK_PIXELS` that are equal up to one step of the grid.

    Later stages have more channels and fewer positions: their parts are twice as long in the picture.
    """
    most = max(stage.grid, BLOCK_PIXELS // (1 if stage.reduction == 1 else stage.reduction // 2))
    steps = length // stage.grid
    count = -(-length // most)
    return [steps * number // count * stage.grid for number in range(count)] + [length]


def blocks_of(stage: Stage, height: int, width: int, divide: Divide) -> Iterator[Block]:
    """Yield the blocks of a stage's input (B, C, height, width), row by row."""
    rows, columns = (list(pairwise(divide(side, stage))) for side in (height, width))
    for (top, bottom), (left, right) in product(rows, columns):
        core = Box(top, bottom, left, right)
        yield Block(core, core.widened(stage.margin, height, width))
