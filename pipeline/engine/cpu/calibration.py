"""Measures which algorithm is the fastest for each convolution on this machine, and stores the choice.

Algorithms round differently, and L-BFGS amplifies the difference until it can be seen. So the choice is measured once
for a machine, torch version, number of threads and engine version, kept in the cache folder, and has a name that the
report shows. Without a folder nothing is measured and a fixed choice is taken.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from pipeline.engine import ENGINE_VERSION
from pipeline.engine.cpu.convolution import ALGORITHMS, COLORS, Algorithm, LayerShape, algorithms_for, make_kernel
from pipeline.engine.cpu.fused import fusing_works
from pipeline.engine.cpu.products import mean_products, multiply_pixels
from pipeline.engine.cpu.threads import on_threads, same_bits
from pipeline.engine.cpu.winograd import packing_works
from pipeline.engine.machine import processor_name, read_measured, store_measurement
from pipeline.hashing import sha256_of_json

#: How long algorithms may be timed for one layer shape, besides one warm-up and one timed round.
SHAPE_SECONDS: Final = 0.125
_MOST_ROUNDS: Final = 5

#: The thread's own time; on Windows that advances in sixtieths of a second, longer than several layers take.
_CLOCK: Final = time.perf_counter if os.name == "nt" else time.thread_time

# What is not clearly faster than torch's own convolution is not worth a change of pixels.
_CLEARLY_FASTER: Final = 0.95

#: Returns the seconds that each of the algorithms takes for a layer shape.
TimeKernels = Callable[[LayerShape, Iterable[Algorithm]], Mapping[Algorithm, float]]


@dataclass(frozen=True)
class KernelPlan:
    """An algorithm for each layer shape: that of the most similar of ``choices`` with the same channels.

    The backward pass, from outputs to channels, takes the algorithm of the forward pass. ``thread_independent``: all
    of this has the same bits on any number of threads, as far as was checked.
    """

    choices: Mapping[LayerShape, Algorithm]
    thread_independent: bool = False

    def __call__(self, shape: LayerShape) -> Algorithm:
        """Return the algorithm for ``shape``; ``direct`` for channels without a choice."""
        channels = {shape.channels, shape.outputs}
        alike = [known for known in self.choices if {known.channels, known.outputs} == channels]
        if not alike:
            return "direct"
        return self.choices[min(alike, key=lambda known: abs(math.log(_area(known) / _area(shape))))]

    @property
    def name(self) -> str:
        """Return the plan's name in the report; equal names mean equal choices."""
        if set(self.choices.values()) <= {"direct"}:
            return "direct"
        return f"winograd {sha256_of_json(_as_text(self.choices))[:8]}"


DIRECT: Final = KernelPlan({})


def default_plan(shapes: Iterable[LayerShape]) -> KernelPlan:
    """Return a plan that needs no measurement and works with any version of torch, and without LLVM."""
    return KernelPlan({shape: "tiles" if min(shape.channels, shape.outputs) >= 128 else "direct" for shape in shapes})


def calibrate(folder: Path | None, shapes: Sequence[LayerShape], timer: TimeKernels | None = None) -> KernelPlan:
    """Return this machine's plan for layers of ``shapes``: read from ``folder``, or measured and stored there.

    If the file is damaged, it measures again. Without a folder, or if it can't be written to, the plan is
    :func:`default_plan`, since a choice that is not stored might be another one tomorrow.
    """
    if folder is None:
        return default_plan(shapes)
    identity = machine()
    path = folder / f"convolutions-{sha256_of_json(identity)[:16]}.json"
    usable: Mapping[str, Callable[[], bool]] = {"packed": packing_works, "fused": lambda: fusing_works(folder)}
    candidates = [name for name in ALGORITHMS if name not in usable or usable[name]()]
    stored = _read(path, identity, shapes, candidates)
    if stored is not None:
        return stored
    plan = measure_algorithms(shapes, candidates, timer or time_kernels)
    try:
        _write(path, identity, plan)
    except OSError:
        return default_plan(shapes)
    return plan


def measure_algorithms(
    shapes: Sequence[LayerShape], candidates: Iterable[Algorithm], timer: TimeKernels
) -> KernelPlan:
    """Return the plan with the fastest of ``candidates`` for each shape; ``timer`` returns the seconds they take."""
    usable = frozenset(candidates)
    choices = {
        shape: _choice(shape, [name for name in algorithms_for(shape) if name in usable], timer) for shape in shapes
    }
    return KernelPlan(choices, all(_is_thread_independent(shape, choices[shape]) for shape in shapes))


def _choice(shape: LayerShape, candidates: Sequence[Algorithm], timer: TimeKernels) -> Algorithm:
    if COLORS not in (shape.channels, shape.outputs):
        return _fastest(timer(shape, candidates))
    # What is timed is the way there, which takes as long by all for colors; the way back takes half as long fused.
    return "fused" if "fused" in candidates else "direct"


def _is_thread_independent(shape: LayerShape, algorithm: Algorithm) -> bool:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(shape.outputs, shape.channels, 3, 3, generator=generator)
    x = torch.rand(shape.height, shape.width, shape.channels, generator=generator)
    features = x.permute(2, 0, 1)[None]
    kernel = make_kernel(algorithm, weight, None)
    checked = (
        lambda: kernel(x, rectify=True),
        lambda: mean_products(features),
        lambda: multiply_pixels(features, mean_products(features)[0]),
    )
    with torch.no_grad():
        return all(map(same_bits, checked))


def time_kernels(
    shape: LayerShape, candidates: Iterable[Algorithm], clock: Callable[[], float] = _CLOCK
) -> dict[Algorithm, float]:
    """Return the least seconds that each candidate takes for ``shape``.

    They take turns in a single thread, whose own time ``clock`` returns: so the result does not depend on what else
    the machine is doing.
    """
    weight = torch.full((shape.outputs, shape.channels, 3, 3), 0.01)
    x = torch.full((shape.height, shape.width, shape.channels), 0.01)
    kernels = {name: make_kernel(name, weight, torch.zeros(shape.outputs)) for name in candidates}
    best = dict.fromkeys(kernels, math.inf)
    with on_threads(1), torch.no_grad():
        for kernel in kernels.values():
            kernel(x, rectify=True)
        begun = clock()
        for _ in range(_MOST_ROUNDS):
            for name, kernel in kernels.items():
                before = clock()
                kernel(x, rectify=True)
                best[name] = min(best[name], clock() - before)
            if clock() - begun > SHAPE_SECONDS:
                break
    return best


def machine() -> dict[str, str]:
    """Return everything that a measurement is valid for."""
    return {
        "processor": processor_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "engine": ENGINE_VERSION,
    }


def _fastest(seconds: Mapping[Algorithm, float]) -> Algorithm:
    fastest = min(seconds, key=lambda name: seconds[name])
    return fastest if seconds[fastest] < _CLEARLY_FASTER * seconds["direct"] else "direct"


def _area(shape: LayerShape) -> int:
    return shape.height * shape.width


def _text(shape: LayerShape) -> str:
    return f"{shape.channels} to {shape.outputs} at {shape.width}x{shape.height}"


def _as_text(choices: Mapping[LayerShape, Algorithm]) -> dict[str, str]:
    return {_text(shape): choices[shape] for shape in choices}


def _read(
    path: Path, identity: Mapping[str, str], shapes: Iterable[LayerShape], candidates: Iterable[Algorithm]
) -> KernelPlan | None:
    found = read_measured(path)
    try:
        choices: dict[LayerShape, Algorithm] = {shape: found["choices"][_text(shape)] for shape in shapes}
        independent = found["steady"]
        valid = found["machine"] == identity and set(choices.values()) <= set(candidates)
    except (KeyError, TypeError):
        return None
    return KernelPlan(choices, independent) if valid and independent in (True, False) else None


def _write(path: Path, identity: Mapping[str, str], plan: KernelPlan) -> None:
    choices, independent = _as_text(plan.choices), plan.thread_independent
    store_measurement(path, {"machine": dict(identity), "choices": choices, "steady": independent})
