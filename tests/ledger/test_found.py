"""Pictures that were there before a new ledger."""

from __future__ import annotations

import pytest

from pipeline.errors import LeaseLostError
from pipeline.ledger import FoundPicture

OLD = FoundPicture("old/a--night.jpg", "k1", "night", "default")


def test_only_a_new_ledger_asks_for_a_search_and_only_once(house) -> None:
    assert house.ledger.found.needs_search()
    house.ledger.found.record([])
    assert not house.ledger.found.needs_search()
    house.reopen()
    assert not house.ledger.found.needs_search()


def test_found_pictures_are_known_by_their_key_and_their_names_are_taken(house) -> None:
    other = FoundPicture("a--night.jpg", "k2", "night", "default")
    house.ledger.found.record([OLD, other])
    assert house.ledger.found.with_key("k1") == [OLD]
    assert house.ledger.found.with_key("k3") == []
    assert house.ledger.found.count() == 2
    house.pending("a.jpg")
    assert house.claim().output == "a--night-2.jpg"


def test_a_job_adopts_a_found_picture_under_its_name(house) -> None:
    house.ledger.found.record([OLD])
    house.pending("a.jpg")
    token = house.claim().token
    house.ledger.found.use_for_job(token, OLD, "sha")
    (finished,) = house.ledger.queries.finished()
    assert (finished.output, finished.sha256) == (OLD.output, "sha")
    assert house.ledger.found.count() == 0
    with pytest.raises(LeaseLostError):
        house.ledger.found.use_for_job(token, OLD, "sha")
