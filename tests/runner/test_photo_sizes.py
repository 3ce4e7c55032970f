"""How large photos are, by their headers."""

from __future__ import annotations

from pathlib import Path

from pipeline.runner.photo_sizes import NARROWEST, photo_size, proportion_of, sizes_of
from tests.fakes import write_photo


def test_a_photo_that_can_not_be_read_may_have_any_proportions(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", size=(48, 24))
    (tmp_path / "b.jpg").write_text("a letter")
    assert list(sizes_of(tmp_path, ["a.png", "b.jpg", "trip.zip/c.jpg"])) == [(48, 24), NARROWEST, NARROWEST]
    assert photo_size(tmp_path, "b.jpg") is None


def test_proportions_are_short_by_long() -> None:
    assert proportion_of((10, 40), 0.5) == proportion_of((40, 10), 0.5) == 0.25
    assert proportion_of(None, 0.5) == 0.5
