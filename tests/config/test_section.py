"""What all sections of a config have in common."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.config.conftest import Load

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


@pytest.mark.parametrize("section", ["input", "output", "pairing", "engine", "cache", "state", "log", "hooks"])
def test_a_section_with_nothing_in_it_is_all_defaults(load: Load, section: str) -> None:
    assert load(STYLE + f"{section}:\n") == load(STYLE)


def test_a_config_can_not_be_changed(load: Load) -> None:
    with pytest.raises(ValidationError):
        load(STYLE).output.quality = 3  # type: ignore[misc]
