from __future__ import annotations

import pytest

from pipeline.model.region_colors import canonical_color, is_index, rgb_of


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("white", "#ffffff"),
        ("Black", "#000000"),
        ("grey", "#808080"),
        ("green", "#00ff00"),
        ("#C0FFee", "#c0ffee"),
        ("0", "0"),
        ("255", "255"),
    ],
)
def test_each_spelling_of_a_color_has_one_form(text: str, color: str) -> None:
    assert canonical_color(text) == canonical_color(color) == color


@pytest.mark.parametrize("text", ["", "wite", "#fff", "#12345g", "256", "-1", "01", "1.5"])
def test_what_is_no_color_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no color of a mask"):
        canonical_color(text)


def test_colors_and_indices_are_told_apart() -> None:
    assert (is_index("7"), is_index("#070707")) == (True, False)
    assert rgb_of("#ff8001") == (255, 128, 1)
