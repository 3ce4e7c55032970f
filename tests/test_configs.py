"""The configs that come with the program load, and the reference tells every key with its default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, json_schema, load_config, load_variants
from pipeline.config.document import Location
from pipeline.config.yaml_source import read_document

CONFIGS = Path(__file__).parents[1] / "configs"
REFERENCE = CONFIGS / "reference.yaml"
SCHEMA = json_schema()

#: Mappings whose keys are files and layers, not settings.
FREE = ("styles.paintings.", "styles.regions.", "recipes.*.content_layers.", "recipes.*.style_layers.")


def keys_of_schema(schema: Any, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every key that a config can hold: ``styles.name``, ``recipes.*.size``; lists add nothing."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if at:
        yield ".".join(at)
    for key, child in schema.get("properties", {}).items():
        yield from keys_of_schema(child, (*at, key))
    if "$ref" in schema.get("items", {}):
        yield from set(keys_of_schema(schema["items"], at)) - {".".join(at)}
    if "$ref" in (schema.get("additionalProperties") or {}):
        yield from set(keys_of_schema(schema["additionalProperties"], (*at, "*")))


def key_of(location: Location) -> str:
    named = [part for part in location if isinstance(part, str)]
    if named[0] == "recipes" and len(named) > 1 and named[1] != "import":
        named[1] = "*"
    return ".".join(named)


def keys_of_reference() -> dict[str, int]:
    """Return every key in reference.yaml and the line where it first stands."""
    lines: dict[str, int] = {}
    for location, (line, _) in read_document(REFERENCE).positions.items():
        if location and isinstance(location[-1], str) and not key_of(location).startswith(FREE):
            lines.setdefault(key_of(location), line)
    return lines


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_config_loads_with_its_paintings(path: Path) -> None:
    config = load_variants(path).config
    assert all(each.path.is_file() for style in config.styles for each in style.paintings)


def test_only_the_example_of_variants_can_be_used_by_try_alone() -> None:
    listing = {path.name for path in CONFIGS.glob("*.yaml") if load_variants(path).axes}
    assert listing == {"variants.yaml"}
    assert load_variants(CONFIGS / "variants.yaml").count() == 12


def test_the_reference_has_exactly_the_keys_of_the_models() -> None:
    assert set(keys_of_reference()) == set(keys_of_schema(SCHEMA))


def test_the_reference_has_a_comment_for_every_key() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    silent = [
        key
        for key, line in keys_of_reference().items()
        if "#" not in lines[line - 1] and not lines[line - 2].lstrip().startswith("#")
    ]
    assert silent == []


def test_the_values_in_the_reference_are_the_defaults(tmp_path: Path) -> None:
    written = load_config(REFERENCE)
    (tmp_path / "painting.jpg").touch()
    (tmp_path / "config.yaml").write_text("styles: [{name: x, painting: painting.jpg}]", encoding="utf-8")
    defaults = load_config(tmp_path / "config.yaml")

    assert relocated(written, CONFIGS) == relocated(defaults, tmp_path)
    assert written.recipes_by_name() == defaults.recipes_by_name()
    assert written.styles[0].scale == defaults.styles[0].scale
    assert written.styles[0].recipes == written.styles[1].recipes == defaults.styles[0].recipes


def relocated(config: Config, folder: Path) -> str:
    """Return all settings but styles, masks, recipes and rules, with the config's folder made equal."""
    sections = config.model_dump(exclude={"styles": True, "masks": True, "recipes": True, "pairing": {"rule_list"}})
    return re.sub(r"PosixPath|WindowsPath", "Path", repr(sections)).replace(str(folder.resolve()), "FOLDER")


def test_the_article_is_as_the_article_says() -> None:
    recipe = load_config(CONFIGS / "article.yaml").recipes_by_name()["default"]
    assert recipe.content_layers == (("relu5_2", 1.0),)
    assert [layer for layer, _ in recipe.style_layers] == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    assert (recipe.content_weight, recipe.style_weight, recipe.loss) == (1e4, 1e-2, "tensorflow")
    assert (recipe.init, recipe.optimizer, recipe.sizes()) == ("content", "adam", (256,))
    assert recipe.learning_rate_decay < 1
    assert recipe.snapshot_every > 0


def test_the_quickstart_makes_small_pictures_from_input_to_output() -> None:
    config = load_config(CONFIGS / "quickstart.yaml")
    assert (config.input.folder, config.output.folder) == (CONFIGS.parent / "input", CONFIGS.parent / "output")
    assert len(config.styles) == 2
    assert config.recipes_by_name()["default"].size == 256
