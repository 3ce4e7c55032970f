"""The real engine, evaluation by evaluation, so that each can be timed, profiled and paired with something else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.engine.events import Request
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import decode, decode_painting
from pipeline.model import EngineSettings, Painting, Progress, Recipe, Style
from tests.benchmarks.subjects import Subjects


class EngineLoop:
    """One picture of the first photo and painting at one size on the CPU, by the Gram matrices of plain torch's."""

    def __init__(self, subjects: Subjects, evaluations: int) -> None:
        self.photo = decode(subjects.photos[0].read_bytes(), long_side=subjects.size, max_pixels=10**9).pixels
        painting = subjects.paintings[0]
        # One at a time works in the thread that asks for it, which is the only one the profiler sees.
        self.stylizer = make_stylizer(subjects.folder / "engine-cache", batch_size=1)
        style = Style("painting", (Painting(painting, sha256_of_file(painting)),))
        recipe = Recipe(
            size=subjects.size,
            scales=(subjects.size,),
            iterations=evaluations,
            tolerance=0,
            style_loss=(("gram", 1.0),),
        )
        requests = [Request("token", self.photo, style, recipe)]
        self._steps: Iterator[object] = self.stylizer.run(lambda _: [requests.pop()] if requests else [])

    def seconds(self) -> float:
        """Move the picture by one step of the optimizer, evaluate it, and return how long that took."""
        began = time.perf_counter()
        assert isinstance(next(self._steps), Progress)
        return time.perf_counter() - began


def make_stylizer(cache_folder: Path, batch_size: int = 0) -> Stylizer:
    """Return the engine on the CPU as a worker makes it; ``batch_size`` 0 = what memory allows."""
    settings = EngineSettings(
        device="cpu", cache_folder=cache_folder, machine_folder=cache_folder, batch_size=batch_size
    )
    return Stylizer(settings, lambda painting, long_side: decode_painting(painting.path, long_side=long_side))
