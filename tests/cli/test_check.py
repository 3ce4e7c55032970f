"""``check``: what it finds, and with which exit code."""

from __future__ import annotations

from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


def test_check_names_all_that_is_wrong_and_takes_the_firsts_exit_code(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "in").rmdir()
    (workshop.folder / "night.jpg").write_text("a letter")
    result = invoke("check", path)
    assert result.code == 3
    wrong = [line.split(":")[0] for line in result.lines if line.startswith("WRONG")]
    assert wrong == ["WRONG input", "WRONG painting of 'night'"]
    assert result.lines[0] == f"ok    config: {path}"
    assert result.lines[-1].startswith("ok    engine: embedded weights on ")


def test_check_of_a_sound_folder_is_all_ok(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("check", config_of(workshop))
    assert result.code == 0
    assert all(line.startswith("ok ") for line in result.lines)
