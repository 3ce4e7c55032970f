"""The keys of version 0.1.0 never change, or every picture that anybody has made is made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.engine.transfer.target_cache import TARGET, TargetKey
from pipeline.hashing import PAINTING, RECIPE, STYLE, WEIGHTS, job_key, settings_sha256, weights_id
from pipeline.images.encode import PICTURE
from pipeline.model import Painting, PictureOptions, Recipe, Style, WeightsChoice
from tests.golden import subjects

OLD = subjects.FOLDER / "0.1.0"
CASES = json.loads((OLD / "keys.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_keys_of_the_first_version_never_change(case: Mapping[str, Any]) -> None:
    weights = weights_id(WeightsChoice(**subjects.weights_in(case, OLD)))
    settings = settings_sha256(subjects.style_in(case), subjects.recipe_in(case), weights)
    assert settings == case["settings"]
    assert job_key(subjects.PHOTO_SHA256, settings) == case["key"]


def test_they_are_of_different_pictures() -> None:
    assert len({case["key"] for case in CASES}) == len(CASES) >= 12


def test_what_settings_that_came_later_meant_before_never_changes() -> None:
    # Fails for a new setting, whose line is to be added, and where the default of one has changed: then the old one
    # belongs into ``former_defaults`` of pipeline/hashing.py, or old pictures would pass for the new default's.
    kinds = {
        Recipe: RECIPE,
        Style: STYLE,
        Painting: PAINTING,
        WeightsChoice: WEIGHTS,
        TargetKey: TARGET,
        PictureOptions: PICTURE,
    }
    found = {
        f"{kind.__name__}.{name}": value
        for kind, fields in kinds.items()
        for name, value in fields.added_defaults(kind).items()
    }
    recorded = (subjects.FOLDER / "later_settings.json").read_text(encoding="utf-8")
    assert json.loads(json.dumps(found)) == json.loads(recorded)
