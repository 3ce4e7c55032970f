"""Evaluates pictures in blocks: the same losses and gradients as of whole pictures, but for rounding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

from pipeline.engine.network.gradient_checkpointing import gradient_from
from pipeline.engine.network.vgg import Network
from pipeline.engine.transfer.blocks.partition import Block, Box, Divide, Stage, blocks_of, stages_of
from pipeline.engine.transfer.blocks.passing import pass_stage, run_block, seen_by
from pipeline.engine.transfer.blocks.share import InBlocks, ShareDone
from pipeline.engine.transfer.blocks.terms import Targets, TermPart, term_parts
from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.guides import Guides, one_of
from pipeline.engine.transfer.losses import Objective


class PictureInBlocks:
    """One picture (1, 3, H, W), RGB 0..1, and what its blocks are asked for."""

    def __init__(
        self, network: Network, picture: Tensor, parts: Iterable[TermPart], divide: Divide, done: ShareDone
    ) -> None:
        self._network, self._picture, self._divide, self._done = network, picture, divide, done
        self._by_layer: dict[str, list[TermPart]] = defaultdict(list)
        for part in parts:
            self._by_layer[part.layer].append(part)

    def evaluate(self, objective: Objective, content: Targets, guides: Guides | None) -> tuple[Tensor, Tensor]:
        """Return losses (1, 3 + layers) and gradient (1, 3, H, W), see :class:`..evaluation.Evaluation`."""
        stages = stages_of(self._network.segments)
        inputs = [self._picture]
        for stage in stages:
            inputs.append(pass_stage(self._network, stage, inputs[-1], self._take, self._divide, self._done.forward))
        losses, gradient = self._differentiate(objective, content, guides)
        slopes = inputs.pop()  # of the last stage's output: there is none
        for stage in reversed(stages):
            slopes = self._pass_backward(stage, inputs.pop(), slopes)
        return losses, gradient + slopes

    def _take(self, layer: str, features: Tensor, box: Box) -> None:
        for part in self._by_layer.get(layer, ()):
            part.gathered.add(features, box)

    def _differentiate(self, objective: Objective, content: Targets, guides: Guides | None) -> tuple[Tensor, Tensor]:
        """Return the losses, and the gradient of those that compare pixels; the others' goes to the parts."""
        parts = [part for of_layer in self._by_layer.values() for part in of_layer]
        leaves = [part.gathered.settle() for part in parts]
        picture = self._picture.detach().requires_grad_()
        found = objective.compare({PIXELS: picture}, content, {}, guides)
        for part, leaf in zip(parts, leaves, strict=True):
            loss = part.weight * part.loss(leaf).to(picture.dtype)
            found[part.name] = found[part.name] + loss if part.name in found else loss
        result = objective.total(picture, found)
        slopes = torch.autograd.grad(result.total.sum(), [picture, *leaves], materialize_grads=True)
        for part, slope in zip(parts, slopes[1:], strict=True):
            part.gathered.differentiate(slope)
        columns = [result.content, result.style, result.total, *objective.by_layer(found)]
        return torch.stack(columns, dim=1).detach(), slopes[0]

    def _pass_backward(self, stage: Stage, x: Tensor, slopes: Tensor) -> Tensor:
        """Return the gradient by a stage's input ``x``, given the one by its output."""
        found = torch.zeros_like(x)
        for block in blocks_of(stage, x.shape[2], x.shape[3], self._divide):
            found[block.seen.slices] += self._gradient(stage, block, seen_by(block, x), slopes)
            self._done.backward(stage, block)
        return found

    def _gradient(self, stage: Stage, block: Block, x: Tensor, slopes: Tensor) -> Tensor:
        x.requires_grad_()
        output, features = run_block(self._network, stage, block, x)
        values, known = [], []
        for layer in filter(self._by_layer.__contains__, features):
            values.append(features[layer])
            known.append(self._slopes(layer, features[layer], block.core.reduced(stage.factor_of(layer))))
        if not stage.is_last:
            values.append(output)
            known.append(slopes[block.core.reduced(stage.grid).slices])
        return gradient_from(values, known, x)

    @torch.no_grad()
    def _slopes(self, layer: str, features: Tensor, box: Box) -> Tensor:
        first, *others = (part.gathered.slopes(features, box) for part in self._by_layer[layer])
        for other in others:
            first = first + other
        return first.to(features.dtype)


def evaluate_in_blocks(
    network: Network,
    objective: Objective,
    pictures: Tensor,
    content: Targets,
    style: Targets,
    guides: Guides | None,
    in_blocks: InBlocks,
) -> tuple[Tensor, Tensor]:
    """Return losses (B, 3 + layers) and gradients (B, 3, H, W) of pictures, as of whole ones; one after another."""
    found = []
    count, _, height, width = pictures.shape
    done = ShareDone(stages_of(network.segments), height, width, in_blocks.after_block, count=count)
    for number, picture in enumerate(torch.split(pictures.detach(), 1)):
        own = slice(number, number + 1)
        its_content = {name: target[own] for name, target in content.items()}
        its_style = {name: target[own] for name, target in style.items()}
        its_guides = None if guides is None else one_of(guides, number)
        parts = term_parts(objective, (height, width), its_content, its_style, its_guides)
        in_parts = PictureInBlocks(network, picture, parts, in_blocks.divide, done)
        found.append(in_parts.evaluate(objective, its_content, its_guides))
    losses, gradients = zip(*found, strict=True)
    return torch.cat(losses), torch.cat(gradients)
