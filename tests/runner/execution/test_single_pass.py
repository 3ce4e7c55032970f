from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path

import pytest

from pipeline.config.settings import ingest_settings, pass_settings
from pipeline.errors import LockedError
from pipeline.model import (
    BacklogChanged,
    JobFailed,
    JobFinished,
    JobStarted,
    PhotoSetAside,
    Remark,
    RunEvent,
    RunFinished,
    RunStarted,
)
from pipeline.runner.execution.session import Session
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import resolve_config
from tests.fakes import write_photo
from tests.workshop import InProcessExecutor, Workshop, know_the_machine


def test_every_photo_becomes_a_picture_in_a_mirrored_folder(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sub/b.png", shade=1)
    finished = workshop.run()
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]
    assert (finished.finished, finished.failed, finished.left) == (2, 0, 0)


def test_the_events_tell_the_run_from_begin_to_end(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    first, last = workshop.events[0], workshop.events[-1]
    assert isinstance(first, RunStarted)
    assert (first.photos, first.jobs, first.done) == (1, 1, 0)
    assert isinstance(last, RunFinished)
    assert last.cache_hits == 1
    assert (last.slots_used, last.slots_offered) == (3, 4)
    assert last.counts["done"] == 1


def test_photos_that_differ_only_by_case_or_suffix_get_names_of_their_own(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("A.png", shade=1)
    workshop.photo("a.PNG", shade=2)
    workshop.run()
    assert len(workshop.pictures()) == 3
    assert len({name.casefold() for name in workshop.pictures()}) == 3


def test_a_name_that_is_not_utf_8_is_a_name_like_any_other(workshop: Workshop) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    try:
        workshop.photo(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    finished = workshop.run()
    assert finished.finished == 1
    assert workshop.run().left == 0


def test_a_limit_leaves_the_rest_for_the_next_run(workshop: Workshop) -> None:
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)
    first = workshop.run(PassOptions(limit=2))
    assert (first.finished, first.left) == (2, 3)
    assert workshop.run().finished == 3


def test_a_limit_bounds_what_is_told_from_begin_to_end(workshop: Workshop) -> None:
    know_the_machine()
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)
    planned = workshop.plan().forecast
    pictures_seconds = planned.seconds - planned.start_seconds - planned.painting_seconds
    workshop.run(PassOptions(limit=2))
    begun = workshop.events[0]
    assert isinstance(begun, RunStarted)
    assert (begun.jobs, begun.recipes) == (2, {"default": 2})
    assert begun.seconds is not None
    assert begun.seconds - planned.start_seconds == pytest.approx(2 / 5 * pictures_seconds, abs=0.1)
    assert not [event for event in workshop.events if isinstance(event, BacklogChanged)]


def test_a_pass_that_is_continued_tells_the_whole_backlog_and_what_was_made_of_it(workshop: Workshop) -> None:
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)
    session = Session.begin(pass_settings(workshop.config()))
    told = []
    for _ in range(3):
        workshop.run(PassOptions(limit=2, is_continued=True), session=session)
        begun = workshop.events[0]
        assert isinstance(begun, RunStarted)
        told.append((begun.made_before, begun.jobs))
    assert told == [(0, 5), (2, 3), (4, 1)]
    assert session.backlog_done == 0, "there is nothing left"


def test_a_pass_that_is_continued_counts_the_whole_backlog_that_is_made_again(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    workshop.run()
    workshop.text = workshop.text.replace("size: 48", "size: 40")
    workshop.run(PassOptions(limit=2, is_continued=True))
    begun = workshop.events[0]
    assert isinstance(begun, RunStarted)
    assert (begun.jobs, begun.again, begun.reasons) == (3, 3, {"recipe default changed": 3})


def test_a_photo_that_arrives_during_the_pass_is_told_and_so_is_how_long_all_takes(workshop: Workshop) -> None:
    workshop.photo("a.png")

    def drop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted) and event.job.photo == "a.png":
            assert the_pass._backlog is not None
            the_pass._backlog._next_check = 0.0  # as if a second had passed
            workshop.photo("b.png", shade=1)
            config = workshop.config()
            with workshop.ledger() as ledger:
                ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)

    workshop.run(on_event=drop)
    assert [event for event in workshop.events if isinstance(event, BacklogChanged)] == [
        BacklogChanged(2, {"default": 2})
    ]
    assert len(workshop.finished()) == 2


def test_a_run_begins_with_the_estimate_of_the_plan(workshop: Workshop) -> None:
    know_the_machine()
    for number in range(4):
        workshop.photo(f"{number}.png", shade=number)
    planned = workshop.plan().forecast
    workshop.run()
    begun = workshop.events[0]
    assert isinstance(begun, RunStarted)
    assert begun.seconds is not None
    assert begun.seconds == pytest.approx(planned.seconds - planned.painting_seconds, rel=0.05)


def test_a_stop_publishes_what_is_done_and_puts_the_rest_back(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.stop()

    finished = workshop.run(on_event=stop)
    assert finished.interrupted
    assert (finished.finished, finished.left) == (1, 2)
    assert workshop.run().finished == 2


def test_a_planned_stop_is_no_interruption(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.stop("the window ended at 06:00")

    finished = workshop.run(on_event=stop)
    assert (finished.interrupted, finished.planned_end) == (False, True)
    assert finished.reason == "the window ended at 06:00"
    assert (finished.finished, finished.left) == (1, 2)


@pytest.mark.parametrize("reasons", [("as planned", ""), ("", "as planned")])
def test_a_signal_beside_a_planned_stop_interrupts(workshop: Workshop, reasons: tuple[str, str]) -> None:
    for number in range(2):
        workshop.photo(f"{number}.png", shade=number)

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            for reason in reasons:
                the_pass.stop(reason)

    finished = workshop.run(on_event=stop)
    assert (finished.interrupted, finished.planned_end) == (True, False)
    assert finished.reason == "stopped before everything was done"


def test_a_stop_ends_a_long_row_of_copies(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    for number in range(3):
        workshop.photo(f"copy{number}.png")

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobFinished):
            the_pass.stop()

    finished = workshop.run(on_event=stop)
    assert finished.interrupted
    assert (finished.copied, finished.left) == (1, 2)


def test_a_pass_with_nothing_to_compute_starts_no_worker(workshop: Workshop) -> None:
    class Untouchable(InProcessExecutor):
        def run(self, source: object) -> object:  # type: ignore[override]
            raise AssertionError("a worker was started")

    workshop.photo("a.png")
    workshop.run()
    workshop.photo("copy.png")
    assert workshop.run(executor=Untouchable()).copied == 1


def test_a_second_instance_is_refused_with_the_firsts_pid(workshop: Workshop) -> None:
    workshop.photo("a.png")
    refusals = []

    def run_again(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            with pytest.raises(LockedError, match=str(os.getpid())) as caught:
                Workshop(workshop.folder).run()
            refusals.append(caught.value)

    workshop.run(on_event=run_again)
    assert len(refusals) == 1


def test_two_configs_on_one_output_folder_keep_their_jobs_apart(workshop: Workshop, tmp_path: Path) -> None:
    workshop.photo("a.png")
    workshop.run()
    other = Workshop(tmp_path, workshop.text.replace("folder: in", "folder: in2"))
    write_photo(tmp_path / "in2" / "a.png", shade=3)
    other.run()
    assert workshop.pictures() == ["a--night-2.jpg", "a--night.jpg"]
    assert workshop.run().finished == 0
    assert other.run().finished == 0


def test_a_job_that_was_put_back_does_not_use_up_the_limit(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, order: name")
    workshop.photo("a-deadly.png")
    workshop.photo("fine.png", shade=1)
    finished = workshop.run(PassOptions(limit=1))
    assert (finished.finished, finished.failed) == (1, 1)


def test_a_drained_pass_finishes_what_is_in_work_and_claims_nothing_more(workshop: Workshop) -> None:
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)

    def drain_at_the_first(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            the_pass.drain()

    finished = workshop.run(on_event=drain_at_the_first)
    assert (finished.finished, finished.left, finished.interrupted) == (1, 4, False)
    assert workshop.run().finished == 4


def test_a_stop_ends_the_wait_for_young_photos_and_judges_none_of_them(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 1000000000")
    workshop.photo("a.png")
    config = workshop.config()
    with workshop.ledger() as ledger:
        resolved = resolve_config(config)
        the_pass = SinglePass(pass_settings(config), resolved, ledger, InProcessExecutor(), workshop.events.append)
        stopper = threading.Timer(0.3, the_pass.stop)
        stopper.start()
        finished = the_pass.run(partial(ingest, ingest_settings(config), resolved, ledger))
        stopper.join()
        assert (finished.interrupted, finished.left, ledger.queries.photo_count()) == (True, 0, 0)
    assert [type(event) for event in workshop.events] == [RunStarted, RunFinished]


def test_a_photo_without_a_style_is_named_by_one_run_and_counted_by_the_next(workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    workshop.photo("a.png")
    (workshop.folder / "in" / "letter.jpg").write_text("I am a letter, not a photo.")
    finished = workshop.run()
    aside = [(event.path, event.kind) for event in workshop.events if isinstance(event, PhotoSetAside)]
    assert sorted(aside) == [("a.png", "unpaired"), ("letter.jpg", "quarantined")]
    assert (finished.photos_set_aside, finished.failed) == (1, 0), "of an unpaired photo nothing has failed"
    again = workshop.run()
    assert [type(event) for event in workshop.events] == [RunStarted, Remark, RunFinished]
    said = "as before, 1 photo is set aside, 1 photo gets no picture: 'stylewatch status' names them"
    assert Remark("", said) in workshop.events
    assert again.failed == 0


def test_each_photo_decides_the_size_of_its_picture(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: original, max_size: 200")
    write_photo(workshop.folder / "in" / "small.png", size=(64, 32))
    write_photo(workshop.folder / "in" / "large.png", size=(300, 600), shade=1)
    workshop.run()
    made = {event.job.photo: event.artwork for event in workshop.finished()}
    assert {photo: (art.width, art.height) for photo, art in made.items() if art} == {
        "small.png": (64, 32),
        "large.png": (100, 200),
    }
    assert workshop.run().finished == 0, "the keys are those of the rule"
    workshop.text = workshop.text.replace("max_size: 200", "max_size: 100")
    assert workshop.run().finished == 2


def test_a_photo_whose_picture_its_format_can_not_hold_is_given_up_alone(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: original").replace("out,", "out, format: webp,")
    write_photo(workshop.folder / "in" / "wide.png", size=(17_000, 1))
    workshop.photo("a.png", shade=1)
    finished = workshop.run()
    assert (finished.finished, finished.failed, finished.photos_set_aside) == (1, 1, 0)
    (failed,) = (event for event in workshop.events if isinstance(event, JobFailed))
    assert (failed.job.photo, failed.state) == ("wide.png", "quarantined")
    assert failed.reason.startswith("a webp file holds at most 16,383 pixels a side")


def test_a_painting_that_is_too_small_is_named_at_the_end_once(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: 192")
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    (note,) = workshop.run().notes
    assert note.startswith("night.jpg has 96 pixels, the picture by recipe 'default' 192")
