"""The sections, their defaults, the plain values that other rooms get, and the JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from pipeline.config import json_schema
from pipeline.model import ClaimOrder, EngineSettings, RandomOrder, WeightsChoice
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_everything_but_styles_has_a_default_beside_the_config(load: Load, folder: Path) -> None:
    config = load(STYLE)
    assert config.input.folder == folder / "input"
    assert config.output.folder == folder / "output"
    assert config.state.folder == folder / "output" / ".stylewatch"
    assert config.cache.folder == folder / "output" / ".stylewatch" / "styles"
    assert config.log.file == folder / "output" / "stylewatch.log"
    assert config.log.journal == folder / "output" / "journal.jsonl"
    assert config.log.reports == folder / "output" / "reports"
    assert (config.log.keep_reports, config.log.keep_report_days) == (100, 365)
    assert config.pairing.rules == ()


def test_state_log_and_cache_follow_the_output_folder(load: Load, folder: Path) -> None:
    config = load(STYLE + "output: {folder: pictures}\nlog: {file: '{output}/x.log', journal: j.jsonl}")
    assert config.state.folder == folder / "pictures" / ".stylewatch"
    assert config.log.file == folder / "pictures" / "x.log"
    assert config.log.journal == folder / "j.jsonl"


def test_the_engine_gets_plain_settings(load: Load, folder: Path) -> None:
    text = """
engine: {device: cpu, weights: vgg.pth, preprocessing: caffe, precision: float32, threads: 2, batch_size: 3,
  memory: 8 GB}
cache: {folder: styles, max_megabytes: 5}
"""
    assert load(STYLE + text).engine_settings() == EngineSettings(
        machine_folder=platformdirs.user_cache_path("stylewatch"),
        device="cpu",
        weights=WeightsChoice(str(folder / "vgg.pth"), "caffe"),
        precision="float32",
        threads=2,
        batch_size=3,
        memory_bytes=8_000_000_000,
        cache_folder=folder / "styles",
        cache_limit_bytes=5_000_000,
    )


def test_without_settings_the_engine_has_the_models_defaults(load: Load, folder: Path) -> None:
    cache = folder / "output" / ".stylewatch" / "styles"
    machine = platformdirs.user_cache_path("stylewatch")
    assert load(STYLE).engine_settings() == EngineSettings(cache_folder=cache, machine_folder=machine)


def test_megapixels_become_pixels(load: Load) -> None:
    assert load(STYLE + "input: {max_megapixels: 0.5}").input.max_pixels == 500_000


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        ("input: {folder: a}\noutput: {folder: a}", "can't hold the photos' folder"),
        ("input: {folder: out/a}\noutput: {folder: out}", "can't hold the photos' folder"),
        ("input: {folder: .}", "can't lie in the photos' folder, or pictures become photos"),
        ("input: {folder: a, ignore: [other]}\noutput: {folder: a/out}", "add '/out/' to input.ignore"),
    ],
)
def test_photos_and_pictures_in_one_tree_are_refused(problems: Problems, folders: str, told: str) -> None:
    [found] = problems(STYLE + folders)
    assert found.startswith("output.folder: ")
    assert told in found


@pytest.mark.parametrize("pattern", ["/out/", "out", "out/", "**/out"])
def test_the_output_may_lie_in_the_input_when_it_is_ignored(load: Load, folder: Path, pattern: str) -> None:
    config = load(STYLE + f"input: {{folder: a, ignore: ['{pattern}']}}\noutput: {{folder: a/out}}")
    assert config.output.folder == folder / "a" / "out"


def test_a_broken_input_folder_does_not_hide_other_problems(problems: Problems) -> None:
    told = problems(STYLE + 'input: {folder: ""}\noutput: {folder: "", quality: 0}')
    assert [each.partition(":")[0] for each in told] == ["input.folder", "output.folder", "output.quality"]
    told = problems(STYLE + "input: {folder: 7}\noutput: {folder: out, quality: 0}")
    assert [each.partition(":")[0] for each in told] == ["input.folder", "output.quality"]


def settings_of(schema: Any) -> Iterator[tuple[str, Any]]:
    for name, definition in {"Config": schema, **schema["$defs"]}.items():
        for key, child in definition["properties"].items():
            yield (
                f"{name}.{key}",
                schema["$defs"][child["$ref"].rpartition("/")[2]] | child if "$ref" in child else child,
            )


def test_the_schema_describes_every_key_and_refuses_others() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert [key for key, child in settings_of(schema) if not child.get("description")] == []
    assert all(definition["additionalProperties"] is False for definition in [schema, *schema["$defs"].values()])
    assert schema["required"] == ["styles"]


def test_the_schema_speaks_of_the_file_and_not_of_the_models() -> None:
    keys = {key for key, _ in settings_of(json_schema())}
    assert {"StyleSection.paintings", "StyleSection.recipes", "RuleSection.match", "PairingSection.rules"} <= keys
    assert not {key for key in keys if key.endswith((".blend", ".several_recipes", ".globs", ".rule_list"))}


@pytest.mark.parametrize(
    ("text", "order"),
    [("", "newest"), ("name", "name"), ("random", RandomOrder(0)), ("{random: 7}", RandomOrder(7))],
)
def test_photos_come_in_the_order_asked_for(load: Load, text: str, order: ClaimOrder) -> None:
    assert load(STYLE + (f"input: {{order: {text}}}" if text else "")).input.claim_order == order


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input: {order: shuffled}", "input.order: must be one of 'newest', 'oldest', 'name' or 'random'"),
        ("input: {order: [random]}", "input.order: must be newest, oldest, name, random, or random: SEED"),
        ("input: {order: {}}", "input.order.random: is missing: the seed"),
        ("input: {order: {random: x}}", "input.order.random: must be a whole number"),
        ("input: {raw: jpeg}", "input.raw: must be one of 'prefer_jpeg', 'prefer_raw' or 'both', found 'jpeg'"),
        ("output: {on_change: ignore}", "output.on_change: must be one of 'repaint' or 'keep', found 'ignore'"),
    ],
)
def test_a_wrong_order_or_change_is_explained(problems: Problems, text: str, said: str) -> None:
    (problem,) = problems(STYLE + text)
    assert said in str(problem)
