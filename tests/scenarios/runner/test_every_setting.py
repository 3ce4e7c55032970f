"""Every setting of a recipe, wherever one is known: key, picture, ``adopt``, ``try --like``, ``--set``, gallery.

What a new setting needs is written down here once: without its line in :data:`SETTINGS` the first test fails, and
with it each place that does not know the setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml

from pipeline.config import load_config, load_variants
from pipeline.config.recipes import RecipeSection, changes_picture
from pipeline.config.variants import recipe_settings
from pipeline.hashing import settings_sha256
from pipeline.images.encode import write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import PictureOptions, Recipe, Style
from pipeline.picture_settings import settings_record
from pipeline.runner.corrections.adopt import adopt_into, picture_to_adopt
from pipeline.runner.gallery.contents import recipe_defaults, settings_yaml
from pipeline.runner.made_pictures import start_images
from pipeline.runner.preparation import ResolvedConfig, resolve_config
from pipeline.runner.trial.like import config_like
from tests.fakes import write_painting
from tests.images.pictures import PROVENANCE

#: A value that is not the default, and one more to compare it with.
SETTINGS: Final[dict[str, tuple[Any, Any]]] = {
    "size": (96, "12 MP"),
    "max_size": (4000, 3000),
    "scales": ([64, 512], 2),
    "iterations": (7, [9, 8, 7]),
    "tolerance": (0.01, 0.5),
    "content_layers": (["relu3_1"], {"relu5_2": 2}),
    "style_layers": ({"relu1_1": 0.5}, ["relu2_1"]),
    "content_weight": (0.3, 2),
    "style_weight": (3, 4),
    "tv_weight": (0.001, 1),
    "loss": ("gatys", "tensorflow"),
    "optimizer": ("adam", "sgd"),
    "learning_rate": (0.5, 2),
    "learning_rate_decay": (0.9, 0.5),
    "init": ({"content": 1, "painting": 2}, "noise"),
    "init_image": ("start.jpg", "night.jpg"),
    "pooling": ("average", "max"),
    "seed": (3, 4),
    "snapshot_every": (5, 6),
    "timelapse": (True, False),
    "style_loss": ({"gram": 1, "wasserstein": 0.5}, "mean_std"),
    "content_loss": ("self_similarity", {"features": 1, "self_similarity": 2}),
    "color": ("photo", "match"),
    "color_mix": (0.25, 0.5),
    "strength": (0.25, 1),
    "laplacian_weight": (2, 3),
    "keep_faces": (0.5, 1),
    "ema_decay": (0.9, 0.5),
    "adam_betas": ([0.95, 0.999], [0, 0.9]),
}
#: What a setting is of no use without.
NEEDS: Final[dict[str, dict[str, Any]]] = {
    "color_mix": {"color": "match"},
    "init_image": {"init": "image"},
    "max_size": {"size": "12 MP"},
    "adam_betas": {"optimizer": "adam"},
}
#: Settings that change no pixel.
SAME_PIXELS: Final = {"snapshot_every", "timelapse"}
#: Fields that are no settings: the recipe's name in the config, what is read from ``init_image``, and the rule that
#: decides ``size``.
NO_SETTINGS: Final = {"name", "init_image_sha256", "size_rule"}
CONFIG: Final = """\
styles:
  - {name: night, painting: night.jpg}  # the only one
recipes:
  default:
    seed: 1  # a number that I like
"""


@dataclass(frozen=True)
class Case:
    """A config whose default recipe has one setting that is not at its default, and the same without it."""

    setting: str
    config: Path
    resolved: ResolvedConfig
    plain: Recipe

    @property
    def recipe(self) -> Recipe:
        return self.resolved.recipes["default"]

    @property
    def style(self) -> Style:
        return self.resolved.styles["night"]

    def picture(self) -> Path:
        """Return a picture that says what it was made with."""
        record = settings_record(self.style, self.recipe, self.resolved.weights)
        path = self.config.parent / "night.png"
        provenance = replace(PROVENANCE, style="night", recipe="default", settings=record)
        pixels = np.zeros((6, 8, 3), np.uint8)
        write_picture(pixels, None, Metadata(), provenance, PictureOptions(format="png"), path)
        return path

    def other_config(self) -> Path:
        """Return a config by which the picture would be another one."""
        self.config.write_text(CONFIG, encoding="utf-8")
        return self.config


def test_every_field_of_a_recipe_is_here() -> None:
    names = {each.name for each in fields(Recipe)}
    assert names - NO_SETTINGS == SETTINGS.keys() == RecipeSection.model_fields.keys() - {"quality"}


@pytest.fixture(params=SETTINGS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    setting: str = request.param
    write_painting(tmp_path / "night.jpg")
    write_painting(tmp_path / "start.jpg", (10, 200, 30))
    file = config_with(tmp_path, {**NEEDS.get(setting, {}), setting: SETTINGS[setting][0]})
    resolved = resolve_config(load_config(file))
    plain = replace(resolved.recipes["default"], **{setting: getattr(Recipe(), setting)})
    return Case(setting, file, resolved, plain)


def config_with(folder: Path, settings: dict[str, Any]) -> Path:
    file = folder / "c.yaml"
    styles = [{"name": "night", "painting": "night.jpg"}]
    file.write_text(yaml.safe_dump({"styles": styles, "recipes": {"default": settings}}), encoding="utf-8")
    return file


def key_of(resolved: ResolvedConfig) -> str:
    return resolved.settings_sha256["night", "default"]


def test_a_setting_is_known_wherever_pictures_and_configs_are(case: Case) -> None:
    setting, recipe = case.setting, case.recipe
    assert getattr(recipe, setting) != getattr(Recipe(), setting)
    assert changes_picture(setting) == (setting not in SAME_PIXELS)
    assert (setting in recipe_settings()) == changes_picture(setting)

    plain = replace(case.plain, init_image_sha256="") if setting == "init_image" else case.plain
    is_in_key = settings_sha256(case.style, plain, case.resolved.weights) != key_of(case.resolved)
    assert is_in_key == (setting not in SAME_PIXELS)

    picture, other = case.picture(), case.other_config()
    like = config_like(picture, other)
    assert key_of(resolve_config(like.found.config)) == key_of(case.resolved)
    assert (f"{setting}:" in like.text) == is_in_key

    images: Callable[[str], tuple[Path, ...]] = partial(start_images, load_variants(other), other)
    wanted = picture_to_adopt(picture, resolve_config(load_config(other)), None, images)
    adopt_into(other, wanted.settings)
    text = other.read_text("utf-8")
    assert (f"{setting}:" in text) == (is_in_key or setting == "seed")
    assert "# the only one" in text
    assert key_of(resolve_config(load_config(other))) == key_of(case.resolved)

    record = settings_record(case.style, recipe, case.resolved.weights)
    assert (setting in record["recipe"]) == is_in_key
    assert (f"{setting}:" in settings_yaml("night", "default", record)) == is_in_key
    assert setting in recipe_defaults()


def test_a_setting_may_be_an_option_and_list_values(case: Case) -> None:
    setting, values = case.setting, list(SETTINGS[case.setting])
    needed = [f"{name}={value}" for name, value in NEEDS.get(setting, {}).items()]
    other = case.other_config()
    flow = partial(yaml.safe_dump, default_flow_style=True, width=1000)
    option = f"{setting}={flow({'value': values[0]}).strip()[len('{value: ') : -1]}"
    found = load_variants(other, [*needed, option])
    assert getattr(found.config.recipes_by_name()["default"], setting) == getattr(case.recipe, setting)
    if setting in SAME_PIXELS:
        return

    found = load_variants(config_with(other.parent, {**NEEDS.get(setting, {}), setting: values}))
    recipes = [variant.recipe for variant in found.recipes["default"]]
    assert getattr(recipes[0], setting) == getattr(case.recipe, setting)
    assert len({getattr(recipe, setting) for recipe in recipes}) == 2
