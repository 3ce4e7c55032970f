"""The engine: VGG-19 style transfer from pixels to pixels; knows no photo files, screens or databases.

It reads and writes only files of its own: the network's weights, the style cache, checkpoints and measurements.
"""

from __future__ import annotations

from typing import Final

#: Recorded beside every picture; increased when the same job would give other pixels.
ENGINE_VERSION: Final = "5"
