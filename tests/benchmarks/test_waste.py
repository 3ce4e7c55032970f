from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.waste import slots
from tests.fakes import write_painting


@pytest.mark.slow
def test_over_an_archive_of_mixed_sizes_at_most_five_percent_of_the_slots_are_wasted(tmp_path: Path) -> None:
    write_painting(tmp_path / "painting.png")
    used, offered = slots(tmp_path / "painting.png", 200)
    assert 0.95 * offered <= used <= offered
    assert used > 5_000
