"""Withdrawn pictures: which there are, and what is on record once the program deletes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import WithdrawnPicture, published_in
from pipeline.model import Job

A = WithdrawnPicture(Job("a.jpg", "night", "default"), "a--night.jpg", "p1", photo_is_there=True)


def withdraw(house, *paths: str) -> None:
    """Make pictures of these photos, and then ask for none."""
    house.done(*paths)
    house.want()


def test_pictures_that_nothing_asks_for_are_withdrawn(house) -> None:
    house.done("a.jpg", "b.jpg")
    assert house.ledger.cleanup.withdrawn() == []
    house.want(house.wanted("b.jpg"))
    assert house.ledger.cleanup.withdrawn() == [A]


def test_a_withdrawn_job_without_a_picture_has_none(house) -> None:
    house.pending("a.jpg")
    house.want()
    assert house.states() == {"withdrawn": 1}
    assert house.ledger.cleanup.withdrawn() == []


def test_the_picture_of_a_photo_that_is_gone_is_none_while_it_is_current(house) -> None:
    house.done("a.jpg")
    house.scan()
    assert house.ledger.cleanup.withdrawn() == []


@pytest.mark.parametrize("wanted", [True, False])
def test_a_withdrawn_picture_tells_that_its_photo_is_gone(house, wanted: bool) -> None:
    house.done("a.jpg")
    house.want(*[house.wanted("a.jpg", settings="s2")] * wanted)
    house.scan()
    (picture,) = house.ledger.cleanup.withdrawn()
    assert not picture.photo_is_there


def test_the_pictures_of_other_sources_are_theirs(house, another_house) -> None:
    withdraw(house, "a.jpg")
    withdraw(another_house, "b.jpg")
    assert house.ledger.cleanup.withdrawn() == [A]
    assert another_house.ledger.cleanup.forget([A]) == []
    assert house.ledger.cleanup.withdrawn() == [A]


def test_a_forgotten_picture_is_made_again_when_it_is_wanted_again(house) -> None:
    withdraw(house, "a.jpg")
    assert [lost.picture for lost in house.ledger.cleanup.forget([A])] == [A]
    assert house.states() == {"withdrawn": 1}
    assert house.ledger.queries.published_with_key("k1") == []  # nothing is copied from it
    house.want(house.wanted("a.jpg"))
    claim = house.claim()
    # What may be left of it after a kill is replaced, not taken for the user's.
    assert (claim.output, claim.published_key, claim.published_sha256) == ("a--night.jpg", None, "p1")


def test_a_picture_that_was_done_is_withdrawn_as_it_is_forgotten(house) -> None:
    house.done("a.jpg")
    house.ledger.cleanup.forget([A])
    assert house.states() == {"withdrawn": 1}


def test_one_that_could_not_be_deleted_need_not_be_made_again(house) -> None:
    withdraw(house, "a.jpg")
    house.ledger.cleanup.put_back(house.ledger.cleanup.forget([A]))
    assert house.ledger.cleanup.withdrawn() == [A]
    house.want(house.wanted("a.jpg"))
    assert house.states() == {"done": 1}


@pytest.mark.parametrize("difference", [{"output": "b.jpg"}, {"sha256": "p2"}])
def test_a_job_that_has_another_picture_by_now_loses_none(house, difference: dict[str, str]) -> None:
    withdraw(house, "a.jpg")
    fields = {"output": A.output, "sha256": A.sha256} | difference
    assert house.ledger.cleanup.forget([WithdrawnPicture(A.job, **fields, photo_is_there=True)]) == []
    assert house.ledger.cleanup.withdrawn() == [A]


def test_a_job_in_progress_keeps_its_picture(house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg", settings="s2"))
    house.claim()
    assert house.ledger.cleanup.forget([A]) == []


def test_jobs_have_ended_or_have_a_picture_to_come(house, another_house) -> None:
    house.done("a.jpg", "b.jpg", "c.jpg")
    house.scan(*(house.photo(path) for path in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")))
    house.want(house.wanted("a.jpg"), house.wanted("c.jpg", settings="s2"), house.wanted("d.jpg"))
    another_house.done("x.jpg")
    assert sorted(house.ledger.cleanup.ended_outputs()) == ["a--night.jpg", "b--night.jpg"]
    assert sorted(house.ledger.cleanup.open_outputs()) == ["c--night.jpg", "d--night.jpg"]
    assert len(house.ledger.cleanup.all_outputs()) == 5


def test_another_ledger_tells_what_it_has_published(house, tmp_path: Path) -> None:
    house.done("a.jpg", "b.jpg")
    house.scan(*(house.photo(path) for path in ("a.jpg", "b.jpg", "c.jpg")))
    house.want(house.wanted("b.jpg"), house.wanted("c.jpg"))
    assert published_in(house.file) == {"b--night.jpg"}
    assert published_in(tmp_path / "none.sqlite3") == set()
    (tmp_path / "damaged.sqlite3").write_bytes(b"x" * 5000)
    with pytest.raises(LedgerError, match="nothing was deleted"):
        published_in(tmp_path / "damaged.sqlite3")
