from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import WeightsError
from pipeline.hashing import job_key, settings_sha256, sha256_of_json, weights_id
from pipeline.model import Painting, Recipe, Style, WeightsChoice

STYLE = Style("night", (Painting(Path("a.jpg"), "a" * 64), Painting(Path("b.jpg"), "b" * 64, 0.5)))


def test_the_key_of_a_picture_never_changes_between_versions_of_the_program() -> None:
    # If this fails, every picture that anybody has made becomes outdated. A new field of Recipe must not count
    # while it has the value that means what was done before.
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
        Recipe(name="b", size=256, scales=(128, 256), iterations=(50, 50), snapshot_every=7),
        "w",
    )


@pytest.mark.parametrize(
    "recipe",
    [Recipe(size=255), Recipe(seed=1), Recipe(pooling="average"), Recipe(iterations=(1, 2, 3)), Recipe(tv_weight=1)],
)
def test_what_changes_pixels_changes_the_key(recipe: Recipe) -> None:
    assert settings_sha256(STYLE, recipe, "w") != settings_sha256(STYLE, Recipe(), "w")


def test_weights_that_are_gone_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.pth"):
        weights_id(WeightsChoice(str(tmp_path / "nowhere.pth")))
