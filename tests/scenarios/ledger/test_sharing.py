"""One ledger, several connections in one process, and a look from another: nobody's writes get lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.ledger import Ledger
from pipeline.model import Photo

ROOT = Path(__file__).parents[3]

_COUNT = """
import sys
from pathlib import Path
from pipeline.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), "in") as ledger:
    print(ledger.queries.photo_count())
"""


def counted_elsewhere(file: Path) -> int:
    """Return how many photos another process sees; it opens and closes the ledger as 'stylewatch status' does."""
    command = [sys.executable, "-c", _COUNT, str(file)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def record(ledger: Ledger, count: int) -> None:
    photos = [Photo(f"{number}.jpg", 1, 1, number) for number in range(count)]
    ledger.photos.record(photos, photos, [])


def test_what_is_written_after_somebody_else_looked_is_seen_by_the_next_who_looks(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    with Ledger.open(file, "in") as ledger:
        with Ledger.open(file, "in") as of_another_thread:
            record(ledger, 1)
            assert counted_elsewhere(file) == 1
            record(of_another_thread, 2)
            assert counted_elsewhere(file) == 2
        record(ledger, 3)
        assert counted_elsewhere(file) == 3
        assert file.with_name("ledger.sqlite3-wal").exists()
