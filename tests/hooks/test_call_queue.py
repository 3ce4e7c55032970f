"""The order of calls, how many run at once, and what becomes of too many. Calls are made by the test itself."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

import pytest

from pipeline.hooks.call_queue import CallQueue
from pipeline.hooks.calls import Call
from pipeline.model import HookMoment

PATIENCE_SECONDS = 60.0


def call(name: str, moment: HookMoment = "after_picture") -> Call:
    return Call(moment, (name,), {})


@dataclass
class Maker:
    """Makes calls, each until it may end; notes what begins and how many run at once."""

    may_end: threading.Event = field(default_factory=threading.Event)
    begun: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    most_at_once: int = 0
    beside: dict[str, set[str]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, call: Call) -> None:
        name = call.arguments[0]
        with self.changed:
            self.begun.append(name)
            self.beside[name] = set(self.running)
            self.running.add(name)
            self.most_at_once = max(self.most_at_once, len(self.running))
            self.changed.notify_all()
        assert self.may_end.wait(PATIENCE_SECONDS)
        with self.changed:
            self.running.discard(name)
        if name == "broken":
            raise ZeroDivisionError

    def wait_until_begun(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, PATIENCE_SECONDS)


@pytest.fixture
def maker() -> Maker:
    return Maker()


def test_calls_begin_in_their_order_and_no_more_than_allowed_run_at_once(maker: Maker) -> None:
    line = CallQueue(maker, 3)
    maker.may_end.set()
    names = [str(number) for number in range(50)]
    for name in names:
        line.put(call(name))
    assert line.is_empty(PATIENCE_SECONDS)
    assert sorted(maker.begun, key=int) == names
    assert maker.most_at_once <= 3


def test_one_at_a_time_keeps_the_order(maker: Maker) -> None:
    line = CallQueue(maker, 1)
    for name in "abc":
        line.put(call(name))
    assert not line.is_empty()
    maker.may_end.set()
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.begun == ["a", "b", "c"]
    line.put(call("d"))
    assert line.is_empty(PATIENCE_SECONDS)


def test_two_run_at_once_and_one_after_a_run_waits_for_both(maker: Maker) -> None:
    line = CallQueue(maker, 2)
    for name in "ab":
        line.put(call(name))
    line.put(call("run", "after_run"))
    line.put(call("c"))
    maker.wait_until_begun(2)
    maker.may_end.set()
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.beside["run"] == set()
    assert maker.begun.index("run") == 2
    assert maker.most_at_once == 2


def test_a_call_that_breaks_ends_no_other(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    maker.may_end.set()
    line = CallQueue(maker, 1)
    line.put(call("broken"))
    line.put(call("a"))
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.begun == ["broken", "a"]
    assert "hook after_picture: broken" in caplog.text


def test_too_many_are_left_out_and_told_but_not_those_after_a_run(
    maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    line = CallQueue(maker, 1, most_waiting=2, patience_seconds=0.0)
    line.put(call("begun"))
    maker.wait_until_begun(1)
    for name in ("a", "b", "lost", "lost"):
        line.put(call(name))
    line.put(call("run", "after_run"))
    maker.may_end.set()
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.begun == ["begun", "a", "b", "run"]
    assert caplog.text.count("hooks can't keep up: 2 calls wait") == 1
    assert "hooks: 2 calls were left out" in caplog.text


def test_of_too_many_after_a_run_the_latest_stay_which_is_told_once(
    maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    line = CallQueue(maker, 1, most_runs_waiting=2)
    line.put(call("begun"))
    maker.wait_until_begun(1)
    line.put(call("a"))
    for name in ("lost", "lost", "run 3", "run 4"):
        line.put(call(name, "after_run"))
    maker.may_end.set()
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.begun == ["begun", "a", "run 3", "run 4"]
    assert caplog.text.count("hooks can't keep up: 2 calls of after_run wait") == 1


def test_that_they_are_too_many_again_is_told_again(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    line = CallQueue(maker, 1, most_runs_waiting=1)
    for begun in (1, 3):
        maker.may_end.clear()
        line.put(call("begun"))
        maker.wait_until_begun(begun)
        for _ in range(3):
            line.put(call("run", "after_run"))
        maker.may_end.set()
        assert line.is_empty(PATIENCE_SECONDS)
    assert caplog.text.count("calls of after_run wait") == 2


def test_who_brings_too_many_waits_for_room(maker: Maker) -> None:
    line = CallQueue(maker, 1, most_waiting=1, patience_seconds=PATIENCE_SECONDS)
    threading.Timer(0.2, maker.may_end.set).start()
    for name in "abcdef":
        line.put(call(name))
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.begun == list("abcdef")


def test_shortened_only_the_last_after_a_run_stays(maker: Maker) -> None:
    line = CallQueue(maker, 1)
    line.put(call("begun"))
    maker.wait_until_begun(1)
    line.put(call("a"))
    line.put(call("an earlier run", "after_run"))
    line.put(call("run", "after_run"))
    line.put(call("b", "on_failure"))
    assert line.shorten() == 3
    assert line.shorten() == 0
    maker.may_end.set()
    assert line.is_empty(PATIENCE_SECONDS)
    assert maker.begun == ["begun", "run"]
