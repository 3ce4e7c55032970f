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
    pruned = invoke("styles", "--prune", path)
    assert pruned.lines[0] == "0 deleted, 0.0 MB freed"
    assert len(pruned.lines) == 3
