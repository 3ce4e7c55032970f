"""What the tables of an older version lack is filled in."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pipeline.ledger import Ledger
from pipeline.ledger.tables import random_position


def test_a_place_in_the_random_order_never_changes() -> None:
    assert random_position(b"a.jpg") == 5808250739824772026
    assert -(2**63) <= random_position(b"b.jpg") < 2**63


def test_an_older_ledger_gets_places_in_the_random_order_and_what_its_pictures_were_made_with(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript((Path(__file__).parent / "golden" / "version-1.sql").read_text(encoding="utf-8"))
    connection.close()
    with Ledger.open(file, "in") as ledger:
        rows = ledger._store.connection.execute(
            "SELECT photo, random_position, current, made_settings_sha256, settings_sha256 FROM jobs"
        ).fetchall()
        assert ledger.queries.kept_count() == 0
    assert {row[2] for row in rows} == {0, 1}
    for photo, position, current, made, settings in rows:
        assert position == random_position(photo)
        assert made == (settings if current else None)
