"""What losses need of all blocks, and how their gradient comes back to the features of one.

A further loss need not be known here: what is no sum over positions gets a layer's features whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor

from pipeline.engine.transfer.blocks.partition import Box
from pipeline.engine.transfer.distance import exact, in_float64


class Gathered(ABC):
    """What one loss needs of a layer: first all blocks are added, then it is settled, then slopes are asked for."""

    slope: Tensor

    @abstractmethod
    def add(self, features: Tensor, box: Box) -> None:
        """Add a block's own features (1, C, h, w), which are at ``box`` in the layer."""

    @abstractmethod
    def settle(self) -> Tensor:
        """Return all that was added as one tensor, a leaf that asks for its gradient."""

    def differentiate(self, slope: Tensor) -> None:
        """Take the total's derivative by what :meth:`settle` returned."""
        self.slope = slope

    @abstractmethod
    def slopes(self, features: Tensor, box: Box) -> Tensor:
        """Return the total's gradient by a block's own features, of their shape."""


class Sums(Gathered):
    """Sums over positions: ``sums(features, box)`` are a block's, ``slopes`` their product with the slope's."""

    def __init__(
        self, sums: Callable[[Tensor, Box], Tensor], slopes: Callable[[Tensor, Box, Tensor], Tensor]
    ) -> None:
        self._sums, self._slopes = sums, slopes
        self._total: Tensor | None = None

    def add(self, features: Tensor, box: Box) -> None:
        """Add a block's sums."""
        # So that the number of blocks makes no difference.
        found = in_float64(self._sums(exact(features), box))
        self._total = found if self._total is None else self._total + found

    def settle(self) -> Tensor:
        """Return the whole picture's sums."""
        assert self._total is not None
        self._total.requires_grad_()
        return self._total

    def slopes(self, features: Tensor, box: Box) -> Tensor:
        """Return the gradient by a block's own features."""
        features = exact(features)
        return self._slopes(features, box, self.slope.to(features.dtype))


class Rows(Gathered):
    """The features at some ``positions`` (n,) of a layer that is ``width`` wide, as rows (1, n, C)."""

    def __init__(self, positions: Tensor, width: int) -> None:
        self._row, self._column = positions // width, positions % width
        self._rows: Tensor | None = None

    def add(self, features: Tensor, box: Box) -> None:
        """Add the rows that are in a block."""
        index, at = self._inside(box)
        if self._rows is None:
            self._rows = exact(features).new_empty(1, len(self._row), features.shape[1])
        self._rows[0, index] = exact(features).flatten(2)[0].T[at]

    def settle(self) -> Tensor:
        """Return all rows."""
        assert self._rows is not None
        return self._rows.requires_grad_()

    def slopes(self, features: Tensor, box: Box) -> Tensor:
        """Return the gradient by a block's own features, which is zero at all other positions."""
        index, at = self._inside(box)
        found = exact(features).new_zeros(features.shape)
        found.flatten(2)[0].T[at] = self.slope[0, index]
        return found

    def _inside(self, box: Box) -> tuple[Tensor, Tensor]:
        """Return which of the positions are in ``box``, and where in it."""
        row, column = self._row - box.top, self._column - box.left
        width = box.right - box.left
        there = (row >= 0) & (self._row < box.bottom) & (column >= 0) & (self._column < box.right)
        index = there.nonzero()[:, 0]
        return index, row[index] * width + column[index]


class Whole(Gathered):
    """All features (1, C, height, width) of a layer: for losses that are no sums over positions."""

    def __init__(self, height: int, width: int) -> None:
        self._shape = height, width
        self._features: Tensor | None = None

    def add(self, features: Tensor, box: Box) -> None:
        """Keep a block's features."""
        if self._features is None:
            self._features = exact(features).new_empty(1, features.shape[1], *self._shape)
        self._features[box.slices] = exact(features)

    def settle(self) -> Tensor:
        """Return the layer's features."""
        assert self._features is not None
        return self._features.requires_grad_()

    def differentiate(self, slope: Tensor) -> None:
        """Take the gradient by the layer's features, which are not needed any more."""
        self.slope, self._features = slope, None

    def slopes(self, features: Tensor, box: Box) -> Tensor:  # noqa: ARG002
        """Return the gradient by a block's own features."""
        return self.slope[box.slices]
