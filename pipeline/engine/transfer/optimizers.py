"""Optimizers (L-BFGS, Adam, SGD) for batches of independent images.

They neither evaluate losses nor decide to stop. Each image brings its own state, a plain dataclass of tensors and
numbers, so that images join and leave a batch at any time and a state can be written to a checkpoint. All sums run
image by image over memory of their own, always in the same order: on the CPU an image has the same bits alone, in any
batch and on any number of threads.

The magnitude of the objective makes no difference: gradients are divided by the mean absolute value of the
image's first one, so that learning rates count in pixel values (0..1) per step.

Losses and gradients are not checked: a non-finite one stays in its own image (its pixels become non-finite, or, once
L-BFGS has seen a finite loss, it takes the step back). The caller checks the losses first.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import torch
from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import total
from pipeline.engine.memory.plan import PLAIN, MemoryPlan
from pipeline.engine.transfer.preconditioner import COARSE_BELOW, precondition
from pipeline.model import Recipe

_FIRST_CHANGE: Final = 4 / 255
_MEAN_CHANGE_LIMIT: Final = 0.05
_MAX_CHANGE_LIMIT: Final = 1.0
_RISE_LIMIT: Final = 0.2
_REJECTIONS_LIMIT: Final = 3
_CURVATURE_LIMIT: Final = 1e-6
_TINY: Final = 1e-30


@dataclass(slots=True)
class LbfgsState:
    """L-BFGS for one image. Tensors are (C, H, W); ``steps`` and ``changes`` are s and y, oldest first.

    ``point`` is the last accepted point with its ``gradient`` (times ``scale``) and ``loss``. ``curvatures`` are the
    products yᵀs; ``size`` makes the first guess of the inverse Hessian as large as the newest pair asks for.
    ``rejections`` counts evaluations turned down in a row.
    """

    iteration: int = 0
    scale: float = 0.0
    loss: float = math.inf
    best_loss: float = math.inf
    rejections: int = 0
    point: Tensor | None = None
    gradient: Tensor | None = None
    steps: list[Tensor] = field(default_factory=list)
    changes: list[Tensor] = field(default_factory=list)
    curvatures: list[float] = field(default_factory=list)
    size: float = 1.0


@dataclass(slots=True)
class AdamState:
    """Adam for one image: running means of gradients (times ``scale``) and of their squares, each (C, H, W)."""

    iteration: int = 0
    scale: float = 0.0
    mean: Tensor | None = None
    square: Tensor | None = None


@dataclass(slots=True)
class SgdState:
    """Gradient descent for one image: ``velocity`` (C, H, W) in units of the gradient times ``scale``."""

    iteration: int = 0
    scale: float = 0.0
    velocity: Tensor | None = None


State = TypeVar("State", LbfgsState, AdamState, SgdState)


class Optimizer(ABC, Generic[State]):
    """Turns evaluations into the next points; ``decay`` is the factor on the learning rate per 100 iterations."""

    def __init__(self, learning_rate: float, decay: float) -> None:
        self.learning_rate = learning_rate
        self.decay = decay

    @abstractmethod
    def new_state(self) -> State:
        """Return the state of an image that was never evaluated."""

    @abstractmethod
    def _advance(self, pixels: Tensor, loss: float, gradient: Tensor, state: State) -> Tensor:
        """Return the next point (C, H, W) of one image.

        ``gradient`` is contiguous and may be reused by the caller.
        """

    @torch.no_grad()
    def step(self, pixels: Tensor, losses: Tensor, gradients: Tensor, states: Sequence[State]) -> Tensor:
        """Return the next points to evaluate, (B, C, H, W), not confined to 0..1.

        ``losses`` (B,) and ``gradients`` (B, C, H, W) were evaluated at ``pixels`` (B, C, H, W). Changes ``states``.
        Pixels need not be those returned last: an image the caller clamped or replaced is taken as it is.
        """
        images = zip(pixels, losses.tolist(), gradients, states, strict=True)
        return torch.stack(
            [
                self._advance(point.contiguous(), loss, slope.contiguous(), state)
                for point, loss, slope, state in images
            ]
        )

    def _rate(self, state: State) -> float:
        return self.learning_rate * math.pow(self.decay, state.iteration / 100)


class Lbfgs(Optimizer[LbfgsState]):
    """L-BFGS (Liu and Nocedal 1989; Nocedal and Wright 2006, algorithms 7.4 and 7.5), one evaluation a step.

    Instead of a line search, the quasi-Newton step times the learning rate is taken as it is. With ``step_scaling``
    the first step changes pixels by ``learning_rate`` · 4/255 in the mean, and no step by more than 0.05 in the mean
    or 1 anywhere. With ``restarts`` a step that raised the loss substantially is taken back and tried shorter, and
    the history is dropped when that does not help or when it yields no direction of descent. With ``preconditioned``
    the first guess of the inverse Hessian, H₀, falls with the spatial frequency, see
    :mod:`pipeline.engine.transfer.preconditioner`; without it, H₀ is a number. With all three off this is
    torch.optim.LBFGS with ``max_iter=1`` (apart from its tolerances). With ``bfloat16_history`` pairs are kept in
    half of the memory. ``has_coarse``: the picture's coarse structure is there already, so that H₀ falls along
    fine structure only.
    """

    def __init__(
        self,
        learning_rate: float = 1.0,
        decay: float = 1.0,
        history: int = 20,
        restarts: bool = True,
        step_scaling: bool = True,
        preconditioned: bool = True,
        *,
        bfloat16_history: bool = False,
        has_coarse: bool = False,
    ) -> None:
        super().__init__(learning_rate, decay)
        self.history = history
        self.bfloat16_history = bfloat16_history
        self.alike_below = COARSE_BELOW if has_coarse else 0.0
        self.restarts = restarts
        self.step_scaling = step_scaling
        self.preconditioned = preconditioned

    def new_state(self) -> LbfgsState:
        """Return the state of an image that was never evaluated."""
        return LbfgsState()

    def _advance(self, pixels: Tensor, loss: float, gradient: Tensor, state: LbfgsState) -> Tensor:
        state.scale = state.scale or (_scale_of(gradient) if self.step_scaling else 1.0)
        if self.restarts and state.point is not None and not loss <= _highest_acceptable(state):
            following = self._back_off(pixels, loss, state)
        else:
            self._accept(pixels, loss, gradient * state.scale, state)
            following = pixels + self._scaled_step(state)
        state.iteration += 1
        return following

    def _accept(self, pixels: Tensor, loss: float, gradient: Tensor, state: LbfgsState) -> None:
        if state.point is not None and state.gradient is not None:
            self._add_pair(pixels - state.point, gradient - state.gradient, state)
        state.point = pixels.clone()
        state.gradient = gradient
        state.loss = loss
        state.best_loss = min(state.best_loss, loss)
        state.rejections = 0

    def _back_off(self, pixels: Tensor, loss: float, state: LbfgsState) -> Tensor:
        assert state.point is not None
        assert state.gradient is not None
        state.rejections += 1
        if state.rejections == _REJECTIONS_LIMIT and state.steps:
            _drop_history(state)
            return state.point + self._scaled_step(state)
        step = pixels - state.point
        slope = float(_dot(state.gradient, step))
        bend = (loss - state.loss) * state.scale - slope
        # The lowest point of the parabola through both losses and the slope (Nocedal and Wright, 3.57).
        factor = -slope / (2 * bend) if math.isfinite(bend) and bend > 0 else 0.0
        return state.point + step * min(max(factor, 0.1), 0.5)

    def _scaled_step(self, state: LbfgsState) -> Tensor:
        assert state.gradient is not None
        direction = self._direction(state.gradient, state)
        if self.restarts and state.steps and not float(_dot(direction, state.gradient)) < 0:
            _drop_history(state)
            direction = self._direction(state.gradient, state)
        return direction.mul_(self._step_length(direction, state))

    def _add_pair(self, step: Tensor, change: Tensor, state: LbfgsState) -> None:
        """Add a pair (s, y) to the history if the objective curves upward along it."""
        kept_step, kept_change = step, change
        if self.bfloat16_history:
            # What is kept is what counts: of the exact pair the products would be those of another one.
            kept_step, kept_change = step.bfloat16(), change.bfloat16()
            step, change = kept_step.to(step.dtype), kept_change.to(change.dtype)
        products = torch.stack([_dot(step, change), _dot(step, step), _dot(change, change)])
        curvature, steps, changes = products.tolist()
        if not curvature > _CURVATURE_LIMIT * math.sqrt(steps * changes):
            return
        state.steps.append(kept_step)
        state.changes.append(kept_change)
        state.curvatures.append(curvature)
        # yᵀ H₀ y = sᵀ y
        state.size = curvature / (
            float(_dot(change, self._preconditioned(change))) if self.preconditioned else changes
        )
        if len(state.steps) > self.history:
            del state.steps[0], state.changes[0], state.curvatures[0]

    def _direction(self, gradient: Tensor, state: LbfgsState) -> Tensor:
        """Return -H·g by the two loops of algorithm 7.4."""
        direction = -gradient
        pairs = list(zip(state.steps, state.changes, state.curvatures, strict=True))
        # Products stay tensors: on a GPU, fetching a number waits for everything that was queued before.
        shares = []
        for step, change, curvature in reversed(pairs):
            share = _dot(step.to(direction.dtype), direction) / curvature
            direction.addcmul_(change.to(direction.dtype), share, value=-1)
            shares.append(share)
        if self.preconditioned:
            direction = self._preconditioned(direction)
        if pairs:
            direction.mul_(state.size)
        for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
            gain = share - _dot(change.to(direction.dtype), direction) / curvature
            direction.addcmul_(step.to(direction.dtype), gain)
        return direction

    def _preconditioned(self, x: Tensor) -> Tensor:
        return precondition(x, self.alike_below)

    def _step_length(self, direction: Tensor, state: LbfgsState) -> float:
        rate = self._rate(state)
        if not self.step_scaling:
            return rate if state.iteration else rate * min(1.0, 1.0 / max(float(total(direction.abs())), _TINY))
        changes = direction.abs()
        mean, largest = max(float(total(changes)) / changes.numel(), _TINY), max(float(changes.max()), _TINY)
        if not state.steps:
            return rate * _FIRST_CHANGE / mean
        return min(rate, _MEAN_CHANGE_LIMIT / mean, _MAX_CHANGE_LIMIT / largest)


class Adam(Optimizer[AdamState]):
    """Adam (Kingma and Ba 2015), as torch.optim.Adam on the objective divided by its first mean slope.

    There is no ``eps`` to set: those of other programs count in their own slopes, beside which they are nothing.
    """

    def __init__(
        self, learning_rate: float, decay: float = 1.0, betas: tuple[float, float] = Recipe().adam_betas
    ) -> None:
        super().__init__(learning_rate, decay)
        self.beta1, self.beta2 = betas

    def new_state(self) -> AdamState:
        """Return the state of an image that was never evaluated."""
        return AdamState()

    def _advance(self, pixels: Tensor, loss: float, gradient: Tensor, state: AdamState) -> Tensor:  # noqa: ARG002
        state.scale = state.scale or _scale_of(gradient)
        slope = gradient * state.scale
        rate = self._rate(state)
        state.iteration += 1
        mean = torch.zeros_like(slope) if state.mean is None else state.mean
        square = torch.zeros_like(slope) if state.square is None else state.square
        state.mean = mean.lerp(slope, 1 - self.beta1)
        state.square = square.mul(self.beta2).addcmul_(slope, slope, value=1 - self.beta2)
        deviation = (state.square / (1 - self.beta2**state.iteration)).sqrt_().add_(1e-8)
        return pixels - (rate / (1 - self.beta1**state.iteration)) * state.mean / deviation


class Sgd(Optimizer[SgdState]):
    """Gradient descent with momentum, as torch.optim.SGD on the objective divided by its first mean slope."""

    def __init__(self, learning_rate: float, decay: float = 1.0, momentum: float = 0.9) -> None:
        super().__init__(learning_rate, decay)
        self.momentum = momentum

    def new_state(self) -> SgdState:
        """Return the state of an image that was never evaluated."""
        return SgdState()

    def _advance(self, pixels: Tensor, loss: float, gradient: Tensor, state: SgdState) -> Tensor:  # noqa: ARG002
        state.scale = state.scale or _scale_of(gradient)
        slope = gradient * state.scale
        state.velocity = slope if state.velocity is None else state.velocity * self.momentum + slope
        following = pixels - self._rate(state) * state.velocity
        state.iteration += 1
        return following


def make_optimizer(recipe: Recipe, plan: MemoryPlan = PLAIN, *, has_coarse: bool = False) -> Optimizer[Any]:
    """Return the optimizer a recipe asks for, with its settings; ``plan`` says what it may keep.

    ``has_coarse``: a smaller size was made before.
    """
    rate, decay = recipe.learning_rate, recipe.learning_rate_decay
    if recipe.optimizer == "adam":
        return Adam(rate, decay, recipe.adam_betas)
    if recipe.optimizer == "sgd":
        return Sgd(rate, decay)
    return Lbfgs(rate, decay, plan.history, bfloat16_history=plan.bfloat16_history, has_coarse=has_coarse)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    if a.device.type != "cpu":
        return torch.dot(a.reshape(-1), b.reshape(-1))
    # Not torch.dot: BLAS may choose its threads, and with them the order of the sum, by the machine's load.
    return total(a * b)


def _scale_of(gradient: Tensor) -> float:
    """Return what makes the mean absolute slope 1; 0.0 (not known yet) where all slopes are zero."""
    # In float64, as float32 would lose what is below 1e-38; the mean of slopes can't overflow there either.
    slopes = gradient.abs() if gradient.device.type != "mps" else gradient.abs().cpu()  # Metal has no float64
    mean = float(total(slopes.double())) / gradient.numel()
    return 1.0 / mean if mean else 0.0


def _highest_acceptable(state: LbfgsState) -> float:
    return state.best_loss + _RISE_LIMIT * abs(state.best_loss)


def _drop_history(state: LbfgsState) -> None:
    state.steps.clear()
    state.changes.clear()
    state.curvatures.clear()
