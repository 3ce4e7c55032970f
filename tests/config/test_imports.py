"""Recipes of other files: where these are, what they may hold, and what the config's own settings do to them."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from pipeline.config import imported_files, json_schema, load_config, load_variants
from pipeline.config.imports import OWN_FOLDER, own_files
from pipeline.config.settings import shown_config
from pipeline.errors import ConfigError, ConfigProblem, UsageError
from pipeline.model import Recipe
from tests.config.conftest import Load, Problems

ROOT = Path(__file__).parents[2]
STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg, recipe: fine}]\n"
FILE = """\
# the figures are from a paper
fine: {size: 64, content_weight: 3}
coarse:
  size: 32
  style_layers: {relu1_1: 2, relu2_1: 1}
"""


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "more" / "recipes.yaml"
    path.parent.mkdir()
    path.write_text(FILE, encoding="utf-8")
    return path


def importing(what: str, own: str = "") -> str:
    return f"{STYLE}recipes:\n  import: {what}\n{own}"


def test_the_recipes_of_a_file_are_the_configs_own(load: Load, file: Path, folder: Path) -> None:
    recipes = load(importing("more/recipes.yaml", "  quick: {size: 16}\n")).recipes_by_name()
    assert list(recipes) == ["default", "fine", "coarse", "quick"]
    assert recipes["fine"] == Recipe(name="fine", size=64, content_weight=3)
    assert recipes["coarse"].style_layers == (("relu1_1", 2.0), ("relu2_1", 1.0))
    [found] = load_variants(folder / "config.yaml").imports
    assert (found.file, list(found.recipes)) == (file, ["fine", "coarse"])


@pytest.mark.parametrize("nothing", ["", "[]", "null"])
def test_a_config_may_import_nothing(load: Load, nothing: str) -> None:
    text = STYLE.replace(", recipe: fine", "")
    assert load(f"{text}recipes: {{import: {nothing}}}").recipes_by_name() == {"default": Recipe()}


def test_a_recipe_that_was_called_import_stays_one(load: Load) -> None:
    text = STYLE.replace("fine", "import")
    assert load(f"{text}recipes: {{import: {{size: 32}}}}").recipes_by_name()["import"].size == 32


def test_the_configs_own_settings_of_a_recipe_count_before_the_files(load: Load, file: Path) -> None:
    own = "  coarse: {size: 48, style_layers: [relu3_1]}\n  fine:\n"
    recipes = load(importing("[more/recipes.yaml]", own)).recipes_by_name()
    assert recipes["coarse"] == Recipe(name="coarse", size=48, style_layers=(("relu3_1", 1.0),))
    assert recipes["fine"].content_weight == 3


def test_what_the_configs_own_settings_leave_without_use_does_not_count(load: Load, file: Path) -> None:
    file.write_text("fine: {optimizer: adam, adam_betas: [0.5, 0.9], color: photo, color_mix: 0.5}\n", "utf-8")
    text = importing("more/recipes.yaml", "  fine: {optimizer: sgd, color: painting}\n")
    fine = load(text).recipes_by_name()["fine"]
    assert (fine.optimizer, fine.adam_betas, fine.color_mix) == ("sgd", Recipe().adam_betas, 1)
    with pytest.raises(ConfigError, match="needs optimizer: adam"):
        load(importing("more/recipes.yaml", "  fine: {optimizer: sgd, adam_betas: [0.5, 0.9]}\n"))


def test_paths_in_a_file_are_relative_to_the_config(load: Load, file: Path, folder: Path) -> None:
    file.write_text("fine: {init: image, init_image: paintings/great_wave.jpg}\n", encoding="utf-8")
    recipe = load(importing("more/recipes.yaml")).recipes_by_name()["fine"]
    assert recipe.init_image == folder / "paintings" / "great_wave.jpg"


def test_a_file_may_bring_the_default_recipe(load: Load, file: Path) -> None:
    file.write_text("default: {size: 40}\nfine:\n", encoding="utf-8")
    assert load(importing("more/recipes.yaml")).recipes_by_name()["default"].size == 40


def test_a_file_beside_the_config_is_taken_before_one_of_the_program(load: Load, folder: Path) -> None:
    name = own_files()[0]
    text = STYLE.replace("fine", Path(name).stem) + f"recipes: {{import: {name}}}"
    assert load(text).recipes_by_name()[Path(name).stem] != Recipe(name=Path(name).stem, size=33)
    (folder / "recipes").mkdir()
    (folder / name).write_text(f"{Path(name).stem}: {{size: 33}}", encoding="utf-8")
    assert load(text).recipes_by_name()[Path(name).stem] == Recipe(name=Path(name).stem, size=33)
    assert imported_files(folder / "config.yaml") == (folder / name, OWN_FOLDER / name)


def test_values_to_compare_may_stand_in_a_file_and_in_an_option(load: Load, file: Path, folder: Path) -> None:
    load(importing("more/recipes.yaml"))
    found = load_variants(folder / "config.yaml", ["content_weight=[1, 2]"])
    assert {name: len(each) for name, each in found.recipes.items()} == {"default": 2, "fine": 2, "coarse": 2}
    with pytest.raises(UsageError, match="--set size=2: must be at least 16"):
        load_variants(folder / "config.yaml", ["size=2"])
    file.write_text("fine: {seed: [1, 2],\n  tv_weight: [0, 1]}\n", encoding="utf-8")
    found = load_variants(folder / "config.yaml")
    assert len(found.recipes["fine"]) == 4
    assert {axis.file for axis in found.axes} == {file}


def test_a_config_is_shown_with_the_recipes_that_it_imports(load: Load, file: Path, folder: Path) -> None:
    config = load(importing("more/recipes.yaml", "  fine: {size: 48}\n"))
    shown = shown_config(config)
    assert "content_weight: 3" in shown
    assert "import" not in shown
    (folder / "shown.yaml").write_text(shown, encoding="utf-8")
    assert load_config(folder / "shown.yaml").recipes_by_name() == config.recipes_by_name()


def test_the_schema_knows_the_key() -> None:
    about = json_schema()["properties"]["recipes"]["properties"]["import"]
    assert [form["type"] for form in about["anyOf"]] == ["string", "array"]


# --- mistakes ---------------------------------------------------------------------------------------------


def test_mistakes_in_a_file_name_it_and_its_lines(load: Load, file: Path) -> None:
    file.write_text(
        "fine: {size: 3}\n\ncoarse: {sise: 64,\n  content_weight: 0,5}\nfine: {}\n"
        "other: {scales: [32, 64], style_weight: [1, x]}\n",
        encoding="utf-8",
    )
    own = "  other: {size: 128, content_weight: y}\n"
    said = [str(problem) for problem in _problems_of(load, importing("more/recipes.yaml", own))]
    config = file.parents[1] / "config.yaml"
    assert said == [
        f"{config}:4: recipes.other.content_weight: must be a number, found 'y'",
        f"{file}:1: fine.size: must be at least 16, found 3",
        f"{file}:3: coarse.sise: is an unknown key; did you mean 'size'?",
        f"{file}:4: coarse.content_weight: has a comma in a number, found 0,5; use a point: 0.5",
        f"{file}:5: fine: is repeated (first on line 1); keep one of the two",
        f"{file}:6: other.scales: must grow and end in the recipe's size, like [32, 64, 128], found [32, 64]; the "
        "config changes this recipe, and can set it, too",
        f"{file}:6: other.style_weight[1]: must be a number, found 'x'; the config changes this recipe, and can set "
        "it, too",
    ]


def _problems_of(load: Load, text: str) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return caught.value.problems


OWN = ", ".join(own_files())
WRONG_ENTRIES = [
    ("nope.yaml", f"must be a file of recipes; FOLDER/nope.yaml doesn't exist, and with the program come {OWN}"),
    ("paintings", f"must be a file of recipes; FOLDER/paintings is a folder, and with the program come {OWN}"),
    ("5", "must be a file of recipes, or a list of such files, found 5"),
    ("{file: a.yaml}", "must be a file of recipes, or a list of such files, found a mapping with the keys 'file'"),
    ("''", "must be a path, found empty text"),
    ("config.yaml", "must be another file: this is the config itself, whose recipes it has already"),
]


@pytest.mark.parametrize(("entry", "message"), WRONG_ENTRIES)
def test_what_is_no_file_of_recipes_is_told_in_one_sentence(
    problems: Problems, folder: Path, entry: str, message: str
) -> None:
    # The style's recipe is not called unknown: it may well stand in the file.
    assert problems(importing(entry)) == [f"recipes.import: {message.replace('FOLDER', str(folder))}"]


def test_a_misspelled_key_is_recognized_by_its_value(problems: Problems) -> None:
    text = STYLE.replace(", recipe: fine", "") + "recipes: {imports: more.yaml}"
    assert problems(text) == [
        "recipes.imports: must be a mapping (lines of 'key: value'), found 'more.yaml'; did you mean 'import'?"
    ]


def test_other_mistakes_are_told_along(problems: Problems, file: Path) -> None:
    text = importing("[more/recipes.yaml, ./more/recipes.yaml, 7]") + "log: {level: loud}\n"
    assert [each.partition(":")[0] for each in problems(text)] == [
        "recipes.import[1]",
        "recipes.import[2]",
        "log.level",
    ]
    assert "must name each file once, found './more/recipes.yaml' again" in problems(text)[0]


WRONG_FILES = [
    ("", None, "", "is empty; it needs recipes, NAME: {size: 512} for example"),
    (
        "- a\n",
        1,
        "",
        "must hold recipes by their names, NAME: {size: 512} for example; found a list or a single value",
    ),
    ("fine: {size: 1", 1, "", "opens a mapping with '{' that lacks a comma or its '}'"),
    (
        "fine: {}\nimport: b.yaml\n",
        2,
        "import",
        "is not possible in a file that is imported itself: list all files in the config's 'import'",
    ),
    (
        "recipes:\n  fine: {size: 64}\n",
        None,
        "",
        "is a whole config; a file of recipes holds what a config has below 'recipes:', without that line",
    ),
    ("fine: 7\n", 1, "fine", "must be a mapping (lines of 'key: value'), found 7"),
    ("'a/b': {}\n", 1, "['a/b']", "becomes part of file names and can't contain '/', found 'a/b'"),
]


@pytest.mark.parametrize(("text", "line", "where", "message"), WRONG_FILES)
def test_what_a_file_may_not_hold_is_told_with_its_name(
    load: Load, file: Path, text: str, line: int | None, where: str, message: str
) -> None:
    file.write_text(text, encoding="utf-8")
    place = f"{file}:{line}" if line else str(file)
    [problem] = _problems_of(load, importing("more/recipes.yaml"))
    assert str(problem) == ": ".join(part for part in (place, where, message) if part)


def test_a_recipe_of_two_files_is_refused_since_neither_comes_first(load: Load, file: Path) -> None:
    other = shutil.copy(file, file.with_name("other.yaml"))
    said = [str(problem) for problem in _problems_of(load, importing("[more/recipes.yaml, more/other.yaml]"))]
    assert said == [
        f"{other}:{line}: {name}: is a recipe of {file} as well; rename one of them, or import one file only"
        for line, name in ((2, "fine"), (3, "coarse"))
    ]


def test_the_files_of_a_config_with_mistakes_are_known_as_far_as_it_can_be_read(folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text("styles: 3\nrecipes: {import: [a.yaml, 5, '']}", encoding="utf-8")
    assert imported_files(config) == (folder / "a.yaml", OWN_FOLDER / "a.yaml")
    for text in ("styles: [", "recipes: 5", "a: 1", "recipes: {import: {size: 64}}"):
        config.write_text(text, encoding="utf-8")
        assert imported_files(config) == ()
    assert imported_files(folder / "gone.yaml") == ()


# --- the files that come with the program ----------------------------------------------------------------


def test_the_files_of_the_package_are_those_of_the_configs_and_are_installed() -> None:
    configs = {path.name: path.read_bytes() for path in (ROOT / "configs" / "recipes").iterdir()}
    assert {path.name: path.read_bytes() for path in (OWN_FOLDER / "recipes").iterdir()} == configs
    assert own_files() == sorted(f"recipes/{name}" for name in configs)
    with (ROOT / "pyproject.toml").open("rb") as opened:
        data = tomllib.load(opened)["tool"]["setuptools"]["package-data"]
    packed = {path for pattern in data["pipeline.config"] for path in OWN_FOLDER.parent.glob(pattern)}
    assert {path.name for path in packed} == set(configs)
