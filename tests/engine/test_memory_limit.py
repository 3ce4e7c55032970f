"""Memory that really runs out, in a process whose address space is limited."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")

SCRIPT = """
import resource, sys
import numpy as np
from pathlib import Path
from pipeline.engine.allocator import keep_memory
keep_memory()
from pipeline.engine.events import Broken, Commission, Finished
from pipeline.engine.stylizer import Stylizer
from pipeline.model import EngineSettings, Painting, Recipe, Style

style = Style("flat", (Painting(Path("flat.jpg"), "0" * 64),))
random = np.random.default_rng(0)
settings = EngineSettings(device="cpu", threads=1, batch_size=2, machine_folder=Path(sys.argv[2]))
stylizer = Stylizer(settings, lambda painting: random.integers(0, 255, (64, 64, 3), np.uint8))

def make(*sizes):
    waiting = [
        Commission(
            token=str(size),
            photo=random.integers(0, 255, (size, size, 3), np.uint8),
            style=style,
            recipe=Recipe(size=size, scales=1, iterations=2),
        )
        for size in sizes
    ]
    for event in stylizer.run(lambda count: [waiting.pop(0) for _ in range(min(count, len(waiting)))]):
        if isinstance(event, Finished):
            print(event.token, "finished", *event.notes)
        if isinstance(event, Broken):
            print(event.token, "broken", type(event.error).__name__)

make(64, 80)  # what is made once is there before the limit
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(sys.argv[1]),) * 2)
print("limited")
make(96, 1024, 1008, 112)
make(*map(int, sys.argv[3:]))
"""


def outcomes_of(folder: Path, megabytes: int, *sizes: int) -> list[str]:
    command = [sys.executable, "-c", SCRIPT, str(megabytes * 1_000_000), str(folder), *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return sorted(lines[lines.index("limited") + 1 :])


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its size in /proc")
def test_pictures_that_do_not_fit_break_alone_and_the_others_are_made(tmp_path: Path) -> None:
    # Which of these sizes fits only frugally depends on the convolutions that were fastest when it was measured.
    sizes = range(256, 449, 48)
    found = dict(line.split(" ", 1) for line in outcomes_of(tmp_path, 400, *sizes))
    assert found.pop("1008") == found.pop("1024") == "broken OutOfMemoryError"
    assert found.pop("96") == found.pop("112") == "finished"
    frugal = "finished memory was short: every block of the network was computed twice, which takes longer"
    assert set(found) == {str(size) for size in sizes}
    assert frugal in found.values()
    assert set(found.values()) <= {"finished", frugal, "broken OutOfMemoryError"}
