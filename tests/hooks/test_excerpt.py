from __future__ import annotations

from pipeline.hooks.excerpt import Excerpt


def test_a_short_output_is_kept_whole_but_for_blank_lines() -> None:
    excerpt = Excerpt()
    excerpt.add(b"one\r\n\n  \ntw")
    excerpt.add(b"o")
    assert excerpt.lines() == ["one", "two"]


def test_bytes_that_are_no_text_are_shown_as_what_they_are() -> None:
    excerpt = Excerpt()
    excerpt.add(b"caf\xc3\xa9 \xff")
    assert excerpt.lines() == ["café \\xff"]


def test_of_megabytes_the_beginning_and_the_end_are_kept() -> None:
    excerpt = Excerpt()
    excerpt.add(b"the beginning\n")
    for _ in range(300):
        excerpt.add(b"x" * 9_999 + b"\n")
    excerpt.add(b"the end\n")
    lines = excerpt.lines()
    assert (lines[0], lines[-1]) == ("the beginning", "the end")
    assert [queue for queue in lines if queue.endswith(" bytes are left out here ...")] == [
        f"... {300 * 10_000 + 14 + 8 - 8_000:,} bytes are left out here ..."
    ]
    assert sum(map(len, lines)) < 8_100


def test_of_many_short_lines_the_first_and_the_last_are_kept() -> None:
    excerpt = Excerpt(max_lines=4)
    excerpt.add(b"".join(b"%d\n" % number for number in range(10)))
    assert excerpt.lines() == ["0", "1", "... 6 lines are left out here ...", "8", "9"]
    for number in range(10, 3000):
        excerpt.add(b"%d\n" % number)
    lines = excerpt.lines()
    assert (lines[:2], lines[-2:], len(lines)) == (["0", "1"], ["2998", "2999"], 5)
