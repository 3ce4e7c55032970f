"""The command ``gallery``."""

from __future__ import annotations

from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


def test_a_bad_config_is_explained(invoke: Invoke, workshop: Workshop) -> None:
    file = config_of(workshop)
    file.write_text("styles: []")
    result = invoke("gallery", file, "--serve")
    assert (result.code, "nothing was done" in result.err) == (2, True)
