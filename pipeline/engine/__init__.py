"""Tensors in, tensors out: VGG-19 style transfer. Refuses files, screens and databases; imports nothing here.

The one exception is the engine's own data: the network's weights are read and the style cache is kept on disk.
"""

from __future__ import annotations

from typing import Final

#: Recorded beside every picture; grows when the same job would give other pixels.
ENGINE_VERSION: Final = "2"
