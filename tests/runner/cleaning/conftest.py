from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.cleaning.cleaned import TwoStyles


@pytest.fixture
def workshop(tmp_path: Path) -> TwoStyles:
    return TwoStyles(tmp_path)
