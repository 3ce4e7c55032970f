"""Where an evaluation's time goes: in the convolutions, and in what else."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

# torch's own, forward and backward (gradients of weights, computed by mistake, would count too), and the engine's
# functions of its frozen weights: see pipeline.engine.cpu.convolution.
_CONVOLUTION = re.compile(
    r"aten::(conv2d|convolution|convolution_backward)|(_FrozenConvolution|_SingleThreaded)(Backward)?"
)

_BACKWARD = "autograd::engine::evaluate_function: "


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds in all, in the convolutions, and outside them by the name of the outermost operation."""

    seconds: float
    convolutions: float
    others: Counter[str]

    @property
    def share_outside(self) -> float:
        """Return the share of time that is not spent in convolutions."""
        return 1 - self.convolutions / self.seconds


def profiled(work: Callable[[], object], repetitions: int) -> Profile:
    """Profile ``repetitions`` of ``work`` on the CPU."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # or the profiler tells that it finds no GPU
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        began = time.perf_counter()
        for _ in range(repetitions):
            work()
        elapsed = time.perf_counter() - began
    convolutions, others = 0.0, Counter[str]()
    for event in recorded.events():
        outer = _enclosing(event)
        if any(_is_convolution(each.name) for each in outer[1:]):
            continue
        if _is_convolution(event.name):
            convolutions += event.cpu_time_total / 1e6
        else:
            others[outer[-1].name.removeprefix(_BACKWARD)] += event.self_cpu_time_total / 1e6
    others["nothing torch knows of: Python, and waiting"] = elapsed - convolutions - others.total()
    return Profile(elapsed, convolutions, others)


def _is_convolution(name: str) -> bool:
    return _CONVOLUTION.fullmatch(name) is not None


def _enclosing(event: FunctionEvent) -> list[FunctionEvent]:
    """Return an event and those around it, the outermost last."""
    found = [event]
    while found[-1].cpu_parent is not None:
        found.append(found[-1].cpu_parent)
    return found
