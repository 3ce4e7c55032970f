"""Which files are incomplete, and since when."""

from __future__ import annotations

from pipeline.model import IncompleteFile


def test_a_file_keeps_the_moment_it_was_first_seen_at_and_its_latest_reason(house) -> None:
    began = house.clock.now
    first = IncompleteFile("not\udcffutf8.jpg", "no end", began)
    assert house.ledger.incomplete.record({"not\udcffutf8.jpg": "no end"}) == [first]
    house.clock.now += 60
    house.reopen()
    house.ledger.incomplete.record({"a.jpg": "no head", "not\udcffutf8.jpg": "still no end"})
    assert house.ledger.incomplete.all() == [
        IncompleteFile("a.jpg", "no head", began + 60),
        IncompleteFile("not\udcffutf8.jpg", "still no end", began),
    ]
    house.ledger.incomplete.record({})
    assert house.ledger.incomplete.all() == []


def test_each_source_has_its_own(house, another_house) -> None:
    house.ledger.incomplete.record({"a.jpg": "no end"})
    assert another_house.ledger.incomplete.all() == []


def test_what_is_as_before_is_not_written_again(house, another_house) -> None:
    house.ledger.incomplete.record({"a.jpg": "no end"})
    before = another_house.ledger.queries.version()
    house.ledger.incomplete.record({"a.jpg": "no end"})
    assert another_house.ledger.queries.version() == before
    house.ledger.incomplete.record({})
    assert another_house.ledger.queries.version() != before


def test_of_very_many_only_some_are_kept(house) -> None:
    many = {f"{number:05}.jpg": "no end" for number in range(1200)}
    assert len(house.ledger.incomplete.record(many)) == 1200
    assert len(house.ledger.incomplete.all()) == 1000
