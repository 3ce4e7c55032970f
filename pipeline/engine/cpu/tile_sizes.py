"""The sizes that all code for Winograd's tiles shares: torch's operators, compiled loops, and who calls these."""

from __future__ import annotations

from typing import Final

#: Sides of the patch that a tile is computed of, and of the tile.
WINDOW: Final = 6
STRIDE: Final = 4

#: Floats that compiled code works on together.
LANES: Final = 8

#: Columns of a product that compiled code computes together.
PANEL: Final = 2 * LANES
