"""A step that runs out of memory changes nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest
import torch

from pipeline.engine.events import Event
from pipeline.engine.scheduler.batch_step import run_batch_step
from pipeline.engine.transfer.canvas import Canvas, blank_canvas
from pipeline.engine.transfer.optimizers import make_optimizer
from pipeline.engine.transfer.step import SuspendedError
from pipeline.model import Losses
from tests.engine.scheduler.test_stylizer import request

# Prints by how many megabytes a process is larger after a step, which took 160, ran out of memory.
SHORT_STEP = """
import os
from pathlib import Path
from pipeline.engine.cpu.allocator import keep_memory
from pipeline.engine.scheduler.batch_step import run_batch_step

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000

def fail(batch, in_blocks):
    many = [b"x" * 8_000_000 for _ in range(20)]
    last.append(b"y" * 1000)  # at the top of what was taken
    raise MemoryError

keep_memory()
last = []
before = megabytes()
assert run_batch_step([], fail, False).short
print(megabytes() - before)
"""


@pytest.fixture
def canvas() -> Canvas:
    return blank_canvas(request("t"), torch.device("cpu"))


def move(canvas: Canvas, loss: float) -> None:
    """Do all to a canvas that an evaluation does."""
    state = canvas.state
    canvas.record(Losses(0, 0, loss), (loss,))
    canvas.content["relu1_1"] = torch.ones(1)
    canvas.notes += ["a note"]
    slopes = (state.pixels - 0.5) * 2
    following = make_optimizer(canvas.recipe).step(state.pixels, torch.tensor([loss]), slopes, [state.optimizer])
    canvas.move_to(following)


def test_a_step_reports_what_it_did(canvas: Canvas) -> None:
    def work(batch: Sequence[Canvas], in_blocks: bool) -> list[Event]:
        assert in_blocks
        move(batch[0], 1.0)
        return []

    step = run_batch_step([canvas], work, in_blocks=True)
    assert (step.short, step.in_blocks, step.events, step.batch) == (False, True, [], [canvas])
    assert canvas.state.iteration == 1


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no"), MemoryError(), RuntimeError("std::bad_alloc")])
def test_a_step_short_of_memory_leaves_canvases_as_they_were(canvas: Canvas, error: Exception) -> None:
    move(canvas, 3.0)
    move(canvas, 2.0)
    pixels, history = canvas.state.pixels, list(canvas.state.optimizer.steps)

    def work(batch: Sequence[Canvas], in_blocks: bool) -> list[Event]:
        move(batch[0], 1.0)
        batch[0].start_next_scale()
        batch[0].ended = True
        raise error

    step = run_batch_step([canvas], work, in_blocks=False)
    assert step.short
    assert torch.equal(canvas.state.pixels, pixels)
    assert (canvas.state.iteration, canvas.state.losses.total, canvas.state.scale_index) == (2, 2.0, 0)
    assert [point.total for point in canvas.history] == [3.0, 2.0]
    assert len(canvas.state.optimizer.steps) == len(history) == 1
    assert canvas.notes == ["a note", "a note"]
    assert not canvas.ended
    again = blank_canvas(canvas.request, torch.device("cpu"))
    for one in (canvas, again):
        for loss in (1.0, 0.5) if one is canvas else (3.0, 2.0, 1.0, 0.5):
            move(one, loss)
    assert torch.equal(canvas.state.pixels, again.state.pixels)


def test_other_errors_are_not_taken_for_want_of_memory(canvas: Canvas) -> None:
    def work(batch: Sequence[Canvas], in_blocks: bool) -> list[Event]:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run_batch_step([canvas], work, in_blocks=False)


def test_a_step_that_is_suspended_leaves_canvases_as_they_were(canvas: Canvas) -> None:
    move(canvas, 3.0)
    pixels = canvas.state.pixels

    def work(batch: Sequence[Canvas], in_blocks: bool) -> list[Event]:
        move(batch[0], 1.0)
        raise SuspendedError

    step = run_batch_step([canvas], work, in_blocks=True)
    assert (step.suspended, step.short, step.is_undone, step.events) == (True, False, True, [])
    assert torch.equal(canvas.state.pixels, pixels)
    assert (canvas.state.iteration, canvas.notes) == (1, ["a note"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its size in /proc")
def test_what_a_step_short_of_memory_took_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT_STEP], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40
