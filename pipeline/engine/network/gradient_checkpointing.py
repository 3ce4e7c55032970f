"""Gradient checkpointing: a computation saves nothing but its input and is repeated for the gradient.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (https://arxiv.org/abs/1604.06174). Not
torch.utils.checkpoint: it loads torch's compiler, hundreds of megabytes, just when memory is short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Computation = Callable[[Tensor], dict[str, Tensor]]


def checkpointed(compute: Computation, x: Tensor) -> dict[str, Tensor]:
    """Return ``compute(x)``, differentiable in ``x`` alone; it must return the same each time."""
    names: list[str] = []

    def unnamed(x: Tensor) -> tuple[Tensor, ...]:
        found = compute(x)
        names[:] = found
        return tuple(found.values())

    values = cast(tuple[Tensor, ...], _Checkpointed.apply(x, unnamed))
    return dict(zip(names, values, strict=True))


class _Checkpointed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, compute: Callable[[Tensor], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        ctx.compute = compute
        return compute(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None]:
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            wanted = [
                (value, gradient)
                for value, gradient in zip(ctx.compute(x), gradients, strict=True)
                if gradient is not None and value.requires_grad
            ]
            if not wanted:
                return None, None
            values, slopes = zip(*wanted, strict=True)
        return gradient_from(values, slopes, x), None


def gradient_from(values: Sequence[Tensor], slopes: Sequence[Tensor], x: Tensor) -> Tensor:
    """Return the gradient by ``x`` of what ``values`` lead to, whose gradients by them are ``slopes``."""
    with torch.enable_grad():
        value = cast(Tensor, _KnownGradients.apply(slopes, *values))
    return torch.autograd.grad(value, x)[0]


class _KnownGradients(torch.autograd.Function):
    """Values whose gradients are known already.

    Given to torch.autograd.grad itself, they make it load all of sympy.
    """

    @staticmethod
    def forward(ctx: Any, slopes: Sequence[Tensor], *values: Tensor) -> Tensor:
        ctx.slopes = slopes
        return values[0].new_zeros(())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.slopes
