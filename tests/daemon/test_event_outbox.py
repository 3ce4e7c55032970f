"""In which order the readers get the events of two threads."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.daemon.event_outbox import EventOutbox
from pipeline.model import PhotoSetAside, Remark, RunEvent, WatchNotice

BAD = PhotoSetAside("bad.jpg", "quarantined", "no image")
HALF = PhotoSetAside("half.jpg", "incomplete", "no end")
NOTICE = WatchNotice("paused", "paused")


@dataclass
class Harness:
    events: list[RunEvent] = field(default_factory=list)
    is_pass_expected: bool = False

    is_pass_running: bool = False

    def __post_init__(self) -> None:
        self.outbox = EventOutbox(self.events.append, lambda: self.is_pass_expected, lambda _: self.is_pass_running)


def test_queued_events_wait_for_their_delivery_and_keep_their_order() -> None:
    harness = Harness()
    for event in (BAD, NOTICE, HALF):
        harness.outbox.put(event)
    harness.outbox.emit(Remark("", "at once"))
    harness.outbox.deliver()
    assert harness.events == [Remark("", "at once"), BAD, NOTICE, HALF]
    assert harness.outbox.emitted_before_pass() == (BAD, HALF), "they belong to the next pass"
    harness.outbox.discard_held()
    assert harness.outbox.emitted_before_pass() == ()


def test_what_a_running_pass_counts_is_not_left_to_the_next_one() -> None:
    harness = Harness(is_pass_running=True)
    harness.outbox.put(BAD)
    harness.outbox.deliver()
    assert (harness.events, harness.outbox.emitted_before_pass()) == ([BAD], ())


def test_photos_set_aside_are_held_back_for_the_next_pass() -> None:
    harness = Harness(is_pass_expected=True)
    for event in (BAD, NOTICE, HALF):
        harness.outbox.put(event)
    harness.outbox.deliver()
    assert harness.events == [NOTICE, HALF], "an incomplete photo is no reason for a pass"
    assert harness.outbox.held() == (BAD,)
    assert harness.outbox.emitted_before_pass() == (HALF,), "the pass counts what it emits"
    harness.outbox.discard_held()
    harness.outbox.release_held()
    assert harness.events == [NOTICE, HALF]


def test_without_a_further_pass_they_are_emitted_in_the_end() -> None:
    harness = Harness(is_pass_expected=True)
    harness.outbox.put(BAD)
    harness.outbox.deliver()
    harness.outbox.release_held()
    assert (harness.events, harness.outbox.held()) == ([BAD], ())
