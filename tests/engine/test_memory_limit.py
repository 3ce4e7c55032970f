"""Memory that really runs out, in a process whose address space is limited."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("resource")

SCRIPT = """
import resource, sys
import numpy as np
from pathlib import Path
from pipeline.engine.events import Broken, Commission, Finished
from pipeline.engine.stylizer import Stylizer
from pipeline.model import EngineSettings, Painting, Recipe, Style

style = Style("flat", (Painting(Path("flat.jpg"), "0" * 64),))
random = np.random.default_rng(0)
stylizer = Stylizer(EngineSettings(threads=1), lambda painting: random.integers(0, 255, (64, 64, 3), np.uint8))

def commission(token, size):
    photo = random.integers(0, 255, (size, size, 3), np.uint8)
    return Commission(token=token, photo=photo, style=style, recipe=Recipe(size=size, scales=1, iterations=2))

waiting = [commission("small again", 64), commission("large", 1024), commission("small", 64)]
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(sys.argv[1]),) * 2)
for event in stylizer.run(lambda count: [waiting.pop()] if waiting else []):
    if isinstance(event, Finished):
        print(event.token, "finished", *event.notes)
    if isinstance(event, Broken):
        print(event.token, "broken", type(event.error).__name__)
"""


def outcome_of(megabytes: int) -> list[str]:
    command = [sys.executable, "-c", SCRIPT, str(megabytes * 1_000_000)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its size in /proc")
def test_a_picture_that_does_not_fit_breaks_alone_and_the_next_one_is_made() -> None:
    assert outcome_of(megabytes=300) == ["small finished", "large broken OutOfMemoryError", "small again finished"]
