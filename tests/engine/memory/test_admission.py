"""What fits is in progress, one always is, and one that runs out of memory gets more of it each time."""

from __future__ import annotations

from pipeline.engine.memory.admission import MemoryAdmission, MemoryNeed

NEEDS = {
    "small": MemoryNeed(2, 1),
    "middle": MemoryNeed(5, 4),
    "large": MemoryNeed(9, 6),
    "huge": MemoryNeed(20, 8),
    "monster": MemoryNeed(99, 80),
}
NONE = MemoryNeed(0, 0)


def admit(admission: MemoryAdmission[str], *waiting: str) -> list[str]:
    return admission.admit(waiting, NEEDS.__getitem__)


def test_as_many_as_fit_are_inside_at_once() -> None:
    admission = MemoryAdmission[str](10)
    assert admit(admission, "middle", "small", "large") == ["middle", "small"]
    admission.release("middle")
    assert admit(admission, "large") == []
    admission.release("small")
    assert admit(admission, "large") == ["large"]


def test_nobody_passes_by_one_that_waits_but_those_inside_go_on() -> None:
    admission = MemoryAdmission[str](10)
    assert admit(admission, "middle") == ["middle"]
    assert admit(admission, "large", "small", "middle") == ["middle"]


def test_one_is_always_inside_whatever_it_needs() -> None:
    admission = MemoryAdmission[str](10)
    assert admit(admission, "monster", "small") == ["monster"]


def test_whoever_is_to_be_alone_is_so_where_there_is_no_limit_either() -> None:
    admission = MemoryAdmission[str]()
    assert admit(admission, "small") == ["small"]
    assert admission.fall_back("small")
    assert admit(admission, "small", "middle") == ["small"]
    admission.release("small")
    assert admit(admission, "middle", "large") == ["middle", "large"]


def test_what_would_not_fit_as_planned_counts_in_blocks() -> None:
    admission = MemoryAdmission[str](9)
    assert admit(admission, "huge", "small") == ["huge"]
    assert admit(MemoryAdmission[str](15), "huge", "small") == ["huge", "small"]
    assert admission.needs_blocks("huge", NEEDS["huge"])
    assert not admission.needs_blocks("large", NEEDS["large"])


def test_one_that_runs_out_of_memory_is_tried_alone_then_in_blocks_then_not_again() -> None:
    admission = MemoryAdmission[str](100)
    assert admit(admission, "small", "middle") == ["small", "middle"]
    assert admission.fall_back("small")
    assert admit(admission, "small", "middle") == ["middle"]
    admission.release("middle")
    assert admit(admission, "small", "large") == ["small"]
    assert admission.is_alone("small")
    assert not admission.needs_blocks("small", NEEDS["small"])
    assert admission.fall_back("small")
    assert admission.needs_blocks("small", NEEDS["small"])
    assert admit(admission, "small", "large") == ["small"]
    assert not admission.fall_back("small")


def test_those_that_ran_out_of_memory_together_are_not_together_again() -> None:
    admission = MemoryAdmission[str](100)
    assert admit(admission, "large", "middle") == ["large", "middle"]
    admission.fall_back("middle")
    admission.release("large")
    admission.release("middle")
    assert admit(admission, "large", "middle") == ["large"]
    assert admit(admission, "large", "small") == ["large", "small"]


def test_without_known_needs_everybody_is_let_in() -> None:
    admission = MemoryAdmission[str](100)
    assert admission.admit("abc", lambda _: NONE) == list("abc")
    assert admission.fall_back("a")
    assert admission.admit("abc", lambda _: NONE) == ["b", "c"]
    assert not admission.needs_blocks("b", NONE)
