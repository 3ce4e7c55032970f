"""A ledger with a clock of its own, and short ways to bring it into any state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.ledger import Claim, Ledger, WantedJob
from pipeline.model import Job, JobState, Photo

START = 1_700_000_000.0


class FakeClock:
    """Seconds since the epoch, standing still until moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def photo(path: str, *, version: int = 0, age: float = 1000.0) -> Photo:
    return Photo(path, 100 + version, int((START - age) * 1e9), 7)


def wanted(path: str, style: str = "night", *, settings: str = "s1", stem: str | None = None) -> WantedJob:
    name = f"{path.rpartition('.')[0]}--{style}" if stem is None else stem
    return WantedJob(Job(path, style, "default"), settings, name)


class House:
    """One source's ledger in one file, as a runner would use it."""

    def __init__(self, file: Path, source: str = "in", clock: FakeClock | None = None) -> None:
        self.file = file
        self.source = source
        self.clock = clock or FakeClock()
        self.ledger = self.open()
        self.photo = photo
        self.wanted = wanted

    def open(self) -> Ledger:
        ledger = Ledger.open(self.file, self.source, self.clock)
        # Waiting for the disk at each commit is most of these tests' time, and no test cuts the power.
        ledger._store.connection.execute("PRAGMA synchronous = OFF")
        return ledger

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self.open()

    def scan(self, *photos: Photo) -> None:
        """Record a scan in which all unknown photos are whole."""
        self.ledger.photos.record(photos, self.ledger.photos.unknown(photos), [])

    def want(self, *jobs: WantedJob, suffix: str = ".jpg") -> None:
        self.ledger.jobs.record(jobs, suffix)

    def job_rows(self) -> list[tuple[object, ...]]:
        return self.ledger._store.connection.execute("SELECT * FROM jobs ORDER BY id").fetchall()

    def pending(self, *paths: str) -> None:
        """Let each of these photos have one pending job."""
        self.scan(*(photo(path) for path in paths))
        self.want(*(wanted(path) for path in paths))

    def claim(self) -> Claim:
        (claim,) = self.ledger.leases.claim(1, "name")
        return claim

    def finish(self, claim: Claim, key: str = "k1", *, sha256: str = "p1", engine: str = "1") -> None:
        self.ledger.leases.complete(
            claim.token, key=key, output=claim.output, picture_sha256=sha256, engine_version=engine
        )

    def done(self, *paths: str) -> None:
        """Let each of these photos have one finished job."""
        self.pending(*paths)
        for claim in self.ledger.leases.claim(len(paths), "name"):
            self.finish(claim)

    def states(self) -> dict[str, int]:
        """Return the counts that are not zero."""
        return {str(state): count for state, count in self.ledger.queries.counts().items() if count}

    def state(self) -> JobState:
        """Return the state of the only job."""
        ((state, _),) = ((state, count) for state, count in self.ledger.queries.counts().items() if count)
        return state


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "ledger.sqlite3")
    yield house
    house.ledger.close()


@pytest.fixture
def another_house(house: House) -> Iterator[House]:
    """Another source in the same file."""
    another = House(house.file, "elsewhere", house.clock)
    yield another
    another.ledger.close()
