"""Stylizes photos, several at once. Owns the order of work; refuses to know where photos come from or go to.

Continuous batching: whenever a canvas is finished or broken, the next commission takes its place. On a GPU canvases
of one shape and one objective are evaluated together, on the CPU each on its share of the threads; nothing couples
them: each has its own targets, its own optimizer state and its own end.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cache import StyleCache
from pipeline.engine.calibration import DIRECT, calibrate
from pipeline.engine.canvas import Canvas, blank_canvas
from pipeline.engine.devices import choose_budget, choose_hardware, is_out_of_memory
from pipeline.engine.evaluation import Chunks, Evaluate, Evaluation, evaluate
from pipeline.engine.events import (
    Broken,
    Commission,
    Event,
    Finished,
    Snapshot,
    Step,
    finished_picture,
    not_finite,
    out_of_memory,
    snapshot_of,
    step_of,
)
from pipeline.engine.losses import Objective, gram
from pipeline.engine.optimizers import make_optimizer
from pipeline.engine.targets import LoadPainting, StyleTargets
from pipeline.engine.threads import Lanes
from pipeline.engine.vgg import Network, place
from pipeline.engine.weights import load_weights
from pipeline.errors import StylewatchError, StylizeError
from pipeline.model import EngineSettings, Losses, Occupancy, PoolingKind, Recipe, Style, canonical_layer

__all__ = ["Broken", "Commission", "Event", "Finished", "Snapshot", "Step", "Stylizer"]

_FRUGAL: Final = "memory was short: every block of the network was computed twice, which takes longer"

Pull = Callable[[int], Sequence[Commission]]


class Stylizer:
    """A VGG-19 on a device, ready for commissions.

    ``capacity``: canvases worked on at once. ``device_name``: for people, such as "cpu (2 threads, float32)".
    ``load_painting`` returns a painting's pixels, uint8 sRGB (H, W, 3), and may raise PaintingError.
    Raises DeviceError and WeightsError.
    """

    def __init__(
        self, settings: EngineSettings, load_painting: LoadPainting, *, evaluate: Evaluate = evaluate
    ) -> None:
        hardware = choose_hardware(settings)
        self._device, self._autocast = hardware.device, hardware.autocast
        self._weights = load_weights(settings.weights)
        folder = settings.cache_folder
        # On a GPU cuDNN makes this choice, and reduced precision is not for Winograd's transforms.
        plain = self._device.type == "cpu" and not self._autocast
        plan = calibrate(settings.machine_folder) if plain else DIRECT
        self._convolutions = place(self._weights, self._device, choose=plan)
        self._evaluate = evaluate
        self._networks: dict[tuple[frozenset[str], PoolingKind], Network] = {}
        self._targets = StyleTargets(
            load_painting,
            StyleCache(folder, settings.cache_limit_bytes) if folder else None,
            weights_id=self._weights.id,
            precision=f"{hardware.precision}:{plan.name}",
            device=self._device,
        )
        budget = choose_budget(settings, hardware, self._peak_bytes)
        self._chunks = Chunks(budget.pixels)
        self.capacity = budget.canvases
        # Side by side only where nobody can see it in the pictures.
        self._lanes = min(self.capacity, torch.get_num_threads()) if plan.steady else 1
        self.device_name = f"{hardware.name}, {plan.name}" if plain else hardware.name

    def run(self, pull: Pull) -> Iterator[Event]:
        """Work on commissions until none is left; a broken one never stops the others.

        ``pull(n)`` is called whenever ``n`` > 0 slots are free and returns at most ``n`` commissions, none if there
        are none now. The run ends when no canvas is active and ``pull`` has returned none.
        """
        idle: deque[Canvas] = deque()
        active, used, offered = 0, 0, 0
        with Lanes[_Turn](self._lanes) as lanes:
            while True:
                free = self.capacity - active
                pulled = pull(free) if free > 0 else ()
                idle.extend(blank_canvas(commission, self._device) for commission in pulled)
                active += len(pulled)
                while idle and lanes.free:
                    batch = self._next_batch(idle)
                    lanes.begin(partial(self._turn, batch), waiting=len(idle))
                    used, offered = used + active, offered + self.capacity
                if not lanes.busy:
                    return
                for turn in lanes.finished():
                    yield from turn.events
                    going_on = [canvas for canvas in turn.batch if not canvas.over]
                    if len(going_on) < len(turn.batch):
                        yield Occupancy(used, offered)
                        active, used, offered = active - len(turn.batch) + len(going_on), 0, 0
                    idle.extend(going_on)

    def warm(self, style: Style, recipe: Recipe) -> tuple[int, int]:
        """Compute and cache all that ``recipe`` needs of ``style``; return how much was cached and how much was not.

        Raises PaintingError.
        """
        network, layers = self._network(recipe), _style_layers(recipe)
        found = [self._targets.of(style, size, network, layers, recipe.pooling) for size in recipe.sizes()]
        return sum(target.hits for target in found), sum(target.misses for target in found)

    def _next_batch(self, idle: deque[Canvas]) -> list[Canvas]:
        """Take the canvases that are to be evaluated together next: on the CPU one, elsewhere all that are alike."""
        if self._device.type == "cpu":
            return [idle.popleft()]
        kind = _kind(idle[0])
        batch = [canvas for canvas in idle if _kind(canvas) == kind]
        others = [canvas for canvas in idle if _kind(canvas) != kind]
        idle.clear()
        idle.extend(others)
        return batch

    def _turn(self, batch: list[Canvas]) -> _Turn:
        """Evaluate each canvas of a batch once and move it; one that is new gets its targets first."""
        events: list[Event] = []
        for canvas in batch:
            if not canvas.has_targets:
                events += self._aim(canvas)
        events += self._step([canvas for canvas in batch if not canvas.over])
        return _Turn(batch, events)

    def _aim(self, canvas: Canvas) -> Iterator[Broken]:
        """Give a canvas the targets of its scale, or break it."""
        try:
            self._find_targets(canvas)
        except StylewatchError as error:
            yield _broken(canvas, error)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            yield _broken(canvas, out_of_memory(canvas))

    def _find_targets(self, canvas: Canvas) -> None:
        recipe, network = canvas.recipe, self._network(canvas.recipe)
        style = self._targets.of(canvas.commission.style, canvas.size, network, _style_layers(recipe), recipe.pooling)
        with torch.no_grad():
            features = network.features(canvas.photo().to(self._device))
        canvas.content = {layer: features[layer] for layer, _ in _objective(recipe).content_layers}
        canvas.grams = style.grams
        canvas.cache_hits += style.hits
        canvas.cache_misses += style.misses
        canvas.notes += style.notes

    def _step(self, batch: list[Canvas]) -> Iterator[Event]:
        """Evaluate a batch once, and move those canvases on that are neither broken nor finished at this scale."""
        going: list[tuple[Canvas, Tensor, Tensor]] = []
        for canvas, found in zip(batch, self._evaluations(batch), strict=True):
            if found is None:
                yield _broken(canvas, out_of_memory(canvas))
                continue
            content, style, total = found.losses[0].tolist()
            if not math.isfinite(total):
                yield _broken(canvas, not_finite(canvas, total))
                continue
            canvas.record(Losses(content, style, total))
            yield from _report(canvas, Losses(content, style, total))
            if canvas.scale_is_finished:
                yield from self._next_scale(canvas)
            else:
                going.append((canvas, found.losses[:, 2], found.gradients))
        self._move(going)

    def _evaluations(self, batch: list[Canvas]) -> list[Evaluation | None]:
        if not batch:
            return []
        recipe = batch[0].recipe
        network, objective = self._network(recipe), _objective(recipe)

        def work(part: slice, frugal: bool) -> Evaluation:
            canvases = batch[part]
            content = {
                layer: torch.cat([canvas.content[layer] for canvas in canvases]) for layer in canvases[0].content
            }
            style = {layer: torch.stack([canvas.grams[layer] for canvas in canvases]) for layer in canvases[0].grams}
            pictures = torch.cat([canvas.state.pixels for canvas in canvases])
            return self._evaluate(network.frugal() if frugal else network, objective, pictures, content, style)

        pixels = batch[0].state.pixels[0, 0].numel()
        found = self._chunks.run(len(batch), pixels, work)
        if pixels >= self._chunks.frugal_from:
            for canvas in batch:
                canvas.note(_FRUGAL)
        return found

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
            canvas.over = True
            yield finished_picture(canvas)
            return
        canvas.refine()
        yield from self._aim(canvas)

    def _network(self, recipe: Recipe) -> Network:
        objective = _objective(recipe)
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
        """Return the memory that evaluating ``count`` square pictures takes at most."""
        recipe = Recipe()
        network, objective = self._network(recipe), _objective(recipe)
        pictures = torch.rand(count, 3, side, side, device=self._device)
        with torch.no_grad():
            features = network.features(pictures)
        content = {layer: features[layer] for layer, _ in objective.content_layers}
        style = {layer: gram(features[layer]) for layer, _ in objective.style_layers}
        torch.cuda.reset_peak_memory_stats(self._device)
        evaluate(network, objective, pictures, content, style)
        return torch.cuda.max_memory_allocated(self._device)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A batch that has been evaluated once, and what is to be told of it."""

    batch: list[Canvas]
    events: list[Event]


@lru_cache(maxsize=64)
def _objective(recipe: Recipe) -> Objective:
    """Return what ``recipe`` minimizes, its layers by the field's names. Raises StylizeError for a wrong name."""
    if not (recipe.content_layers or recipe.style_layers):
        raise StylizeError(f"recipe {recipe.name!r} names no layer at all; give it content_layers or style_layers")
    try:
        content, style = (
            tuple((canonical_layer(name), weight) for name, weight in layers)
            for layers in (recipe.content_layers, recipe.style_layers)
        )
    except ValueError as error:
        raise StylizeError(f"recipe {recipe.name!r}: {error}") from error
    return Objective(content, style, recipe.content_weight, recipe.style_weight, recipe.tv_weight, recipe.loss)


def _style_layers(recipe: Recipe) -> tuple[str, ...]:
    return tuple(layer for layer, _ in _objective(recipe).style_layers)


def _kind(canvas: Canvas) -> Hashable:
    """Return what canvases have in common that can be evaluated and moved together."""
    recipe = canvas.recipe
    moves = (recipe.optimizer, recipe.learning_rate, recipe.learning_rate_decay)
    return canvas.geometry.outer, _objective(recipe), recipe.pooling, moves


def _report(canvas: Canvas, losses: Losses) -> Iterator[Event]:
    yield step_of(canvas, losses)
    every = canvas.recipe.snapshot_every
    if every and canvas.evaluations % every == 0:
        yield snapshot_of(canvas)


def _broken(canvas: Canvas, error: StylewatchError) -> Broken:
    canvas.over = True
    return Broken(canvas.commission.token, error)
