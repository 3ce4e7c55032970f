"""Style targets are computed once, from the painting at the right size, and blended by weight."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.blocks.partition import BLOCK_PIXELS
from pipeline.engine.transfer.color.matching import ColorMatch, palette_of
from pipeline.engine.transfer.geometry import resample, to_tensor
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.engine.transfer.statistics.sliced_wasserstein import quantiles_of
from pipeline.engine.transfer.target_cache import StyleCache, TargetKey
from pipeline.engine.transfer.targets import StyleTarget, StyleTargets
from pipeline.errors import PaintingError
from pipeline.model import Painting, Style, WeightsChoice

LAYERS = ("relu1_1", "relu2_1")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(load_weights(WeightsChoice()), LAYERS)


def painting(name: str, weight: float = 1.0) -> Painting:
    return Painting(Path(f"{name}.jpg"), name.ljust(64, "0"), weight)


def pixels_of(name: str, height: int = 60, width: int = 80) -> npt.NDArray[Any]:
    return np.random.default_rng(len(name)).integers(0, 256, (height, width, 3), dtype=np.uint8)


class Easel:
    """Hands out paintings and counts how often it was asked."""

    def __init__(self, paint: Callable[[str], npt.NDArray[Any]] = pixels_of) -> None:
        self.paint = paint
        self.asked: list[str] = []

    def __call__(self, wanted: Painting, long_side: int) -> npt.NDArray[Any]:
        self.asked.append(wanted.path.stem)
        return self.paint(wanted.path.stem)


def targets_of(easel: Easel, folder: Path | None, kind: type[StyleCache] = StyleCache) -> StyleTargets:
    cache = None if folder is None else kind(folder, 10**9)
    return StyleTargets(easel, cache, weights_id="w", precision="cpu:float32", device=torch.device("cpu"))


def target(
    targets: StyleTargets, network: Network, style: Style, size: int = 48, match: ColorMatch | None = None
) -> StyleTarget:
    return targets.of(style, size, network, LAYERS, match)


def match_for(photo: str, mix: float = 1.0) -> ColorMatch:
    return ColorMatch(palette_of(to_tensor(pixels_of(photo)) * 0.5 + 0.25), mix)


def test_a_target_is_the_gram_matrix_of_the_painting_at_the_pictures_size(network: Network) -> None:
    found = target(targets_of(Easel(), None), network, Style("s", (painting("a"),)))
    picture = resample(to_tensor(pixels_of("a")), (36, 48)).clamp(0, 1)
    features = network.features(picture)
    for layer in LAYERS:
        assert torch.equal(found.moments[layer].second, SecondMoment().of(features[layer])[0])


def test_the_styles_scale_counts_and_a_painting_is_never_enlarged(network: Network) -> None:
    targets = targets_of(Easel(), None)
    style = Style("s", (painting("a"),))
    wide = target(targets, network, Style("s", (painting("a"),), scale=2.0), 48).moments["relu1_1"].second
    assert not torch.equal(wide, target(targets, network, style, 48).moments["relu1_1"].second)
    full = SecondMoment().of(network.features(to_tensor(pixels_of("a")))["relu1_1"])[0]
    assert torch.equal(wide, full)
    assert torch.equal(target(targets, network, style, 4000).moments["relu1_1"].second, full)


def test_the_short_side_keeps_what_the_network_needs(network: Network) -> None:
    easel = Easel(lambda name: pixels_of(name, 40, 400))
    found = target(targets_of(easel, None), network, Style("s", (painting("a"),)), 64)
    picture = resample(to_tensor(pixels_of("a", 40, 400)), (32, 320)).clamp(0, 1)
    assert torch.equal(found.moments["relu1_1"].second, SecondMoment().of(network.features(picture)["relu1_1"])[0])


def test_a_painting_that_is_too_small_is_named(network: Network) -> None:
    easel = Easel(lambda name: pixels_of(name, 31, 80))
    with pytest.raises(PaintingError, match=r"tiny\.jpg: .* 80 × 31 pixels"):
        target(targets_of(easel, None), network, Style("s", (painting("tiny"),)))


def test_a_blend_is_the_weighted_sum_of_second_moments(network: Network) -> None:
    targets = targets_of(Easel(), None)
    one = target(targets, network, Style("s", (painting("a"),))).moments["relu2_1"].second
    two = target(targets, network, Style("s", (painting("bb"),))).moments["relu2_1"].second
    both = target(targets, network, Style("s", (painting("a", 3.0), painting("bb", 1.0))))
    torch.testing.assert_close(both.moments["relu2_1"].second, 0.75 * one + 0.25 * two)
    assert (both.hits, both.misses) == (2, 0)


def test_each_painting_of_a_blend_has_its_own_scale_and_may_be_there_at_several(network: Network) -> None:
    targets, coarse, fine = targets_of(Easel(), None), painting("a", 3.0), replace(painting("a"), scale=0.75)
    parts = [
        target(targets, network, Style("s", (painting("a"),), scale=scale), 160).moments["relu2_1"]
        for scale in (0.5, 0.375)
    ]
    both = target(targets, network, Style("s", (coarse, fine), scale=0.5), 160)
    torch.testing.assert_close(both.moments["relu2_1"].second, 0.75 * parts[0].second + 0.25 * parts[1].second)
    assert not torch.allclose(parts[0].second, parts[1].second)
    assert (both.hits, both.misses) == (2, 0)  # what another style has computed of a painting at that size


def test_a_target_is_computed_once_and_then_remembered(network: Network) -> None:
    easel = Easel()
    targets = targets_of(easel, None)
    style = Style("s", (painting("a"),))
    first, second = target(targets, network, style), target(targets, network, style)
    assert (first.hits, first.misses, second.hits, second.misses) == (0, 1, 1, 0)
    assert easel.asked == ["a"]


def test_memory_is_bounded_and_forgets_the_least_recently_used(network: Network) -> None:
    easel = Easel()
    targets = targets_of(easel, None)
    style = Style("s", (painting("a"),))
    for size in range(32, 65):
        target(targets, network, style, size)
    assert target(targets, network, style, 64).hits == 1
    assert target(targets, network, style, 32).misses == 1


def test_the_disk_remembers_the_same_numbers_for_the_next_run(network: Network, tmp_path: Path) -> None:
    style = Style("s", (painting("a"),))
    first = target(targets_of(Easel(), tmp_path), network, style)
    easel = Easel()
    second = target(targets_of(easel, tmp_path), network, style)
    assert (second.hits, second.misses, easel.asked) == (1, 0, [])
    assert all(torch.equal(first.moments[layer].second, second.moments[layer].second) for layer in LAYERS)


def test_a_damaged_file_is_computed_again_and_replaced(network: Network, tmp_path: Path) -> None:
    style = Style("s", (painting("a"),))
    first = target(targets_of(Easel(), tmp_path), network, style)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    second = target(targets_of(Easel(), tmp_path), network, style)
    assert second.misses == 1
    assert "computed again" in second.notes[0]
    assert torch.equal(first.moments["relu2_1"].second, second.moments["relu2_1"].second)
    assert target(targets_of(Easel(), tmp_path), network, style).notes == []


def test_a_file_that_lacks_what_is_asked_for_is_computed_again_and_replaced(network: Network, tmp_path: Path) -> None:
    class Poor(StyleCache):
        """The cache of a version that keeps no second moments."""

        def write(self, key: TargetKey, arrays: dict[str, npt.NDArray[Any]]) -> None:
            super().write(key, {name: array for name, array in arrays.items() if name.endswith(".mean")})

    style = Style("s", (painting("a"),))
    first = target(targets_of(Easel(), tmp_path, Poor), network, style)
    second = target(targets_of(Easel(), tmp_path), network, style)
    assert second.misses == 1
    assert second.notes == ["style cache: a file by another version lacks 'relu1_1.second'; computed again"]
    assert torch.equal(first.moments["relu2_1"].second, second.moments["relu2_1"].second)
    assert target(targets_of(Easel(), tmp_path), network, style).hits == 1


def test_a_cache_that_can_not_be_written_costs_nothing_but_a_note(network: Network, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    found = target(targets_of(Easel(), blocked), network, Style("s", (painting("a"),)))
    assert found.misses == 1
    assert found.moments.keys() == set(LAYERS)
    assert any("can't write" in note for note in found.notes)


def test_a_matched_target_is_of_the_painting_in_those_colors(network: Network) -> None:
    match = match_for("photo")
    found = target(targets_of(Easel(), None), network, Style("s", (painting("a"),)), match=match)
    features = network.features(match.of(resample(to_tensor(pixels_of("a")), (36, 48)).clamp(0, 1)))
    for layer in LAYERS:
        assert torch.equal(found.moments[layer].second, SecondMoment().of(features[layer])[0])


def test_each_painting_of_a_blend_is_matched_by_itself(network: Network) -> None:
    targets, match = targets_of(Easel(), None), match_for("photo")
    one, two = (target(targets, network, Style("s", (painting(name),)), match=match) for name in ("a", "bb"))
    both = target(targets, network, Style("s", (painting("a", 3.0), painting("bb", 1.0))), match=match)
    wanted = 0.75 * one.moments["relu2_1"].second + 0.25 * two.moments["relu2_1"].second
    torch.testing.assert_close(both.moments["relu2_1"].second, wanted)


def test_matched_targets_are_computed_for_each_photo_and_kept_nowhere(network: Network, tmp_path: Path) -> None:
    easel, style = Easel(), Style("s", (painting("a"),))
    targets = targets_of(easel, tmp_path)
    found = [target(targets, network, style, match=match_for(photo)) for photo in ("one", "three", "one")]
    assert [(each.hits, each.misses) for each in found] == [(0, 1)] * 3
    seconds = [each.moments["relu1_1"].second for each in found]
    assert torch.equal(seconds[0], seconds[2])
    assert not torch.equal(seconds[0], seconds[1])
    assert list(tmp_path.iterdir()) == []
    assert easel.asked == ["a"]
    plain = target(targets, network, style)
    assert torch.equal(
        plain.moments["relu1_1"].second, target(targets_of(Easel(), None), network, style).moments["relu1_1"].second
    )


def test_quantiles_have_a_file_of_their_own_and_are_computed_once(network: Network, tmp_path: Path) -> None:
    def with_quantiles(targets: StyleTargets) -> StyleTarget:
        return targets.of(style, 48, network, LAYERS, with_quantiles=True)

    style = Style("s", (painting("a"),))
    plain = target(targets_of(Easel(), tmp_path), network, style)
    assert plain.moments["relu1_1"].quantiles is None
    easel = Easel()
    first = with_quantiles(targets_of(easel, tmp_path))
    assert (first.hits, first.misses, easel.asked) == (1, 1, ["a"])
    assert torch.equal(first.moments["relu2_1"].second, plain.moments["relu2_1"].second)
    again = with_quantiles(targets_of(easel, tmp_path))
    assert (again.hits, again.misses, easel.asked, len(list(tmp_path.iterdir()))) == (2, 0, ["a"], 2)
    picture = resample(to_tensor(pixels_of("a")), (36, 48)).clamp(0, 1)
    expected = quantiles_of(network.features(picture)["relu2_1"])
    for found in (first, again):
        quantiles = found.moments["relu2_1"].quantiles
        assert quantiles is not None
        assert torch.equal(quantiles, expected)


@pytest.mark.parametrize("with_quantiles", [False, True])
def test_a_painting_too_large_for_the_memory_has_the_same_target_in_blocks(
    network: Network, with_quantiles: bool
) -> None:
    def large(name: str) -> npt.NDArray[Any]:
        return pixels_of(name, 48, BLOCK_PIXELS + 80)

    def found(memory_bytes: float) -> StyleTarget:
        targets = StyleTargets(
            Easel(large), None, weights_id="w", precision="p", device=torch.device("cpu"), memory_bytes=memory_bytes
        )
        style = Style("s", (painting("a"),))
        return targets.of(style, BLOCK_PIXELS + 80, network, LAYERS, with_quantiles=with_quantiles)

    whole, in_blocks = found(math.inf), found(1e6)
    for layer in LAYERS:
        for part in ("mean", "second", "quantiles"):
            expected, value = (getattr(target.moments[layer], part) for target in (whole, in_blocks))
            if expected is None:
                assert (part, value) == ("quantiles", None)
                continue
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)
            assert value.dtype == torch.float32


def test_while_a_painting_is_passed_in_blocks_there_are_signs_of_life(network: Network) -> None:
    told: list[float] = []

    def large(name: str) -> npt.NDArray[Any]:
        return pixels_of(name, 48, BLOCK_PIXELS + 80)

    targets = StyleTargets(
        Easel(large), None, weights_id="w", precision="p", device=torch.device("cpu"), memory_bytes=1e6
    )
    style = Style("s", (painting("a"),))
    for each in (None, match_for("photo")):
        targets.of(style, BLOCK_PIXELS + 80, network, LAYERS, each, with_quantiles=True, after_block=told.append)
        assert len(told) >= 4
        assert set(told) == {0.0}
        told.clear()
