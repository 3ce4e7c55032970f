import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.model import LossKind, Painting, Recipe, Region, SizeRule, Style
from pipeline.model.size_rules import typical_size
from pipeline.picture_settings import RecordedPainting, RecordedSettings, read_settings, settings_record
from tests.golden.subjects import CASES, recipe_in, style_in

# What versions made that had no other style loss, and said none.
FIRST = Recipe(style_loss=(("gram", 1.0),))
NIGHT = Style("night", (Painting(Path("/secret/folder/n\udce4cht.jpg"), "a" * 64),))


def as_read(record: Any, **others: Any) -> RecordedSettings:
    """Return what is read of a record that went through a file."""
    found = read_settings(json.loads(json.dumps({"settings": record, **others})))
    assert found is not None
    return found


def test_a_record_says_what_differs_from_the_defaults_and_names_no_folder() -> None:
    recipe = Recipe(name="mild", size=48, content_weight=0.1, snapshot_every=5)
    assert settings_record(NIGHT, recipe, "w") == {
        "recipe": {"size": 48, "content_weight": 0.1, "style_loss": (("wasserstein", 1.0),)},
        "style": {"scale": 1.0, "paintings": [{"name": "n\udce4cht.jpg", "weight": 1.0, "sha256": "a" * 64}]},
        "weights": "w",
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_whatever_a_picture_is_made_with_is_read_back(case: Any) -> None:
    recipe, style = recipe_in(case), style_in(case)
    found = as_read(settings_record(style, recipe, "w"), recipe=recipe.name, style=style.name)
    assert found.recipe == dataclasses.replace(recipe, snapshot_every=0)
    assert found.paintings == tuple(
        RecordedPainting(p.path.name, p.weight, p.sha256, p.scale) for p in style.paintings
    )
    assert (found.scale, found.weights, found.ignored) == (style.scale, "w", ())


def test_a_painting_of_its_own_scale_says_it_and_one_that_can_not_be_is_named() -> None:
    fine = Painting(Path("b.jpg"), "b" * 64, 0.3, 0.5)
    record = settings_record(Style("both", (Painting(Path("a.jpg"), "a" * 64), fine)), Recipe(), "w")
    assert record["style"]["paintings"][0].keys() == {"name", "weight", "sha256"}  # as ever
    found = as_read(record)
    assert found.paintings[1].painting() == fine
    record["style"]["paintings"][1] |= {"scale": 0, "weight": "much"}
    found = as_read(record)
    assert found.paintings[1].painting() == Painting(Path("b.jpg"), "b" * 64)
    assert found.ignored == ("style.paintings.weight", "style.paintings.scale")


def test_a_start_is_read_back_and_its_image_by_name_and_content() -> None:
    recipe = Recipe(
        init=(("content", 0.5), ("image", 2.0)), init_image=Path("/home/me/start.jpg"), init_image_sha256="c" * 64
    )
    record = settings_record(NIGHT, recipe, "w")
    assert record["recipe"]["init_image"] == "start.jpg"
    found = as_read(json.loads(json.dumps(record)))
    assert found.recipe == dataclasses.replace(recipe, init_image=Path("start.jpg"))
    assert found.ignored == ()
    assert "init_image" not in settings_record(NIGHT, Recipe(), "w")["recipe"]


def test_a_common_record_takes_little_room_in_a_picture() -> None:
    blend = Style(
        "both", (Painting(Path("starry_night.jpg"), "a" * 64, 0.7), Painting(Path("wave.jpg"), "b" * 64, 0.3))
    )
    recipe = Recipe(
        size=1024, content_weight=0.1, style_layers=(("relu1_1", 1.0), ("relu2_1", 1.0), ("relu3_1", 1.0))
    )
    assert len(json.dumps(settings_record(blend, recipe, "embedded:" + "c" * 64))) < 600


@pytest.mark.parametrize("provenance", [{}, {"style": "night", "key": "k"}, {"settings": None}, {"settings": [1]}])
def test_pictures_of_older_versions_do_not_say_what_they_are_made_with(provenance: Any) -> None:
    assert read_settings(provenance) is None


def test_what_is_missing_is_at_its_default() -> None:
    assert as_read({}) == RecordedSettings(FIRST)
    found = as_read({"recipe": {"size": 48}, "style": {}}, recipe="big").recipe
    assert found == dataclasses.replace(FIRST, name="big", size=48)


@pytest.mark.parametrize("loss", ["relative", "gatys", "tensorflow"])
def test_what_auto_meant_is_recorded_and_read_as_auto_where_it_means_that_still(loss: LossKind) -> None:
    recipe = Recipe(loss=loss)
    assert as_read(settings_record(NIGHT, recipe, "w")).recipe == recipe
    other = dataclasses.replace(recipe, style_loss=(("mean_std", 1.0),))
    assert as_read(settings_record(NIGHT, other, "w")).recipe == other
    # Of a version without other losses than the Gram matrices'.
    assert as_read({"recipe": {"loss": loss}}).recipe.style_losses == (("gram", 1.0),)


def test_what_a_later_version_says_beyond_that_is_ignored_and_named() -> None:
    painting = {"name": "a.jpg", "sha256": "a" * 64, "weight": 2, "crop": [1, 2]}
    found = as_read(
        {
            "recipe": {"size": 48, "hand": 0.5, "loss": "perceptual"},
            "style": {"scale": 2, "hue": 3, "paintings": [painting, "b.jpg"]},
            "weights": "w",
            "device": "cuda",
        }
    )
    assert found.recipe == dataclasses.replace(FIRST, size=48)
    assert (found.scale, found.paintings) == (2.0, (RecordedPainting("a.jpg", 2.0, "a" * 64),))
    assert sorted(found.ignored) == [
        "device",
        "recipe.hand",
        "recipe.loss",
        "style.hue",
        "style.paintings",
        "style.paintings.crop",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "48"),
        ("size", 48.5),
        ("size", True),
        ("scales", []),
        ("scales", [40, "48"]),
        ("content_layers", [["relu4_2"]]),
        ("content_layers", {"relu4_2": 1.0}),
        ("content_weight", float("nan")),
        ("content_weight", None),
        ("pooling", 7),
        ("name", "other"),
        ("snapshot_every", 3),
    ],
)
def test_a_value_that_no_recipe_can_have_is_ignored(name: str, value: Any) -> None:
    found = as_read({"recipe": {name: value}})
    assert (found.recipe, found.ignored) == (FIRST, (f"recipe.{name}",))


@pytest.mark.parametrize("scale", [0, -1, "2", None, [1]])
def test_a_scale_that_no_style_can_have_is_ignored(scale: Any) -> None:
    found = as_read({"style": {"scale": scale}})
    assert (found.scale, found.ignored) == (1.0, ("style.scale",))


@pytest.mark.parametrize("part", ["recipe", "style"])
def test_a_part_of_another_form_is_ignored(part: str) -> None:
    assert as_read({part: [1]}).ignored == (part,)


def test_a_record_of_a_picture_made_by_a_mask_says_what_was_where() -> None:
    wave = Style("wave", (Painting(Path("c.jpg"), "c" * 64),), 0.5)
    split = dataclasses.replace(NIGHT, regions=(Region("#ffffff", NIGHT), Region("#ff0000", wave), Region("3", None)))
    record = settings_record(split, Recipe(), "w", "m" * 64)
    assert record["mask"] == "m" * 64
    assert record["style"]["regions"][1]["paintings"] == [{"name": "c.jpg", "weight": 1.0, "sha256": "c" * 64}]
    found = as_read(record)
    assert found.regions == {"#ffffff": "night", "#ff0000": "wave", "3": None}
    assert (found.mask_sha256, found.ignored) == ("m" * 64, ())
    assert as_read({"style": {"regions": ["white"]}}).ignored == ("style.regions",)


def test_a_rule_is_recorded_by_its_words() -> None:
    rule = SizeRule.parse("30x40cm @ 300 dpi")
    recipe = Recipe(size=typical_size(rule, 4000), size_rule=rule, max_size=4000, scales=(100,))
    record = json.loads(json.dumps(settings_record(Style("s", ()), recipe, "w")))
    assert record["recipe"] == {
        "size": "30x40 cm @ 300 dpi",
        "scales": [100],
        "max_size": 4000,
        "style_loss": [["wasserstein", 1.0]],
    }
    found = read_settings({"recipe": "default", "settings": record})
    assert found is not None
    assert (found.recipe, found.ignored) == (recipe, ())
    record["recipe"]["size"] = "as large as the wall"
    later = read_settings({"recipe": "default", "settings": record})
    assert later is not None
    assert later.ignored == ("recipe.size",)
