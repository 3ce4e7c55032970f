"""Photos that can be told apart by the thousand, the engine that paints them, and what a picture shows."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pipeline.engine.events import Event
from pipeline.model import EngineSettings
from tests.faults.painters import STYLES, MarkingEngine

_BLUE = 77
_PICTURE_SECONDS = 0.05


def photo_bytes(number: int) -> bytes:
    """Return a small photo, another one for each number below 65,536."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (number % 256, number // 256, _BLUE)).save(file, format="PNG")
    return file.getvalue()


def shown_in(picture: bytes) -> tuple[int, str] | None:
    """Return the number and the style that a picture shows, None for anything else. Raises for a damaged one."""
    with Image.open(io.BytesIO(picture)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    red, green, blue = 255 - pixels[3, 3]
    mark = tuple(pixels[12, 3])
    style = next((style for style, color in STYLES.items() if color == mark), None)
    return (int(red + 256 * green), style) if style is not None and blue == _BLUE else None


@dataclass
class Painter(MarkingEngine):
    """Inverts photos and marks them with their style, one after the other, in its own time."""

    capacity: int = 2

    def run(self, *how: Any) -> Iterator[Event]:
        for event in super().run(*how):
            time.sleep(_PICTURE_SECONDS)
            yield event


def painter(_settings: EngineSettings) -> Painter:
    return Painter()
