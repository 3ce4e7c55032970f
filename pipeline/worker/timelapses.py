"""Collects the frames of one picture's time-lapse while it is made. Owns which frames, and where they are saved.

Nothing that goes wrong here reaches the picture: it becomes a note about the time-lapse.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import safetensors
import safetensors.numpy

from pipeline.durable_files import new_file, write_file
from pipeline.images.decode import PixelArray, fit
from pipeline.images.previews import resized
from pipeline.images.timelapse import (
    LONG_SIDE_PIXELS,
    MOST_FRAMES,
    FrameEncoder,
    animation,
    last_frame,
    size_of_frame,
)
from pipeline.model import Recipe

#: Pictures mostly end before half of the evaluations that they may take: then these are about enough frames.
_FRAMES_OF_ALL_EVALUATIONS: Final = 2 * MOST_FRAMES
_STRIDE: Final = "stride"


class Timelapse:
    """Frames at equal distances, in evaluations, whatever their number comes to: twice the distance when it is full.

    ``shape``: height and width of the picture. :meth:`save` and :meth:`write` are for the writer's thread, the other
    methods for the engine's.
    """

    def __init__(self, recipe: Recipe, shape: tuple[int, int]) -> None:
        height, width = shape
        self._size = fit((width, height), min(LONG_SIDE_PIXELS, max(shape)))
        self._stride = max(1, sum(recipe.iterations_by_scale()) // _FRAMES_OF_ALL_EVALUATIONS)
        self._frames: list[tuple[int, bytes]] = []
        self._last_evaluation = 0
        self._encoder = FrameEncoder()
        self._failure = ""

    @property
    def evaluations(self) -> tuple[int, ...]:
        """Return after how many evaluations each of the frames was taken."""
        return tuple(evaluations for evaluations, _ in self._frames)

    def wanted_pixels(self, evaluations: int) -> int:
        """Return the long side of the frame that is due after so many evaluations, 0 if none is."""
        is_due = not self._last_evaluation or evaluations - self._last_evaluation >= self._stride
        return max(self._size) if is_due and not self._failure else 0

    def prepare_add(self, evaluations: int, pixels: PixelArray) -> Callable[[], None]:
        """Return a function for the writer's thread that adds a frame of pixels (H, W, 3)."""
        self._last_evaluation = evaluations
        return lambda: self._attempt(lambda: self._add(evaluations, pixels))

    def save(self, path: Path) -> None:
        """Save the frames so far, for :meth:`resume`; without them the time-lapse begins where it is resumed."""
        frames = {str(evaluations): np.frombuffer(frame, np.uint8) for evaluations, frame in self._frames}
        # Not durable: a file that a power cut damaged is noticed when it is read.
        with contextlib.suppress(OSError, MemoryError):
            data = safetensors.numpy.save(frames, metadata={_STRIDE: str(self._stride)})
            write_file(path, data, durable=False, part=path.with_suffix(".part"))

    def resume(self, path: Path, evaluations: int) -> None:
        """Take over the frames of a picture that is resumed after so many evaluations, as far as they are usable."""
        try:
            with safetensors.safe_open(path, framework="np") as file:
                stride = int((file.metadata() or {})[_STRIDE])
                frames = [(int(name), file.get_tensor(name).tobytes()) for name in file.keys()]  # noqa: SIM118
            frames = sorted(frame for frame in frames if frame[0] <= evaluations)
            if any(size_of_frame(frame) != self._size for _, frame in frames):
                return
        except (OSError, MemoryError, ValueError, LookupError, safetensors.SafetensorError):
            return
        self._frames, self._stride = frames, max(1, stride)
        self._last_evaluation = frames[-1][0] if frames else 0

    def write(self, part: Path, picture: PixelArray, key: str) -> tuple[str, ...]:
        """Write the time-lapse of a finished picture to ``part`` and return what to note about it."""
        self._attempt(lambda: self._write(part, picture, key))
        return (f"no time-lapse: {self._failure}",) if self._failure else ()

    def _add(self, evaluations: int, pixels: PixelArray) -> None:
        self._frames.append((evaluations, self._encoder.encode(resized(pixels, self._size))))
        if len(self._frames) > MOST_FRAMES:
            self._frames = self._frames[::2]
            self._stride *= 2

    def _write(self, part: Path, picture: PixelArray, key: str) -> None:
        last = last_frame(resized(picture, self._size))
        data = animation([*(frame for _, frame in self._frames), last], key)
        with new_file(part) as file:
            file.write(data)

    def _attempt(self, action: Callable[[], None]) -> None:
        if self._failure:
            return
        try:
            action()
        except OSError as error:
            self._failure = error.strerror or str(error)
        except MemoryError:
            self._failure = "there was too little memory"
        except Exception as error:  # no fault of ours or of an encoder may reach the picture
            self._failure = f"{type(error).__name__}: {error}"
