"""``try``: what it refuses before anything is painted; its pictures are tests/end_to_end's."""

from __future__ import annotations

import pytest

from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


@pytest.mark.parametrize("option", ["--style", "--recipe"])
def test_a_name_that_the_config_does_not_have_is_bad_usage_and_leaves_nothing(
    invoke: Invoke, workshop: Workshop, option: str
) -> None:
    workshop.photo("a.png")
    result = invoke("try", config_of(workshop), workshop.folder / "in" / "a.png", option, "nigth")
    assert (result.code, result.out) == (2, "")
    assert "nigth" in result.err
    assert not workshop.out.exists()
