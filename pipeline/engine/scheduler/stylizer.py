"""Stylizes photos, several at once. Owns the order of work; refuses to know where photos come from or go to.

Continuous batching: whenever a canvas is finished or broken, the next commission takes its place. On a GPU canvases
of one shape and one objective are evaluated together, on the CPU each on its share of the threads; nothing couples
them: each has its own targets, its own optimizer state and its own end.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.allocator import give_memory_back
from pipeline.engine.cpu.calibration import DIRECT, calibrate, machine
from pipeline.engine.cpu.threads import Lanes
from pipeline.engine.devices import (
    DeviceBudget,
    choose_budget,
    choose_hardware,
    is_out_of_memory,
    room_to_begin,
    sent,
)
from pipeline.engine.events import Event, Failed, Request, RunControl
from pipeline.engine.memory.admission import MemoryAdmission
from pipeline.engine.memory.available import available_bytes
from pipeline.engine.memory.requirements import Need, need_at, need_of, picture_pixels, state_bytes
from pipeline.engine.network.vgg import Network, layer_shapes, place
from pipeline.engine.network.weights import load_weights
from pipeline.engine.scheduler.batch_step import BatchStep, run_batch_step
from pipeline.engine.transfer.canvas import Canvas
from pipeline.engine.transfer.checkpoints import Checkpoints
from pipeline.engine.transfer.evaluation import Chunks, Evaluate, Evaluation, evaluate, peak_bytes
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.optimizers import make_optimizer
from pipeline.engine.transfer.reports import evaluated, failed, finished, not_finite, out_of_memory
from pipeline.engine.transfer.target_cache import StyleCache
from pipeline.engine.transfer.targets import LoadPainting, StyleTargets
from pipeline.errors import StylewatchError
from pipeline.model import EngineSettings, Losses, Occupancy, PoolingKind, Recipe, Style

_LOW_MEMORY_NOTE: Final = "memory was short: every block of the network was computed twice, which takes longer"

# Others want memory too, and predictions are no more than that.
_SHARE_OF_AVAILABLE_MEMORY: Final = 0.6
_NOTHING: Final = Need(0, 0)

Pull = Callable[[int], Sequence[Request]]


class Stylizer:
    """A VGG-19 on a device, ready for commissions.

    ``capacity``: canvases worked on at once. ``device_name``: for people, such as "cpu (2 threads, float32)".
    ``load_painting`` returns a painting's pixels, uint8 sRGB (H, W, 3), and may raise StylewatchError. ``available``
    tells how many bytes a run on the CPU may count on, or None. ``budget``: what a GPU has room for, instead of what
    is measured; with one, the CPU works as a GPU does. Raises DeviceError and WeightsError.
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
        self._device, self._autocast = hardware.device, hardware.autocast
        self._one_by_one = budget is None and self._device.type == "cpu"
        self._weights = load_weights(settings.weights)
        folder = settings.cache_folder
        # On a GPU cuDNN makes this choice, and reduced precision is not for Winograd's transforms.
        plain = self._device.type == "cpu" and not self._autocast
        plan = calibrate(settings.machine_folder, layer_shapes()) if plain else DIRECT
        with room_to_begin(hardware):
            self._convolutions = place(self._weights, self._device, choose=plan)
        self._evaluate, self._available = evaluate, available
        self._low_memory_from = math.inf
        self._networks: dict[tuple[frozenset[str], PoolingKind], Network] = {}
        self._targets = StyleTargets(
            load_painting,
            StyleCache(folder, settings.cache_limit_bytes) if folder else None,
            weights_id=self._weights.id,
            precision=f"{hardware.precision}:{plan.name}",
            device=self._device,
        )
        with room_to_begin(hardware):
            budget = budget or choose_budget(settings, hardware, self._peak_bytes)
        self._chunks, self._state_bytes = Chunks(budget.pixels), budget.state_bytes
        self.capacity = self._most_together = budget.canvases
        # Side by side only where nobody can see it in the pictures.
        self._lanes = min(self.capacity, torch.get_num_threads()) if plan.steady and self._one_by_one else 1
        device_name = f"{hardware.name}, {plan.name}" if plain else hardware.name
        self.device_name = f"{device_name}; {hardware.note}" if hardware.note else device_name
        self._checkpoints = Checkpoints({"device": device_name, **machine()}, self._weights.id, self._device)

    def run(self, pull: Pull, control: RunControl = RunControl()) -> Iterator[Event]:
        """Work on commissions until none is left; a broken one never stops the others.

        ``pull(n)`` is called whenever ``n`` > 0 slots are free and returns at most ``n`` commissions, none if there
        are none now. The run ends when no canvas is active and ``pull`` has returned none.

        Once ``control`` suspend it, no evaluation is begun any more, and the run ends with the last draft of every
        picture in work.
        """
        admission = MemoryAdmission[Canvas](self._limit())
        idle: deque[Canvas] = deque()
        active, used, offered = 0, 0, 0
        with Lanes[BatchStep](self._lanes) as lanes:
            while True:
                suspended = control.suspend()
                free = 0 if suspended else self.capacity - active
                pulled = pull(free) if free > 0 else ()
                before = len(idle)
                for request in pulled:
                    yield from self._begin(request, idle, alone=not (active or idle))
                active += len(idle) - before
                turns = 0 if suspended else self._fill(lanes, idle, admission)
                used, offered = used + turns * active, offered + turns * self.capacity
                if lanes.busy:
                    over = yield from self._settle(lanes.finished(), idle, admission, control)
                    if over:
                        yield Occupancy(used, offered)
                        active, used, offered = active - over, 0, 0
                        give_memory_back()
                elif suspended or not pulled:
                    break
            yield from (self._checkpoints.checkpoint(canvas, last=True) for canvas in idle)
            if active:
                yield Occupancy(used, offered)

    def warm(self, style: Style, recipe: Recipe) -> tuple[int, int]:
        """Compute and cache all that ``recipe`` needs of ``style``; return how much was cached and how much was not.

        Raises PaintingError, and what loading a painting raises.
        """
        network, layers = self._network(recipe), _style_layers(recipe)
        found = [self._targets.of(style, size, network, layers, recipe.pooling) for size in recipe.sizes()]
        return sum(target.hits for target in found), sum(target.misses for target in found)

    def _limit(self) -> float:
        """Return how many bytes canvases may need together; on a GPU, between evaluations."""
        if not self._one_by_one:
            return self._state_bytes
        available = self._available()
        return math.inf if available is None else available * _SHARE_OF_AVAILABLE_MEMORY

    def _begin(self, request: Request, idle: deque[Canvas], *, alone: bool) -> Iterator[Event]:
        told: Event | None
        try:
            canvas, told = self._checkpoints.begin(request)
            idle.append(canvas)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            told = Failed(request.token, out_of_memory(request, alone=alone))
        if told is not None:
            yield told

    def _fill(self, lanes: Lanes[BatchStep], idle: deque[Canvas], admission: MemoryAdmission[Canvas]) -> int:
        """Let those lanes that are free begin with what is idle, as far as there is room; return how many did."""
        turns = 0
        while lanes.free and (ready := admission.admit(idle, self._need)):
            batch = self._next_batch(ready, admission)
            for canvas in batch:
                idle.remove(canvas)
            low_memory = any(self._needs_low_memory(canvas, admission) for canvas in batch)
            lanes.begin(partial(run_batch_step, batch, self._turn, low_memory), waiting=len(ready) - len(batch))
            turns += 1
        return turns

    def _next_batch(self, ready: Sequence[Canvas], admission: MemoryAdmission[Canvas]) -> list[Canvas]:
        """Return what is to be evaluated together next: on the CPU one, elsewhere all that are alike."""
        first = ready[0]
        if self._one_by_one or admission.is_alone(first):
            return [first]
        alike = [canvas for canvas in ready if _kind(canvas) == _kind(first) and not admission.is_alone(canvas)]
        return alike[: self._most_together]

    def _need(self, canvas: Canvas) -> Need:
        height, width = canvas.request.photo.shape[:2]
        if self._one_by_one:
            return need_of(canvas.recipe, height, width, canvas.request.style.scale)
        kept = state_bytes(picture_pixels(canvas.recipe, height, width), canvas.recipe)
        return Need(kept, kept)

    def _needs_low_memory(self, canvas: Canvas, admission: MemoryAdmission[Canvas]) -> bool:
        """Tell whether a canvas is to be evaluated frugally: as expected at this scale, or as was learned."""
        pixels = canvas.pixel_count
        need = need_at(canvas.recipe, pixels) if self._one_by_one else _NOTHING
        return pixels >= self._low_memory_from or admission.needs_low_memory(canvas, need)

    def _settle(
        self, turns: Iterable[BatchStep], idle: deque[Canvas], admission: MemoryAdmission[Canvas], control: RunControl
    ) -> Generator[Event, None, int]:
        """Tell what turns tell and put their canvases back to where they wait; return how many are over.

        Those that were short of memory come back first, fewer together, then with more room, until none is left.
        """
        over = 0
        for turn in turns:
            yield from turn.events
            if divided := turn.short and len(turn.batch) > 1:
                self._most_together = len(turn.batch) // 2
            for canvas in turn.batch:
                if turn.short and not divided and not admission.fall_back(canvas):
                    yield failed(canvas, out_of_memory(canvas.request))
                if turn.low_memory and not turn.short and admission.is_alone(canvas):
                    self._low_memory_from = min(self._low_memory_from, canvas.pixel_count)
                if canvas.over:
                    admission.release(canvas)
                    over += 1
                elif turn.short:
                    idle.appendleft(canvas)
                else:
                    idle.append(canvas)
                    if control.wants_checkpoint(canvas.request.token):
                        yield self._checkpoints.checkpoint(canvas)
        return over

    def _turn(self, batch: Sequence[Canvas], low_memory: bool) -> list[Event]:
        """Evaluate each canvas of a batch once and move it; one that is new gets its targets first."""
        events: list[Event] = []
        for canvas in batch:
            if not canvas.has_targets:
                events += self._aim(canvas)
        return events + list(self._step([canvas for canvas in batch if not canvas.over], low_memory))

    def _aim(self, canvas: Canvas) -> Iterator[Failed]:
        """Give a canvas the targets of its scale, or break it."""
        try:
            self._find_targets(canvas)
        except StylewatchError as error:
            yield failed(canvas, error)

    def _find_targets(self, canvas: Canvas) -> None:
        recipe, network = canvas.recipe, self._network(canvas.recipe)
        style = self._targets.of(canvas.request.style, canvas.size, network, _style_layers(recipe), recipe.pooling)
        layers = [layer for layer, _ in objective_of(recipe).content_layers]
        with torch.no_grad():
            canvas.content = network.look(
                sent(canvas.photo(), self._device),
                lambda features: {layer: features[layer] for layer in features if layer in layers},
            )
        statistic = objective_of(recipe).statistic
        canvas.style = {layer: statistic.target(style.moments[layer]) for layer in style.moments}
        canvas.cache_hits += style.hits
        canvas.cache_misses += style.misses
        canvas.notes += style.notes

    def _step(self, batch: list[Canvas], low_memory: bool) -> Iterator[Event]:
        """Evaluate a batch once, and move those canvases on that are neither broken nor finished at this scale."""
        going: list[tuple[Canvas, Tensor, Tensor]] = []
        for canvas, found in zip(batch, self._evaluations(batch, low_memory), strict=True):
            content, style, total = found.losses[0].tolist()
            if not math.isfinite(total):
                yield failed(canvas, not_finite(canvas, total))
                continue
            canvas.record(Losses(content, style, total))
            yield from evaluated(canvas, Losses(content, style, total))
            if canvas.scale_is_finished:
                yield from self._next_scale(canvas)
            else:
                going.append((canvas, found.losses[:, 2], found.gradients))
        self._move(going)

    def _evaluations(self, batch: list[Canvas], low_memory: bool) -> list[Evaluation]:
        if not batch:
            return []
        recipe = batch[0].recipe
        network, objective = self._network(recipe), objective_of(recipe)

        def work(part: slice) -> Evaluation:
            canvases = batch[part]
            content = {
                layer: torch.cat([canvas.content[layer] for canvas in canvases]) for layer in canvases[0].content
            }
            style = {layer: torch.stack([canvas.style[layer] for canvas in canvases]) for layer in canvases[0].style}
            pictures = torch.cat([canvas.state.pixels for canvas in canvases])
            return self._evaluate(network, objective, pictures, content, style, low_memory=low_memory)

        if low_memory:
            for canvas in batch:
                canvas.note(_LOW_MEMORY_NOTE)
        return self._chunks.run(len(batch), batch[0].pixel_count, work)

    def _move(self, going: list[tuple[Canvas, Tensor, Tensor]]) -> None:
        if not going:
            return
        canvases = [canvas for canvas, _, _ in going]
        following = make_optimizer(canvases[0].recipe).step(
            torch.cat([canvas.state.pixels for canvas in canvases]),
            torch.cat([loss for _, loss, _ in going]),
            torch.cat([gradient for _, _, gradient in going]),
            [canvas.state.optimizer for canvas in canvases],
        )
        for canvas, pixels in zip(canvases, following, strict=True):
            canvas.proceed(pixels[None])

    def _next_scale(self, canvas: Canvas) -> Iterator[Event]:
        if canvas.at_the_last_scale:
            yield finished(canvas)
            return
        canvas.refine()
        yield from self._aim(canvas)

    def _network(self, recipe: Recipe) -> Network:
        objective = objective_of(recipe)
        layers = frozenset(layer for layer, _ in (*objective.content_layers, *objective.style_layers))
        key = (layers, recipe.pooling)
        if key not in self._networks:
            self._networks[key] = Network(
                self._weights,
                layers,
                pooling=recipe.pooling,
                device=self._device,
                autocast=self._autocast,
                convolutions=self._convolutions,
            )
        return self._networks[key]

    def _peak_bytes(self, count: int, side: int) -> int:
        recipe = Recipe()
        return peak_bytes(self._network(recipe), objective_of(recipe), count, side, self._device)


def _style_layers(recipe: Recipe) -> tuple[str, ...]:
    return tuple(layer for layer, _ in objective_of(recipe).style_layers)


def _kind(canvas: Canvas) -> Hashable:
    """Return what canvases have in common that can be evaluated and moved together."""
    recipe = canvas.recipe
    moves = (recipe.optimizer, recipe.learning_rate, recipe.learning_rate_decay)
    return canvas.geometry.outer, objective_of(recipe), recipe.pooling, moves
