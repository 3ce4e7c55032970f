from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.station import CONFIG, Station
from tests.workshop import Workshop


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(Workshop(tmp_path, CONFIG))
