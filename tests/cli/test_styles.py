"""``styles``: what it computes, lists and deletes."""

from __future__ import annotations

from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


def test_styles_warms_lists_and_prunes_the_cache(invoke: Invoke, workshop: Workshop) -> None:
    few = "scales: 1, content_layers: [relu1_1], style_layers: [relu1_1]"
    workshop.text = workshop.text.replace("scales: 1", few)
    path = config_of(workshop)
    folder = workshop.config().cache.folder
    assert invoke("styles", path).lines == [f"0.0 MB in {folder}"]
    warmed = invoke("styles", "--warm", path)
    assert warmed.lines[0] == "1 computed, 0 already there"
    assert warmed.lines[1].startswith(f"{workshop.config().styles[0].paintings[0].path}     48 px")
    assert warmed.lines[1].endswith(" MB  moments of 1 layer")
    assert len(warmed.lines) == 3
    pruned = invoke("styles", "--prune", path)
    assert pruned.lines[0] == "0 deleted, 0.0 MB freed"
    assert len(pruned.lines) == 3


def test_colors_that_are_matched_to_each_photo_are_not_computed_ahead(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("scales: 1", "scales: 1, color: match")
    warmed = invoke("styles", "--warm", config_of(workshop))
    assert warmed.lines == [
        "0 computed, 0 already there",
        "recipe default: nothing to compute ahead, paintings get each photo's colors (color: match)",
        f"0.0 MB in {workshop.config().cache.folder}",
    ]
