"""Which photos are skipped: all by number, the first ones by name."""

from __future__ import annotations

from pipeline.model import PhotosSkipped


def test_what_the_last_scan_has_found_is_kept(house) -> None:
    reasons = {"not\udcffutf8.jpg": "screenshot", "a.gif": "suffix .gif", "b.gif": "suffix .gif"}
    house.ledger.skipped.record({"z.gif": "suffix .gif"})
    house.ledger.skipped.record(reasons)
    house.reopen()
    found = house.ledger.skipped.now()
    assert found.counts == {"suffix .gif": 2, "screenshot": 1}
    assert dict(found.new) == reasons
    house.ledger.skipped.record({})
    assert house.ledger.skipped.now() == PhotosSkipped({})


def test_each_source_has_its_own(house, another_house) -> None:
    house.ledger.skipped.record({"a.gif": "suffix .gif"})
    assert another_house.ledger.skipped.now() == PhotosSkipped({})


def test_what_is_as_before_is_not_written_again(house, another_house) -> None:
    house.ledger.skipped.record({"a.gif": "suffix .gif"})
    before = another_house.ledger.queries.version()
    house.ledger.skipped.record({"a.gif": "suffix .gif"})
    assert another_house.ledger.queries.version() == before


def test_of_very_many_all_are_counted_and_some_are_named(house) -> None:
    house.ledger.skipped.record({f"{number:05}.gif": "suffix .gif" for number in range(1200)})
    found = house.ledger.skipped.now()
    assert (found.counts, found.new_count, len(found.new)) == ({"suffix .gif": 1200}, 1200, 20)
