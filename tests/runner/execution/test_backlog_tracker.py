"""What readers are told of the backlog, and how often the ledger is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.ledger import WantedJob
from pipeline.model import BacklogChanged, Job, RunEvent
from pipeline.runner.execution.backlog_tracker import BacklogTracker
from tests.ledger.conftest import House, photo
from tests.report.events import finished
from tests.report.simulated_run import started


class Desk:
    """A pass over one ledger, which a scan thread fills meanwhile; its clock moves when it is told to."""

    def __init__(
        self, folder: Path, limit: int | None = None, recipes: tuple[str, ...] = ("default", "fine")
    ) -> None:
        self.now = 100.0
        self.house = House(folder / "ledger.sqlite3")
        self.scanner = House(folder / "ledger.sqlite3")
        self.told: list[RunEvent] = []
        self.tracker = BacklogTracker(
            self.house.ledger, "name", recipes, self.told.append, lambda: limit, clock=lambda: self.now
        )

    def begin(self) -> None:
        left = self.tracker.count()
        self.tracker.note(started(sum(left.values()), left, None))

    def arrive(self, *names: str, recipe: str = "default") -> None:
        photos, only = [photo(name) for name in names], set(names)
        self.scanner.ledger.photos.record(photos, photos, [], only)
        self.scanner.ledger.jobs.record(
            [WantedJob(Job(name, "night", recipe), "s1", f"{name}--night--{recipe}") for name in names], ".jpg", only
        )

    def check_after(self, seconds: float) -> list[RunEvent]:
        self.now += seconds
        self.told.clear()
        self.tracker.check()
        return list(self.told)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.house.ledger.close()
    desk.scanner.ledger.close()


def test_photos_that_arrive_are_told_by_recipe_and_once(desk: Desk) -> None:
    desk.arrive("a.jpg", "b.jpg")
    desk.begin()
    assert desk.check_after(2) == []
    desk.arrive("c.jpg", "d.jpg", recipe="fine")
    assert desk.check_after(2) == [BacklogChanged(4, {"default": 2, "fine": 2})]
    assert desk.check_after(2) == []


def test_of_a_single_recipe_only_the_number_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, recipes=("default",))
    desk.begin()
    asked: list[str] = []
    desk.arrive("a.jpg", "b.jpg")
    desk.house.ledger._store.connection.set_trace_callback(asked.append)
    assert desk.check_after(2) == [BacklogChanged(2, {"default": 2})]
    assert not [query for query in asked if "GROUP BY" in query]
    desk.house.claim()
    desk.scanner.ledger.jobs.record([], ".jpg")
    assert desk.check_after(2) == [BacklogChanged(1, {"default": 1})]
    desk.house.ledger.close()
    desk.scanner.ledger.close()


def test_what_the_pass_itself_makes_is_no_news(desk: Desk) -> None:
    desk.arrive("a.jpg", "b.jpg")
    desk.begin()
    claim = desk.house.claim()
    assert desk.check_after(2) == []
    desk.house.finish(claim)
    desk.tracker.note(finished(claim.job))
    assert desk.check_after(2) == []
    assert desk.tracker.count() == {"default": 1}


def test_a_photo_that_takes_its_other_pictures_along_is(desk: Desk) -> None:
    desk.scanner.scan(photo("a.jpg"))
    desk.scanner.want(desk.scanner.wanted("a.jpg"), desk.scanner.wanted("a.jpg", "wave"))
    desk.begin()
    desk.house.ledger.leases.quarantine_photo(desk.house.claim().token, "no image")
    assert desk.check_after(2) == [BacklogChanged(0, {})]


def test_the_ledger_is_asked_once_a_second_at_most_and_only_if_it_changed(desk: Desk) -> None:
    desk.begin()
    asked: list[str] = []
    desk.house.ledger._store.connection.set_trace_callback(asked.append)
    desk.arrive("a.jpg")
    assert desk.check_after(0.0) == [BacklogChanged(1, {"default": 1})]
    counted = len(asked)
    desk.arrive("b.jpg")
    assert desk.check_after(0.5) == []
    assert len(asked) == counted
    assert desk.check_after(0.6) == [BacklogChanged(2, {"default": 2})]
    counted = len(asked)
    assert desk.check_after(5.0) == []
    assert [query for query in asked[counted:] if "data_version" not in query] == []


def test_a_slow_answer_makes_it_ask_more_rarely(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.begin()
    answer_seconds = 0.3

    def limit() -> None:
        desk.now += answer_seconds

    desk.tracker._limit = limit
    desk.arrive("a.jpg")
    assert len(desk.check_after(0.0)) == 1
    desk.arrive("b.jpg")
    assert desk.check_after(10) == []
    assert len(desk.check_after(30)) == 1
    desk.house.ledger.close()
    desk.scanner.ledger.close()


def test_a_limit_is_of_what_is_claimed_first(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limit=3)
    desk.arrive("a.jpg", "b.jpg")
    desk.arrive("c.jpg", "d.jpg", recipe="fine")
    desk.begin()
    assert desk.tracker.count() == {"default": 2, "fine": 1}
    desk.house.claim()
    assert desk.tracker.count() == {"default": 2, "fine": 1}
    desk.arrive("e.jpg")
    assert desk.check_after(2) == []
    desk.house.ledger.close()
    desk.scanner.ledger.close()


def test_a_ledger_that_can_not_be_read_is_told_by_those_who_need_it(desk: Desk) -> None:
    desk.begin()

    def limit() -> None:
        raise StorageError("the ledger is gone")

    desk.tracker._limit = limit
    desk.arrive("a.jpg")
    assert desk.check_after(2) == []
