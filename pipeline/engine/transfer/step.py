"""Does one step of style transfer: targets, evaluation, the optimizer's move, the change to the next scale.

Does not know who decides which canvases are worked on together, or what happens when memory runs out: that is the
scheduler.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.devices import to_device
from pipeline.engine.events import Event, Failed, RunControl
from pipeline.engine.memory.requirements import plan_at
from pipeline.engine.transfer.blocks.partition import is_divided
from pipeline.engine.transfer.blocks.passing import features_in_blocks
from pipeline.engine.transfer.blocks.share import AfterBlock, InBlocks, nobody
from pipeline.engine.transfer.canvas import Canvas
from pipeline.engine.transfer.color.matching import ColorMatch
from pipeline.engine.transfer.color_matches import color_matches
from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.evaluation import Chunks, Evaluate, Evaluation, freed
from pipeline.engine.transfer.guides import guides_for, joined, moved
from pipeline.engine.transfer.losses import Objective, objective_of
from pipeline.engine.transfer.networks import Networks
from pipeline.engine.transfer.optimizers import make_optimizer
from pipeline.engine.transfer.reports import evaluated, failed, finished, not_finite
from pipeline.engine.transfer.targets import StyleTarget, StyleTargets
from pipeline.errors import StylewatchError
from pipeline.model import Losses, Recipe, Style

_SHORT_MEMORY_NOTE: Final = (
    "memory was short: the picture was evaluated in blocks, which takes longer and rounds differently"
)

#: After its last block an evaluation is not left any more: sums of shares are not exact.
_ALMOST_ALL: Final = 0.9999


class SuspendedError(Exception):
    """The run is to end, so that an evaluation was left between two blocks."""


class TransferStep:
    """Evaluates canvases of one :func:`batch_key` once and moves their pixels, on ``device``.

    ``memory_bytes``: what one of them may take, by which each of its sizes is planned.
    """

    def __init__(
        self,
        networks: Networks,
        targets: StyleTargets,
        evaluate: Evaluate,
        chunks: Chunks,
        device: torch.device,
        memory_bytes: float = math.inf,
    ) -> None:
        self._networks = networks
        self._targets = targets
        self._evaluate = evaluate
        self._chunks = chunks
        self._device = device
        self._memory_bytes = memory_bytes

    def run(self, batch: Sequence[Canvas], in_blocks: bool, control: RunControl = RunControl()) -> list[Event]:
        """Evaluate each canvas of a batch once and move it; one that is new gets its targets first.

        ``in_blocks``: memory is so short that this is needed even where it was not planned.
        ``control`` hears after each block how far the evaluation is, and is asked whether to go on.
        A canvas that fails or is finished has ended afterwards. Raises what torch raises if memory runs out, and
        SuspendedError; then canvases are somewhere within the step.
        """
        events: list[Event] = []
        for canvas in batch:
            if not canvas.has_targets:
                events += self._set_targets(canvas, in_blocks, control)
        begun = [canvas for canvas in batch if not canvas.ended]
        return events + list(self._evaluate_and_move(begun, in_blocks, control))

    def style_target(
        self,
        style: Style,
        recipe: Recipe,
        size: int,
        match: ColorMatch | None = None,
        after_block: AfterBlock = nobody,
    ) -> StyleTarget:
        """Return what ``recipe`` needs of ``style`` for a picture whose long side is ``size`` pixels.

        ``match``: the colors that its paintings are to have. ``after_block`` is called where they are
        passed in blocks.
        Raises PaintingError, StylizeError, and what loading a painting and ``after_block`` raise.
        """
        objective, network = objective_of(recipe), self._networks.of(recipe)
        layers = tuple(layer for layer, _ in objective.style_layers)
        quantiles = objective.needs_quantiles
        return self._targets.of(
            style, size, network, layers, match, with_quantiles=quantiles, after_block=after_block
        )

    def _set_targets(self, canvas: Canvas, in_blocks: bool, control: RunControl) -> Iterator[Failed]:
        """Give a canvas the plan and the targets of its scale; if that is impossible it has failed."""
        if not canvas.state.iteration:
            canvas.state.plan = plan_at(canvas.recipe, canvas.pixel_count, self._memory_bytes)
        try:
            self._find_targets(canvas, in_blocks or canvas.state.plan.in_blocks, _told_of([canvas], control))
        except StylewatchError as error:
            yield failed(canvas, error)

    def _find_targets(self, canvas: Canvas, in_blocks: bool, after_block: AfterBlock) -> None:
        recipe, network = canvas.recipe, self._networks.of(canvas.recipe)
        objective, photo = objective_of(recipe), canvas.photo()
        there = to_device(photo, self._device)
        matches = color_matches(canvas.request, canvas.places, canvas.geometry, photo)
        with torch.no_grad():
            if in_blocks:
                layers = {layer for layer, _ in objective.content_layers}
                features = features_in_blocks(network, there, layers, lambda *_: after_block(0.0))
                canvas.content = objective.content_targets(features)
            else:
                canvas.content = network.forward(there, objective.content_targets)
            canvas.content |= objective.content_targets({PIXELS: there})
        if canvas.places is None:
            canvas.style = self._style_targets(canvas, canvas.request.style, objective, matches[0], after_block)
            return
        styles = [
            self._style_targets(canvas, style, objective, match, after_block)
            for style, match in zip(canvas.places.styles, matches, strict=True)
        ]
        canvas.style = {name: torch.stack([each[name] for each in styles]) for name in styles[0]}
        canvas.guides = moved(guides_for(canvas.places, canvas.geometry), self._device)
        canvas.photo_to_keep = None if canvas.guides.free is None else there

    def _style_targets(
        self,
        canvas: Canvas,
        style: Style,
        objective: Objective,
        match: ColorMatch | None,
        after_block: AfterBlock,
    ) -> dict[str, Tensor]:
        target = self.style_target(style, canvas.recipe, canvas.size, match, after_block)
        canvas.cache_hits += target.hits
        canvas.cache_misses += target.misses
        canvas.notes += target.notes
        return objective.style_targets(target.moments)

    def _evaluate_and_move(self, batch: list[Canvas], in_blocks: bool, control: RunControl) -> Iterator[Event]:
        """Evaluate a batch once, and move those canvases that have neither failed nor finished this scale."""
        moving: list[tuple[Canvas, Tensor, Tensor]] = []
        for canvas, found in zip(batch, self._evaluations(batch, in_blocks, control), strict=True):
            content, style, total, *by_layer = found.losses[0].tolist()
            if not math.isfinite(total):
                yield failed(canvas, not_finite(canvas, total))
                continue
            losses = Losses(content, style, total)
            canvas.record(losses, objective_of(canvas.recipe).weighted(by_layer))
            yield from evaluated(canvas, losses)
            if canvas.scale_is_finished:
                yield from self._next_scale(canvas, in_blocks, control)
            else:
                moving.append((canvas, found.losses[:, 2], found.gradients))
        _move(moving)

    def _evaluations(self, batch: list[Canvas], in_blocks: bool, control: RunControl) -> list[Evaluation]:
        if not batch:
            return []
        recipe, first = batch[0].recipe, batch[0].state
        planned = first.plan.in_blocks
        in_blocks = (in_blocks or planned) and is_divided(first.pixels.shape[2], first.pixels.shape[3])
        network, objective = self._networks.of(recipe), objective_of(recipe)
        told = _told_of(batch, control)

        def evaluate(part: slice) -> Evaluation:
            canvases = batch[part]
            guides = [canvas.guides for canvas in canvases if canvas.guides is not None]
            content = {name: _together([canvas.content[name] for canvas in canvases]) for name in canvases[0].content}
            style = {name: torch.stack([canvas.style[name] for canvas in canvases]) for name in canvases[0].style}
            pictures = _together([canvas.shown(canvas.state.pixels) for canvas in canvases])
            together = joined(guides) if guides else None
            blocks = InBlocks(after_block=lambda share: told((part.start + share * len(canvases)) / len(batch)))
            found = self._evaluate(
                network,
                objective,
                pictures,
                content,
                style,
                in_blocks=blocks if in_blocks else None,
                guides=together,
            )
            return found if together is None else freed(found, together)

        if in_blocks and not planned:
            for canvas in batch:
                canvas.note(_SHORT_MEMORY_NOTE)
        return self._chunks.run(len(batch), batch[0].pixel_count, evaluate)

    def _next_scale(self, canvas: Canvas, in_blocks: bool, control: RunControl) -> Iterator[Event]:
        if canvas.is_last_scale:
            yield finished(canvas)
            return
        canvas.start_next_scale()
        yield from self._set_targets(canvas, in_blocks, control)


def batch_key(canvas: Canvas) -> Hashable:
    """Return what canvases have in common that can be evaluated and moved together."""
    recipe = canvas.recipe
    moves = (
        recipe.optimizer,
        recipe.learning_rate,
        recipe.learning_rate_decay,
        recipe.adam_betas,
        canvas.state.has_coarse,
    )
    places = canvas.places and (len(canvas.places.styles), canvas.places.kept is None)
    return canvas.geometry.outer, objective_of(recipe), recipe.pooling, moves, places, canvas.state.plan


def _told_of(batch: Sequence[Canvas], control: RunControl) -> AfterBlock:
    """Return a function that tells ``control`` what share of an evaluation of all these canvases is done.

    It raises SuspendedError if the run is to end.
    """

    def after_block(share: float) -> None:
        for canvas in batch:
            control.on_share(canvas.request.token, share)
        if share < _ALMOST_ALL and control.suspend():
            raise SuspendedError

    return after_block


def _move(batch: list[tuple[Canvas, Tensor, Tensor]]) -> None:
    """Let the optimizer move the pixels of canvases with these losses and gradients."""
    if not batch:
        return
    canvases = [canvas for canvas, _, _ in batch]
    first = canvases[0].state
    following = make_optimizer(canvases[0].recipe, first.plan, has_coarse=first.has_coarse).step(
        _together([canvas.state.pixels for canvas in canvases]),
        _together([loss for _, loss, _ in batch]),
        _together([gradient for _, _, gradient in batch]),
        [canvas.state.optimizer for canvas in canvases],
    )
    for canvas, pixels in zip(canvases, following, strict=True):
        canvas.move_to(pixels[None])


def _together(tensors: list[Tensor]) -> Tensor:
    """Return tensors (1, ...) as one of a batch (B, ...), without a copy of a single one."""
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)
