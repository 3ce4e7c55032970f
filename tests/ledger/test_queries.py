"""What the ledger tells."""

from __future__ import annotations

from pipeline.hashing import job_key
from pipeline.ledger import Backlog, Timing
from pipeline.model import JobState, Standing
from tests.ledger.conftest import photo, wanted


def test_counts_name_every_state(house) -> None:
    assert house.ledger.queries.counts() == dict.fromkeys(JobState, 0)
    house.pending("a.jpg")
    assert house.ledger.queries.counts()[JobState.PENDING] == 1


def test_how_it_stands_is_counted_for_all_photos_or_for_some(house) -> None:
    house.done("a.jpg", "b.jpg")
    assert house.ledger.queries.standing() == Standing(done=2)
    assert house.ledger.queries.standing({b"b.jpg", b"new.jpg"}) == Standing(photos=2, done=1)


def test_pictures_of_one_key_are_found_in_all_sources(house, another_house) -> None:
    house.done("a.jpg")
    another_house.done("a.jpg")
    assert [picture.output for picture in house.ledger.queries.published_with_key("k1")] == [
        "a--night.jpg",
        "a--night-2.jpg",
    ]
    assert house.ledger.queries.published_with_key("k2") == []


def test_a_published_picture_is_found_while_its_photo_is_looked_at_again(house) -> None:
    house.done("a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    assert [picture.sha256 for picture in house.ledger.queries.published_with_key("k1")] == ["p1"]


def time_pictures(house, *seconds: float, engine: str = "1") -> None:
    for claim, taken in zip(house.ledger.leases.claim(len(seconds), "name"), seconds, strict=True):
        house.ledger.leases.complete(
            claim.token,
            key="k",
            output=claim.output,
            picture_sha256="p",
            engine_version=engine,
            seconds=taken,
            pixel_evaluations=1000.0,
        )


def test_nothing_is_known_of_pictures_that_were_not_timed(house) -> None:
    house.done("a.jpg")
    assert house.ledger.queries.timings("1") == {}


def test_timed_pictures_are_summed_up_by_their_settings(house) -> None:
    house.want(*(wanted(path, settings=settings) for path, settings in (("a", "s1"), ("b", "s1"), ("c", "s2"))))
    house.scan(*(photo(path) for path in "abc"))
    house.want(*(wanted(path, settings=settings) for path, settings in (("a", "s1"), ("b", "s1"), ("c", "s2"))))
    time_pictures(house, 1.0, 3.0, 7.0)
    assert house.ledger.queries.timings("1") == {"s1": Timing(2, 4.0, 2000.0), "s2": Timing(1, 7.0, 1000.0)}


def test_pictures_of_another_engine_tell_nothing_about_this_one(house) -> None:
    house.pending("a.jpg")
    time_pictures(house, 1.0, engine="0")
    assert house.ledger.queries.timings("1") == {}


def test_finished_jobs_come_in_the_order_of_jobs(house) -> None:
    house.done("c.jpg", "a.jpg", "b.jpg")
    assert [finished.job.photo for finished in house.ledger.queries.finished()] == ["a.jpg", "b.jpg", "c.jpg"]


def test_pictures_count_from_the_moment_they_were_published(house, another_house) -> None:
    house.done("a.jpg", "b.jpg")
    another_house.done("c.jpg")
    then = house.clock.now
    house.clock.now += 100
    house.done("d.jpg")
    assert [house.ledger.queries.made_since(moment) for moment in (0, then, then + 1, then + 101)] == [3, 3, 1, 0]


def test_a_style_that_comes_back_makes_no_picture_newer(house) -> None:
    house.done("a.jpg")
    house.clock.now += 100
    house.want()
    assert house.states() == {"withdrawn": 1}
    house.want(wanted("a.jpg"))
    assert house.states() == {"done": 1}
    assert house.ledger.queries.made_since(house.clock.now) == 0


def test_open_keys_are_those_of_all_jobs_to_be_done_with_known_photos(house, another_house) -> None:
    house.pending("a.jpg")
    assert house.ledger.queries.open_keys() == set()
    house.ledger.photos.note_sha256("a.jpg", "s1")
    (settings,) = {claim.settings_sha256 for claim in house.ledger.leases.claim(9, "name")}
    assert house.ledger.queries.open_keys() == another_house.ledger.queries.open_keys() == {job_key("s1", settings)}


def test_what_waits_is_counted_by_its_settings(house) -> None:
    assert house.ledger.queries.backlog() == []
    jobs = [
        wanted(path, settings=settings) for path, settings in (("a", "s1"), ("b", "s1"), ("c", "s2"), ("d", "s2"))
    ]
    house.want(*jobs)
    house.scan(*(photo(path) for path in "abcd"))
    house.want(*jobs)
    time_pictures(house, 1.0)
    house.ledger.leases.claim(1, "name")
    assert house.ledger.queries.backlog() == [Backlog("default", "s1", 1), Backlog("default", "s2", 2)]


def test_the_photos_with_pending_pictures_of_a_recipe(house) -> None:
    house.done("c.jpg")
    house.pending("a.jpg", "b.jpg")
    assert sorted(house.ledger.queries.pending_photos("default")) == ["a.jpg", "b.jpg"]
    assert list(house.ledger.queries.pending_photos("large")) == []


def test_photos_of_which_no_picture_is_wanted_are_found(house) -> None:
    paths = ("a", "b", "c", "d", "e")
    house.scan(*(photo(path) for path in paths))
    house.want(wanted("a"))
    house.ledger.photos.record((), (), [(photo("d"), "no image")], ["d", "e"])
    assert house.ledger.queries.without_wanted_jobs() == ["b", "c"]
    assert house.ledger.queries.with_wanted_jobs(["a", "b", "nothing"]) == {"a"}
    house.want()
    assert house.ledger.queries.without_wanted_jobs() == ["a", "b", "c"], "of a withdrawn one no longer, either"


def test_a_change_by_anybody_is_seen(house, another_house) -> None:
    before = house.ledger.queries.changes()
    assert house.ledger.queries.changes() == before
    another_house.pending("other.jpg")
    by_others = house.ledger.queries.changes()
    house.pending("a.jpg")
    assert len({before, by_others, house.ledger.queries.changes()}) == 3
