"""What the gallery asks, of ledgers with and without facts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pipeline.ledger import ChunkSummary, GalleryRow, Ledger
from pipeline.model import Job, JobState
from tests.ledger.conftest import START, House, wanted
from tests.ledger.facts import facts


def made(house, sha256: str = "p1") -> None:
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, sha256, facts())
    house.finish(claim, f"key of {sha256}", sha256=sha256)


def names(rows: list[GalleryRow]) -> list[str]:
    return [row.job.photo for row in rows]


def test_a_row_tells_what_is_shown_of_a_picture(house) -> None:
    house.pending("caf\udce9.jpg")
    made(house)
    assert house.ledger.gallery.rows(0, 499) == [
        GalleryRow(
            id=1,
            job=Job("caf\udce9.jpg", "night", "default"),
            output="caf\udce9--night.jpg",
            state=JobState.DONE,
            when=START,
            width=512,
            height=384,
            style_loss=0.125,
            picture_sha256="p1",
            photo_sha256="f" * 64,
        )
    ]


def test_without_facts_a_row_has_what_else_is_known(house) -> None:
    house.done("a.jpg")
    (row,) = house.ledger.gallery.rows(1, 1)
    assert (row.state, row.picture_sha256, row.width, row.style_loss) == (JobState.DONE, "p1", 0, None)
    assert row.photo_sha256 == ""
    house.pending("a.jpg", "b.jpg")
    made(house, "p2")  # now there are facts of one
    first, second = house.ledger.gallery.rows(1, 2)
    assert (first.width, second.width) == (0, 512)


def test_a_range_is_by_id_and_of_the_ledgers_own_source(house, another_house) -> None:
    house.pending("a.jpg", "b.jpg", "c.jpg")
    another_house.pending("x.jpg")
    assert names(house.ledger.gallery.rows(2, 9)) == ["b.jpg", "c.jpg"]
    assert names(another_house.ledger.gallery.rows(0, 9)) == ["x.jpg"]
    assert names(house.ledger.gallery.rows(5, 9)) == []


def test_withdrawn_jobs_are_left_out_unless_there_is_a_picture(house) -> None:
    house.done("a.jpg", "b.jpg")
    house.pending("a.jpg", "b.jpg", "c.jpg")
    house.want()
    assert names(house.ledger.gallery.rows(0, 9)) == ["a.jpg", "b.jpg"]
    house.ledger.cleanup.forget(house.ledger.cleanup.withdrawn()[:1])
    assert names(house.ledger.gallery.rows(0, 9)) == ["b.jpg"]
    assert names(house.ledger.gallery.latest(9)) == ["b.jpg"]
    assert house.ledger.gallery.details(1) is None
    assert [(chunk.number, chunk.rows) for chunk in house.ledger.gallery.chunks()] == [(0, 1)]


def test_a_job_to_be_made_again_has_its_older_picture_and_that_ones_time(house) -> None:
    house.pending("a.jpg")
    made(house)
    house.clock.now += 100
    house.ledger.jobs.redo([Job("a.jpg", "night", "default")])
    (row,) = house.ledger.gallery.rows(1, 1)
    assert (row.state, row.picture_sha256, row.when, row.width) == (JobState.PENDING, "p1", START, 512)


def test_a_failed_job_has_the_time_of_its_failure_and_its_reason(house) -> None:
    house.pending("a.jpg", "b.jpg")
    house.clock.now += 50
    house.ledger.leases.fail(house.claim().token, "the loss became nan", costs_attempt=True, max_attempts=3)
    house.clock.now += 50
    house.ledger.leases.quarantine_photo(house.claim().token, "no image")
    details = [house.ledger.gallery.details(number) for number in (1, 2)]
    assert [(each.row.when - START, each.reason, each.attempts) for each in details] == [
        (50, "the loss became nan", 1),
        (100, "no image", 0),
    ]
    found = house.ledger.gallery.failures(9)
    assert [(each.id, each.failure.state, each.failure.when - START) for each in found] == [
        (2, JobState.QUARANTINED, 100),
        (1, JobState.FAILED, 50),
    ]
    assert [each.failure for each in reversed(found)] == house.ledger.queries.failures()
    assert [each.id for each in house.ledger.gallery.failures(1)] == [2]


def test_the_latest_pictures_come_first(house) -> None:
    house.pending("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    for number in range(3):
        house.clock.now += 10
        made(house, f"p{number}")
    assert names(house.ledger.gallery.latest(2)) == ["c.jpg", "b.jpg"]
    assert names(house.ledger.gallery.latest(9)) == ["c.jpg", "b.jpg", "a.jpg"]


def test_pictures_of_unknown_age_come_last_and_not_twice(house) -> None:
    """As those that were found after the ledger was lost."""
    house.done("a.jpg", "b.jpg", "c.jpg")
    connection = house.ledger._store.connection
    connection.execute("UPDATE jobs SET made_at = 0 WHERE id < 3")
    connection.execute("UPDATE jobs SET changed_at = changed_at + 9 WHERE id = 2")
    assert names(house.ledger.gallery.latest(9)) == ["c.jpg", "b.jpg", "a.jpg"]
    assert names(house.ledger.gallery.latest(2)) == ["c.jpg", "b.jpg"]
    assert names(house.ledger.gallery.latest(1)) == ["c.jpg"]
    assert [row.when - START for row in house.ledger.gallery.rows(1, 3)] == [0, 9, 0]


def test_what_changed_is_known_by_its_time_and_what_left_the_gallery_too(house, another_house) -> None:
    house.pending("a.jpg", "b.jpg", "c.jpg")
    another_house.pending("x.jpg")
    house.clock.now += 10
    made(house)
    assert house.ledger.gallery.changed_since(START + 1) == [1]
    assert house.ledger.gallery.changed_since(START) == [1, 2, 3]
    house.clock.now += 10
    house.want(wanted("b.jpg"), wanted("c.jpg"))
    lost = house.ledger.cleanup.forget(house.ledger.cleanup.withdrawn())
    assert house.ledger.gallery.changed_since(house.clock.now) == [1]
    house.clock.now += 10
    house.ledger.cleanup.put_back(lost)
    assert house.ledger.gallery.changed_since(house.clock.now) == [1]


def test_chunks_tell_how_many_rows_they_have_and_when_they_changed(house) -> None:
    house.pending("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    house.clock.now += 10
    made(house)
    house.clock.now += 10
    house.ledger.jobs.redo([Job("a.jpg", "night", "default")])
    assert house.ledger.gallery.chunks(2) == [
        ChunkSummary(0, 1, START + 10, START + 20),
        ChunkSummary(1, 2, START, START),
        ChunkSummary(2, 1, START, START),
    ]


def test_details_tell_all_that_is_on_record(house) -> None:
    house.pending("a.jpg")
    made(house)
    details = house.ledger.gallery.details(1)
    assert details is not None
    assert details.row == house.ledger.gallery.rows(1, 1)[0]
    assert (details.key, details.engine_version, details.reason) == ("key of p1", "1", "")
    assert (details.photo_is_there, details.moved_to, details.copied, details.facts) == (True, None, False, facts())
    house.scan()
    gone = house.ledger.gallery.details(1)
    assert gone is not None
    assert not gone.photo_is_there
    assert gone.reason
    assert house.ledger.gallery.details(2) is None


def test_a_reason_is_known_to_be_the_photos(house) -> None:
    house.pending("a.jpg")
    details = house.ledger.gallery.details(1)
    assert details is not None
    assert not details.is_photo_set_aside
    connection = house.ledger._store.connection
    connection.execute("UPDATE photos SET problem = 'it is no image', problem_at = 1")
    details = house.ledger.gallery.details(1)
    assert details is not None
    assert (details.reason, details.is_photo_set_aside) == ("it is no image", True)


def test_a_moved_original_is_named(house) -> None:
    house.done("a.jpg")
    connection = house.ledger._store.connection
    connection.execute("UPDATE photos SET moved_to = ?, absence = 'moved'", (b"/done/a.jpg",))
    connection.execute("UPDATE jobs SET original_sha256 = 'content'")
    details = house.ledger.gallery.details(1)
    assert details is not None
    assert (details.moved_to, details.photo_is_there, details.row.photo_sha256) == ("/done/a.jpg", False, "content")


def test_jobs_are_found_by_name(house, another_house) -> None:
    house.pending("a.jpg", "b.jpg")
    another_house.pending("x.jpg")
    assert house.ledger.gallery.id_of(Job("b.jpg", "night", "default")) == 2
    assert house.ledger.gallery.id_of(Job("b.jpg", "night", "other")) is None


@pytest.mark.parametrize(
    ("file", "done"), [("ledger/golden/version-1.sql", "a.jpg"), ("golden/0.1.0/ledger.sql", "done.jpg")]
)
def test_an_older_ledger_that_is_only_read_can_be_shown(tmp_path: Path, file: str, done: str) -> None:
    ledger_file = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(ledger_file)
    connection.executescript((Path(__file__).parents[1] / file).read_text(encoding="utf-8"))
    connection.close()
    with Ledger.to_read(ledger_file, "in") as ledger:
        rows = ledger.gallery.rows(0, 99)
        assert done in names(ledger.gallery.latest(9))
        assert [ledger.gallery.details(row.id).row for row in rows] == rows
        assert sum(chunk.rows for chunk in ledger.gallery.chunks()) == len(rows) > 1


def test_questions_walk_indexes_and_not_all_jobs(house) -> None:
    house.pending("a.jpg")
    made(house)
    plans = {
        name: plan(house, question)
        for name, question in {
            "rows": lambda gallery: gallery.rows(0, 499),
            "latest": lambda gallery: gallery.latest(9),
            "changed": lambda gallery: gallery.changed_since(START),
            "id": lambda gallery: gallery.id_of(Job("a.jpg", "night", "default")),
            "details": lambda gallery: gallery.details(1),
        }.items()
    }
    assert not any("SCAN" in step and "sqlite_master" not in step for steps in plans.values() for step in steps)
    assert any("INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in step for step in plans["rows"])
    assert any("jobs_by_change" in step for step in plans["changed"])
    assert any("made_jobs" in step for step in plans["latest"])
    assert any("undated_pictures" in step for step in plans["latest"])
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in plans["latest"] + plans["rows"])


def plan(house, question) -> list[str]:
    connection = house.ledger._store.connection
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    question(house.ledger.gallery)
    connection.set_trace_callback(None)
    return [
        row[-1]
        for statement in statements
        if statement.startswith("SELECT")
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]


def test_one_chunk_is_asked_for_by_its_ids(house: House) -> None:
    house.pending(*(f"{number}.jpg" for number in range(6)))
    chunks = house.ledger.gallery.chunks(2)

    assert house.ledger.gallery.chunks(2, 2, 3) == [chunk for chunk in chunks if chunk.number == 1]
    assert house.ledger.gallery.chunks(2, 100, 101) == []


def test_hashes_in_use_are_those_of_all_folders(house: House, another_house: House) -> None:
    house.pending("a.jpg", "b.jpg")
    for sha256 in ("1" * 64, "2" * 64):
        house.finish(house.claim(), sha256=sha256)
    another_house.pending("x.jpg")
    another_house.finish(another_house.claim(), sha256="3" * 64)
    used = house.ledger.gallery.used_hashes()
    assert used == {"1" * 20, "2" * 20, "3" * 20}
    (output,) = (row.output for row in house.ledger.gallery.rows(0, 9) if row.picture_sha256[0] == "1")
    assert house.ledger.gallery.used_hashes(without=[output]) == {"2" * 20, "3" * 20}


def test_a_rejected_picture_has_a_row_without_a_file_that_counts_as_changed(house) -> None:
    house.pending("a.jpg", "b.jpg")
    made(house)
    made(house, "p2")
    house.clock.now = START + 60
    a, _ = house.ledger.pictures.all()
    assert house.ledger.rejections.note(a, a.key or "") is not None
    first, second = house.ledger.gallery.rows(0, 9)
    assert (first.is_rejected, first.state, first.picture_sha256, first.when) == (True, JobState.DONE, "", START + 60)
    assert (second.is_rejected, second.picture_sha256) == (False, "p2")
    assert names(house.ledger.gallery.latest(9)) == ["b.jpg"]
    assert house.ledger.gallery.changed_since(START + 60) == [first.id]
    details = house.ledger.gallery.details(first.id)
    assert details is not None
    assert details.row.is_rejected
