"""Evaluates a batch: losses and gradients, in pieces that fit into memory. Moves no pixels."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pipeline.engine.devices import empty_device_caches, is_out_of_memory
from pipeline.engine.network.vgg import Network
from pipeline.engine.transfer.blocks.evaluation import evaluate_in_blocks
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.statistics import moments_for

Targets = Mapping[str, Tensor]


@dataclass(frozen=True)
class Evaluation:
    """Losses (B, 3 + layers) and the total's gradients (B, 3, H, W).

    Columns are content, style and total, weighted, and what ``Objective.by_layer`` returns. All are of one tensor, so
    that a GPU is waited for once.
    """

    losses: Tensor
    gradients: Tensor


class Evaluate(Protocol):
    """How pictures are evaluated; a test may do it in another way."""

    def __call__(
        self,
        network: Network,
        objective: Objective,
        pictures: Tensor,
        content: Targets,
        style: Targets,
        *,
        in_blocks: InBlocks | None = None,
        guides: Guides | None = None,
    ) -> Evaluation:
        """Evaluate pictures (B, 3, H, W), RGB 0..1, against targets that have B entries each.

        ``guides``: how much each of their places counts, None = all alike. ``in_blocks``: with less memory in more
        time, the same but for rounding; raises what its ``after_block`` raises. None: as a whole.
        """


def evaluate(
    network: Network,
    objective: Objective,
    pictures: Tensor,
    content: Targets,
    style: Targets,
    *,
    in_blocks: InBlocks | None = None,
    guides: Guides | None = None,
) -> Evaluation:
    """Return losses and gradients of pictures (B, 3, H, W), RGB 0..1, against targets that have B entries each."""
    if in_blocks is not None:
        return Evaluation(*evaluate_in_blocks(network, objective, pictures, content, style, guides, in_blocks))
    pictures = pictures.detach().requires_grad_()

    def measure(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return objective.measure(features, content, style, guides)

    measured = network.forward(pictures, measure) | measure({PIXELS: pictures})
    layers = objective.settle(measured, style, guides)
    found = objective.total(pictures, layers)
    gradients = _gradients(found.total, pictures)
    columns = [found.content, found.style, found.total, *objective.by_layer(layers)]
    return Evaluation(torch.stack(columns, dim=1).detach(), gradients)


def freed(found: Evaluation, guides: Guides) -> Evaluation:
    """Return what was ``found`` of pictures with gradients of their pixels before the kept ones were put in."""
    return found if guides.free is None else Evaluation(found.losses, found.gradients * guides.free)


def _gradients(totals: Tensor, pictures: Tensor) -> Tensor:
    try:
        (gradients,) = torch.autograd.grad(totals.sum(), pictures)
    except Exception:
        _clear_backward_queue(pictures.device)
        raise
    return gradients


def _clear_backward_queue(device: torch.device) -> None:
    """Let torch drop what was still queued of a backward pass that failed, and with it the whole graph.

    Its threads keep such work until the next backward pass: too late for an evaluation in blocks, whose forward
    pass comes first.
    """
    with contextlib.suppress(RuntimeError):
        x = torch.zeros((), device=device, requires_grad=True)
        torch.autograd.grad(x * 1, x)


def peak_bytes(network: Network, objective: Objective, count: int, side: int, device: torch.device) -> int:
    """Return the memory that evaluating ``count`` square pictures on a CUDA device takes at most."""
    # A generator of its own: the caller's random numbers stay as they are.
    generator = torch.Generator(device).manual_seed(0)
    pictures = torch.rand(count, 3, side, side, device=device, generator=generator)
    with torch.no_grad():
        features = network.features(pictures)
    content = objective.content_targets({**features, PIXELS: pictures})
    losses = [loss for loss, _ in objective.style_losses]
    moments = {layer: moments_for(losses, features[layer][:1]) for layer, _ in objective.style_layers}
    style = {name: target.expand(count, *target.shape) for name, target in objective.style_targets(moments).items()}
    del features
    torch.cuda.reset_peak_memory_stats(device)
    evaluate(network, objective, pictures, content, style)
    return torch.cuda.max_memory_allocated(device)


class Chunks:
    """Divides batches so that at most ``pixels_at_once`` pixels, but at least one image, are evaluated at once.

    A part that runs out of memory is tried again in halves, and later batches are divided as much.
    """

    def __init__(self, pixels_at_once: int) -> None:
        self.pixels_at_once = pixels_at_once

    def run(self, count: int, pixels: int, evaluate: Callable[[slice], Evaluation]) -> list[Evaluation]:
        """Return the evaluation of each of ``count`` images of ``pixels`` each; ``evaluate`` evaluates some of them.

        Raises what ``evaluate`` raises for a single image.
        """
        found: list[Evaluation] = []
        while len(found) < count:
            size = min(max(1, self.pixels_at_once // pixels), count - len(found))
            part = slice(len(found), len(found) + size)
            result = evaluate(part) if size == 1 else _attempt(evaluate, part)
            if result is None:
                self.pixels_at_once = size // 2 * pixels
            else:
                found += _split(result)
        return found


def _attempt(evaluate: Callable[[slice], Evaluation], part: slice) -> Evaluation | None:
    try:
        return evaluate(part)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # Only here are the failed attempt's tensors freed with their frames.
    empty_device_caches()
    return None


def _split(result: Evaluation) -> Sequence[Evaluation]:
    return [
        Evaluation(losses[None], gradient[None])
        for losses, gradient in zip(result.losses, result.gradients, strict=True)
    ]
