"""Whatever happens in whatever order, the ledger's promises hold; and it can die right after each commit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline.ledger import Claim, Ledger, WantedJob
from pipeline.ledger.names import folded
from pipeline.model import Job, JobState, Photo

PATHS = ("a.jpg", "A.JPG", "b/c.png")
STYLES = ("night", "wave")


class AnyOrder(RuleBasedStateMachine):
    """Random operations on a real file; ``claims`` are the leases we hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "ledger.sqlite3"
        self.ledger = Ledger.open(self.file, "in")
        self.claims: dict[str, Claim] = {}
        self.owners: dict[str, Job] = {}

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    def take(self) -> Claim:
        return self.claims.pop(next(iter(self.claims)))

    @rule(versions=st.dictionaries(st.sampled_from(PATHS), st.integers(0, 2)), fate=st.sampled_from("rqn"))
    def scan(self, versions: dict[str, int], fate: str) -> None:
        seen = [Photo(path, version, 1, 1) for path, version in versions.items()]
        unknown = self.ledger.photos.unknown(seen)
        self.ledger.photos.record(
            seen, unknown if fate == "r" else [], [(photo, "bad") for photo in unknown] if fate == "q" else []
        )
        assert (self.ledger.photos.unknown(seen) == []) or fate == "n"

    @rule(
        pairs=st.sets(st.tuples(st.sampled_from(PATHS), st.sampled_from(STYLES))),
        wish=st.sampled_from(["s1", "s2"]),
        suffix=st.sampled_from([".jpg", ".png"]),
    )
    def want(self, pairs: set[tuple[str, str]], wish: str, suffix: str) -> None:
        jobs = [WantedJob(Job(path, style, "default"), wish, f"{path[:-4]}--{style}") for path, style in pairs]
        self.ledger.jobs.record(jobs, suffix)
        rows = self.ledger._store.connection.execute("SELECT * FROM jobs ORDER BY id").fetchall()
        self.ledger.jobs.record(jobs, suffix)
        assert self.ledger._store.connection.execute("SELECT * FROM jobs ORDER BY id").fetchall() == rows

    @rule(limit=st.integers(1, 3), order=st.sampled_from(["newest", "oldest", "name"]))
    def claim(self, limit: int, order: str) -> None:
        for claim in self.ledger.leases.claim(limit, order):
            assert self.owners.setdefault(folded(claim.output), claim.job) == claim.job
            self.claims[claim.token] = claim

    @precondition(lambda self: self.claims)
    @rule(rename=st.booleans(), key=st.sampled_from(["k1", "k2"]))
    def complete(self, rename: bool, key: str) -> None:
        claim = self.take()
        output = self.ledger.leases.rename_output(claim.token) if rename else claim.output
        assert self.owners.setdefault(folded(output), claim.job) == claim.job
        if claim.published_key == key and not rename:
            self.ledger.leases.complete_unchanged(claim.token, key)
        else:
            self.ledger.leases.complete(claim.token, key=key, output=output, picture_sha256=key, engine_version="1")

    @precondition(lambda self: self.claims)
    @rule(end=st.sampled_from(["release", "release_until_scanned", "withdraw", "quarantine_photo", "crash", "fail"]))
    def end(self, end: str) -> None:
        token = self.take().token
        if end == "fail":
            self.ledger.leases.fail(token, "why", costs_attempt=True, max_attempts=2)
        elif end == "crash":
            self.ledger.leases.crash(token, "why", max_crashes=2)
        else:
            getattr(self.ledger.leases, end)(token, *(["why"] if end in ("withdraw", "quarantine_photo") else []))

    @rule(what=st.sampled_from(["requeue_failed", "retry", "redo_outdated"]))
    def ask_again(self, what: str) -> None:
        getattr(self.ledger.jobs, what)(*(["2"] if what == "redo_outdated" else []))

    @rule()
    def die_and_restart(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.file, "in")
        for lease in self.ledger.leases.all():
            self.ledger.leases.interrupt(lease.token, 3)
        self.claims.clear()

    @invariant()
    def leased_rows_and_tokens_belong_together(self) -> None:
        assert {lease.token for lease in self.ledger.leases.all()} == set(self.claims)
        assert self.ledger.queries.counts()[JobState.LEASED] == len(self.claims)

    @invariant()
    def done_rows_have_a_published_picture(self) -> None:
        done = list(self.ledger.queries.finished())
        assert len(done) == self.ledger.queries.counts()[JobState.DONE]
        assert all(row.sha256 and row.engine_version for row in done)
        assert all(self.owners[folded(row.output)] == row.job for row in done)

    @invariant()
    def every_failure_has_a_reason(self) -> None:
        assert all(row.reason for row in self.ledger.queries.failures())


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAnyOrder = AnyOrder.TestCase


_LIFE = """
import sys
from pathlib import Path
from pipeline.ledger import Ledger, WantedJob
from pipeline.model import Job, Photo
ledger = Ledger.open(Path(sys.argv[1]), "in")
photo = Photo("a.jpg", 1, 1, 1)
ledger.photos.record([photo], ledger.photos.unknown([photo]), [])
ledger.jobs.record([WantedJob(Job("a.jpg", "night", "default"), "s", "a--night")], ".jpg")
(claim,) = ledger.leases.claim(1, "name")
ledger.leases.start(claim.token)
ledger.leases.record_artwork(claim.token, "p")
ledger.leases.complete(claim.token, key="k", output=claim.output, picture_sha256="p", engine_version="1")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("location", "states", "artwork"),
    [
        ("photos-recorded", {}, []),
        ("jobs-recorded", {"pending": 1}, []),
        ("job-leased", {"leased": 1}, [None]),
        ("artwork-recorded", {"leased": 1}, ["p"]),
        ("job-done", {"done": 1}, []),
    ],
)
def test_what_was_committed_outlives_a_kill(
    tmp_path: Path, location: str, states: dict[str, int], artwork: list[str | None]
) -> None:
    file = tmp_path / "ledger.sqlite3"
    environment = {**os.environ, "STYLEWATCH_FAILPOINT": location}
    life = subprocess.run([sys.executable, "-c", _LIFE, str(file)], env=environment, check=False)
    assert life.returncode == -signal.SIGKILL
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".sqlite3-shm"}
    with Ledger.rehearsal(file, "in") as rehearsal:
        assert {str(state): count for state, count in rehearsal.queries.counts().items() if count} == states
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    with Ledger.open(file, "in") as ledger:
        assert ledger.photos.unknown([Photo("a.jpg", 1, 1, 1)]) == []
        assert {str(state): count for state, count in ledger.queries.counts().items() if count} == states
        assert [lease.artwork_sha256 for lease in ledger.leases.all()] == artwork
