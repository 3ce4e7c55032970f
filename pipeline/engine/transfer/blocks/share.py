"""Counts how much of an evaluation in blocks is done, and says so after each block.

Without gradients a block takes half as long as with them. The first stage has as many values as all later ones
together have to be multiplied, so it counts half; of the later ones each convolution counts the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.engine.transfer.blocks.partition import Block, Divide, Stage, equal_parts

#: Called after each block with the share of the evaluation that is done, 0..1; what it raises ends the evaluation.
AfterBlock = Callable[[float], None]

_FIRST_STAGE: Final = 0.5
_FORWARD: Final = 1 / 3


def nobody(_share: float) -> None:
    """Stand for those who want to hear of no block."""


@dataclass(frozen=True, slots=True)
class InBlocks:
    """How an evaluation is divided into blocks, and who hears of each."""

    divide: Divide = equal_parts
    after_block: AfterBlock = nobody


class ShareDone:
    """The share of one evaluation that is done: of ``count`` pictures of ``height`` × ``width``, one after another.

    ``after_block`` hears of it.
    """

    def __init__(
        self, stages: Sequence[Stage], height: int, width: int, after_block: AfterBlock, *, count: int = 1
    ) -> None:
        self._weights = {stage: weight / (count * height * width) for stage, weight in _weights(stages).items()}
        self._after_block = after_block
        self._share = 0.0

    def forward(self, stage: Stage, block: Block) -> None:
        """Count a block that was passed without gradients."""
        self._add(stage, block, _FORWARD)

    def backward(self, stage: Stage, block: Block) -> None:
        """Count a block that was passed with gradients."""
        self._add(stage, block, 1 - _FORWARD)

    def _add(self, stage: Stage, block: Block, part: float) -> None:
        pixels = block.core.positions * stage.reduction**2
        self._share = min(1.0, self._share + part * self._weights[stage] * pixels)
        self._after_block(self._share)


def _weights(stages: Sequence[Stage]) -> dict[Stage, float]:
    """Return what share of an evaluation each stage takes."""
    first, *later = stages
    convolutions = [sum(map(len, stage.segments)) for stage in later]
    rest = 1 - _FIRST_STAGE if later else 0.0
    return {first: 1 - rest} | {
        stage: rest * count / sum(convolutions) for stage, count in zip(later, convolutions, strict=True)
    }
