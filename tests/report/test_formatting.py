import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Losses
from pipeline.report.formatting import counted, duration, losses, outcome, printable
from tests.report.events import over


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("zoo/Löwe 獅子.jpg", "zoo/Löwe 獅子.jpg"),
        ("a\nERROR b", "a\\nERROR b"),
        ("\x1b[2Ja", "\\x1b[2Ja"),
        ("caf\udce9", "caf\\udce9"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
    ],
)
def test_names_are_shown_harmless(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_whatever_the_name_it_is_one_line_of_unicode(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 0 s"),
        (200, "3 min 20 s"),
        (18_600, "5 h 10 min"),
        (53 * 86400, "53 days"),
    ],
)
def test_durations_are_said_in_words(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_counts_know_their_plural() -> None:
    assert [counted(number, "picture") for number in (0, 1, 12_345)] == ["0 pictures", "1 picture", "12,345 pictures"]


def test_losses_have_four_digits() -> None:
    assert losses(Losses(1e7, 1 / 3, 12345.6)) == "total 1.235e+04, content 1e+07, style 0.3333"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "2 pictures made, 1 failed in 41.0 s"),
        ({"finished": 1, "failed": 0, "copied": 3, "left": 4}, "1 picture made, 3 copied, 4 left for the next run"),
        ({"interrupted": True, "reason": "Ctrl\nC"}, "interrupted: 2 pictures made, 1 failed in 41.0 s (Ctrl\\nC)"),
        ({"finished": 0, "failed": 0}, "nothing to do"),
        ({"finished": 0, "failed": 0, "reason": "the disk is full"}, "0 pictures made in 41.0 s (the disk is full)"),
    ],
)
def test_the_outcome_is_one_sentence(changes: dict[str, object], said: str) -> None:
    assert outcome(over(**changes)).startswith(said)
