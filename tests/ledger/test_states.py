"""The rule from a job's facts to its state."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("wanted", "current", "verdict", "absence", "problem", "is_leased", "state"),
    [
        (1, 0, None, None, None, False, "pending"),
        (1, 1, None, None, None, False, "done"),
        (1, 1, None, "the photo is gone", None, False, "done"),
        (1, 1, None, None, "cut off", False, "done"),
        (0, 1, None, None, None, False, "withdrawn"),
        (0, 0, "failed", None, "cut off", False, "withdrawn"),
        (1, 0, "failed", "the photo is gone", "cut off", False, "withdrawn"),
        (1, 0, "failed", None, "cut off", False, "quarantined"),
        (1, 0, "failed", None, None, False, "failed"),
        (1, 0, "quarantined", None, None, False, "quarantined"),
        (0, 1, "failed", "the photo is gone", "cut off", True, "leased"),
    ],
)
def test_the_state_follows_from_the_facts(
    house,
    wanted: int,
    current: int,
    verdict: str | None,
    absence: str | None,
    problem: str | None,
    is_leased: bool,
    state: str,
) -> None:
    house.done("a.jpg")
    with house.ledger._store.writing() as connection:
        connection.execute("UPDATE jobs SET wanted = ?, current = ?, verdict = ?", (wanted, current, verdict))
        connection.execute("UPDATE photos SET absence = ?, problem = ?", (absence, problem))
        if is_leased:
            connection.execute("INSERT INTO leases (token, job_id, settings_sha256) SELECT 't', id, 's1' FROM jobs")
        house.ledger._store.update_states("wanted IN (?, ?)", [(0, 1)])
    assert house.states() == {state: 1}
