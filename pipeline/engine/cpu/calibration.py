"""Which algorithm computes each convolution on this machine. Owns the choice; refuses to know how they compute.

Algorithms round differently, and L-BFGS makes pictures of the difference: so the choice is measured once for a
machine, torch version, number of threads and engine version, kept in the cache folder, and has a name that belongs
into the report. Without a folder nothing is measured and a fixed choice serves.
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
from pipeline.engine.cpu.convolution import ALGORITHMS, Algorithm, LayerShape, make_kernel
from pipeline.engine.cpu.products import mean_products, multiply_pixels
from pipeline.engine.cpu.threads import on_threads, same_bits
from pipeline.engine.cpu.winograd import packing_works
from pipeline.engine.machine import keep_measured, processor, read_measured
from pipeline.hashing import sha256_of_json

#: How long the comparison for one layer shape may take, apart from one warm-up and one timed round.
RACE_SECONDS: Final = 0.125
_MOST_ROUNDS: Final = 5

#: The thread's own time; on Windows that goes by sixtieths of a second, in which several layers are done.
_CLOCK: Final = time.perf_counter if os.name == "nt" else time.thread_time

# What is not clearly faster than torch's own convolution is not worth other pixels.
_CLEARLY: Final = 0.95

Race = Callable[[LayerShape, Iterable[Algorithm]], Mapping[Algorithm, float]]


@dataclass(frozen=True)
class KernelPlan:
    """An algorithm for each layer shape, that of the most similar of ``choices`` with the same channels.

    The way back, from outputs to channels, takes the algorithm of the way there. ``steady`` means that all of this
    comes out in the same bits for any number of threads, as far as was looked.
    """

    choices: Mapping[LayerShape, Algorithm]
    steady: bool = False

    def __call__(self, shape: LayerShape) -> Algorithm:
        """Return the algorithm for ``shape``; ``direct`` for channels that no choice is known for."""
        channels = {shape.channels, shape.outputs}
        alike = [known for known in self.choices if {known.channels, known.outputs} == channels]
        if not alike:
            return "direct"
        return self.choices[min(alike, key=lambda known: abs(math.log(_area(known) / _area(shape))))]

    @property
    def name(self) -> str:
        """Return what the report calls this plan: equal names mean equal choices."""
        if set(self.choices.values()) <= {"direct"}:
            return "direct"
        return f"winograd {sha256_of_json(_as_text(self.choices))[:8]}"


DIRECT: Final = KernelPlan({})


def usual_plan(shapes: Iterable[LayerShape]) -> KernelPlan:
    """Return a plan that nothing was measured for and that any torch can follow."""
    return KernelPlan({shape: "tiles" if min(shape.channels, shape.outputs) >= 128 else "direct" for shape in shapes})


def calibrate(folder: Path | None, shapes: Sequence[LayerShape], race: Race | None = None) -> KernelPlan:
    """Return this machine's plan for layers of ``shapes``: as kept in ``folder``, or measured and kept there.

    A damaged file is measured again. Without a folder, or one that can't be written to, it is :func:`usual_plan`,
    since a choice that is not kept might be another one tomorrow.
    """
    if folder is None:
        return usual_plan(shapes)
    identity = machine()
    path = folder / f"convolutions-{sha256_of_json(identity)[:16]}.json"
    candidates = [name for name in ALGORITHMS if name != "packed" or packing_works()]
    kept = _read(path, identity, shapes, candidates)
    if kept is not None:
        return kept
    plan = measure(shapes, candidates, race or race_kernels)
    try:
        _write(path, identity, plan)
    except OSError:
        return usual_plan(shapes)
    return plan


def measure(shapes: Sequence[LayerShape], candidates: Iterable[Algorithm], race: Race) -> KernelPlan:
    """Return the plan of the winners; ``race`` returns the seconds that each of the candidates takes."""
    choices = {shape: _winner(race(shape, candidates)) for shape in shapes}
    return KernelPlan(choices, all(_is_steady(shape, choices[shape]) for shape in shapes))


def _is_steady(shape: LayerShape, algorithm: Algorithm) -> bool:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(shape.outputs, shape.channels, 3, 3, generator=generator)
    x = torch.rand(shape.height, shape.width, shape.channels, generator=generator)
    features = x.permute(2, 0, 1)[None]
    kernel = make_kernel(algorithm, weight, None)
    looked_at = (
        lambda: kernel(x, rectify=True),
        lambda: mean_products(features),
        lambda: multiply_pixels(features, mean_products(features)[0]),
    )
    with torch.no_grad():
        return all(map(same_bits, looked_at))


def race_kernels(
    shape: LayerShape, candidates: Iterable[Algorithm], clock: Callable[[], float] = _CLOCK
) -> dict[Algorithm, float]:
    """Return the least seconds that each candidate takes for ``shape``.

    They compute in turns and in a single thread, whose own time is what ``clock`` tells: so that the winner does not
    depend on what else the machine is doing.
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
            if clock() - begun > RACE_SECONDS:
                break
    return best


def machine() -> dict[str, str]:
    """Return all that a measurement is valid for."""
    return {
        "processor": processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "engine": ENGINE_VERSION,
    }


def _winner(seconds: Mapping[Algorithm, float]) -> Algorithm:
    fastest = min(seconds, key=lambda name: seconds[name])
    return fastest if seconds[fastest] < _CLEARLY * seconds["direct"] else "direct"


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
        steady = found["steady"]
        whole = found["machine"] == identity and set(choices.values()) <= set(candidates) and steady in (True, False)
    except (KeyError, TypeError):
        return None
    return KernelPlan(choices, steady) if whole else None


def _write(path: Path, identity: Mapping[str, str], plan: KernelPlan) -> None:
    keep_measured(path, {"machine": dict(identity), "choices": _as_text(plan.choices), "steady": plan.steady})
