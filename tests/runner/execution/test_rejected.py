"""Files of rejected pictures; how pictures are rejected: tests/runner/corrections/test_reject.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ledger import Ledger, Rejection
from pipeline.runner.execution.publishing import part_path
from pipeline.runner.execution.rejected import delete_rejected, finish_rejections
from tests.workshop import CONFIG, Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.run()
    return workshop


def noted(ledger: Ledger) -> Rejection:
    (picture,) = ledger.pictures.all()
    rejection = ledger.rejections.note(picture, picture.key or "")
    assert rejection is not None
    return rejection


def test_two_programs_may_delete_the_same_file(workshop: Workshop) -> None:
    with workshop.ledger() as one, workshop.ledger() as other:
        rejection = noted(one)
        finish_rejections(other, workshop.out)
        assert delete_rejected(one, workshop.out, rejection)
    assert workshop.pictures() == []


def test_a_file_of_another_content_gets_its_name_back_or_the_next_one(workshop: Workshop) -> None:
    with workshop.ledger() as ledger:
        rejection = noted(ledger)
        assert rejection.token is not None
        part = part_path(workshop.out, rejection.output, rejection.token)
        part.write_bytes(b"somebody's work")
        assert not delete_rejected(ledger, workshop.out, rejection)
        assert ledger.rejections.count() == 0
    assert (workshop.out / "a--night-2.jpg").read_bytes() == b"somebody's work"
    assert workshop.pictures() == ["a--night-2.jpg", "a--night.jpg"]


def test_a_folder_that_is_gone_is_no_obstacle(workshop: Workshop) -> None:
    with workshop.ledger() as ledger:
        rejection = noted(ledger)
        (workshop.out / "a--night.jpg").unlink()
        assert delete_rejected(ledger, workshop.out, rejection)
        assert ledger.rejections.unfinished() == []


def test_the_time_lapse_of_a_rejected_picture_goes_with_it_but_not_one_that_was_edited(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, text=CONFIG.replace("scales: 1", "scales: 1, timelapse: true"))
    for number, name in enumerate(("a", "b")):
        workshop.photo(f"{name}.png", shade=number)
    workshop.run()
    edited = workshop.out / "b--night.timelapse.webp"
    edited.write_bytes(edited.read_bytes() + b"more")
    with workshop.ledger() as ledger:
        for picture in ledger.pictures.all():
            ledger.rejections.note(picture, picture.key or "")
        finish_rejections(ledger, workshop.out)
    assert workshop.pictures() == ["b--night.timelapse.webp"]
