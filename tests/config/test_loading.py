"""A whole file: the config everyone starts from, all problems at once, and nothing heavy on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import Config, json_schema, load_config
from pipeline.config.paintings import PaintingChoice
from pipeline.errors import ConfigError
from pipeline.model import Recipe
from tests.config.conftest import Load

FIRST_CONFIG = """\
input: {folder: in}
output: {folder: out}
styles:
  - {name: night, painting: paintings/starry_night.jpg}
  - {name: both, paintings: {paintings/starry_night.jpg: 0.7, paintings/great_wave.jpg: 0.3}}
recipes:
  default: {size: 256}
"""


def test_the_first_config_works_as_it_stands(load: Load, folder: Path) -> None:
    config = load(FIRST_CONFIG)
    assert (config.input.folder, config.output.folder) == (folder / "in", folder / "out")
    assert config.output.name == "{folder}/{stem}--{variant}"
    assert [(style.name, style.recipes, style.scale) for style in config.styles] == [
        ("night", ("default",), 1.0),
        ("both", ("default",), 1.0),
    ]
    assert config.styles[0].paintings == (PaintingChoice(folder / "paintings/starry_night.jpg"),)
    assert config.styles[1].paintings == (
        PaintingChoice(folder / "paintings/starry_night.jpg", 0.7),
        PaintingChoice(folder / "paintings/great_wave.jpg", 0.3),
    )
    assert config.recipes_by_name() == {"default": Recipe(size=256)}
    assert (config.pairing.by, config.pairing.rules) == ("all", ())


def test_a_config_may_be_named_relative_to_the_current_folder(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load(FIRST_CONFIG)
    monkeypatch.chdir(folder)
    assert load_config(Path("config.yaml")) == expected


def test_anchors_share_settings(load: Load) -> None:
    text = FIRST_CONFIG + "  large: &large {size: 1024}\n  same: *large\n"
    recipes = load(text).recipes_by_name()
    assert recipes["same"].size == recipes["large"].size == 1024


def test_problems_carry_file_line_and_path(folder: Path) -> None:
    path = folder / "config.yaml"
    path.write_text(FIRST_CONFIG + "    sise: 3\nlog: {level: loud}\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        load_config(path)
    path.write_text(FIRST_CONFIG.replace("0.7", "x") + "log: {level: loud}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [(problem.file, problem.line, problem.where) for problem in caught.value.problems] == [
        (str(path), 5, "styles[1].paintings['paintings/starry_night.jpg']"),
        (str(path), 8, "log.level"),
    ]


def test_a_file_whose_only_problem_is_in_its_yaml_is_refused(folder: Path) -> None:
    path = folder / "config.yaml"
    path.write_text(FIRST_CONFIG + "input: {folder: other}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.yaml:8: input: is repeated \(first on line 1\)"):
        load_config(path)


def test_loading_imports_neither_torch_nor_pillow_nor_numpy(folder: Path) -> None:
    (folder / "config.yaml").write_text(FIRST_CONFIG, encoding="utf-8")
    code = (
        "import sys, pathlib, pipeline.config as config\n"
        f"config.load_config(pathlib.Path({str(folder / 'config.yaml')!r})).engine_settings()\n"
        "print(sorted({'torch', 'PIL', 'numpy', 'pathspec'} & sys.modules.keys()))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def _every_key(schema: Any) -> set[str]:
    keys = {key for definition in [schema, *schema["$defs"].values()] for key in definition["properties"]}
    return keys | {"default", "paintings/great_wave.jpg", "relu1_1", "<<", "size "}


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 600),
    st.floats(),
    st.sampled_from(
        ["night", "default", "paintings/great_wave.jpg", "relu4_1", "block1_conv1", "{stem}", "a/**", "", "!", "\0"]
    ),
)
_KEYS = st.sampled_from(sorted(_every_key(json_schema())))
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)


@pytest.mark.no_cover
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(json_schema()["properties"])), _VALUES, min_size=1))
def test_whatever_a_file_holds_it_is_loaded_or_explained(folder: Path, data: dict[str, Any]) -> None:
    path = folder / "config.yaml"
    text = json.dumps(data).replace("-Infinity", "-.inf").replace("Infinity", ".inf").replace("NaN", ".nan")
    path.write_text(text, encoding="utf-8")
    try:
        result: Config | ConfigError = load_config(path)
    except ConfigError as error:
        result = error
    said = [str(problem) for problem in result.problems] if isinstance(result, ConfigError) else ["loaded"]
    assert said
    assert not any(word in line for line in said for word in ("Input should", "Value error", "\n", "\0"))
