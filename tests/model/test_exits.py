from __future__ import annotations

import os

import pytest

from pipeline.model import exit_in_words


def test_an_exit_is_told_by_its_code() -> None:
    assert [exit_in_words(code) for code in (0, 3, None)] == ["exit code 0", "exit code 3", "exit code None"]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_signal_is_told_by_its_name_or_its_number() -> None:
    assert [exit_in_words(-number) for number in (9, 11, 40, 1000)] == [
        "SIGKILL", "SIGSEGV", "signal 40", "signal 1000",
    ]  # fmt: skip
