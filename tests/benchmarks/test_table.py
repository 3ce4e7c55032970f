from __future__ import annotations

import io

from rich.console import Console

from tests.benchmarks.table import Row, Section, machine, merge, on_screen, percent, seconds, sections_of, times

FIRST = Section("a. One", "then", (Row("time", "1 s", "2 s", "2.00×", "2×"), Row("more", "3")))
SECOND = Section("b. Two", "then", (Row("rate", "4"),))


def test_ratios_say_how_many_times_less_ours_is() -> None:
    assert times(10, 25) == "2.50×"
    assert times(20, 10) == "0.50×"
    assert (percent(0.931), seconds(12.34)) == ("93.1 %", "12.3 s")


def test_a_document_holds_each_part_and_the_machine() -> None:
    document = merge("", "a machine", [SECOND, FIRST])
    assert document.count("Machine: a machine.\n") == 2
    assert document.index("## a. One") < document.index("## b. Two")
    assert "| time | 1 s | 2 s | 2.00× | 2× |" in document
    assert list(sections_of(document)) == ["a. One", "b. Two"]


def test_a_new_measurement_replaces_its_part_alone() -> None:
    before = merge("", "a machine", [FIRST, SECOND])
    after = merge(before, "a machine", [Section("b. Two", "now", (Row("rate", "5"),))])
    assert sections_of(after)["a. One"] == sections_of(before)["a. One"]
    assert "| rate | 5 |" in after
    assert "| rate | 4 |" not in after


def test_merging_the_same_again_changes_nothing() -> None:
    document = merge("", "a machine", [FIRST, SECOND])
    assert merge(document, "a machine", [SECOND]) == document


def test_each_part_says_on_which_machine_it_was_measured() -> None:
    document = merge(merge("", "a machine", [FIRST]), "another machine", [SECOND])
    parts = sections_of(document)
    assert "Machine: a machine.\n" in parts["a. One"]
    assert "Machine: another machine.\n" in parts["b. Two"]


def test_the_screen_names_each_part_once() -> None:
    shown = io.StringIO()
    Console(file=shown, width=120).print(on_screen([FIRST, SECOND]))
    text = shown.getvalue()
    assert (text.count("a. One"), text.count("b. Two")) == (1, 1)
    assert all(word in text for word in ("time", "more", "rate", "2.00×"))


def test_the_machine_is_told_in_one_line() -> None:
    assert "torch" in machine()
    assert "\n" not in machine()
