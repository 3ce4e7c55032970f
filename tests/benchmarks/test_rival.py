from __future__ import annotations

import pytest

from tests.benchmarks.rival import Report

PRINTED = """\
device[0]: cpu (0-28)
seed: 0
size: 256x192
style_sizes[0]: 280x175

step elapsed loss
---- ------- ----
0    6.5     1234567.00
50   36.2    57648.12
100  65.0    29103.00
"""


def heard(text: str) -> Report:
    report = Report()
    for number, line in enumerate(text.splitlines(keepends=True)):
        report.hear(float(number), line)
    return report


def test_sizes_and_losses_are_read_from_what_pastiche_prints() -> None:
    report = heard(PRINTED)
    assert (report.size, report.painting_size) == ((256, 192), (280, 175))
    assert report.losses == {0: 1234567.0, 50: 57648.12, 100: 29103.0}


def test_the_seconds_of_a_step_are_those_since_launch_not_those_pastiche_prints() -> None:
    assert heard(PRINTED).seconds == {0: 7.0, 50: 8.0, 100: 9.0}


def test_the_painting_scale_relates_long_sides() -> None:
    assert heard(PRINTED).painting_scale == pytest.approx(280 / 256)
    upright = Report(size=(192, 256), painting_size=(140, 320))
    assert upright.painting_scale == pytest.approx(320 / 256)


def test_a_loss_that_is_no_number_is_read_as_such() -> None:
    assert heard("50   36.2    nan\n").losses[50] != heard("50   36.2    nan\n").losses[50]
