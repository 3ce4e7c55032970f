from __future__ import annotations

import pytest

from tests.benchmarks.processes import Neighbors, measure


def test_a_process_is_measured_whole_and_heard_line_by_line() -> None:
    heard: list[str] = []
    measured = measure(["-c", "print('one'); print('two')"], lambda _, line: heard.append(line.strip()))
    assert heard == ["one", "two"]
    assert measured.seconds > 0


def test_a_failing_process_is_told_with_its_last_words() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3.*alas"):
        measure(["-c", "import sys; print('alas', file=sys.stderr); sys.exit(3)"])


def test_what_others_use_is_told_as_a_share_of_all_processors() -> None:
    used, now = iter([10.0, 12.0]), iter([100.0, 104.0])
    assert Neighbors(lambda: next(used), lambda: next(now), processors=2).share() == 0.25
    assert Neighbors(lambda: None).share() is None


def test_it_is_known_here_or_unknown() -> None:
    share = Neighbors().share()
    assert share is None or share >= 0
