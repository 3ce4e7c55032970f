from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.first_view import rows
from tests.benchmarks.subjects import choose

pytestmark = pytest.mark.slow


def test_the_first_view_is_weighed_and_timed(tmp_path: Path) -> None:
    weight, stands, listed, scrolled = rows(choose((), (), tmp_path, quick=True))
    assert 0.2 < float(weight.ours.split()[0]) < 1.0
    assert "1,000 pictures" in weight.other
    assert 0 < float(stands.ours.split()[0]) <= float(listed.ours.split()[0])
    assert scrolled.ours.endswith(" ms")
