"""Which jobs come next: in a random order, and of some photos only."""

from __future__ import annotations

import pytest

from pipeline.ledger import Selection, WantedJob
from pipeline.model import ClaimOrder, Job, RandomOrder
from tests.ledger.conftest import photo

NAMES = tuple(f"{folder}/{number}.jpg" for folder in ("a", "b", "c") for number in range(10))


def claimed(house, order: ClaimOrder, count: int = 99) -> list[str]:
    return [claim.job.photo for claim in house.ledger.leases.claim(count, order)]


def order_of(house, seed: int) -> list[str]:
    rows = house.ledger.queue.rows("jobs.photo", RandomOrder(seed))
    return [row["photo"].decode() for row in rows]


def test_a_random_order_is_a_sample_of_all_folders_and_the_same_each_time(house) -> None:
    house.pending(*NAMES)
    order = order_of(house, 7)
    assert sorted(order) == sorted(NAMES)
    assert {name[0] for name in order[:9]} == {"a", "b", "c"}
    house.reopen()
    assert claimed(house, RandomOrder(7), 4) + claimed(house, RandomOrder(7)) == order


def test_another_seed_begins_elsewhere(house) -> None:
    house.pending(*NAMES)
    firsts = {order_of(house, seed)[0] for seed in range(20)}
    assert len(firsts) > 5


def test_a_photo_that_comes_later_has_its_own_place_and_moves_no_other(house) -> None:
    house.pending(*NAMES)
    before = order_of(house, 7)
    late = house.photo("d/late.jpg")
    house.scan(*(house.photo(name) for name in NAMES), late)
    house.want(*(house.wanted(name) for name in (*NAMES, "d/late.jpg")))
    after = order_of(house, 7)
    assert [name for name in after if name != "d/late.jpg"] == before
    assert len(after) == len(before) + 1


def test_a_photo_of_two_styles_has_both_in_a_row(house) -> None:
    house.scan(*(house.photo(name) for name in NAMES))
    house.want(*(house.wanted(name, style) for name in NAMES for style in ("night", "wave")))
    order = order_of(house, 1)
    assert order[::2] == order[1::2]


@pytest.mark.parametrize(
    ("order", "index"),
    [("newest", "pending_by_age"), ("name", "pending_by_name"), (RandomOrder(3), "pending_at_random")],
)
def test_the_next_job_is_found_without_looking_at_all(house, order: ClaimOrder, index: str) -> None:
    house.pending(*NAMES)
    asked: list[str] = []
    house.ledger._store.connection.set_trace_callback(asked.append)
    house.ledger.queue.rows("jobs.id", order, 1)
    house.ledger._store.connection.set_trace_callback(None)
    for query in asked:
        plan = house.ledger._store.connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        steps = [row[3] for row in plan]
        assert index in steps[0]
        assert not any(step == "USE TEMP B-TREE FOR ORDER BY" for step in steps), steps


# --- Some photos only ---------------------------------------------------------------------------------------


def in_b(photo: str) -> bool:
    return photo.startswith("b/")


def test_only_jobs_of_selected_photos_are_claimed_in_the_order_asked_for(house) -> None:
    house.pending(*NAMES)
    assert house.ledger.queue.select(in_b, "name") == Selection(photos=10, pending=10, done=0)
    assert house.ledger.queue.pending_count() == 10
    assert claimed(house, "name") == [name for name in NAMES if in_b(name)]
    assert house.ledger.queue.pending_count() == 0
    assert house.states() == {"pending": 20, "leased": 10}
    assert claimed(house, "name") == []


def test_done_jobs_of_selected_photos_are_counted(house) -> None:
    house.done("b/1.jpg", "c/1.jpg")
    house.scan(*(house.photo(name) for name in ("b/1.jpg", "b/2.jpg", "c/1.jpg")))
    house.want(*(house.wanted(name) for name in ("b/1.jpg", "b/2.jpg", "c/1.jpg")))
    assert house.ledger.queue.select(in_b, "name") == Selection(photos=2, pending=1, done=1)


def test_a_selected_job_that_returns_can_be_claimed_again(house) -> None:
    house.pending(*NAMES)
    house.ledger.queue.select(in_b, "name")
    first, second = house.ledger.leases.claim(2, "name")
    house.ledger.leases.release(first.token)
    house.finish(second)
    assert claimed(house, "name", 2) == ["b/0.jpg", "b/2.jpg"]
    assert house.ledger.queue.pending_count() == 7


def test_another_selection_takes_the_place_of_the_first(house) -> None:
    house.pending(*NAMES)
    house.ledger.queue.select(in_b, "name")
    house.ledger.queue.select(lambda photo: photo == "c/3.jpg", "name")
    assert claimed(house, "name") == ["c/3.jpg"]


def test_a_selection_outlives_an_error_of_the_disk(house) -> None:
    house.pending(*NAMES)
    house.ledger.queue.select(in_b, "name")
    house.finish(house.claim())
    house.ledger._store.needs_reopen = True  # as after an error: what belongs to the connection is gone
    assert claimed(house, "name", 1) == ["b/1.jpg"]
    house.ledger._store.needs_reopen = True
    assert house.ledger.queue.pending_count() == 8


def test_nothing_selected_is_nothing_to_claim(house) -> None:
    house.pending("a.jpg")
    assert house.ledger.queue.select(lambda _: False, "newest") == Selection(photos=0, pending=0, done=0)
    assert claimed(house, "newest") == []


def want_recipes(house, *jobs: tuple[str, str]) -> None:
    house.scan(*(photo(f"{name}.jpg", age=age) for age, (name, _) in enumerate(jobs)))
    house.want(*(WantedJob(Job(f"{name}.jpg", "night", recipe), "s1", f"{name}--{recipe}") for name, recipe in jobs))


def test_the_backlog_is_what_waits_and_what_is_in_progress(house, another_house) -> None:
    queue = house.ledger.queue
    assert (queue.backlog_size(), queue.backlog_by_recipe()) == (0, ({}, {}))
    another_house.pending("other.jpg")
    want_recipes(house, ("a", "fine"), ("b", "default"), ("c", "default"), ("d", "default"))
    house.claim()
    house.finish(house.claim())
    assert queue.backlog_size() == 3
    assert queue.backlog_by_recipe() == ({"default": 2}, {"fine": 1})


def test_what_failed_is_no_part_of_the_backlog_until_it_is_due(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "nan", costs_attempt=True, max_attempts=3, delay_seconds=60)
    assert house.ledger.queue.backlog_size() == 0
    house.ledger.jobs.requeue_failed()
    assert house.ledger.queue.backlog_size() == 1


@pytest.mark.parametrize(("order", "recipes"), [("newest", {"fine": 1, "default": 1}), ("name", {"default": 2})])
def test_what_would_be_claimed_next_is_counted_without_claiming_it(
    house, order: str, recipes: dict[str, int]
) -> None:
    ages = {"a.jpg": 30.0, "b.jpg": 20.0, "c.jpg": 10.0}
    house.scan(*(house.photo(path, age=age) for path, age in ages.items()))
    house.want(
        *(WantedJob(Job(path, "night", "fine" if path == "c.jpg" else "default"), "s1", path) for path in ages)
    )
    assert house.ledger.queue.next_by_recipe(2, order) == recipes
    assert house.states() == {"pending": 3}


def test_the_backlog_of_a_selection_is_that_of_its_photos(house) -> None:
    want_recipes(house, ("a", "fine"), ("b", "default"), ("c", "default"), ("d", "default"))
    queue = house.ledger.queue
    queue.select(lambda path: path != "d.jpg", "newest")
    assert (queue.backlog_size(), queue.backlog_by_recipe()) == (3, ({"fine": 1, "default": 2}, {}))
    house.claim()
    assert (queue.backlog_size(), queue.backlog_by_recipe()) == (3, ({"default": 2}, {"fine": 1}))
    assert queue.next_by_recipe(1, "newest") == {"default": 1}
