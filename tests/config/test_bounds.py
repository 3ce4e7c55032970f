"""Every number that a config can hold has a bound, beyond which it is refused and not met later as an overflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.config import json_schema
from tests.config.conftest import Load, Problems

SCHEMA = json_schema()
#: What stands for a name of the user's choice.
NAMES = {
    "recipes": "default",
    "paintings": "paintings/starry_night.jpg",
    "init": "noise",
    "style_loss": "gram",
    "content_loss": "features",
}


def numbers_in(schema: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every number in the schema; of lists it has ``[]``, of free keys ``*``."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for form in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from numbers_in(form, at)
    kinds = schema.get("type")
    if {"integer", "number"} & ({kinds} if isinstance(kinds, str) else set(kinds or ())):
        yield at
    for key, child in schema.get("properties", {}).items():
        yield from numbers_in(child, (*at, key))
    if isinstance(schema.get("items"), dict):
        yield from numbers_in(schema["items"], (*at, "[]"))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from numbers_in(schema["additionalProperties"], (*at, "*"))


def config_with(path: tuple[str, ...], value: object) -> str:
    """Return a config in which the setting has this value; JSON is YAML."""
    tree: Any = value
    for index in reversed(range(len(path))):
        key = path[index]
        owner = next((name for name in reversed(path[:index]) if name != "[]"), "")
        name = NAMES.get(owner, "relu1_1") if key == "*" else key
        if key == "[]" and owner == "paintings":
            tree = {"painting": NAMES[owner]} | tree
        tree = [tree] if key == "[]" else {name: tree}
    style = {"name": "night"} | tree.get("styles", [{}])[0]
    style |= {} if "paintings" in style else {"painting": "paintings/starry_night.jpg"}
    return json.dumps(tree | {"styles": [style]})


NUMBERS = sorted(set(numbers_in(SCHEMA)))


def test_there_are_numbers_to_look_at() -> None:
    assert {("input", "settle_seconds"), ("recipes", "*", "size"), ("output", "min_free_disk")} <= set(NUMBERS)
    assert len(NUMBERS) > 35


@pytest.mark.parametrize("value", [10**30, 10**300, -1])
@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
def test_no_number_is_too_large_or_too_small_to_be_refused(
    problems: Problems, path: tuple[str, ...], value: int
) -> None:
    (found,) = problems(config_with(path, value))
    assert any(words in found for words in ("must be at most ", "must be below ", "must be 8 or 16")) or value < 0
    assert len(found) < 200


@pytest.mark.parametrize("text", [".inf", "-.inf", ".nan", "1e400"])
def test_what_is_no_number_in_the_end_is_refused(problems: Problems, text: str) -> None:
    (found,) = problems(f"styles: [{{name: n, painting: paintings/starry_night.jpg, scale: {text}}}]")
    assert found.startswith("styles[0].scale: must be a finite number")


@pytest.mark.parametrize("text", ["1000001 TB", f"{'9' * 399} GB"])
def test_a_size_beyond_any_disk_is_refused(problems: Problems, text: str) -> None:
    (found,) = problems(config_with(("output", "min_free_disk"), text))
    assert found.startswith("output.min_free_disk: must be at most '1000000 TB', found ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input.settle_seconds", 86_400),
        ("input.incomplete_seconds", 1e9),
        ("input.rescan_seconds", 31_536_000),
        ("input.max_megapixels", 1_000_000),
        ("input.max_archive_size", "100000 TB"),
        ("input.max_archive_files", 100_000_000),
        ("recipes.*.size", 65_500),
        ("recipes.*.style_weight", 1e12),
        ("recipes.*.content_layers.*", 1e9),
        ("recipes.*.iterations", 1_000_000),
        ("recipes.*.seed", 2**63 - 1),
        ("styles.[].scale", 100),
        ("engine.threads", 1024),
        ("state.max_attempts", 1_000_000),
        ("state.max_retry_seconds", 1e9),
        ("cache.max_megabytes", 100_000_000),
        ("log.backups", 9999),
        ("hooks.timeout_seconds", 604_800),
    ],
)
def test_what_somebody_may_want_is_taken(load: Load, path: str, value: object) -> None:
    load(config_with(tuple(path.split(".")), value))
