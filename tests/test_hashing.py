from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import WeightsError
from pipeline.hashing import (
    KeyFields,
    job_key,
    masked_settings_sha256,
    settings_parts,
    settings_sha256,
    sha256_of_json,
    weights_id,
)
from pipeline.model import Painting, Recipe, Region, SizeRule, Style, WeightsChoice
from pipeline.model.size_rules import typical_size

STYLE = Style("night", (Painting(Path("a.jpg"), "a" * 64), Painting(Path("b.jpg"), "b" * 64, 0.5)))
DEFAULT = Recipe()


def test_the_key_of_a_picture_never_changes_between_versions_of_the_program() -> None:
    # If this fails, every picture that anybody has made becomes outdated; tests/golden has many more keys.
    recipe = Recipe(
        size=256,
        scales=2,
        iterations=50,
        tolerance=0.02,
        content_layers=(("relu4_2", 1.0),),
        style_layers=(("relu1_1", 1.0), ("relu5_1", 0.5)),
        content_weight=0.02,
    )
    settings = settings_sha256(STYLE, recipe, "embedded:0")
    assert settings == "50c3d424d26484a4200c9a826a0105c2c33245f8ec38387d81e74aa901971230"
    assert job_key("c" * 64, settings) == sha256_of_json({"photo": "c" * 64, "settings": settings})


def test_what_changes_no_pixel_changes_no_key() -> None:
    one = settings_sha256(STYLE, Recipe(name="a", size=256, scales=0, iterations=50), "w")
    assert one == settings_sha256(
        Style("dusk", tuple(reversed(STYLE.paintings))),
        Recipe(name="b", size=256, scales=(128, 256), iterations=(50, 50), snapshot_every=7, timelapse=True),
        "w",
    )


@pytest.mark.parametrize(
    "recipe",
    [Recipe(size=255), Recipe(seed=1), Recipe(pooling="average"), Recipe(iterations=(1, 2, 3)), Recipe(tv_weight=1)],
)
def test_what_changes_pixels_changes_the_key(recipe: Recipe) -> None:
    assert settings_sha256(STYLE, recipe, "w") != settings_sha256(STYLE, Recipe(), "w")


def test_what_finds_the_faces_is_in_the_key_of_a_picture_that_keeps_them() -> None:
    keeping = settings_sha256(STYLE, Recipe(keep_faces=0.5), "w")
    assert keeping == "8b69002c106cd33d3d459e37a6596d9d593d04cbcf8b22af7f3530dca25a971d"
    assert (
        len({keeping, settings_sha256(STYLE, DEFAULT, "w"), settings_sha256(STYLE, Recipe(keep_faces=1), "w")}) == 3
    )


def test_weights_that_are_gone_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.pth"):
        weights_id(WeightsChoice(str(tmp_path / "nowhere.pth")))


# --- Settings that came later -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LaterRecipe(Recipe):
    """A recipe as a later version may have it."""

    colors: str = "painting's"
    regions: tuple[str, ...] = ()
    weights_by_region: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LaterStyle(Style):
    strength: float = 1.0


@dataclass(frozen=True)
class LaterPainting(Painting):
    mirrored: bool = False


@dataclass(frozen=True)
class LaterWeights(WeightsChoice):
    network: str = "vgg19"


PAINTINGS = (LaterPainting(Path("a.jpg"), "a" * 64), LaterPainting(Path("b.jpg"), "b" * 64, 0.5))


def test_a_setting_that_came_later_enters_no_key_at_its_default() -> None:
    now = settings_sha256(STYLE, Recipe(size=256), weights_id(WeightsChoice()))
    later = LaterRecipe(size=256), LaterStyle("dusk", PAINTINGS), weights_id(LaterWeights())
    assert settings_sha256(later[1], later[0], later[2]) == now
    assert settings_sha256(later[1], LaterRecipe(size=256, colors="painting's", regions=()), later[2]) == now


def test_a_setting_that_came_later_enters_the_key_at_any_other_value() -> None:
    mirrored = (dataclasses.replace(PAINTINGS[0], mirrored=True), PAINTINGS[1])
    keys = [
        settings_sha256(LaterStyle("dusk", PAINTINGS), LaterRecipe(), "w"),
        settings_sha256(LaterStyle("dusk", PAINTINGS), LaterRecipe(colors="photo's"), "w"),
        settings_sha256(LaterStyle("dusk", PAINTINGS), LaterRecipe(regions=("sky",)), "w"),
        settings_sha256(LaterStyle("dusk", PAINTINGS), LaterRecipe(weights_by_region={"sky": 0.5}), "w"),
        settings_sha256(LaterStyle("dusk", PAINTINGS, strength=0.5), LaterRecipe(), "w"),
        settings_sha256(LaterStyle("dusk", mirrored), LaterRecipe(), "w"),
        weights_id(WeightsChoice()),
        weights_id(LaterWeights(network="vgg16")),
    ]
    assert len(set(keys)) == len(keys)


def test_the_order_of_paintings_changes_no_key_whatever_they_have() -> None:
    twins = (PAINTINGS[0], dataclasses.replace(PAINTINGS[0], mirrored=True), PAINTINGS[1])
    keys = {settings_sha256(LaterStyle("s", order), Recipe(), "w") for order in (twins, twins[::-1])}
    assert len(keys) == 1


@dataclass(frozen=True)
class Thing:
    size: int = 1
    name: str = "thing"
    color: str = "red"


def test_a_default_that_has_moved_is_told_from_what_meant_as_before() -> None:
    # "red" became the default lately; things were blue when the first keys were made.
    fields = KeyFields(always=("size",), never=frozenset({"name"}), former_defaults={"color": "blue"})
    assert fields.key_fields(Thing(color="blue", name="another")) == {"size": 1}
    assert fields.key_fields(Thing()) == {"size": 1, "color": "red"}


@dataclass(frozen=True)
class Needy:
    size: int
    color: str


@dataclass(frozen=True, kw_only=True)
class RecipeWithPart(Recipe):
    part: Thing | None = None


def test_a_field_that_no_key_can_outlive_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="color enters keys and needs a default"):
        KeyFields(always=("size",)).key_fields(Needy(1, "red"))
    # The fields of a part would enter its key for ever, later ones too.
    with pytest.raises(TypeError, match="Thing is not JSON serializable"):
        settings_sha256(STYLE, RecipeWithPart(part=Thing()), "w")


def test_the_parts_of_settings_differ_where_the_settings_do() -> None:
    def parts_of(style: Style = STYLE, recipe: Recipe = DEFAULT, weights: str = "w") -> dict[str, str]:
        return dataclasses.asdict(settings_parts(style, recipe, weights))

    other = dataclasses.replace
    changed = {
        "paintings": parts_of(other(STYLE, paintings=(other(STYLE.paintings[0], sha256="other"),))),
        "style": parts_of(other(STYLE, scale=2.0)),
        "recipe": parts_of(recipe=Recipe(size=99)),
        "weights": parts_of(weights="other"),
    }
    for name, parts in changed.items():
        assert [part for part in parts if parts[part] != parts_of()[part]] == [name]
    image = {"init": "image", "init_image": Path("i.jpg"), "init_image_sha256": "i" * 64}
    one, another = (Recipe(**image | {"init_image_sha256": sha256}) for sha256 in ("i" * 64, "j" * 64))
    images = parts_of(recipe=one), parts_of(recipe=another)
    assert [part for part in images[0] if images[0][part] != images[1][part]] == ["recipe", "start_image"]
    assert images[0]["recipe_without_image"] != parts_of(recipe=other(one, size=99))["recipe_without_image"]
    assert parts_of(other(STYLE, name="other"), Recipe(name="other", snapshot_every=5, timelapse=True)) == parts_of()


def test_the_key_of_a_picture_made_by_a_mask_depends_on_all_that_paints_it() -> None:
    wave = Style("wave", (Painting(Path("c.jpg"), "c" * 64),))
    split = dataclasses.replace(STYLE, regions=(Region("#ffffff", STYLE), Region("#000000", wave)))
    kept = dataclasses.replace(split, regions=(split.regions[0], Region("#000000", None)))
    swapped = dataclasses.replace(split, regions=(Region("#000000", STYLE), Region("#ffffff", wave)))
    coarse = dataclasses.replace(
        split, regions=(split.regions[0], Region("#000000", Style("w", wave.paintings, 2.0)))
    )
    styles = [STYLE, split, kept, swapped, coarse]
    assert len({settings_sha256(style, DEFAULT, "w") for style in styles}) == len(styles)
    # Names of files and styles are no part of it.
    renamed = dataclasses.replace(
        split, regions=(split.regions[0], Region("#000000", Style("other", wave.paintings)))
    )
    settings = settings_sha256(split, DEFAULT, "w")
    assert settings_sha256(renamed, DEFAULT, "w") == settings
    assert masked_settings_sha256(settings, "m" * 64) == sha256_of_json({"settings": settings, "mask": "m" * 64})


def by_rule(words: str, **others: Any) -> str:
    rule = SizeRule.parse(words)
    return settings_sha256(Style("s", ()), Recipe(size=typical_size(rule, 0), size_rule=rule, **others), "w")


def test_a_rule_enters_keys_by_its_words_and_not_by_what_follows_from_a_photo() -> None:
    keys = [
        by_rule("12 MP"),
        by_rule("original"),
        by_rule("original", max_size=4000),
        by_rule("original", scales=2),
        by_rule("original", iterations=7),
        by_rule("a4 @ 300 dpi"),
        by_rule("a4 @ 200 dpi"),
        settings_sha256(Style("s", ()), Recipe(size=4000), "w"),
    ]
    assert len(set(keys)) == len(keys)
    rule = SizeRule.parse("12 MP")
    other = settings_sha256(Style("s", ()), Recipe(size=77, size_rule=rule), "w")
    assert other == keys[0] == by_rule("12mp")
