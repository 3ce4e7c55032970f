"""The long run: what it is told reaches the tests that it runs, and no failure of theirs is hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.chances import VARIABLES
from tests.faults.long import PARTS, ROOT, Part, main

A_TEST = """
import os

def test_a_seed():
    with open({told!r}, "a") as told:
        told.write(os.environ["STYLEWATCH_SEED"] + " " + os.environ[{variable!r}] + "\\n")
    assert not any(name.startswith("COVERAGE_") for name in os.environ)
    assert os.environ["STYLEWATCH_SEED"] != "13"
"""


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    """Return parts of the same names, whose tests write down what they are told, and fail by the seed 13."""
    made = []
    for part in PARTS:
        file = tmp_path / f"test_{part.name}.py"
        file.write_text(A_TEST.format(told=str(tmp_path / part.name), variable=part.variable))
        made.append(replace(part, file=str(file)))
    return made


def test_each_round_has_the_next_seed_and_the_numbers_asked_for(
    parts: list[Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "of a run that measures lines")
    assert main(["--seed", "20", "--rounds", "2", "--lives", "7", "--only", "lives"], parts) == 0
    assert (
        main(["--seed", "3", "--rounds", "1", "--kills", "8", "--damages", "9", "--only", "damages,kills"], parts)
        == 0
    )
    told = {part.name: (tmp_path / part.name).read_text() for part in parts}
    assert told == {"lives": "20 7\n21 7\n", "kills": "3 8\n", "damages": "3 9\n"}


def test_a_failure_ends_the_run_with_1_and_the_line_that_replays_it(
    parts: list[Part], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--seed", "12", "--rounds", "3", "--only", "lives", "--lives", "7"], parts) == 1
    assert (tmp_path / "lives").read_text() == "12 7\n13 7\n"
    *_, last = capfd.readouterr().out.splitlines()
    assert last.endswith(
        "replay: STYLEWATCH_SEED=13 STYLEWATCH_DAMAGES=2 STYLEWATCH_KILLS=10 STYLEWATCH_EXAMPLES=7 "
        f".venv/bin/pytest {tmp_path}/test_lives.py"
    )


def test_with_keep_going_a_failure_is_still_one_when_all_else_passes(parts: list[Part], tmp_path: Path) -> None:
    assert main(["--seed", "13", "--rounds", "2", "--only", "kills", "--kills", "7", "--keep-going"], parts) == 1
    assert (tmp_path / "kills").read_text() == "13 7\n14 7\n"


def test_tests_that_are_not_there_are_a_failure(parts: list[Part], tmp_path: Path) -> None:
    assert main(["--rounds", "1", "--only", "kills"], [replace(parts[1], file=str(tmp_path / "gone.py"))]) == 1


def test_without_time_nothing_is_begun_and_nothing_is_proven(parts: list[Part], tmp_path: Path) -> None:
    assert main(["--minutes", "0"], parts) == 1
    assert not (tmp_path / "lives").exists()


@pytest.mark.parametrize("wrong", [["--only", "lifes"], ["--lives", "0"], ["--rounds", "0"]])
def test_what_can_not_be_run_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(wrong)
    assert refused.value.code == 2


def test_its_parts_are_tests_that_read_what_it_sets() -> None:
    assert {"STYLEWATCH_SEED", *(part.variable for part in PARTS)} == VARIABLES.keys()
    assert all((ROOT / part.file).is_file() for part in PARTS)


@pytest.mark.slow
def test_lives_are_as_many_as_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "lives", "--lives", "2", "--rounds", "1"]) == 0
    assert ".2 lives\n" in capfd.readouterr().out
