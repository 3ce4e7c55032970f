from typing import Any

import pytest

from pipeline.config.used_settings import kept_of_imported, names_image, without_unused


@pytest.mark.parametrize(
    ("used", "unused"),
    [
        ({"init": "image", "init_image": "a.jpg"}, {"init": "noise", "init_image": "a.jpg"}),
        ({"init": {"image": 1, "noise": 2}, "init_image": "a.jpg"}, {"init_image": "a.jpg"}),
        ({"color": ["painting", "match"], "color_mix": 0.5}, {"color": "painting", "color_mix": 0.5}),
        ({"optimizer": "adam", "adam_betas": [0.5, 0.9]}, {"optimizer": "lbfgs", "adam_betas": [0.5, 0.9]}),
    ],
)
def test_what_only_other_values_use_goes_with_them(used: dict[str, Any], unused: dict[str, Any]) -> None:
    assert without_unused(used, used) == used
    setting = list(used)[1]
    assert without_unused(unused, used) == {name: value for name, value in unused.items() if name != setting}
    # Never in use: that is a mistake, which is to be reported.
    assert without_unused(unused, unused) == unused


def test_own_settings_end_the_use_of_what_an_imported_recipe_sets() -> None:
    imported = {"size": 512, "optimizer": "adam", "adam_betas": [0.99, 0.999]}
    assert kept_of_imported(imported, {}) == imported
    assert kept_of_imported(imported, {"optimizer": "sgd"}) == {"size": 512, "optimizer": "adam"}
    assert kept_of_imported(imported, {"quality": "draft"}) == {"optimizer": "adam", "adam_betas": [0.99, 0.999]}


@pytest.mark.parametrize(
    "init", ["image", {"image": 0.5, "content": 0.5}, ["content", "image"], [["noise"], "image"]]
)
def test_an_image_is_named_in_any_form(init: Any) -> None:
    assert names_image(init)


@pytest.mark.parametrize("init", ["content", {"noise": 1}, ["content", "noise"], None, 3])
def test_other_starts_name_none(init: Any) -> None:
    assert not names_image(init)
