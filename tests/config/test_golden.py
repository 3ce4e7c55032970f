"""What load_config says about configs with mistakes, word for word (see golden/README.txt)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.errors import ConfigError

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


def said_about(name: str) -> str:
    path = GOLDEN / f"{name}.yaml"
    try:
        load_config(path)
    except ConfigError as error:
        told = str(error).replace(str(path), path.name).replace(str(GOLDEN), "FOLDER") + "\n"
        return told if os.sep == "/" else told.replace(os.sep, "/")
    return "no problems\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_is_told_as_recorded(name: str) -> None:
    assert said_about(name) == (GOLDEN / f"{name}.expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_problems_come_in_the_order_of_the_file(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(GOLDEN / f"{name}.yaml")
    lines = [problem.line for problem in caught.value.problems]
    assert all(line is not None for line in lines)
    assert lines == sorted(lines, key=lambda line: line or 0)


if __name__ == "__main__":
    for each in NAMES:
        (GOLDEN / f"{each}.expected.txt").write_text(said_about(each), encoding="utf-8")
