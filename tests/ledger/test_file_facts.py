"""What was read of files, remembered as long as they are the same."""

from __future__ import annotations

import pytest

from pipeline.ledger.schema import SCHEMA_VERSION

NAME = "not\udcffutf8.jpg"


@pytest.mark.parametrize("whole", [True, False])
def test_facts_are_of_a_file_as_it_was(house, whole: bool) -> None:
    a, b = house.photo(NAME), house.photo("b.jpg")
    house.ledger.file_facts.record({a: {"width": 3}, b: {}})
    house.reopen()
    assert house.ledger.file_facts.of([a, b], whole=whole) == {NAME: {"width": 3}, "b.jpg": {}}
    changed = house.photo(NAME, version=1)
    assert house.ledger.file_facts.of([changed], whole=whole) == {}
    house.ledger.file_facts.record({changed: {"width": 4}})
    assert house.ledger.file_facts.of([changed, a], whole=whole) == {NAME: {"width": 4}}


def test_each_source_has_its_own(house, another_house) -> None:
    house.ledger.file_facts.record({house.photo("a.jpg"): {"width": 3}})
    assert another_house.ledger.file_facts.of([house.photo("a.jpg")]) == {}


def test_without_facts_the_ledger_is_as_an_older_program_made_it(house) -> None:
    """So that it stays one that such a program may open, too."""
    query = "SELECT name FROM sqlite_master WHERE name = 'file_facts'"
    house.ledger.file_facts.record({})
    assert house.ledger.file_facts.of([house.photo("a.jpg")], whole=True) == {}
    assert house.ledger._store.connection.execute(query).fetchall() == []
    house.ledger.file_facts.record({house.photo("a.jpg"): {}})
    assert house.ledger._store.connection.execute(query).fetchall() == [("file_facts",)]
    assert house.ledger._store.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    house.reopen()
