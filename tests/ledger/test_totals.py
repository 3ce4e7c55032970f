"""Numbers that only grow, counted together with what they count."""

from __future__ import annotations

import math

import pytest

from pipeline.ledger import Totals
from pipeline.model import FailureKind
from tests.ledger.facts import facts

GPU = "NVIDIA H200"


def made(house, sha256: str = "p1", **changes) -> None:
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, sha256, facts(**changes))
    house.finish(claim, f"key of {sha256}", sha256=sha256)


def test_a_new_ledger_and_one_of_an_older_version_have_counted_nothing(house) -> None:
    assert house.ledger.totals.read() == Totals(0, 0, {}, {})
    query = "SELECT name FROM sqlite_master WHERE name = 'totals'"
    house.pending("a.jpg")
    house.ledger.leases.release(house.claim().token)
    assert house.ledger._store.connection.execute(query).fetchall() == []


def test_pictures_are_counted_and_their_seconds_by_device(house) -> None:
    house.pending("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    made(house, "p1", seconds=0.9, device=GPU)
    made(house, "p2", seconds=1.0, device=f"{GPU}; another one is broken")
    made(house, "p3", seconds=100_000.0)
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1", copied_key="key of p1")
    house.finish(claim, "key of p1")
    house.reopen()
    found = house.ledger.totals.read()
    assert (found.pictures_made, found.pictures_copied) == (3, 1)
    assert sorted(found.seconds) == [GPU, "cpu (2 threads, float32)"]
    fast, slow = found.seconds[GPU], found.seconds["cpu (2 threads, float32)"]
    assert fast.buckets[0] == (1.0, 2)
    assert (fast.buckets[-1], fast.sum_seconds) == ((math.inf, 2), 1.9)
    assert (slow.buckets[-2:], slow.sum_seconds) == (((7200.0, 0), (math.inf, 1)), 100_000.0)
    assert [count for _, count in fast.buckets] == [2] * len(fast.buckets)


def test_a_picture_published_by_the_recovery_counts_as_what_it_is(house) -> None:
    house.pending("a.jpg", "b.jpg")
    claims = house.ledger.leases.claim(2, "name")
    house.ledger.leases.record_artwork(claims[0].token, "p1", facts())
    house.ledger.leases.record_artwork(claims[1].token, "p2", copied_key="k2")
    house.reopen()
    for claim, sha256 in zip(claims, ("p1", "p2"), strict=True):
        house.finish(claim, sha256=sha256)
    found = house.ledger.totals.read()
    assert (found.pictures_made, found.pictures_copied) == (1, 1)
    assert found.seconds["cpu (2 threads, float32)"].buckets[-1] == (math.inf, 1)


def test_a_picture_of_which_nothing_is_known_is_counted(house) -> None:
    """As one that an older version has made, and this one publishes."""
    house.done("a.jpg")
    assert house.ledger.totals.read() == Totals(1, 0, {}, {})


def test_what_needs_no_work_is_not_counted(house) -> None:
    house.pending("a.jpg")
    made(house)
    house.scan(house.photo("a.jpg", version=1))
    house.ledger.leases.complete_unchanged(house.claim().token, "key of p1")
    assert house.ledger.totals.read().pictures_made == 1


def test_numbers_stay_when_pictures_go(house) -> None:
    house.pending("a.jpg")
    made(house)
    house.want()
    house.ledger.cleanup.forget(house.ledger.cleanup.withdrawn())
    assert house.ledger.totals.read().pictures_made == 1


def test_failures_are_counted_by_kind(house) -> None:
    house.pending("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    leases = house.ledger.leases
    for kind in (FailureKind.MEMORY, FailureKind.MEMORY, FailureKind.CODEC):
        leases.fail(house.claim().token, "why", costs_attempt=False, max_attempts=3, kind=kind)
    leases.quarantine_photo(house.claim().token, "no image")
    leases.crash(house.claim().token, "died", max_crashes=1)
    assert house.ledger.totals.read() == Totals(0, 0, {"memory": 2, "codec": 1, "photo": 1, "crash": 1}, {})


def test_what_is_undone_is_not_counted(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1", facts())
    connection = house.ledger._store.connection
    connection.execute("CREATE TRIGGER full BEFORE DELETE ON leases BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(Exception, match="full"):
        house.finish(claim)
    connection.execute("DROP TRIGGER full")
    assert house.ledger.totals.read() == Totals(0, 0, {}, {})
    house.finish(claim)
    assert house.ledger.totals.read().pictures_made == 1


def test_totals_are_of_all_sources_and_can_be_read_beside_a_running_program(house, another_house) -> None:
    house.pending("a.jpg")
    made(house)
    another_house.pending("a.jpg")
    made(another_house, "p2")
    with type(house.ledger).to_read(house.file, "in") as reader:
        assert reader.totals.read().pictures_made == 2


def test_bounds_of_another_version_are_used(house) -> None:
    house.pending("a.jpg")
    made(house, seconds=4.0, device=GPU)
    connection = house.ledger._store.connection
    connection.execute("INSERT INTO totals VALUES ('seconds', ?, 5)", (f"3.0 {GPU}",))
    buckets = dict(house.ledger.totals.read().seconds[GPU].buckets)
    assert (buckets[2.5], buckets[3.0], buckets[5.0], buckets[math.inf]) == (0, 5, 6, 6)
