"""(f) Memory: peaks of whole programs, and growth over many jobs.

As a program (``python -m tests.benchmarks.memory JOBS PAINTING``) this makes tiny pictures in one engine and prints
the number of jobs done and the resident bytes, every now and then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.engine.memory.requirements import least_need_at, need_of, program_bytes
from pipeline.images.decode import decode
from pipeline.model import Recipe
from tests.benchmarks.ours import Desk
from tests.benchmarks.processes import measure
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row

TITLE = "f. Memory"

_LOOKS = 10


def rows(subjects: Subjects) -> list[Row]:
    """Return the peaks of a usual and of a huge picture, and the growth over 500 tiny ones."""
    huge, jobs = (600, 40) if subjects.quick else (3000, 500)
    return [
        _peak(subjects, Recipe(size=subjects.size, iterations=25), "one picture"),
        _peak(subjects, Recipe(size=huge, scales=1, iterations=2), "two evaluations", goal="14 GiB"),
        _peak(
            subjects, Recipe(size=huge, scales=1, iterations=25 if subjects.quick else 3), "an optimizer that moves"
        ),
        _growth(subjects, jobs),
    ]


def _peak(subjects: Subjects, recipe: Recipe, what: str, goal: str = "") -> Row:
    keys = {
        "size": recipe.size,
        "scales": recipe.scales,
        "iterations": recipe.iterations,
        "tolerance": recipe.tolerance,
    }
    desk = Desk(subjects.folder / f"f-{recipe.size}-{recipe.iterations}")
    config = desk.config({subjects.paintings[0]: 1.0}, keys)
    peak = desk.try_(config, subjects.photos[0], "try")[0].peak_bytes
    photo = decode(subjects.photos[0].read_bytes(), long_side=recipe.size, max_pixels=10**9).pixels
    need = need_of(recipe, *photo.shape[:2])
    least = least_need_at(recipe, photo.shape[0] * photo.shape[1])
    expected = f"expected: {_gib(program_bytes(recipe) + need)}, {_gib(program_bytes(recipe) + least)} at least"
    return Row(f"peak of {what} at {photo.shape[1]} × {photo.shape[0]}", _gib(peak), expected, "", goal)


def _gib(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"


def _growth(subjects: Subjects, jobs: int) -> Row:
    samples: list[tuple[int, int]] = []

    def hear(_: float, line: str) -> None:
        done, resident = line.split()
        samples.append((int(done), int(resident)))

    measure(["-m", "tests.benchmarks.memory", str(jobs), subjects.paintings[0]], hear)
    (early, before), (late, after) = samples[0], samples[-1]
    ours = f"{before / 2**20:,.0f} MiB after {early}, {after / 2**20:,.0f} MiB after {late}"
    return Row("resident memory over tiny pictures", ours, "", f"{(after - before) / 2**20:+.1f} MiB", "no growth")


def _resident_bytes() -> int:
    """Return the memory in use now; where that can't be known, the most there ever was, which shows growth too."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _make_tiny_pictures(jobs: int, painting: Path) -> Iterator[tuple[int, int]]:
    import numpy as np

    from pipeline.engine.events import Finished, Request
    from pipeline.executors.child import make_stylizer
    from pipeline.model import EngineSettings, Painting, Style

    stylizer = make_stylizer(EngineSettings(device="cpu"))
    style, recipe = Style("painting", (Painting(painting, "its hash"),)), Recipe(size=48, iterations=2)
    random = np.random.default_rng(0)
    shapes = [(32, 48), (48, 48), (48, 40), (96, 128), (40, 48)]
    waiting = list(range(jobs))

    def pull(count: int) -> list[Request]:
        taken, waiting[:] = waiting[:count], waiting[count:]
        pixels = [random.integers(0, 256, (*shapes[number % len(shapes)], 3), np.uint8) for number in taken]
        return [Request(str(number), photo, style, recipe) for number, photo in zip(taken, pixels, strict=True)]

    finished = (event for event in stylizer.run(pull) if isinstance(event, Finished))
    for done, _ in enumerate(finished, start=1):
        if done % max(1, jobs // _LOOKS) == 0:
            yield done, _resident_bytes()


if __name__ == "__main__":
    for done, resident in _make_tiny_pictures(int(sys.argv[1]), Path(sys.argv[2])):
        print(done, resident, flush=True)
