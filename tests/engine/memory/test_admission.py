"""Whoever fits is in work, one always is, and whoever runs out of memory gets more room each time."""

from __future__ import annotations

from pipeline.engine.memory.admission import Room
from pipeline.engine.memory.requirements import Need

NEEDS = {"small": Need(2, 1), "middle": Need(5, 4), "large": Need(9, 6), "huge": Need(20, 8), "monster": Need(99, 80)}
NONE = Need(0, 0)


def inside(room: Room[str], *waiting: str) -> list[str]:
    return room.inside(waiting, NEEDS.__getitem__)


def test_as_many_as_fit_are_inside_at_once() -> None:
    room = Room[str](10)
    assert inside(room, "middle", "small", "large") == ["middle", "small"]
    room.leave("middle")
    assert inside(room, "large") == []
    room.leave("small")
    assert inside(room, "large") == ["large"]


def test_nobody_passes_by_one_that_waits_but_those_inside_go_on() -> None:
    room = Room[str](10)
    assert inside(room, "middle") == ["middle"]
    assert inside(room, "large", "small", "middle") == ["middle"]


def test_one_is_always_inside_whatever_it_needs() -> None:
    room = Room[str](10)
    assert inside(room, "monster", "small") == ["monster"]


def test_whoever_is_to_be_alone_is_so_where_there_is_no_limit_either() -> None:
    room = Room[str]()
    assert inside(room, "small") == ["small"]
    assert room.retreat("small")
    assert inside(room, "small", "middle") == ["small"]
    room.leave("small")
    assert inside(room, "middle", "large") == ["middle", "large"]


def test_what_would_not_fit_plainly_counts_frugally() -> None:
    room = Room[str](9)
    assert inside(room, "huge", "small") == ["huge"]
    assert inside(Room[str](15), "huge", "small") == ["huge", "small"]
    assert room.is_frugal("huge", NEEDS["huge"])
    assert not room.is_frugal("large", NEEDS["large"])


def test_whoever_runs_out_of_memory_comes_back_alone_then_frugally_then_not_at_all() -> None:
    room = Room[str](100)
    assert inside(room, "small", "middle") == ["small", "middle"]
    assert room.retreat("small")
    assert inside(room, "small", "middle") == ["middle"]
    room.leave("middle")
    assert inside(room, "small", "large") == ["small"]
    assert room.is_alone("small")
    assert not room.is_frugal("small", NEEDS["small"])
    assert room.retreat("small")
    assert room.is_frugal("small", NEEDS["small"])
    assert inside(room, "small", "large") == ["small"]
    assert not room.retreat("small")


def test_those_that_ran_out_of_memory_together_are_not_together_again() -> None:
    room = Room[str](100)
    assert inside(room, "large", "middle") == ["large", "middle"]
    room.retreat("middle")
    room.leave("large")
    room.leave("middle")
    assert inside(room, "large", "middle") == ["large"]
    assert inside(room, "large", "small") == ["large", "small"]


def test_without_known_needs_everybody_is_let_in() -> None:
    room = Room[str](100)
    assert room.inside("abc", lambda _: NONE) == list("abc")
    assert room.retreat("a")
    assert room.inside("abc", lambda _: NONE) == ["b", "c"]
    assert not room.is_frugal("b", NONE)
