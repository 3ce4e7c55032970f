"""The words for what is made again."""

from __future__ import annotations

import pytest

from pipeline.model import ChangeCause, Job
from pipeline.report.reasons import backlog_sentence, count_reasons, kept_sentence, reason

FILE = "the photo's file changed, perhaps not its content"
JOB = Job("a.jpg", "night", "default")


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        ((), ""),
        (("recipe",), "recipe default changed"),
        (("recipe", "paintings"), "recipe default and painting of style night changed"),
        (("start_image",), "start image of recipe default changed"),
        (("style",), "scale of style night changed"),
        (("weights",), "weights changed"),
        (("settings",), "settings changed"),
        (("photo",), "photo changed"),
        (("file",), "the photo's file changed, perhaps not its content"),
        (("engine",), "made by another version of the engine"),
        (("missing",), "asked for again"),
    ],
)
def test_every_cause_has_its_words(causes: tuple[ChangeCause, ...], words: str) -> None:
    assert reason(JOB, causes) == words


def test_equal_reasons_of_several_styles_are_one_and_the_most_frequent_comes_first() -> None:
    counts: dict[tuple[str, str, tuple[ChangeCause, ...]], int] = {
        ("wave", "default", ("paintings",)): 1,
        ("night", "default", ("recipe",)): 2,
        ("wave", "default", ("recipe",)): 3,
    }
    reasons = {"recipe default changed": 5, "painting of style wave changed": 1}
    assert list(count_reasons(counts).items()) == list(reasons.items())


@pytest.mark.parametrize(
    ("new", "reasons", "words"),
    [
        (0, {}, "no finished picture is made again"),
        (1, {}, "1 new picture; no finished picture is made again"),
        (0, {"photo changed": 1}, "1 picture to be made again: photo changed (1)"),
        (0, {FILE: 5}, f"5 pictures to be checked: {FILE}"),
        (2, {FILE: 5}, f"2 new pictures, 5 to be checked: {FILE}"),
        (0, {FILE: 5, "photo changed": 1}, f"1 picture to be made again: photo changed (1); 5 to be checked: {FILE}"),
        (
            2,
            {FILE: 1, "photo changed": 3},
            f"2 new pictures, 3 to be made again: photo changed (3); 1 to be checked: {FILE}",
        ),
        (
            3000,
            {"recipe default changed": 1008, "painting of style night changed": 4},
            "3,000 new pictures, 1,012 to be made again: recipe default changed (1,008), "
            "painting of style night changed (4)",
        ),
    ],
)
def test_a_backlog_is_told_in_one_sentence(new: int, reasons: dict[str, int], words: str) -> None:
    assert backlog_sentence(new, sum(reasons.values()), reasons) == words


def test_of_many_reasons_only_the_first_are_named() -> None:
    sentence = backlog_sentence(0, 36, {f"recipe {number} changed": 9 - number for number in range(9)})
    assert sentence.endswith("recipe 4 changed (5), other reasons (10)")


def test_kept_pictures_are_told_of_only_if_there_are_some() -> None:
    assert kept_sentence(0) == ""
    assert kept_sentence(1) == (
        "1 picture is kept as it was made, under earlier settings ('run --redo changed' makes it again)"
    )
    assert kept_sentence(120).startswith("120 pictures are kept as they were made, under earlier settings")
