from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.harness import CONFIG, DaemonHarness
from tests.workshop import Workshop


@pytest.fixture
def harness(tmp_path: Path) -> DaemonHarness:
    return DaemonHarness(Workshop(tmp_path, CONFIG))
