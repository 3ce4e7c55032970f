"""A finished picture is copied for a photo of equal content only while it is what would be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipeline.hashing import job_key, sha256_of_file
from pipeline.ledger import Claim, Ledger
from pipeline.model import PictureOptions
from pipeline.runner.execution.copies import copy_finished
from pipeline.runner.execution.publishing import part_path
from tests.runner.execution.claimed import claim_all
from tests.workshop import Workshop


@dataclass
class Desk:
    """A finished picture, and a claim for another photo of the same content."""

    workshop: Workshop
    ledger: Ledger
    claim: Claim

    def copy(self, picture: PictureOptions | None = None) -> str | None:
        key = job_key(sha256_of_file(self.workshop.folder / "in" / "b.png"), self.claim.settings_sha256)
        options = picture or self.workshop.config().picture_options()
        published = self.ledger.queries.published_with_key(key)
        return copy_finished(published, self.workshop.out, options, self.claim, key)


@pytest.fixture
def desk(workshop: Workshop) -> Iterator[Desk]:
    workshop.photo("a.png")
    workshop.run()
    workshop.photo("b.png")
    with workshop.ledger() as ledger:
        (claim,) = claim_all(workshop, ledger)
        yield Desk(workshop, ledger, claim)


def test_the_copy_is_the_picture_beside_its_destination(desk: Desk) -> None:
    part = part_path(desk.workshop.out, desk.claim.output, desk.claim.token)
    assert desk.copy() == sha256_of_file(desk.workshop.out / "a--night.jpg")
    assert part.read_bytes() == (desk.workshop.out / "a--night.jpg").read_bytes()


def test_a_picture_that_somebody_changed_is_not_copied(desk: Desk) -> None:
    (desk.workshop.out / "a--night.jpg").write_bytes(b"retouched")
    assert desk.copy() is None


def test_a_picture_that_is_gone_is_not_copied(desk: Desk) -> None:
    (desk.workshop.out / "a--night.jpg").unlink()
    assert desk.copy() is None


def test_a_picture_written_with_other_options_is_not_copied(desk: Desk) -> None:
    assert desk.copy(PictureOptions(quality=50)) is None
