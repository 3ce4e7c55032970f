"""One config after another in a daemon at work. Real files, watcher and ledger, the fake engine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pipeline.engine.events import Event, Request
from pipeline.hashing import job_key, sha256_of_file
from pipeline.model import JobFailed, JobFinished, JobStarted, JobState, Remark, RunStarted
from pipeline.runner.preparation import resolve_config
from tests.daemon.harness import DaemonHarness, Gate
from tests.fakes import LookingEngine, write_painting
from tests.workshop import InProcessExecutor

NIGHT = "  - {name: night, painting: night.jpg}\n"
DAY = "  - {name: day, painting: day.jpg}\n"


@pytest.fixture
def harness(harness: DaemonHarness) -> DaemonHarness:
    write_painting(harness.workshop.folder / "day.jpg", (200, 220, 250))
    return harness


def test_a_new_style_makes_its_pictures_of_what_is_there_and_of_what_comes(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
        harness.rewrite(NIGHT, NIGHT + DAY)
        harness.wait_for_pictures("a--day.jpg", "a--night.jpg")
        harness.workshop.photo("b.png", shade=3)
        harness.wait_for_pictures("a--day.jpg", "a--night.jpg", "b--day.jpg", "b--night.jpg")
    assert [notice.text for notice in harness.notices("reloaded")] == [
        "config reloaded: styles changed",
        "1 new picture; no finished picture is made again",
    ]
    assert len(harness.finished()) == 4, "nothing was made twice"
    assert [notice.kind for notice in harness.notices("stopped")] == ["stopped"]


def test_what_is_in_work_is_finished_under_the_old_config_and_the_rest_withdrawn(harness: DaemonHarness) -> None:
    gate = Gate()
    for number in range(4):
        harness.workshop.photo(f"{number}.png", shade=number)
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        harness.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 3, "all to be taken in")
        harness.rewrite(NIGHT, DAY)
        harness.on_event = lambda event: time.sleep(0.2 * isinstance(event, JobStarted))
        gate.open.set()
        harness.wait_for(lambda: harness.notices("reloaded"), "the new config")
        harness.wait_for_ledger(
            lambda ledger: ledger.queries.counts()[JobState.DONE] == 4 and not ledger.queries.has_work(),
            "the new pictures",
        )
    finished = harness.pictures()
    assert [name for name in finished if name.endswith("--day.jpg")] == [f"{number}--day.jpg" for number in range(4)]
    of_old = [name for name in finished if name.endswith("--night.jpg")]
    assert 1 <= len(of_old) < 4, "nothing more was claimed under the old config"
    with harness.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.WITHDRAWN] == 4
        assert ledger.leases.all() == []
    assert harness.show_their_photos()


def test_a_bad_config_changes_nothing_and_a_good_one_after_it_does(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
        harness.rewrite("size: 48", "sise: 48")
        harness.wait_for(lambda: harness.notices("refused"), "the refusal")
        harness.workshop.photo("b.png", shade=3)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
        harness.rewrite("sise: 48", "size: 32")
        harness.wait_for(lambda: len(harness.finished()) == 4, "all pictures at the new size")
        harness.wait_for(harness.is_idle, "the end of the run")
    assert len(harness.notices("refused")) == 1
    assert [notice.text for notice in harness.notices("reloaded")] == [
        "config reloaded: recipes changed",
        "2 pictures to be made again: recipe default changed (2)",
    ]
    (started,) = (event for event in harness.events_of(RunStarted) if event.again)
    assert started.reasons == {"recipe default changed": 2}
    told = harness.notices("reloaded")[-1]
    assert harness.events.index(told) < harness.events.index(started), "before it costs anything"


def test_finished_pictures_are_kept_if_the_config_says_so(harness: DaemonHarness) -> None:
    harness.workshop.text = harness.workshop.text.replace("out,", "out, on_change: keep,")
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
        before = sha256_of_file(harness.workshop.out / "a--night.jpg")
        harness.rewrite("size: 48", "size: 32")
        harness.wait_for(lambda: len(harness.notices("reloaded")) > 1, "what the new config costs")
        harness.workshop.photo("b.png", shade=3)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert harness.notices("reloaded")[1].text == (
        "no finished picture is made again; 1 picture is kept as it was made, under earlier settings "
        "('run --redo changed' makes it again)"
    )
    assert sha256_of_file(harness.workshop.out / "a--night.jpg") == before
    assert len(harness.finished()) == 2


def test_a_rule_that_is_gone_withdraws_what_waits_for_it(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.text += 'pairing: {rules: [{match: "x/**", styles: [night]}, {match: "**", styles: []}]}\n'
    harness.workshop.photo("x/1.png")
    harness.workshop.photo("x/2.png", shade=2)
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        harness.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 1, "both to be taken in")
        harness.rewrite("styles: [night]}, ", "styles: []}, ")
        gate.open.set()
        harness.wait_for(lambda: harness.notices("reloaded"), "the new config")
        harness.wait_for_ledger(
            lambda ledger: ledger.queries.counts()[JobState.WITHDRAWN] == 2, "the rule's jobs to go"
        )
    assert len(harness.pictures()) <= 2
    with harness.workshop.ledger() as ledger:
        assert not ledger.queries.has_work()


def test_a_config_mended_during_a_pause_is_tried_at_once(harness: DaemonHarness) -> None:
    harness.workshop.text = harness.workshop.text.replace("min_free_disk: 0", "min_free_disk: 1000 TB")
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        harness.rewrite("min_free_disk: 1000 TB", "min_free_disk: 0")
        harness.wait_for_pictures("a--night.jpg")
        harness.wait_for(lambda: harness.notices("resumed"), "the end of the pause")
    assert len(harness.notices("paused")) == 1


def test_a_painting_replaced_while_a_picture_waits_is_taken_over_and_nothing_is_made_of_the_wrong_one(
    harness: DaemonHarness,
) -> None:
    painting = harness.workshop.folder / "night.jpg"

    class ReplacedEngine(LookingEngine):
        def _paint(self, request: Request) -> Iterator[Event]:
            if not harness.runs():
                write_painting(painting, (10, 10, 200))
            yield from super()._paint(request)

    harness.workshop.photo("a.png")
    with harness.running(executor=lambda: InProcessExecutor(ReplacedEngine)):
        harness.wait_for_pictures("a--night.jpg")
    assert harness.notices("paused", "refused") == []
    assert "config reloaded: the paintings changed" in [notice.text for notice in harness.notices("reloaded")]
    assert "night.jpg" in harness.runs()[0].reason
    assert harness.events_of(JobFailed) == []
    (made,) = harness.events_of(JobFinished)
    with harness.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 1
    settings = resolve_config(harness.workshop.config()).settings_sha256["night", "default"]
    assert made.key == job_key(sha256_of_file(harness.folder / "a.png"), settings)


def test_a_painting_that_stays_half_written_is_a_pause_told_once(harness: DaemonHarness) -> None:
    painting = harness.workshop.folder / "night.jpg"
    whole = painting.read_bytes()

    class HalfWrittenEngine(LookingEngine):
        def _paint(self, request: Request) -> Iterator[Event]:
            if not harness.notices("refused"):
                painting.write_bytes(whole[: len(whole) // 2])
            yield from super()._paint(request)

    harness.workshop.photo("a.png")
    with harness.running(executor=lambda: InProcessExecutor(HalfWrittenEngine)):
        harness.wait_for(lambda: len(harness.runs()) >= 2 and harness.notices("paused"), "the pause")
        painting.write_bytes(whole)
        harness.wait_for_pictures("a--night.jpg")
        harness.wait_for(lambda: harness.notices("resumed"), "the end of the pause")
    assert len(harness.notices("refused")) == len(harness.notices("paused")) == 1
    assert harness.events_of(JobFailed) == []


def test_a_painting_that_is_lost_is_a_pause_and_its_return_ends_it(harness: DaemonHarness) -> None:
    painting, away = harness.workshop.folder / "night.jpg", harness.workshop.folder / "away.jpg"

    class LostEngine(LookingEngine):
        def _paint(self, request: Request) -> Iterator[Event]:
            if not harness.runs():
                painting.rename(away)
            yield from super()._paint(request)

    harness.workshop.photo("a.png")
    with harness.running(executor=lambda: InProcessExecutor(LostEngine)):
        harness.wait_for(lambda: harness.notices("paused"), "the pause")
        away.rename(painting)
        harness.wait_for_pictures("a--night.jpg")
        harness.wait_for(lambda: harness.notices("resumed"), "the end of the pause")
    (pause,) = harness.notices("paused")
    assert "night.jpg can't be read" in pause.text
    assert harness.events_of(JobFailed) == []


def test_a_photo_that_a_limit_refused_is_made_when_the_limit_is_another_one(harness: DaemonHarness) -> None:
    harness.workshop.text = harness.workshop.text.replace("folder: in, ", "folder: in, max_megapixels: 0.001, ")
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for(lambda: harness.events_of(JobFailed), "the refusal")
        harness.rewrite("max_megapixels: 0.001", "max_megapixels: 0.002")
        harness.wait_for_pictures("a--night.jpg")


def test_by_folder_a_new_style_gets_its_folder_and_photos_outside_are_only_counted(harness: DaemonHarness) -> None:
    harness.workshop.text += "pairing: {by: folder}\n"
    harness.workshop.photo("astray.png")
    with harness.running():
        harness.wait_for(lambda: harness.set_aside() and harness.is_idle(), "the photo outside to be named")
        harness.workshop.photo("night/a.png", shade=1)
        harness.wait_for_pictures("night/a--night.jpg")
        harness.rewrite(NIGHT, NIGHT + DAY)
        harness.wait_for((harness.folder / "day").is_dir, "the folder of the new style")
        harness.workshop.photo("day/b.png", shade=2)
        harness.wait_for_pictures("day/b--day.jpg", "night/a--night.jpg")
    assert harness.set_aside() == [("astray.png", "unpaired")]
    folder = harness.folder
    assert [remark.text for remark in harness.events_of(Remark)] == [
        f"made the folder night in {folder}: a photo in a style's folder gets that style",
        f"made the folder day in {folder}: a photo in a style's folder gets that style",
        "as before, 1 photo gets no picture: 'stylewatch status' names it",
    ]
