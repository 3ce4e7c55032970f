from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.memory.plan import LEAST, MemoryPlan
from pipeline.engine.transfer.optimizers import Adam, Lbfgs, Optimizer, Sgd, make_optimizer
from pipeline.engine.transfer.preconditioner import COARSE_BELOW
from pipeline.model import Recipe

Evaluation = tuple[Tensor, Tensor]
Objective = Callable[[Tensor], Evaluation]

SHAPE = (3, 4, 5)
OPTIMIZERS: list[Optimizer[Any]] = [
    Lbfgs(),
    Lbfgs(restarts=False, step_scaling=False, preconditioned=False),
    Adam(0.02),
    Sgd(0.01),
]


def some_pixels(batch: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand((batch, *SHAPE), generator=torch.Generator().manual_seed(seed), dtype=dtype)


def evaluate(losses_of: Callable[[Tensor], Tensor], pixels: Tensor) -> Evaluation:
    """Return one loss for each image and the gradients; ``losses_of`` must not couple images."""
    pixels = pixels.detach().requires_grad_()
    losses = losses_of(pixels)
    (gradients,) = torch.autograd.grad(losses.sum(), pixels)
    return losses.detach(), gradients


def quadratic(condition: float, scale: float = 1.0, bottom: float = 0.0) -> Objective:
    """A bowl around 0.25 whose curvatures span ``condition``."""

    def losses_of(pixels: Tensor) -> Tensor:
        count = math.prod(SHAPE)
        curvatures = torch.logspace(0, math.log10(condition), count, dtype=pixels.dtype).view(SHAPE)
        return scale * ((pixels - 0.25).square() * curvatures).mean(dim=(1, 2, 3)) + bottom

    return lambda pixels: evaluate(losses_of, pixels)


def valley(scale: float = 1.0) -> Objective:
    """Rosenbrock's function along the pixels of an image: curved, badly conditioned, not quadratic."""

    def losses_of(pixels: Tensor) -> Tensor:
        x = pixels.flatten(1)
        return scale * (10 * (x[:, 1:] - x[:, :-1].square()).square() + (1 - x[:, :-1]).square()).sum(1)

    return lambda pixels: evaluate(losses_of, pixels)


def run(optimizer: Optimizer[Any], objective: Objective, pixels: Tensor, steps: int) -> tuple[Tensor, list[Tensor]]:
    """Return the last points and all losses, (B,) each."""
    states = [optimizer.new_state() for _ in pixels]
    history = []
    for _ in range(steps):
        losses, gradients = objective(pixels)
        history.append(losses)
        pixels = optimizer.step(pixels, losses, gradients, states)
    return pixels, history


def run_torch(optimizer: torch.optim.Optimizer, pixels: Tensor, objective: Objective, steps: int) -> list[Tensor]:
    """Return all points that an optimizer of torch visits; ``pixels`` is the parameter it moves."""

    def closure() -> float:
        losses, gradients = objective(pixels)
        pixels.grad = gradients
        return float(losses.sum())

    points = []
    for _ in range(steps):
        optimizer.step(closure)
        points.append(pixels.detach().clone())
    return points


def follow(optimizer: Optimizer[Any], pixels: Tensor, objective: Objective, steps: int) -> list[Tensor]:
    states = [optimizer.new_state() for _ in pixels]
    points = []
    for _ in range(steps):
        pixels = optimizer.step(pixels, *objective(pixels), states)
        points.append(pixels)
    return points


def unit_slopes(objective: Objective, pixels: Tensor) -> Objective:
    """Divide an objective by its mean absolute slope at ``pixels``."""
    scale = 1 / objective(pixels)[1].abs().mean()

    def scaled(at: Tensor) -> Evaluation:
        losses, gradients = objective(at)
        return losses * scale, gradients * scale

    return scaled


@pytest.mark.parametrize("history", [3, 20])
@pytest.mark.parametrize("objective", [quadratic(100.0), valley()], ids=["quadratic", "valley"])
def test_lbfgs_without_its_safeguards_follows_torch_in_float64(history: int, objective: Objective) -> None:
    start = some_pixels(1, dtype=torch.float64)
    theirs = torch.nn.Parameter(start.clone())
    reference = torch.optim.LBFGS([theirs], lr=0.5, max_iter=1, history_size=history)
    expected = run_torch(reference, theirs, objective, 25)
    plain = Lbfgs(0.5, history=history, restarts=False, step_scaling=False, preconditioned=False)
    points = follow(plain, start, objective, 25)
    assert (expected[-1] - start).abs().max() > 0.01
    for point, other in zip(points, expected, strict=True):
        torch.testing.assert_close(point, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.99, 0.999), (0.0, 0.5)])
def test_adam_follows_torch_on_the_objective_with_unit_slopes(betas: tuple[float, float]) -> None:
    start = some_pixels(1, dtype=torch.float64)
    theirs = torch.nn.Parameter(start.clone())
    reference = torch.optim.Adam([theirs], lr=0.02, betas=betas)
    expected = run_torch(reference, theirs, unit_slopes(valley(), start), 30)
    adam = make_optimizer(Recipe(optimizer="adam", learning_rate=0.02, adam_betas=betas))
    for point, other in zip(follow(adam, start, valley(), 30), expected, strict=True):
        torch.testing.assert_close(point, other, rtol=0, atol=1e-10)


def test_gradient_descent_follows_torch_on_the_objective_with_unit_slopes() -> None:
    start = some_pixels(1, dtype=torch.float64)
    theirs = torch.nn.Parameter(start.clone())
    reference = torch.optim.SGD([theirs], lr=0.001, momentum=0.9)
    expected = run_torch(reference, theirs, unit_slopes(valley(), start), 30)
    for point, other in zip(follow(Sgd(0.001), start, valley(), 30), expected, strict=True):
        torch.testing.assert_close(point, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("condition", "steps"), [(1.0, 25), (100.0, 80), (10_000.0, 800)])
@pytest.mark.parametrize("bottom", [0.0, -3.0])
def test_lbfgs_reaches_the_optimum_of_a_quadratic(condition: float, steps: int, bottom: float) -> None:
    pixels, _ = run(Lbfgs(), quadratic(condition, bottom=bottom), some_pixels(2, dtype=torch.float64), steps)
    torch.testing.assert_close(pixels, torch.full_like(pixels, 0.25), rtol=0, atol=1e-5)


@pytest.mark.parametrize("optimizer", [Adam(0.02, decay=0.3), Sgd(0.01)], ids=["adam", "sgd"])
def test_first_order_optimizers_reach_the_optimum_of_a_quadratic(optimizer: Optimizer[Any]) -> None:
    pixels, _ = run(optimizer, quadratic(1.0), some_pixels(2), 300)
    torch.testing.assert_close(pixels, torch.full_like(pixels, 0.25), rtol=0, atol=1e-3)


def test_lbfgs_gets_further_down_a_curved_valley_than_adam() -> None:
    start = some_pixels(3)
    _, ours = run(Lbfgs(), valley(), start, 60)
    for rate in (0.005, 0.02, 0.05):
        _, theirs = run(Adam(rate), valley(), start, 60)
        assert bool((ours[-1] < 0.5 * theirs[-1]).all())


@pytest.mark.parametrize("scale", [1e7, 1e-7])
@pytest.mark.parametrize("optimizer", [Lbfgs(), Adam(0.02), Sgd(0.001)], ids=["lbfgs", "adam", "sgd"])
def test_the_magnitude_of_the_objective_changes_no_path(optimizer: Optimizer[Any], scale: float) -> None:
    expected, _ = run(optimizer, valley(), some_pixels(1), 15)
    pixels, _ = run(optimizer, valley(scale), some_pixels(1), 15)
    assert (pixels - some_pixels(1)).abs().mean() > 0.01
    torch.testing.assert_close(pixels, expected, rtol=0, atol=1e-3)


def test_images_of_different_magnitude_share_a_batch_without_minding() -> None:
    scales = torch.tensor([1e-7, 1.0, 1e7])

    def objective(pixels: Tensor) -> Evaluation:
        losses, gradients = quadratic(100.0)(pixels)
        return losses * scales, gradients * scales.view(3, 1, 1, 1)

    pixels, _ = run(Lbfgs(), objective, some_pixels(3), 80)
    torch.testing.assert_close(pixels, torch.full_like(pixels, 0.25), rtol=0, atol=1e-3)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("scale", [1e-3, 1e7])
def test_the_first_step_of_lbfgs_changes_pixels_by_four_255ths_times_the_rate(rate: float, scale: float) -> None:
    start = some_pixels(1)
    pixels, _ = run(Lbfgs(learning_rate=rate), valley(scale), start, 1)
    assert (pixels - start).abs().mean().item() == pytest.approx(4 * rate / 255, rel=1e-3)


def test_no_step_of_lbfgs_leaps() -> None:
    optimizer = Lbfgs()
    states = [optimizer.new_state()]
    pixels = some_pixels(1)
    for _ in range(5):  # slopes that hardly change promise an optimum far away
        slopes = torch.ones_like(pixels) + 1e-3 * pixels
        following = optimizer.step(pixels, slopes.sum().view(1), slopes, states)
        assert (following - pixels).abs().mean().item() <= 0.05 + 1e-6
        pixels = following
    assert (pixels - some_pixels(1)).abs().mean().item() > 0.1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_image_takes_bit_for_bit_the_same_path_alone_and_in_a_batch(optimizer: Optimizer[Any]) -> None:
    start = some_pixels(3)
    together, _ = run(optimizer, quadratic(100.0), start, 12)
    alone = [run(optimizer, quadratic(100.0), image[None], 12)[0] for image in start]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_threads_change_no_bit_of_a_path(optimizer: Optimizer[Any]) -> None:
    start = torch.rand((1, 3, 160, 224), generator=torch.Generator().manual_seed(0))
    slopes = torch.randn((6, 1, 3, 160, 224), generator=torch.Generator().manual_seed(1))

    def path() -> Tensor:
        states, pixels = [optimizer.new_state()], start
        for slope in slopes:
            pixels = optimizer.step(pixels, torch.ones(1), 0.1 * slope + pixels, states)
        return pixels

    found = []
    for threads in (1, 2, 5):
        with on_threads(threads):
            found.append(path())
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def stiff_where_it_is_fine(pixels: Tensor) -> Evaluation:
    """A bowl around 0.25 that bends most along differences of neighbors."""

    def losses_of(at: Tensor) -> Tensor:
        rest = at - 0.25
        down, right = rest - rest.roll(1, 2), rest - rest.roll(1, 3)
        return (rest.square() + 30 * (down.square() + right.square())).mean((1, 2, 3))

    return evaluate(losses_of, pixels)


def test_lbfgs_saves_evaluations_where_fine_structure_is_stiff() -> None:
    start = torch.rand((2, 3, 32, 48), generator=torch.Generator().manual_seed(0))
    losses = [
        run(Lbfgs(preconditioned=preconditioned), stiff_where_it_is_fine, start, 15)[1][-1]
        for preconditioned in (True, False)
    ]
    assert bool((losses[0] < 0.5 * losses[1]).all())


def test_lbfgs_saves_evaluations_where_a_smaller_size_has_left_only_what_is_fine() -> None:
    def bowl(pixels: Tensor) -> Evaluation:
        return evaluate(lambda at: (at - 0.5).square().mean((1, 2, 3)), pixels)

    fine = torch.rand((2, 3, 32, 48), generator=torch.Generator().manual_seed(0)) - 0.5
    fine -= torch.nn.functional.avg_pool2d(fine, 7, 1, 3, count_include_pad=False)
    losses = [run(Lbfgs(has_coarse=there), bowl, 0.5 + fine / 2, 4)[1][-1] for there in (True, False)]
    assert bool((losses[0] < 0.5 * losses[1]).all())


def test_memory_layout_changes_no_path() -> None:
    expected, _ = run(Lbfgs(), valley(), some_pixels(2), 12)
    pixels, _ = run(Lbfgs(), valley(), some_pixels(2).to(memory_format=torch.channels_last), 12)
    assert torch.equal(pixels, expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_images_join_and_leave_a_batch_without_changing_any_path(optimizer: Optimizer[Any]) -> None:
    start = some_pixels(3)
    objective = quadratic(100.0)
    expected = [run(optimizer, objective, image[None], 8)[0][0] for image in start]
    points = list(start)
    states = [optimizer.new_state() for _ in start]
    crowd = [(0,), (0, 1), (2, 1, 0), (1, 2)]  # who is there in each of four stretches of four steps
    for members in crowd:
        for _ in range(4):
            pixels = torch.stack([points[i] for i in members])
            following = optimizer.step(pixels, *objective(pixels), [states[i] for i in members])
            for i, point in zip(members, following, strict=True):
                points[i] = point if states[i].iteration <= 8 else points[i]
    for point, other in zip(points, expected, strict=True):
        assert torch.equal(point, other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_state_rebuilt_from_its_fields_goes_on_as_if_nothing_had_happened(optimizer: Optimizer[Any]) -> None:
    expected, _ = run(optimizer, valley(), some_pixels(1), 12)
    state = optimizer.new_state()
    pixels = some_pixels(1)
    for step in range(12):
        if step == 6:
            state = type(state)(**asdict(state))
        pixels = optimizer.step(pixels, *valley()(pixels), [state])
    assert torch.equal(pixels, expected)


def cliff(pixels: Tensor) -> Evaluation:
    """A bowl whose floor ends in a steep wall just beyond its optimum."""

    def losses_of(at: Tensor) -> Tensor:
        bowl = (at - 0.25).square() + 1e4 * (0.249 - at).clamp(min=0).square()
        return bowl.mean(dim=(1, 2, 3))

    return evaluate(losses_of, pixels)


def test_lbfgs_takes_back_a_step_that_raised_the_loss_and_tries_a_shorter_one() -> None:
    optimizer = Lbfgs()
    state = optimizer.new_state()
    start = some_pixels(1)
    there = optimizer.step(start, *quadratic(1.0)(start), [state])
    _, gradients = quadratic(1.0)(there)
    back = optimizer.step(there, torch.tensor([1e3]), gradients, [state])
    torch.testing.assert_close(back - start, 0.1 * (there - start))
    assert state.rejections == 1


def test_lbfgs_recovers_from_a_spike_and_from_infinity_in_the_midst_of_a_run() -> None:
    for spike in (1e3, math.inf, math.nan):
        optimizer = Lbfgs()
        states = [optimizer.new_state()]
        pixels = some_pixels(1, dtype=torch.float64)
        for step in range(80):
            losses, gradients = quadratic(100.0)(pixels)
            if step in (10, 11, 30):
                losses, gradients = losses * 0 + spike, gradients * math.nan
            pixels = optimizer.step(pixels, losses, gradients, states)
        torch.testing.assert_close(pixels, torch.full_like(pixels, 0.25), rtol=0, atol=1e-5)


def test_lbfgs_drops_its_history_when_shorter_steps_do_not_help() -> None:
    optimizer = Lbfgs()
    state = optimizer.new_state()
    pixels = some_pixels(1)
    for _ in range(5):
        pixels = optimizer.step(pixels, *quadratic(100.0)(pixels), [state])
    assert state.point is not None
    point = state.point.clone()
    for _ in range(3):
        assert state.steps
        pixels = optimizer.step(pixels, torch.tensor([1e9]), torch.ones_like(pixels), [state])
    assert not state.steps
    assert (pixels[0] - point).abs().mean().item() == pytest.approx(4 / 255, rel=1e-3)
    for _ in range(3):  # without a history there is nothing left but still shorter steps
        pixels = optimizer.step(pixels, torch.tensor([1e9]), torch.ones_like(pixels), [state])
    assert (pixels[0] - point).abs().mean().item() < 1e-3 * 4 / 255 * 1.1


def test_lbfgs_falls_back_to_steepest_descent_when_its_history_points_uphill() -> None:
    optimizer = Lbfgs(preconditioned=False)
    state = optimizer.new_state()
    pixels = some_pixels(1)
    for _ in range(4):
        losses, gradients = quadratic(100.0)(pixels)
        pixels = optimizer.step(pixels, losses, gradients, [state])
    state.steps = [-step for step in state.steps]  # what a concave objective would have left behind
    state.curvatures = [-curvature for curvature in state.curvatures]
    following = optimizer.step(pixels, losses, gradients, [state])
    assert not state.steps
    torch.testing.assert_close(
        following - pixels, -gradients / gradients.abs().mean() * 4 / 255, rtol=1e-3, atol=1e-6
    )


def test_lbfgs_with_safeguards_descends_where_plain_lbfgs_climbs_a_cliff() -> None:
    start = some_pixels(1)
    _, guarded = run(Lbfgs(), cliff, start, 40)
    best = torch.tensor([losses.item() for losses in guarded]).cummin(0).values
    # The last evaluations may be of steps that were turned down, three in a row at most.
    accepted = min(guarded[-4:])
    assert accepted <= 1.2 * best[-1]
    assert accepted < 1e-3 * guarded[0]


def test_lbfgs_skips_pairs_along_which_the_objective_does_not_curve_upward() -> None:
    optimizer = Lbfgs()
    states = [optimizer.new_state()]
    pixels = some_pixels(1)
    for _ in range(4):  # a plane has no curvature at all
        pixels = optimizer.step(pixels, -pixels.sum().view(1), -torch.ones_like(pixels), states)
    assert not states[0].steps
    assert bool(torch.isfinite(pixels).all())


def test_the_history_keeps_to_its_length() -> None:
    optimizer = Lbfgs(history=3)
    state = optimizer.new_state()
    pixels = some_pixels(1)
    for _ in range(8):
        pixels = optimizer.step(pixels, *quadratic(100.0)(pixels), [state])
    assert len(state.steps) == len(state.changes) == len(state.curvatures) == 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_image_without_slopes_stays_where_it_is(optimizer: Optimizer[Any]) -> None:
    start = some_pixels(2)
    pixels, _ = run(optimizer, lambda at: (at.new_zeros(2), torch.zeros_like(at)), start, 3)
    assert torch.equal(pixels, start)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_non_finite_image_stays_alone_in_its_misfortune(optimizer: Optimizer[Any]) -> None:
    start = some_pixels(2)

    def objective(pixels: Tensor) -> Evaluation:
        losses, gradients = quadratic(100.0)(pixels)
        spoilt = torch.tensor([math.nan, 1.0])
        return losses * spoilt, gradients * spoilt.view(2, 1, 1, 1)

    pixels, _ = run(optimizer, objective, start, 5)
    expected, _ = run(optimizer, quadratic(100.0), start[1:], 5)
    assert bool(torch.isnan(pixels[0]).all())
    assert torch.equal(pixels[1:], expected)


@pytest.mark.parametrize("optimizer", [Lbfgs(decay=0.5), Adam(1.0, decay=0.5), Sgd(1.0, decay=0.5, momentum=0.0)])
def test_the_learning_rate_decays_by_its_factor_every_hundred_iterations(optimizer: Optimizer[Any]) -> None:
    state = optimizer.new_state()
    state.iteration = 200
    start = some_pixels(1)
    following = optimizer.step(start, torch.ones(1), torch.ones_like(start), [state])
    fresh = optimizer.step(start, torch.ones(1), torch.ones_like(start), [optimizer.new_state()])
    if isinstance(optimizer, Adam):  # whose bias correction at iteration 201 is its own
        correction = math.sqrt((1 - 0.99**201) / 0.01) * 0.1 / (1 - 0.9**201)
        assert (start - following).mean().item() == pytest.approx(0.25 * correction, rel=1e-4)
    else:
        torch.testing.assert_close(following - start, 0.25 * (fresh - start))


def test_inputs_are_left_as_they_were() -> None:
    for optimizer in OPTIMIZERS:
        pixels = some_pixels(1)
        states = [optimizer.new_state()]
        for _ in range(3):
            losses, gradients = valley()(pixels)
            before = (pixels.clone(), gradients.clone())
            following = optimizer.step(pixels, losses, gradients, states)
            assert torch.equal(pixels, before[0])
            assert torch.equal(gradients, before[1])
            pixels = following


def test_a_batch_and_its_states_must_agree() -> None:
    pixels = some_pixels(2)
    with pytest.raises(ValueError, match="shorter"):
        Adam(0.1).step(pixels, torch.ones(2), pixels, [Adam(0.1).new_state()])


@pytest.mark.parametrize(("name", "kind"), [("lbfgs", Lbfgs), ("adam", Adam), ("sgd", Sgd)])
def test_a_recipe_names_its_optimizer_with_rate_and_decay(name: Any, kind: type[Optimizer[Any]]) -> None:
    optimizer = make_optimizer(Recipe(optimizer=name, learning_rate=0.3, learning_rate_decay=0.9))
    assert type(optimizer) is kind
    assert (optimizer.learning_rate, optimizer.decay) == (0.3, 0.9)


def test_a_history_in_bfloat16_reaches_what_an_exact_one_does_in_half_of_the_memory() -> None:
    start = some_pixels(1)
    exact, halved = Lbfgs(), Lbfgs(bfloat16_history=True)
    reached = [run(each, stiff_where_it_is_fine, start, 40)[1] for each in (exact, halved)]
    assert reached[1][-1] < 0.02 * reached[1][0]
    assert reached[1][-1] < 2 * reached[0][-1]


def test_pairs_in_bfloat16_have_the_products_of_what_is_kept() -> None:
    optimizer = Lbfgs(history=3, bfloat16_history=True)
    state, pixels = optimizer.new_state(), some_pixels(1)
    for _ in range(6):
        loss, slopes = valley()(pixels)
        pixels = optimizer.step(pixels, loss, slopes, [state])
    assert len(state.steps) == 3
    assert {each.dtype for each in (*state.steps, *state.changes)} == {torch.bfloat16}
    for step, change, curvature in zip(state.steps, state.changes, state.curvatures, strict=True):
        assert float((step.float() * change.float()).sum()) == pytest.approx(curvature, rel=1e-5)


def test_the_plan_of_a_size_says_how_long_the_history_is() -> None:
    optimizer = make_optimizer(Recipe(), MemoryPlan(in_blocks=True, history=5, bfloat16_history=True))
    assert isinstance(optimizer, Lbfgs)
    assert (optimizer.history, optimizer.bfloat16_history) == (5, True)
    assert isinstance(make_optimizer(Recipe(optimizer="adam"), LEAST), Adam)


def test_an_optimizer_is_told_whether_there_was_a_smaller_size() -> None:
    first, later = make_optimizer(Recipe()), make_optimizer(Recipe(), has_coarse=True)
    assert isinstance(first, Lbfgs)
    assert isinstance(later, Lbfgs)
    assert (first.alike_below, later.alike_below) == (0.0, COARSE_BELOW)
    assert isinstance(make_optimizer(Recipe(optimizer="sgd"), has_coarse=True), Sgd)
