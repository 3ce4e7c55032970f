from __future__ import annotations

import pytest

from pipeline.errors import (
    ConfigError,
    ConfigProblem,
    JobError,
    StorageError,
    StylewatchError,
    UnwritableError,
    UsageError,
    files_explained,
    in_words,
)


def test_a_problem_of_a_config_says_where_it_is_as_far_as_that_is_known() -> None:
    assert str(ConfigProblem("a.yaml", 3, "styles[2].scale", "must be positive")) == (
        "a.yaml:3: styles[2].scale: must be positive"
    )
    assert str(ConfigProblem("a.yaml", None, "", "is empty")) == "a.yaml: is empty"


def test_a_config_error_has_every_problem_in_the_order_of_the_file() -> None:
    problems = [ConfigProblem("a.yaml", line, "", "wrong") for line in (1, 2)]
    assert str(ConfigError(problems)) == "a.yaml:1: wrong\na.yaml:2: wrong"


def test_exit_codes_tell_the_kinds_of_errors_apart() -> None:
    assert [kind.exit_code for kind in (JobError, UsageError, ConfigError, StorageError, UnwritableError)] == [
        1,
        2,
        2,
        3,
        3,
    ]


def test_an_expected_error_is_its_sentence_and_an_unexpected_one_says_so() -> None:
    assert in_words(StylewatchError("the disk is full")) == "the disk is full"
    assert in_words(KeyError("token")) == "unexpected KeyError: 'token'"


@pytest.mark.parametrize("name", ["/photos/a.jpg", b"/photos/a.jpg"])
def test_an_error_about_a_file_becomes_a_sentence(name: str | bytes) -> None:
    words = r"/photos/a\.jpg: Input/output error; check its permissions and its disk"
    with pytest.raises(StorageError, match=words), files_explained():
        raise OSError(5, "Input/output error", name)


def test_an_error_about_no_file_stays_what_it_is() -> None:
    with pytest.raises(OSError, match="Input/output") as caught, files_explained():
        raise OSError(5, "Input/output error")
    assert type(caught.value) is OSError
