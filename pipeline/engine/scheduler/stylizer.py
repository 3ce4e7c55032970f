"""Schedules pictures in batches and reacts to short memory.

Continuous batching: whenever a picture is finished or has failed, the next request takes its place. On a GPU canvases
of one shape and one objective are evaluated together, on the CPU each on its share of the threads. Nothing couples
them: each has its own targets, its own optimizer state and its own end. Does not know where photos come from, where
pictures go to, or how a batch is evaluated: that is :mod:`pipeline.engine.transfer.step`.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from pipeline.engine.cpu.allocator import give_memory_back
from pipeline.engine.cpu.calibration import DIRECT, KernelPlan, calibrate, machine
from pipeline.engine.cpu.threads import WorkerThreads
from pipeline.engine.devices import (
    DeviceBudget,
    choose_budget,
    choose_hardware,
    explain_full_device,
    is_out_of_memory,
    memory_of_gpu,
)
from pipeline.engine.events import Event, Failed, Request, RunControl
from pipeline.engine.memory.admission import MemoryAdmission, MemoryNeed
from pipeline.engine.memory.available import available_bytes
from pipeline.engine.memory.limit import planned_limit, running_limit
from pipeline.engine.memory.requirements import (
    move_bytes,
    need_at,
    need_of,
    picture_pixels,
    plan_at,
    state_bytes,
)
from pipeline.engine.network.vgg import build_convolutions, layer_shapes
from pipeline.engine.network.weights import load_weights
from pipeline.engine.scheduler.batch_step import BatchStep, run_batch_step
from pipeline.engine.transfer.canvas import Canvas
from pipeline.engine.transfer.checkpoints import Checkpoints
from pipeline.engine.transfer.evaluation import Chunks, Evaluate, evaluate, peak_bytes
from pipeline.engine.transfer.first_pixels import FirstPixels
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.networks import Networks
from pipeline.engine.transfer.paintings import LoadPainting
from pipeline.engine.transfer.reports import failed, out_of_memory, preview
from pipeline.engine.transfer.step import TransferStep, batch_key
from pipeline.engine.transfer.target_cache import StyleCache
from pipeline.engine.transfer.targets import StyleTargets
from pipeline.errors import StylewatchError
from pipeline.model import EngineSettings, Occupancy, Recipe, Style

NextRequests = Callable[[int], Sequence[Request]]


class Stylizer:
    """A VGG-19 on a device, ready for requests.

    ``capacity``: pictures worked on at once. ``device_name``: for people, such as "cpu (2 threads, float32)".
    ``load_painting`` returns a painting's pixels, uint8 sRGB (H, W, 3), and may raise StylewatchError. ``available``
    returns how many bytes a run on the CPU may count on, or None if that is unknown. ``budget``: what a GPU has room
    for, instead of what is measured; with one, the CPU works as a GPU does. Raises DeviceError and WeightsError.
    """

    def __init__(
        self,
        settings: EngineSettings,
        load_painting: LoadPainting,
        *,
        evaluate: Evaluate = evaluate,
        available: Callable[[], int | None] = available_bytes,
        budget: DeviceBudget | None = None,
    ) -> None:
        hardware = choose_hardware(settings)
        self._device = hardware.device
        self._one_by_one = budget is None and self._device.type == "cpu"
        self._available = available
        self._memory_setting = settings.memory_bytes
        self._blocks_from = math.inf
        weights = load_weights(settings.weights)
        # On a GPU cuDNN makes this choice, and reduced precision is not for Winograd's transforms.
        plain = self._device.type == "cpu" and not hardware.autocast
        plan = calibrate(settings.machine_folder, layer_shapes()) if plain else DIRECT
        with explain_full_device(hardware):
            convolutions = build_convolutions(weights, self._device, choose=plan)
            self._networks = Networks(weights, convolutions, self._device, autocast=hardware.autocast)
            budget = budget or choose_budget(settings, hardware, self._peak_bytes)
        gpu_bytes = memory_of_gpu(hardware)
        known = self._one_by_one or gpu_bytes is not None or settings.memory_bytes is not None
        self._memory_bytes = planned_limit(settings.memory_bytes, gpu_bytes) if known else math.inf
        cache = StyleCache(settings.cache_folder, settings.cache_limit_bytes) if settings.cache_folder else None
        precision, limit_bytes = f"{hardware.precision}:{plan.name}", self._memory_bytes
        targets = StyleTargets(load_painting, cache, weights.id, precision, self._device, limit_bytes)
        self._step = TransferStep(self._networks, targets, evaluate, Chunks(budget.pixels), self._device, limit_bytes)
        self._state_bytes = budget.state_bytes
        self.capacity = self._most_together = budget.canvases
        self._parallel = self._steps_at_once(plan)
        device_name = f"{hardware.name}, {plan.name}" if plain else hardware.name
        self.device_name = f"{device_name}; {hardware.note}" if hardware.note else device_name
        self._checkpoints = Checkpoints(
            {"device": device_name, **machine()}, weights.id, self._device, FirstPixels(load_painting)
        )

    def run(self, pull: NextRequests, control: RunControl = RunControl()) -> Generator[Event, None, None]:
        """Work on requests until none is left; one that fails never stops the others.

        ``pull(n)`` is called whenever ``n`` > 0 slots are free and returns at most ``n`` requests, none if there are
        none now. The run ends when no picture is in progress and ``pull`` has returned none.

        Once ``control`` suspends it, no evaluation is begun any more, one in blocks is taken back after its current
        block, and the run ends with a last checkpoint of every picture in progress.
        """
        admission = MemoryAdmission[Canvas](self._limit())
        idle: deque[Canvas] = deque()
        active, used, offered = 0, 0, 0
        with WorkerThreads[BatchStep](self._parallel) as workers, _until_left(control) as control:
            while True:
                suspended = control.suspend()
                free = 0 if suspended else self.capacity - active
                pulled = pull(free) if free > 0 else ()
                before = len(idle)
                for request in pulled:
                    yield from self._begin(request, idle, alone=not (active or idle))
                active += len(idle) - before
                begun = 0 if suspended else self._submit_batches(workers, idle, admission, control)
                used, offered = used + begun * active, offered + begun * self.capacity
                if workers.busy:
                    ended = yield from self._collect(workers.finished(), idle, admission, control)
                    if ended:
                        yield Occupancy(used, offered)
                        active, used, offered = active - ended, 0, 0
                        give_memory_back()
                elif suspended or not pulled:
                    break
            yield from (self._checkpoints.checkpoint(canvas, last=True) for canvas in idle)
            if active:
                yield Occupancy(used, offered)

    def warm(self, style: Style, recipe: Recipe) -> tuple[int, int]:
        """Compute and cache what ``recipe`` needs of ``style``; return how many targets were cached and how many not.

        If paintings get each photo's colors there is nothing to cache.
        Raises PaintingError, and what loading a painting raises.
        """
        painted, sizes = dict.fromkeys(style.painted()), () if recipe.matches_colors else recipe.sizes()
        found = [self._step.style_target(each, recipe, size) for each in painted for size in sizes]
        return sum(target.hits for target in found), sum(target.misses for target in found)

    def _steps_at_once(self, plan: KernelPlan) -> int:
        """Return how many steps run in parallel: several only where it can't be seen in the pictures."""
        unseen = plan.thread_independent and self._one_by_one
        return min(self.capacity, torch.get_num_threads()) if unseen else 1

    def _limit(self) -> float:
        """Return how many bytes all canvases may need together; on a GPU, between evaluations."""
        if not self._one_by_one:
            return self._state_bytes
        return running_limit(self._memory_setting, self._available())

    def _begin(self, request: Request, idle: deque[Canvas], *, alone: bool) -> Iterator[Event]:
        """Add a canvas for ``request`` to those that are idle; ``alone``: while no other picture is in progress."""
        event: Event | None
        try:
            canvas, event = self._checkpoints.begin(request)
            idle.append(canvas)
        except StylewatchError as error:
            event = Failed(request.token, error)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            event = Failed(request.token, out_of_memory(request, alone=alone))
        if event is not None:
            yield event

    def _submit_batches(
        self,
        workers: WorkerThreads[BatchStep],
        idle: deque[Canvas],
        admission: MemoryAdmission[Canvas],
        control: RunControl,
    ) -> int:
        """Begin steps of idle canvases on free threads, as far as memory allows; return how many."""
        count = 0
        while workers.free and (ready := admission.admit(idle, self._need)):
            batch = self._next_batch(ready, admission)
            for canvas in batch:
                idle.remove(canvas)
            in_blocks = any(self._needs_blocks(canvas, admission) for canvas in batch)
            step = partial(run_batch_step, batch, partial(self._step.run, control=control), in_blocks)
            workers.submit(step, waiting=len(ready) - len(batch))
            count += 1
        return count

    def _next_batch(self, ready: Sequence[Canvas], admission: MemoryAdmission[Canvas]) -> list[Canvas]:
        """Return what to evaluate together next: on the CPU one canvas, elsewhere all of one kind."""
        first = ready[0]
        if self._one_by_one or admission.is_alone(first):
            return [first]
        alike = [
            canvas for canvas in ready if batch_key(canvas) == batch_key(first) and not admission.is_alone(canvas)
        ]
        return alike[: self._most_together]

    def _need(self, canvas: Canvas) -> MemoryNeed:
        height, width = canvas.request.photo.shape[:2]
        if self._one_by_one:
            pixels, scale = picture_pixels(canvas.recipe, height, width), canvas.request.style.largest_scale()
            plan = plan_at(canvas.recipe, pixels, self._memory_bytes)
            planned, in_blocks = (
                need_of(canvas.recipe, height, width, scale, each) for each in (plan, replace(plan, in_blocks=True))
            )
            return MemoryNeed(planned, min(planned, in_blocks))
        pixels = picture_pixels(canvas.recipe, height, width)
        moved = state_bytes(pixels, canvas.recipe) + move_bytes(pixels)
        return MemoryNeed(moved, moved)

    def _needs_blocks(self, canvas: Canvas, admission: MemoryAdmission[Canvas]) -> bool:
        """Tell whether to evaluate a canvas in blocks: as predicted at this scale, or as was learned before."""
        pixels = canvas.pixel_count
        planned = need_at(canvas.recipe, pixels, canvas.state.plan) if self._one_by_one else 0
        return pixels >= self._blocks_from or admission.needs_blocks(canvas, MemoryNeed(planned, planned))

    def _collect(
        self, steps: Iterable[BatchStep], idle: deque[Canvas], admission: MemoryAdmission[Canvas], control: RunControl
    ) -> Generator[Event, None, int]:
        """Yield the events of batch steps and put their canvases back among the idle; return how many have ended.

        Canvases that ran out of memory come first again: in a smaller batch, then alone, then in blocks. After
        that they have failed. What was suspended waits for the run's end.
        """
        ended = 0
        for step in steps:
            yield from step.events
            if divided := step.short and len(step.batch) > 1:
                self._most_together = len(step.batch) // 2
            for canvas in step.batch:
                if step.short and not divided and not admission.fall_back(canvas):
                    yield failed(canvas, out_of_memory(canvas.request))
                if step.in_blocks and not step.is_undone and admission.is_alone(canvas):
                    self._blocks_from = min(self._blocks_from, canvas.pixel_count)
                if canvas.ended:
                    admission.release(canvas)
                    ended += 1
                elif step.is_undone:
                    idle.appendleft(canvas)
                else:
                    idle.append(canvas)
                    yield from self._asked_for(canvas, control)
        return ended

    def _asked_for(self, canvas: Canvas, control: RunControl) -> Iterator[Event]:
        """Yield what ``control`` asks for between two evaluations; a checkpoint comes after its preview."""
        token = canvas.request.token
        if long_side := control.wants_preview(token, canvas.evaluations):
            yield preview(canvas, long_side)
        if control.wants_checkpoint(token):
            yield self._checkpoints.checkpoint(canvas)

    def _peak_bytes(self, count: int, side: int) -> int:
        recipe = Recipe()
        return peak_bytes(self._networks.of(recipe), objective_of(recipe), count, side, self._device)


@contextmanager
def _until_left(control: RunControl) -> Iterator[RunControl]:
    """Yield a control that also suspends what other threads still evaluate once the block is left."""
    left = threading.Event()
    try:
        yield replace(control, suspend=lambda: left.is_set() or control.suspend())
    finally:
        left.set()
