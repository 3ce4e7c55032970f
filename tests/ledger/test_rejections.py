"""What the ledger knows of rejected pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.ledger.schema import SCHEMA_VERSION
from pipeline.model import JobState


@pytest.fixture
def made(house):
    """One picture, made; returns it as it is on record."""
    house.pending("a.jpg")
    house.finish(house.claim(), key="k1", sha256="p1")
    (picture,) = house.ledger.pictures.all()
    return picture


def test_a_rejected_picture_is_done_but_counts_for_itself(house, made) -> None:
    rejection = house.ledger.rejections.note(made, "k1")
    assert (rejection.output, rejection.picture_sha256, rejection.rejected_at) == (
        "a--night.jpg",
        "p1",
        house.clock.now,
    )
    (picture,) = house.ledger.pictures.all()
    assert (picture.state, picture.is_rejected) == (JobState.DONE, True)
    assert (house.ledger.rejections.count(), house.ledger.queries.counts()[JobState.DONE]) == (1, 1)
    assert house.ledger.queries.counts_by_name() == dict.fromkeys(JobState, 0) | {"rejected": 1}
    standing = house.ledger.queries.standing()
    assert (standing.done, standing.rejected) == (0, 1)
    assert house.ledger.queries.standing(()).rejected == 0
    assert list(house.ledger.queries.finished()) == []
    assert len(list(house.ledger.queries.finished(rejected=True))) == 1


def test_it_is_unfinished_until_its_file_is_deleted(house, made) -> None:
    rejection = house.ledger.rejections.note(made, "k1")
    house.reopen()
    assert house.ledger.rejections.unfinished() == [rejection]
    house.ledger.rejections.end(rejection)
    assert house.ledger.rejections.unfinished() == []
    assert house.ledger.rejections.of_key("k1") == replace(rejection, token=None)
    assert house.ledger.rejections.of_key("k2") is None


def test_a_key_is_looked_up_among_many_rejections_without_reading_them_all(house, made) -> None:
    house.ledger.rejections.note(made, "k1")
    query = "EXPLAIN QUERY PLAN DELETE FROM rejected WHERE key = (SELECT key FROM jobs WHERE id = 1)"
    (plan, *_) = house.ledger._store.connection.execute(query).fetchall()
    assert "rejected_by_key" in plan[3]


def test_one_whose_file_is_another_one_is_not_rejected_after_all(house, made) -> None:
    house.ledger.rejections.withdraw(house.ledger.rejections.note(made, "k1"))
    assert house.ledger.rejections.count() == 0


def test_a_picture_that_has_changed_meanwhile_or_is_in_progress_is_not_rejected(house, made) -> None:
    assert house.ledger.rejections.note(replace(made, sha256="p0"), "k1") is None
    house.ledger.jobs.redo([made.job])
    house.claim()
    assert house.ledger.rejections.note(made, "k1") is None
    assert house.ledger.rejections.count() == 0


def test_it_is_another_picture_with_other_settings_and_rejected_again_with_the_same(house, made) -> None:
    house.ledger.rejections.note(made, "k1")
    house.want(house.wanted("a.jpg", settings="s2"))
    assert (house.ledger.rejections.count(), house.ledger.queries.counts()[JobState.PENDING]) == (0, 1)
    house.finish(house.claim(), key="k2", sha256="p2")
    assert house.ledger.queries.counts_by_name()["done"] == 1
    house.want(house.wanted("a.jpg", settings="s1"))
    claim = house.claim()
    assert house.ledger.rejections.of_job(claim.token, "k2") is None
    rejection = house.ledger.rejections.of_job(claim.token, "k1")
    house.ledger.rejections.complete(claim, rejection)
    assert house.ledger.queries.counts_by_name()["rejected"] == 1


def test_what_asks_for_many_pictures_again_leaves_rejected_ones(house, made) -> None:
    house.ledger.rejections.note(made, "k1")
    assert house.ledger.jobs.redo_outdated("another") == 0
    assert house.ledger.jobs.redo([made.job]) == 1
    assert (house.ledger.rejections.count(), house.ledger.rejections.of_key("k1")) == (0, None)


def test_pictures_are_rejected_in_a_table_to_which_a_later_version_has_added_a_column(house, made) -> None:
    house.ledger.rejections.withdraw(house.ledger.rejections.note(made, "k1"))
    with house.ledger._store.writing() as connection:
        connection.execute("ALTER TABLE rejected ADD COLUMN later TEXT NOT NULL DEFAULT ''")
    rejection = house.ledger.rejections.note(made, "k1")
    house.want(house.wanted("a.jpg", settings="s2"))
    house.ledger.rejections.complete(house.claim(), rejection)
    assert house.ledger.rejections.count() == 1


def test_without_a_rejection_the_ledger_is_as_an_older_program_made_it(house, made) -> None:
    query = "SELECT name FROM sqlite_master WHERE name = 'rejected'"
    assert (house.ledger.rejections.count(), house.ledger.rejections.unfinished()) == (0, [])
    assert house.ledger.jobs.redo_outdated("another") == 1
    assert house.ledger._store.connection.execute(query).fetchall() == []
    house.ledger.rejections.note(made, "k1")
    assert house.ledger._store.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
