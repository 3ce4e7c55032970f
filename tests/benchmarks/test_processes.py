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


def test_what_this_process_and_its_children_use_is_not_the_neighbors() -> None:
    neighbors = Neighbors()
    measure(["-c", "pass"])
    share = neighbors.share()
    assert share is None or 0 <= share <= 1.1
