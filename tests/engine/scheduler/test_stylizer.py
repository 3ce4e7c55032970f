"""The stylizer works on several canvases at once, and none of them notices the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from pipeline.engine.devices import DeviceBudget
from pipeline.engine.events import CheckpointReady, Event, Failed, Finished, Preview, Request, RunControl, Snapshot
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.content import CONTENT_LOSSES, PIXEL_LOSSES
from pipeline.engine.transfer.evaluation import Evaluation, Targets, evaluate
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.errors import DeviceError, OutOfMemoryError, PaintingError, StylizeError, WeightsError
from pipeline.model import (
    ColorKind,
    ContentLosses,
    EngineSettings,
    LossKind,
    Occupancy,
    OptimizerKind,
    Painting,
    Progress,
    Recipe,
    Style,
    StyleLossKind,
    WeightsChoice,
)

STYLE = Style("s", (Painting(Path("a.jpg"), "a" * 64),))
TINY = Recipe(
    size=48,
    scales=(32, 48),
    iterations=4,
    content_layers=(("relu2_1", 1.0),),
    style_layers=(("relu1_1", 1.0), ("block2_conv1", 1.0)),
    tolerance=0.0,
)
CPU = EngineSettings(device="cpu")

E = TypeVar("E", Progress, Snapshot, Preview, Finished, Failed, Occupancy)


def pixels(seed: int, height: int = 40, width: int = 48) -> npt.NDArray[Any]:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)[:height, :width]


def load_painting(painting: Painting, long_side: int = 64) -> npt.NDArray[Any]:
    if painting.path.stem == "small":
        raise PaintingError("small.jpg: too small")
    if painting.path.stem == "huge":
        raise torch.OutOfMemoryError("no room")
    if painting.path.stem == "odd":
        raise RuntimeError("a bug")
    return pixels(100, 64, 64)


def style_from(name: str) -> Style:
    return Style(name, (Painting(Path(f"{name}.jpg"), name.ljust(64, "0")),))


def request(token: str, seed: int = 0, recipe: Recipe = TINY, style: Style = STYLE, **shape: int) -> Request:
    return Request(token, pixels(seed, **shape), style, recipe)


class Source:
    """Hands out requests in order, at most ``most`` at a time; records how many were asked for."""

    def __init__(self, requests: Sequence[Request], most: int = 100) -> None:
        self.waiting = list(requests)
        self.most = most
        self.asked: list[int] = []

    def __call__(self, count: int) -> Sequence[Request]:
        self.asked.append(count)
        taken = self.waiting[: min(count, self.most)]
        del self.waiting[: len(taken)]
        return taken


def run(stylizer: Stylizer, *requests: Request) -> list[Event]:
    return list(stylizer.run(Source(requests)))


def only(events: Sequence[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def picture(events: Sequence[Event], token: str = "t") -> npt.NDArray[Any]:
    (finished,) = (event for event in only(events, Finished) if event.token == token)
    return finished.pixels


@pytest.fixture(scope="module")
def one() -> Stylizer:
    return Stylizer(CPU, load_painting)


@pytest.fixture(scope="module")
def three() -> Stylizer:
    return Stylizer(replace(CPU, batch_size=3), load_painting)


def test_a_picture_tells_how_it_was_made(one: Stylizer) -> None:
    events = run(one, request("t"))
    (finished,) = only(events, Finished)
    steps = only(events, Progress)
    assert finished.pixels.shape == (40, 48, 3)
    assert finished.pixels.dtype == np.float32
    assert 0 <= finished.pixels.min() < finished.pixels.max() <= 1
    assert (finished.sizes, finished.iterations) == ((32, 48), (4, 4))
    assert [(step.scale_index, step.size, step.iteration) for step in steps] == [
        *((0, 32, count) for count in range(1, 5)),
        *((1, 48, count) for count in range(1, 5)),
    ]
    assert {(step.scale_count, step.iterations) for step in steps} == {(2, 4)}
    assert finished.first == steps[4].losses
    assert finished.last.total == min(step.losses.total for step in steps[4:])
    assert finished.last.total < finished.first.total
    assert finished.last.total == pytest.approx(finished.last.content + finished.last.style)


def test_the_same_request_gives_the_same_pixels_twice(one: Stylizer) -> None:
    again = Stylizer(CPU, load_painting)
    noisy = replace(TINY, init="noise", seed=3)
    assert np.array_equal(
        picture(run(one, request("t", recipe=noisy))), picture(run(again, request("t", recipe=noisy)))
    )


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_picture_is_bit_identical_alone_and_in_a_batch(
    one: Stylizer, three: Stylizer, optimizer: OptimizerKind
) -> None:
    recipe = replace(TINY, optimizer=optimizer, learning_rate=1.0 if optimizer == "lbfgs" else 0.02)
    requests = [request(str(seed), seed, recipe) for seed in range(3)]
    together = run(three, *requests)
    for each in requests:
        assert np.array_equal(picture(together, each.token), picture(run(one, each), each.token))


@pytest.mark.parametrize("loss", ["mean_std", "wasserstein", "sliced_wasserstein"])
def test_pictures_by_any_style_loss_are_bit_identical_alone_and_in_a_batch(
    one: Stylizer, three: Stylizer, loss: StyleLossKind
) -> None:
    recipe = replace(TINY, scales=1, style_loss=(("gram", 0.5), (loss, 1.0)))
    requests = [request("a", 0, recipe), request("b", 1, recipe, style_from("b"))]
    together = run(three, *requests)
    at_once = run(Stylizer(CPU, load_painting, budget=DeviceBudget(2, 10**9)), *requests)
    for each in requests:
        (alone,) = only(run(one, each), Finished)
        assert alone.last.style < 0.8 * alone.first.style
        assert np.array_equal(picture(together, each.token), alone.pixels)
        assert np.abs(picture(at_once, each.token) - alone.pixels).mean() < 0.02


def test_pictures_in_the_photos_colors_are_bit_identical_alone_and_in_a_batch(one: Stylizer, three: Stylizer) -> None:
    recipe = replace(TINY, color_mix=0.8, snapshot_every=4)
    requests = [
        request("photo", 1, replace(recipe, color="photo")),
        request("match", 1, replace(recipe, color="match")),
        request("another", 2, replace(recipe, color="match")),
    ]
    together = run(three, *requests)
    for each in requests:
        alone = run(one, each)
        assert np.array_equal(picture(together, each.token), picture(alone, each.token))
        best_is_last = only(alone, Finished)[0].last == only(alone, Progress)[-1].losses
        assert best_is_last == np.array_equal(only(alone, Snapshot)[-1].pixels, picture(alone, each.token))


@pytest.mark.parametrize("color", ["photo", "match"])
def test_without_any_of_the_photos_colors_a_picture_is_the_paintings(one: Stylizer, color: ColorKind) -> None:
    plain = replace(TINY, scales=1, iterations=2)
    found = run(one, request("t", recipe=replace(plain, color=color, color_mix=0)))
    assert np.array_equal(picture(found), picture(run(one, request("t", recipe=plain))))


def test_matched_colors_leave_nothing_in_the_cache(tmp_path: Path) -> None:
    stylizer = Stylizer(replace(CPU, cache_folder=tmp_path), load_painting)
    recipe = replace(TINY, iterations=1, color="match")
    assert stylizer.warm(STYLE, recipe) == (0, 0)
    found = only(run(stylizer, *(request(str(seed), seed, recipe) for seed in range(2))), Finished)
    assert [(each.cache_hits, each.cache_misses) for each in found] == [(0, 2), (0, 2)]
    assert list(tmp_path.iterdir()) == []


def test_canvases_of_different_shapes_and_recipes_work_side_by_side(one: Stylizer, three: Stylizer) -> None:
    requests = [
        request("plain"),
        request("tall", height=48, width=33),
        request("gatys", recipe=replace(TINY, loss="gatys", iterations=(2, 3), seed=9)),
    ]
    together = run(three, *requests)
    for each in requests:
        assert np.array_equal(picture(together, each.token), picture(run(one, each), each.token))


def test_a_finished_canvas_makes_room_for_the_next(three: Stylizer) -> None:
    short, long = replace(TINY, scales=1, iterations=2), replace(TINY, scales=1, iterations=5)
    requests = [request("a", recipe=short), *(request(token, recipe=long) for token in "bcd")]
    source = Source(requests)
    events = list(three.run(source))
    order = [event.token for event in only(events, Progress)]
    assert order == [*"abcabc", *"dbcdbcdbc", *"dd"]
    assert [event.token for event in only(events, Finished)] == list("abcd")
    assert source.asked[:4] == [3, 1, 1, 2]


def test_no_more_canvases_are_pulled_than_there_is_room_for(three: Stylizer) -> None:
    class Strict(Source):
        def __call__(self, count: int) -> Sequence[Request]:
            assert 0 < count <= three.capacity
            return super().__call__(count)

    events = list(three.run(Strict([request(str(number)) for number in range(5)], most=1)))
    assert len(only(events, Finished)) == 5


def test_a_run_without_work_ends_at_once(one: Stylizer) -> None:
    assert run(one) == []


def test_a_painting_that_fails_fails_its_picture_alone(three: Stylizer) -> None:
    events = run(three, request("bad", style=style_from("small")), request("good"))
    (failed,) = only(events, Failed)
    assert failed.token == "bad"
    assert isinstance(failed.error, PaintingError)
    assert [event.token for event in only(events, Finished)] == ["good"]


def test_a_queue_of_failing_requests_does_not_end_the_run(one: Stylizer) -> None:
    bad = style_from("small")
    events = run(one, request("1", style=bad), request("2", style=bad), request("3"))
    assert [event.token for event in only(events, Failed)] == ["1", "2"]
    assert [event.token for event in only(events, Finished)] == ["3"]


def test_want_of_memory_for_a_target_fails_its_picture_alone(three: Stylizer) -> None:
    events = run(three, request("bad", style=style_from("huge")), request("good"))
    (failed,) = only(events, Failed)
    assert isinstance(failed.error, OutOfMemoryError)
    assert "smaller size in recipe 'default'" in str(failed.error)
    assert [event.token for event in only(events, Finished)] == ["good"]


def test_a_bug_is_not_taken_for_want_of_memory(one: Stylizer) -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        run(one, request("t", style=style_from("odd")))


class Saboteur:
    """Evaluates as the engine does, but whichever pictures are of ``shape`` become ``loss`` or run out of memory."""

    def __init__(self, shape: tuple[int, int], loss: float | None) -> None:
        self.shape = shape
        self.loss = loss

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
        found = evaluate(network, objective, pictures, content, style, in_blocks=in_blocks, guides=guides)
        if pictures.shape[2:] != self.shape:
            return found
        if self.loss is None:
            raise torch.OutOfMemoryError("no room")
        return replace(found, losses=torch.full_like(found.losses, self.loss))


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_fails_its_picture_alone(loss: float) -> None:
    stylizer = Stylizer(replace(CPU, batch_size=2), load_painting, evaluate=Saboteur((48, 48), loss))
    events = run(stylizer, request("bad", height=48), request("good"))
    (failed,) = only(events, Failed)
    assert failed.token == "bad"
    assert isinstance(failed.error, StylizeError)
    assert f"became {loss} at 48 pixels, evaluation 1; use a smaller learning_rate" in str(failed.error)
    assert [event.token for event in only(events, Finished)] == ["good"]


def test_a_picture_that_does_not_fit_alone_fails_alone() -> None:
    stylizer = Stylizer(replace(CPU, batch_size=2), load_painting, evaluate=Saboteur((48, 48), None))
    events = run(stylizer, request("bad", height=48), request("good"))
    (failed,) = only(events, Failed)
    assert (failed.token, type(failed.error)) == ("bad", OutOfMemoryError)
    assert [event.token for event in only(events, Finished)] == ["good"]


def test_a_start_from_the_painting_is_the_same_alone_and_together_and_can_be_seen(
    one: Stylizer, three: Stylizer
) -> None:
    start = replace(TINY, iterations=2, init=(("content", 0.2), ("painting", 0.8)))
    together = run(three, request("a", 1, start, height=48, width=40), request("t", recipe=start), request("b", 2))
    alone = run(one, request("t", recipe=start))
    assert np.array_equal(picture(alone), picture(together))
    painting = pixels(100, 64, 64)[5:58]  # the middle, in the photo's proportions
    wanted = painting.mean((0, 1)) / 255
    usual = picture(run(one, request("t", recipe=replace(start, init="content"))))
    distances = [float(np.abs(found.mean((0, 1)) - wanted).sum()) for found in (picture(alone), usual)]
    assert distances[0] < distances[1] / 2


def test_a_picture_whose_start_can_not_be_loaded_fails_alone(one: Stylizer) -> None:
    image = replace(TINY, init="image", init_image=Path("small.jpg"), init_image_sha256="b" * 64)
    events = run(one, request("bad", recipe=image), request("t"))
    assert [(event.token, str(event.error)) for event in only(events, Failed)] == [("bad", "small.jpg: too small")]
    assert [event.token for event in only(events, Finished)] == ["t"]


def test_a_painting_that_fails_at_the_second_scale_fails_its_picture() -> None:
    class Fading:
        shown = 0

        def __call__(self, painting: Painting, long_side: int) -> npt.NDArray[Any]:
            self.shown += 1
            if self.shown > 1:
                raise PaintingError("a.jpg: it was here a moment ago")
            return load_painting(painting, long_side)

    events = run(Stylizer(CPU, Fading()), request("t"))
    assert len(only(events, Progress)) == 4
    assert isinstance(only(events, Failed)[0].error, PaintingError)


def test_wrong_layer_names_are_named(one: Stylizer) -> None:
    events = run(one, request("t", recipe=replace(TINY, content_layers=(("relu9_1", 1.0),))))
    assert "recipe 'default': 'relu9_1' is no layer" in str(only(events, Failed)[0].error)


def test_a_recipe_needs_layers(one: Stylizer) -> None:
    events = run(one, request("t", recipe=replace(TINY, content_layers=(), style_layers=())))
    assert "names no layer at all" in str(only(events, Failed)[0].error)


def test_keras_layer_names_mean_the_same_layers(one: Stylizer) -> None:
    plain = replace(TINY, style_layers=(("relu1_1", 1.0), ("relu2_1", 1.0)))
    assert np.array_equal(picture(run(one, request("t"))), picture(run(one, request("t", recipe=plain))))


@pytest.mark.parametrize("loss", ["relative", "gatys", "tensorflow"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_every_loss_goes_down_with_every_optimizer(one: Stylizer, loss: LossKind, optimizer: OptimizerKind) -> None:
    rate = {"lbfgs": 1.0, "adam": 0.01, "sgd": 0.002}[optimizer]
    recipe = replace(TINY, scales=1, loss=loss, optimizer=optimizer, learning_rate=rate, iterations=8)
    (finished,) = only(run(one, request("t", recipe=recipe)), Finished)
    assert finished.last.total < 0.8 * finished.first.total


def test_losses_of_any_magnitude_give_the_same_picture(one: Stylizer) -> None:
    small = replace(TINY, loss="gatys", content_weight=2.0**-20, style_weight=2.0**-20)
    large = replace(TINY, loss="gatys", content_weight=2.0**20, style_weight=2.0**20)
    found = [run(one, request("t", recipe=recipe)) for recipe in (small, large)]
    assert only(found[1], Finished)[0].first.total > 1e7
    np.testing.assert_allclose(picture(found[0]), picture(found[1]), atol=1e-5)


def test_the_first_step_changes_pixels_by_about_four_levels(one: Stylizer) -> None:
    events = run(one, request("t", recipe=replace(TINY, size=48, scales=1, iterations=3, snapshot_every=1)))
    first, second, *_ = only(events, Snapshot)
    assert 2 < np.abs(second.pixels - first.pixels).mean() * 255 < 5


def test_snapshots_come_every_so_many_evaluations_of_all_scales(one: Stylizer) -> None:
    events = run(one, request("t", recipe=replace(TINY, snapshot_every=3)))
    snapshots = only(events, Snapshot)
    assert [(each.iteration, each.scale_index) for each in snapshots] == [(3, 0), (6, 1)]
    assert all(each.pixels.shape == (40, 48, 3) for each in snapshots)


def test_snapshots_change_no_pixel(one: Stylizer) -> None:
    with_snapshots = run(one, request("t", recipe=replace(TINY, snapshot_every=1)))
    assert np.array_equal(picture(with_snapshots), picture(run(one, request("t"))))


def test_previews_come_when_they_are_asked_for_and_change_no_pixel(one: Stylizer) -> None:
    asked: list[tuple[str, int]] = []

    def wants_preview(token: str, evaluations: int) -> int:
        asked.append((token, evaluations))
        return 24 if evaluations % 3 == 0 else 0

    events = list(one.run(Source([request("t")]), RunControl(wants_preview=wants_preview)))
    assert asked == [("t", evaluations) for evaluations in range(1, 8)]  # the eighth gives the picture itself
    assert [(each.evaluations, each.pixels.shape) for each in only(events, Preview)] == [
        (3, (20, 24, 3)),
        (6, (20, 24, 3)),
    ]
    assert np.array_equal(picture(events), picture(run(one, request("t"))))


def test_a_checkpoint_comes_after_the_preview_of_its_moment_which_is_saved_with_it(one: Stylizer) -> None:
    control = RunControl(wants_checkpoint=lambda _: True, wants_preview=lambda _token, _evaluations: 24)
    asked_for = [
        (type(each), each.evaluations)
        for each in one.run(Source([request("t")]), control)
        if isinstance(each, Preview | CheckpointReady)
    ]
    assert asked_for[:2] == [(Preview, 1), (CheckpointReady, 1)]


def test_a_tolerance_ends_scales_early(one: Stylizer) -> None:
    patient = replace(TINY, iterations=30, tolerance=0.5)
    (finished,) = only(run(one, request("t", recipe=patient)), Finished)
    assert all(11 <= count < 30 for count in finished.iterations)


@pytest.mark.parametrize("shape", [(1, 1), (48, 1), (5, 48)])
def test_odd_shapes_become_pictures_of_the_same_shape(one: Stylizer, shape: tuple[int, int]) -> None:
    recipe = replace(TINY, size=max(shape), scales=1, iterations=2)
    events = run(one, request("t", recipe=recipe, height=shape[0], width=shape[1]))
    assert picture(events).shape == (*shape, 3)


def test_warming_fills_the_cache_that_a_picture_then_uses(tmp_path: Path) -> None:
    settings = replace(CPU, cache_folder=tmp_path)
    assert Stylizer(settings, load_painting).warm(STYLE, TINY) == (0, 2)
    later = Stylizer(settings, load_painting)
    assert later.warm(STYLE, TINY) == (2, 0)
    (finished,) = only(run(later, request("t")), Finished)
    assert (finished.cache_hits, finished.cache_misses, finished.notes) == (2, 0, ())


def test_a_cached_target_changes_no_pixel(tmp_path: Path) -> None:
    settings = replace(CPU, cache_folder=tmp_path)
    cold, warm = (run(Stylizer(settings, load_painting), request("t")) for _ in range(2))
    assert (only(cold, Finished)[0].cache_misses, only(warm, Finished)[0].cache_misses) == (2, 0)
    assert np.array_equal(picture(cold), picture(warm))


def test_damage_in_the_cache_is_reported_with_the_picture(tmp_path: Path) -> None:
    settings = replace(CPU, cache_folder=tmp_path)
    Stylizer(settings, load_painting).warm(STYLE, TINY)
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(b"damage")
    (finished,) = only(run(Stylizer(settings, load_painting), request("t")), Finished)
    assert finished.cache_misses == 2
    assert len(finished.notes) == 2


def test_bfloat16_gives_nearly_the_same_picture(one: Stylizer) -> None:
    coarse = Stylizer(replace(CPU, precision="bfloat16"), load_painting)
    difference = picture(run(coarse, request("t"))) - picture(run(one, request("t")))
    assert "bfloat16" in coarse.device_name
    assert 0 < np.abs(difference).mean() < 0.03


def test_the_device_is_named_for_people(one: Stylizer) -> None:
    assert one.device_name.startswith("cpu (")
    assert "threads, float32), winograd " in one.device_name
    assert one.capacity == 1


def test_what_can_not_run_says_so_at_once() -> None:
    with pytest.raises(DeviceError):
        Stylizer(EngineSettings(device="abacus"), load_painting)
    with pytest.raises(WeightsError):
        Stylizer(EngineSettings(device="cpu", weights=WeightsChoice("nowhere.pth")), load_painting)


def test_slots_count_as_used_while_a_picture_in_them_is_not_finished(three: Stylizer) -> None:
    recipe = replace(TINY, scales=1, iterations=2)
    reported = only(run(three, *(request(token, recipe=recipe) for token in "abcd")), Occupancy)
    assert [(each.used, each.offered) for each in reported] == [(12, 12), (3, 3), (2, 3), (2, 6)]


def test_a_picture_brings_along_how_its_losses_went_layer_by_layer(one: Stylizer) -> None:
    events = run(one, request("t", recipe=replace(TINY, tv_weight=0.01)))
    history = only(events, Finished)[0].history
    assert history is not None
    assert history.series == ("content relu2_1", "style relu1_1", "style relu2_1")
    evaluations = only(events, Progress)
    assert [(point.evaluation, point.scale_index) for point in history.points] == [
        (number, number > 4) for number in range(1, 9)
    ]
    for point, progress in zip(history.points, evaluations, strict=True):
        assert point.total == progress.losses.total
        content, *style = point.layers
        assert content == pytest.approx(progress.losses.content, rel=1e-5)
        assert sum(style) == pytest.approx(progress.losses.style, rel=1e-5)
        assert point.tv + sum(point.layers) == pytest.approx(point.total, rel=1e-5)
        assert point.tv > 0
    without = only(run(one, request("t")), Finished)[0].history
    assert without is not None
    assert {point.tv for point in without.points} == {0.0}


def test_an_averaged_picture_is_the_running_average_of_what_was_evaluated(one: Stylizer) -> None:
    recipe = replace(TINY, scales=1, optimizer="adam", learning_rate=0.02, snapshot_every=1)
    evaluated = [snapshot.pixels for snapshot in only(run(one, request("t", recipe=recipe, height=48)), Snapshot)]
    previews = RunControl(wants_preview=lambda _token, evaluations: 48 if evaluations == 3 else 0)
    events = list(one.run(Source([request("t", recipe=replace(recipe, ema_decay=0.5), height=48)]), previews))
    expected = [
        np.average(evaluated[:count], axis=0, weights=[2.0**number for number in range(count)])
        for count in range(1, 5)
    ]
    shown = [snapshot.pixels for snapshot in only(events, Snapshot)]
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    np.testing.assert_array_equal(picture(events), shown[-1])
    np.testing.assert_allclose(only(events, Preview)[0].pixels, expected[2], atol=1e-6)
    assert only(events, Finished)[0].last == only(events, Progress)[-1].losses


def test_steps_keep_their_direction_the_longer_adam_remembers_also_beside_other_pictures(
    one: Stylizer, three: Stylizer
) -> None:
    recipe = replace(TINY, scales=1, optimizer="adam", learning_rate=0.02, snapshot_every=1, iterations=8)
    recipes = {
        "forgetful": replace(recipe, adam_betas=(0.0, 0.99)),
        "usual": recipe,
        "steady": replace(recipe, adam_betas=(0.99, 0.99)),
    }
    together = run(three, *(request(name, recipe=each, height=48) for name, each in recipes.items()))

    def turn(name: str) -> float:
        shown = [event.pixels for event in only(together, Snapshot) if event.token == name]
        before, after = (b - a for a, b in pairwise(shown[-3:]))
        return float((before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum()))

    assert turn("forgetful") < turn("usual") < turn("steady")
    for name, each in recipes.items():
        alone = run(one, request(name, recipe=each, height=48))
        assert np.array_equal(picture(together, name), picture(alone, name))


def test_a_photo_is_kept_by_what_a_recipe_says(one: Stylizer, three: Stylizer) -> None:
    weak = replace(TINY, content_weight=0.01, iterations=8, scales=1)
    similar: ContentLosses = (("self_similarity", 1.0),)
    recipes = {
        "plain": weak,
        "lines": replace(weak, laplacian_weight=0.5),
        "similar": replace(weak, content_loss=similar, content_weight=0.6),
    }
    together = run(three, *(request(name, recipe=recipe) for name, recipe in recipes.items()))
    pictures = {name: picture(together, name) for name in recipes}
    for name in ("lines", "similar"):
        assert np.array_equal(pictures[name], picture(run(one, request(name, recipe=recipes[name])), name))
    photo = pixels(0).astype(np.float32) / 255

    def bent(image: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(image[:32].copy()).permute(2, 0, 1)[None]

    def lines_of(name: str) -> float:
        return (
            PIXEL_LOSSES["laplacian"].loss(bent(pictures[name]), bent(photo).mean(1, keepdim=True), "relative").item()
        )

    network = Network(load_weights(WeightsChoice()), {"relu2_1"})

    def difference(name: str) -> float:
        loss = CONTENT_LOSSES["self_similarity"]
        found, target = (network.features(bent(image))["relu2_1"] for image in (pictures[name], photo))
        return loss.loss(found, loss.target(target), "relative").item()

    assert lines_of("lines") < 0.5 * lines_of("plain")
    assert difference("similar") < 0.7 * difference("plain")


def test_on_a_device_that_takes_pictures_at_once_a_photo_is_kept_and_averaged_as_alone(one: Stylizer) -> None:
    both: ContentLosses = (("features", 1.0), ("self_similarity", 1.0))
    recipe = replace(TINY, content_loss=both, laplacian_weight=0.2, ema_decay=0.5)
    recipe = replace(recipe, optimizer="adam", learning_rate=0.02, scales=1)
    requests = [request("a", 0, recipe), request("b", 1, recipe, style_from("b"))]
    at_once = run(Stylizer(CPU, load_painting, budget=DeviceBudget(2, 10**9)), *requests)
    for each in requests:
        alone = run(one, each)
        np.testing.assert_allclose(picture(at_once, each.token), picture(alone, each.token), atol=0.02)
        (found,), (wanted,) = (
            [event for event in only(events, Finished) if event.token == each.token] for events in (at_once, alone)
        )
        assert found.last.content == pytest.approx(wanted.last.content, rel=0.02)
