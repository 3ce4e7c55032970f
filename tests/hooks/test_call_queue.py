"""The order of calls, how many run at once, and what becomes of too many. Calls are made by the test itself."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

import pytest

from pipeline.hooks.call_queue import CallQueue
from pipeline.hooks.calls import HookCall
from pipeline.model import HookName

TIMEOUT_SECONDS = 60.0


def call(program: str, name: HookName = "after_picture") -> HookCall:
    return HookCall(name, (program,), {})


@dataclass
class Maker:
    """Makes calls, each until it may end; notes what begins and how many run at once."""

    may_end: threading.Event = field(default_factory=threading.Event)
    begun: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    max_at_once: int = 0
    beside: dict[str, set[str]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, call: HookCall) -> None:
        name = call.arguments[0]
        with self.changed:
            self.begun.append(name)
            self.beside[name] = set(self.running)
            self.running.add(name)
            self.max_at_once = max(self.max_at_once, len(self.running))
            self.changed.notify_all()
        assert self.may_end.wait(TIMEOUT_SECONDS)
        with self.changed:
            self.running.discard(name)
        if name == "broken":
            raise ZeroDivisionError

    def wait_until_begun(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, TIMEOUT_SECONDS)


@pytest.fixture
def maker() -> Maker:
    return Maker()


def test_calls_begin_in_their_order_and_no_more_than_allowed_run_at_once(maker: Maker) -> None:
    queue = CallQueue(maker, 3)
    maker.may_end.set()
    names = [str(number) for number in range(50)]
    for name in names:
        queue.put(call(name))
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert sorted(maker.begun, key=int) == names
    assert maker.max_at_once <= 3


def test_one_at_a_time_keeps_the_order(maker: Maker) -> None:
    queue = CallQueue(maker, 1)
    for name in "abc":
        queue.put(call(name))
    assert not queue.is_empty()
    maker.may_end.set()
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.begun == ["a", "b", "c"]
    queue.put(call("d"))
    assert queue.is_empty(TIMEOUT_SECONDS)


def test_two_run_at_once_and_one_after_a_run_waits_for_both(maker: Maker) -> None:
    queue = CallQueue(maker, 2)
    for name in "ab":
        queue.put(call(name))
    queue.put(call("run", "after_run"))
    queue.put(call("c"))
    maker.wait_until_begun(2)
    maker.may_end.set()
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.beside["run"] == set()
    assert maker.begun.index("run") == 2
    assert maker.max_at_once == 2


def test_a_call_that_breaks_ends_no_other(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    maker.may_end.set()
    queue = CallQueue(maker, 1)
    queue.put(call("broken"))
    queue.put(call("a"))
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.begun == ["broken", "a"]
    assert "hook after_picture: broken" in caplog.text


def test_too_many_are_left_out_and_told_but_not_those_after_a_run(
    maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    queue = CallQueue(maker, 1, max_waiting=2, put_timeout_seconds=0.0)
    queue.put(call("begun"))
    maker.wait_until_begun(1)
    for name in ("a", "b", "lost", "lost"):
        queue.put(call(name))
    queue.put(call("run", "after_run"))
    maker.may_end.set()
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.begun == ["begun", "a", "b", "run"]
    assert caplog.text.count("hooks can't keep up: 2 calls wait") == 1
    assert "hooks: 2 calls were left out" in caplog.text


def test_of_too_many_after_a_run_the_latest_stay_which_is_told_once(
    maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    queue = CallQueue(maker, 1, max_runs_waiting=2)
    queue.put(call("begun"))
    maker.wait_until_begun(1)
    queue.put(call("a"))
    for name in ("lost", "lost", "run 3", "run 4"):
        queue.put(call(name, "after_run"))
    maker.may_end.set()
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.begun == ["begun", "a", "run 3", "run 4"]
    assert caplog.text.count("hooks can't keep up: 2 calls of after_run wait") == 1


def test_that_they_are_too_many_again_is_told_again(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    queue = CallQueue(maker, 1, max_runs_waiting=1)
    for begun in (1, 3):
        maker.may_end.clear()
        queue.put(call("begun"))
        maker.wait_until_begun(begun)
        for _ in range(3):
            queue.put(call("run", "after_run"))
        maker.may_end.set()
        assert queue.is_empty(TIMEOUT_SECONDS)
    assert caplog.text.count("calls of after_run wait") == 2


def test_who_brings_too_many_waits_for_room(maker: Maker) -> None:
    queue = CallQueue(maker, 1, max_waiting=1, put_timeout_seconds=TIMEOUT_SECONDS)
    threading.Timer(0.2, maker.may_end.set).start()
    for name in "abcdef":
        queue.put(call(name))
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.begun == list("abcdef")


def test_shortened_only_the_last_after_a_run_stays(maker: Maker) -> None:
    queue = CallQueue(maker, 1)
    queue.put(call("begun"))
    maker.wait_until_begun(1)
    queue.put(call("a"))
    queue.put(call("an earlier run", "after_run"))
    queue.put(call("run", "after_run"))
    queue.put(call("b", "on_failure"))
    assert queue.drop_waiting() == 3
    assert queue.drop_waiting() == 0
    maker.may_end.set()
    assert queue.is_empty(TIMEOUT_SECONDS)
    assert maker.begun == ["begun", "run"]
