"""One config after another in a daemon at work. Real files, watcher and ledger, the fake engine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pipeline.engine.events import Event, Request
from pipeline.hashing import job_key, sha256_of_file
from pipeline.model import JobFailed, JobFinished, JobStarted, JobState
from pipeline.runner.preparation import prepare
from tests.daemon.station import Gate, Station
from tests.fakes import LookingEngine, write_painting
from tests.workshop import InProcessExecutor

NIGHT = "  - {name: night, painting: night.jpg}\n"
DAY = "  - {name: day, painting: day.jpg}\n"


@pytest.fixture
def station(station: Station) -> Station:
    write_painting(station.workshop.folder / "day.jpg", (200, 220, 250))
    return station


def test_a_new_style_makes_its_pictures_of_what_is_there_and_of_what_comes(station: Station) -> None:
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
        station.rewrite(NIGHT, NIGHT + DAY)
        station.wait_for_pictures("a--day.jpg", "a--night.jpg")
        station.workshop.photo("b.png", shade=3)
        station.wait_for_pictures("a--day.jpg", "a--night.jpg", "b--day.jpg", "b--night.jpg")
    assert [notice.text for notice in station.notices("reloaded")] == ["config reloaded: styles changed"]
    assert len(station.finished()) == 4, "nothing was made twice"
    assert [notice.kind for notice in station.notices("stopped")] == ["stopped"]


def test_what_is_in_work_is_finished_under_the_old_config_and_the_rest_withdrawn(station: Station) -> None:
    gate = Gate()
    for number in range(4):
        station.workshop.photo(f"{number}.png", shade=number)
    with station.working(executor=gate.executor):
        gate.reached.wait()
        station.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 3, "all to be taken in")
        station.rewrite(NIGHT, DAY)
        station.on_event = lambda event: time.sleep(0.2 * isinstance(event, JobStarted))
        gate.open.set()
        station.wait_for(lambda: station.notices("reloaded"), "the new config")
        station.wait_for_ledger(
            lambda ledger: ledger.queries.counts()[JobState.DONE] == 4 and not ledger.queries.has_work(),
            "the new pictures",
        )
    finished = station.pictures()
    assert [name for name in finished if name.endswith("--day.jpg")] == [f"{number}--day.jpg" for number in range(4)]
    of_old = [name for name in finished if name.endswith("--night.jpg")]
    assert 1 <= len(of_old) < 4, "nothing more was claimed under the old config"
    with station.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.WITHDRAWN] == 4
        assert ledger.leases.all() == []
    assert station.show_their_photos()


def test_a_bad_config_changes_nothing_and_a_good_one_after_it_does(station: Station) -> None:
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
        station.rewrite("size: 48", "sise: 48")
        station.wait_for(lambda: station.notices("refused"), "the refusal")
        station.workshop.photo("b.png", shade=3)
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
        station.rewrite("sise: 48", "size: 32")
        station.wait_for(lambda: len(station.finished()) == 4, "all pictures at the new size")
        station.wait_for(station.is_idle, "the end of the run")
    assert len(station.notices("refused")) == 1
    assert len(station.notices("reloaded")) == 1


def test_a_rule_that_is_gone_withdraws_what_waits_for_it(station: Station) -> None:
    gate = Gate()
    station.workshop.text += 'pairing: {rules: [{match: "x/**", styles: [night]}, {match: "**", styles: []}]}\n'
    station.workshop.photo("x/1.png")
    station.workshop.photo("x/2.png", shade=2)
    with station.working(executor=gate.executor):
        gate.reached.wait()
        station.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 1, "both to be taken in")
        station.rewrite("styles: [night]}, ", "styles: []}, ")
        gate.open.set()
        station.wait_for(lambda: station.notices("reloaded"), "the new config")
        station.wait_for_ledger(
            lambda ledger: ledger.queries.counts()[JobState.WITHDRAWN] == 2, "the rule's jobs to go"
        )
    assert len(station.pictures()) <= 2
    with station.workshop.ledger() as ledger:
        assert not ledger.queries.has_work()


def test_a_config_mended_during_a_pause_is_tried_at_once(station: Station) -> None:
    station.workshop.text = station.workshop.text.replace("min_free_disk: 0", "min_free_disk: 1000 TB")
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for(lambda: station.notices("paused"), "the warning")
        station.rewrite("min_free_disk: 1000 TB", "min_free_disk: 0")
        station.wait_for_pictures("a--night.jpg")
        station.wait_for(lambda: station.notices("resumed"), "the end of the pause")
    assert len(station.notices("paused")) == 1


def test_a_painting_replaced_while_a_picture_waits_is_taken_over_and_nothing_is_made_of_the_wrong_one(
    station: Station,
) -> None:
    painting = station.workshop.folder / "night.jpg"

    class ReplacedEngine(LookingEngine):
        def _paint(self, request: Request) -> Iterator[Event]:
            if not station.runs():
                write_painting(painting, (10, 10, 200))
            yield from super()._paint(request)

    station.workshop.photo("a.png")
    with station.working(executor=lambda: InProcessExecutor(ReplacedEngine)):
        station.wait_for_pictures("a--night.jpg")
    assert station.notices("paused", "refused") == []
    assert "config reloaded: the paintings changed" in [notice.text for notice in station.notices("reloaded")]
    assert "night.jpg" in station.runs()[0].reason
    assert station.told(JobFailed) == []
    (made,) = station.told(JobFinished)
    with station.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 1
    settings = prepare(station.workshop.config()).settings["night", "default"]
    assert made.key == job_key(sha256_of_file(station.folder / "a.png"), settings)


def test_a_painting_that_stays_half_written_is_a_pause_told_once(station: Station) -> None:
    painting = station.workshop.folder / "night.jpg"
    whole = painting.read_bytes()

    class HalfWrittenEngine(LookingEngine):
        def _paint(self, request: Request) -> Iterator[Event]:
            if not station.notices("refused"):
                painting.write_bytes(whole[: len(whole) // 2])
            yield from super()._paint(request)

    station.workshop.photo("a.png")
    with station.working(executor=lambda: InProcessExecutor(HalfWrittenEngine)):
        station.wait_for(lambda: len(station.runs()) >= 2 and station.notices("paused"), "the pause")
        painting.write_bytes(whole)
        station.wait_for_pictures("a--night.jpg")
        station.wait_for(lambda: station.notices("resumed"), "the end of the pause")
    assert len(station.notices("refused")) == len(station.notices("paused")) == 1
    assert station.told(JobFailed) == []


def test_a_photo_that_a_limit_refused_is_made_when_the_limit_is_another_one(station: Station) -> None:
    station.workshop.text = station.workshop.text.replace("folder: in, ", "folder: in, max_megapixels: 0.001, ")
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for(lambda: station.told(JobFailed), "the refusal")
        station.rewrite("max_megapixels: 0.001", "max_megapixels: 0.002")
        station.wait_for_pictures("a--night.jpg")
