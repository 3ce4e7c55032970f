"""That a soak can be made at all, and what it would find. The long one is made by hand: ``python -m tests.soak``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.__main__ import soak, table_of
from tests.soak.gauges import Sample, growth, leaks
from tests.soak.photos import photo_bytes, shown_in

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.mark.slow
def test_a_soak_of_seconds_finds_nothing_wrong(tmp_path: Path) -> None:
    made = soak(tmp_path, 10.0, 1, "fake")
    assert made.faults == []
    assert made.rounds > 0
    assert made.owner.photos
    assert table_of(made).row_count > 10


def samples(**growing: float) -> list[Sample]:
    flat = {"daemon_bytes": 80e6, "worker_bytes": 50e6, "handles": 20, "threads": 4}
    return [
        Sample(seconds=number, **{kind: int(value + number * growing.get(kind, 0)) for kind, value in flat.items()})
        for number in range(100)
    ]


def test_what_is_flat_is_no_leak() -> None:
    assert leaks(samples()) == []
    assert leaks([]) == []
    assert growth(samples(), "handles") == (20, 20)


@pytest.mark.parametrize(
    ("kind", "a_round"), [("daemon_bytes", 300_000), ("worker_bytes", 300_000), ("handles", 0.1), ("threads", 0.1)]
)
def test_what_grows_with_every_round_is_found(kind: str, a_round: float) -> None:
    (fault,) = leaks(samples(**{kind: a_round}))
    assert fault.startswith(f"{kind} grew from ")


def test_a_photo_is_no_picture() -> None:
    assert shown_in(photo_bytes(7)) is None
