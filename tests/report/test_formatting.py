from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import JobState, Losses, PhotoSetAside, Standing
from pipeline.report.formatting import (
    as_before_text,
    byte_size,
    counted,
    duration,
    failed_text,
    losses,
    made_text,
    of_no_photo,
    outcome,
    printable,
    set_aside_text,
    state_words,
    time_left,
)
from tests.report.events import artwork, failed, finished, over


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


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (18.04, "18 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s")]
)
def test_an_estimate_has_no_tenths_of_seconds(seconds: float, said: str) -> None:
    assert time_left(seconds) == f"about {said} left"


def test_counts_know_their_plural() -> None:
    assert [counted(number, "picture") for number in (0, 1, 12_345)] == ["0 pictures", "1 picture", "12,345 pictures"]


def test_losses_have_four_digits() -> None:
    assert losses(Losses(1e7, 1 / 3, 12345.6)) == "total 1.235e+04, content 1e+07, style 0.3333"


IDLE = {"finished": 0, "failed": 0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "2 pictures made, 1 picture failed in 41.0 s"),
        (
            {"finished": 1, "failed": 0, "copied": 3, "left": 4},
            "1 picture made, 3 copied in 41.0 s, 4 left for the next run",
        ),
        (
            {"interrupted": True, "reason": "Ctrl\nC"},
            "interrupted: 2 pictures made, 1 picture failed in 41.0 s (Ctrl\\nC)",
        ),
        (
            {"finished": 10, "failed": 2, "photos_set_aside": 1},
            "10 pictures made, 2 pictures failed, 1 photo set aside in 41.0 s",
        ),
        ({**IDLE, "photos_set_aside": 2}, "0 pictures made, 2 photos set aside in 41.0 s"),
        (IDLE, "nothing to do: 'stylewatch plan' shows what was found"),
        ({**IDLE, "standing": Standing(done=1234)}, "nothing to do: all pictures exist already (1,234)"),
        (
            {**IDLE, "standing": Standing(photos=617, done=1234)},
            "nothing to do: all pictures of 617 photos exist already (1,234)",
        ),
        (
            {**IDLE, "standing": Standing(done=10, given_up=2)},
            "nothing to do: 10 pictures exist already, 2 pictures given up; 'stylewatch status' says why",
        ),
        (
            {**IDLE, "standing": Standing(done=10, photos_set_aside=1, set_aside=2)},
            "nothing to do: 10 pictures exist already, 1 photo set aside; 'stylewatch status' says why",
        ),
        (
            {**IDLE, "standing": Standing(photos=2, done=1, failed=3, given_up=1)},
            "nothing to do: 1 picture of 2 photos exists already, 1 picture given up, 3 pictures will be tried",
        ),
        (
            {**IDLE, "standing": Standing(photos=1, photos_set_aside=1, set_aside=2)},
            "nothing to do: 1 photo set aside; 'stylewatch status' says why",
        ),
        ({"finished": 0, "failed": 0, "reason": "the disk is full"}, "0 pictures made in 41.0 s (the disk is full)"),
    ],
)
def test_the_outcome_is_one_sentence(changes: dict[str, object], said: str) -> None:
    assert outcome(over(**changes)).startswith(said)


def test_every_state_has_words_that_people_know() -> None:
    assert {state.value: state_words(state) for state in JobState} == {
        "pending": "waiting",
        "leased": "being painted",
        "done": "done",
        "failed": "will be tried again",
        "quarantined": "given up",
        "withdrawn": "withdrawn",
    }


def test_a_picture_made_is_told_with_its_time_and_what_it_could_not_hold() -> None:
    assert made_text(finished()) == "zoo/lion.jpg × wave → zoo/lion.jpg--wave.jpg (12.3 s)"
    assert made_text(finished(artwork=artwork(notes=("no room for XMP",)))).endswith("(12.3 s; no room for XMP)")
    assert made_text(finished(artwork=None)).endswith("--wave.jpg (copied from an equal picture)")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (JobState.PENDING, "is waiting again"),
        (JobState.FAILED, "failed and will be tried again"),
        (JobState.QUARANTINED, "failed and is given up"),
        (JobState.WITHDRAWN, "is withdrawn"),
    ],
)
def test_a_picture_that_was_not_made_is_told_with_what_becomes_of_it(state: JobState, words: str) -> None:
    assert failed_text(failed(state=state)) == f"caf?.jpg × night (fine) {words}: truncated"


def test_a_photo_without_pictures_is_told_with_what_becomes_of_it() -> None:
    assert set_aside_text(PhotoSetAside("a.jpg", "quarantined", "no image")) == "a.jpg is set aside: no image"
    assert set_aside_text(PhotoSetAside("a.jpg", "incomplete", "no end")) == "a.jpg waits: no end"
    assert set_aside_text(PhotoSetAside("a.jpg", "gone", "removed")) == "a.jpg gets no picture: removed"


def test_masks_of_no_photo_are_named_up_to_three() -> None:
    assert of_no_photo(["sea/1.png"]) == "1 of them belongs to no photo (sea/1.png)"
    assert of_no_photo([f"{number}.png" for number in range(5)]) == (
        "5 of them belong to no photo (0.png, 1.png, 2.png and 2 more)"
    )


def test_what_was_said_of_photos_before_is_counted_by_what_it_was() -> None:
    kinds: list[Literal["quarantined", "incomplete", "unpaired"]] = ["unpaired", "quarantined", "unpaired"]
    photos = [PhotoSetAside(f"{number}.jpg", kind, "") for number, kind in enumerate(kinds)]
    assert as_before_text(photos) == (
        "as before, 1 photo is set aside, 2 photos get no picture: 'stylewatch status' names them"
    )
    assert as_before_text([PhotoSetAside("a.jpg", "incomplete", "")]) == (
        "as before, 1 photo waits: 'stylewatch status' names it"
    )


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0.0 kB"),
        (21_700, "21.7 kB"),
        (999_960, "1.0 MB"),
        (64_500_000_000, "64.5 GB"),
        (1234 * 10**12, "1,234.0 TB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_fits(size_bytes: int, shown: str) -> None:
    assert byte_size(size_bytes) == shown
