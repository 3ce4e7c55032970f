from __future__ import annotations

from collections.abc import Collection

import pytest

from pipeline.config import Config
from pipeline.errors import PaintingChangedError, PaintingError
from pipeline.executors.child import make_stylizer
from pipeline.model import EngineSettings, Style
from pipeline.runner.preparation import resolve_config
from pipeline.runner.style_cache import list_targets, prune_targets, warm_targets
from tests.fakes import write_painting
from tests.workshop import Workshop

SMALL = "size: 64, scales: 1, content_layers: [relu1_1], style_layers: [relu1_1]"


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    workshop.text = workshop.text.replace("size: 48, scales: 1", SMALL)
    return workshop


def cache_of(config: Config) -> tuple[EngineSettings, Collection[Style]]:
    return config.engine_settings(), resolve_config(config).styles.values()


def warm(workshop: Workshop) -> tuple[int, int]:
    config = workshop.config()
    return warm_targets(config.engine_settings(), resolve_config(config))


def test_a_cache_that_is_not_there_is_empty(workshop: Workshop) -> None:
    assert list(list_targets(*cache_of(workshop.config()))) == []
    assert prune_targets(*cache_of(workshop.config())) == (0, 0)
    assert not workshop.out.exists()


def test_warming_computes_once_what_runs_will_need(workshop: Workshop) -> None:
    assert warm(workshop) == (0, 1)
    assert warm(workshop) == (1, 0)
    (target,) = list_targets(*cache_of(workshop.config()))
    assert target.painting.endswith("night.jpg")
    assert (target.size, target.content) == (64, "moments of 1 layer")
    assert target.size_bytes > 64 * 64 * 4  # one Gram matrix of 64 channels


def test_recipes_that_only_rules_name_are_warmed_too(workshop: Workshop) -> None:
    workshop.text += f"  large: {{{SMALL.replace('64', '80')}}}\n"
    workshop.text += "pairing: {rules: [{match: '*.png', styles: [night], recipes: [large]}]}\n"
    assert warm(workshop) == (0, 2)
    assert sorted(target.size for target in list_targets(*cache_of(workshop.config()))) == [64, 80]


def test_each_file_of_a_painting_says_what_it_holds(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("relu1_1]}", "relu1_1, relu1_2], style_loss: sliced_wasserstein}")
    assert warm(workshop) == (0, 2)
    listed = sorted(target.content for target in list_targets(*cache_of(workshop.config())))
    assert listed == ["moments of 2 layers", "quantiles of 2 layers"]


def test_pruning_deletes_what_no_style_uses_and_nothing_else(workshop: Workshop) -> None:
    write_painting(workshop.folder / "day.jpg", (10, 20, 30))
    only_night = workshop.text
    workshop.text = only_night.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: day, painting: day.jpg}"
    )
    warm(workshop)
    assert prune_targets(*cache_of(workshop.config())) == (0, 0)
    workshop.text = only_night
    strangers = [row for row in list_targets(*cache_of(workshop.config())) if "in no style" in row.painting]
    assert len(strangers) == 1
    assert prune_targets(*cache_of(workshop.config())) == (1, strangers[0].size_bytes)
    assert [row.painting.endswith("night.jpg") for row in list_targets(*cache_of(workshop.config()))] == [True]


def test_a_damaged_file_of_the_cache_is_listed_and_pruned(workshop: Workshop) -> None:
    config = workshop.config()
    config.cache.folder.mkdir(parents=True)
    (config.cache.folder / f"{'0' * 64}.safetensors").write_bytes(b"damaged")
    assert [(row.size, row.size_bytes, row.content) for row in list_targets(*cache_of(config))] == [(0, 7, "damaged")]
    assert prune_targets(*cache_of(config)) == (1, 7)


def test_a_painting_that_is_gone_is_named(workshop: Workshop) -> None:
    config = workshop.config()
    (workshop.folder / "night.jpg").unlink()
    with pytest.raises(PaintingError, match=r"night\.jpg"):
        list(list_targets(*cache_of(config)))


def test_a_painting_that_was_replaced_is_not_remembered_under_the_former_ones_hash(workshop: Workshop) -> None:
    write_painting(workshop.folder / "day.jpg", (10, 20, 30))
    workshop.text = workshop.text.replace("painting: night.jpg}", "paintings: {day.jpg: 1, night.jpg: 1}}")
    config = workshop.config()
    resolved = resolve_config(config)
    former = (workshop.folder / "night.jpg").read_bytes()
    write_painting(workshop.folder / "night.jpg", (10, 200, 30))
    stylizer = make_stylizer(config.engine_settings())
    with pytest.raises(PaintingChangedError, match=r"night\.jpg"):
        stylizer.warm(resolved.styles["night"], resolved.recipes["default"])
    assert [row.painting.endswith("day.jpg") for row in list_targets(*cache_of(config))] == [True]
    (workshop.folder / "night.jpg").write_bytes(former)
    assert stylizer.warm(resolved.styles["night"], resolved.recipes["default"]) == (1, 1)
