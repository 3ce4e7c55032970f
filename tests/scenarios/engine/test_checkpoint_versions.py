"""A checkpoint outlives new settings; what another version keeps in it is resumed from, or left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from pipeline.engine.events import Finished
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.checkpoints import _checksum
from pipeline.model import Progress, Recipe
from tests.engine.scheduler.test_stylizer import CPU, TINY, load_painting, only, request, run
from tests.engine.transfer.test_checkpoints import assert_same_rest, document_of, interrupted


@pytest.fixture(scope="module")
def one() -> Stylizer:
    return Stylizer(CPU, load_painting)


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    """Write a checkpoint as a version that keeps other things in its document."""
    tensors, document = safetensors.torch.load_file(path), document_of(path)
    change(document)
    text = json.dumps(document)
    safetensors.torch.save_file(tensors, path, {"document": text, "checksum": _checksum(text, tensors)})


def test_a_file_by_a_version_that_kept_other_things_is_left_alone(one: Stylizer, tmp_path: Path) -> None:
    again = interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    rewrite(again.checkpoint, lambda document: document["state"]["optimizer"].update(mood="good"))
    events = run(one, again)
    assert_same_rest(events, run(one, request("t")), 0)
    assert only(events, Finished)[0].notes == ("restarted from the beginning: its checkpoint can't be understood",)


def test_a_file_by_an_engine_with_more_to_say_of_itself_is_left_alone(one: Stylizer, tmp_path: Path) -> None:
    again = interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    rewrite(again.checkpoint, lambda document: document["origin"].update(network="a smaller one"))
    events = run(one, again)
    assert_same_rest(events, run(one, request("t")), 0)
    assert "was made with another network, so resuming" in only(events, Finished)[0].notes[0]


def test_a_file_by_a_version_that_kept_less_or_says_more_beside_is_gone_on_from(
    one: Stylizer, tmp_path: Path
) -> None:
    again = interrupted(one, 3, request("t"), tmp_path / "c.safetensors")

    def change(document: Any) -> None:
        assert document["state"]["optimizer"].pop("rejections") == 0
        assert document["state"].pop("scale_index") == 0
        document["said by a later version"] = True

    rewrite(again.checkpoint, change)
    assert_same_rest(run(one, again), run(one, request("t")), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterRecipe(Recipe):
    colors: str = "painting's"


def test_a_checkpoint_outlives_settings_that_came_later(one: Stylizer, tmp_path: Path) -> None:
    again = interrupted(one, 5, request("t"), tmp_path / "c.safetensors")
    later = LaterRecipe(**{name: getattr(TINY, name) for name in TINY.__dataclass_fields__})
    events = run(one, replace(again, recipe=later))
    assert len(only(events, Progress)) == 3
    events = run(one, replace(again, recipe=replace(later, colors="photo's")))
    assert len(only(events, Progress)) == 8
    assert only(events, Finished)[0].notes == ("restarted from the beginning: its checkpoint is of another picture",)
