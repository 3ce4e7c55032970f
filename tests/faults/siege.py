"""A real daemon on a real folder, killed again and again while photos are dropped; and what must be true then.

Every photo is of one color, its number, and the fake engine inverts colors: a picture shows exactly which content of
which photo it was made of. What a kill found is read from a copy of the dead ledger, as a power cut would leave it:
opening the ledger itself would spare the daemon its own recovery.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.hashing import sha256_of_bytes
from pipeline.model import JobState
from tests.fakes import COLORS
from tests.faults.chances import SEED
from tests.workshop import CONFIG, Workshop

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
_SILENCE_SECONDS = 5.0

_CONFIG = (
    CONFIG.replace("settle_seconds: 0", "settle_seconds: 0.05, rescan_seconds: 3600").replace(
        "min_free_disk: 0", "min_free_disk: 0, format: png"
    )
    # What dies here dies by our hand, and no photo is to blame.
    + "state: {max_crashes: 1000000}\n"
)


def photo(number: int) -> bytes:
    """Return a photo of one color that the fake engine finds fine; 4,096 numbers are different."""
    red, green, blue = COLORS["fine"]
    color = (red + number % 16, green + number // 16 % 16, blue + number // 256 % 16)
    file = io.BytesIO()
    Image.new("RGB", (48, 32), color).save(file, format="PNG")
    return file.getvalue()


def shown_in(data: bytes) -> int | None:
    """Return the number of the photo that a picture shows; None if it is not whole, or none of ours."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None
    color = 255 - pixels[0, 0].astype(int)
    if pixels.shape != (32, 48, 3) or (pixels != pixels[0, 0]).any():
        return None
    red, green, blue = (color - np.array(COLORS["fine"])).tolist()
    return red + 16 * green + 256 * blue if {red, green, blue} <= set(range(16)) else None


@dataclass
class Siege:
    """``figures`` counts what the kills found; ``lost``, ``doubled`` and ``half_written`` name what must not be."""

    folder: Path
    figures: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    half_written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workshop = Workshop(self.folder, _CONFIG)
        self.workshop.config()
        self._random = random.Random(SEED)
        self._contents: dict[str, list[int]] = {}
        self._being_written: dict[str, int] = {}
        self._number = 0
        self._tokens: set[str] = set()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting = 0

    # --- the owner of the photos ----------------------------------------------------------------------------

    def drop(self, enough: int) -> None:
        """Drop photos until so many wait: new ones and other versions of old ones, at once, slowly or by renaming."""
        for _ in range(max(3, enough - self._waiting)):
            name = f"{self._random.choice(('', 'sub/', 'é è/'))}{self._number:04}.png"
            if self._contents and self._random.random() < 0.2:
                name = self._random.choice(list(self._contents))
            self._begin(name)
            if self._random.random() < 0.8:
                self._finish(name)
        self._finish_all(0.5)

    def _begin(self, name: str) -> None:
        """Write half of a new content; whoever had another one under way gives up on it."""
        self._number += 1
        self._being_written[name] = self._number
        path = self.workshop.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = photo(self._number)
        self._contents.setdefault(name, []).append(self._number)
        path.write_bytes(data[: len(data) // 2])

    def _finish(self, name: str) -> None:
        path, data = self.workshop.folder / "in" / name, photo(self._being_written.pop(name))
        if self._random.random() < 0.5:
            path.write_bytes(data)
        else:
            path.with_suffix(".part").write_bytes(data)
            path.with_suffix(".part").replace(path)

    def _finish_all(self, share: float = 1.0) -> None:
        for name in list(self._being_written):
            if self._random.random() < share:
                self._finish(name)

    # --- the daemon -----------------------------------------------------------------------------------------

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "tests.daemon.drive", str(self.folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._lines = queue.SimpleQueue()
        listener = threading.Thread(target=_pass_on, args=(process.stdout, self._lines))
        listener.start()
        try:
            yield process
        finally:
            process.kill()
            listener.join()
            process.communicate()

    def watch_it_work(self, most_pictures: int) -> None:
        """Return at a random moment during one of the next pictures. Checks what recovery should have removed."""
        left = self._random.randint(1, most_pictures)
        with contextlib.suppress(queue.Empty):  # it has nothing left to do
            while left:
                line = self._lines.get(timeout=_SILENCE_SECONDS)
                assert line, "the daemon ended by itself"
                if line.startswith("RunStarted"):
                    self._check_recovery()
                left -= line.startswith("JobStarted")
        time.sleep(self._random.uniform(0, 0.03))

    def _check_recovery(self) -> None:
        left = [name for name in self.workshop.pictures() if any(token in name for token in self._tokens)]
        assert not left, "what a dead daemon left behind is still there after the next one's recovery"
        self._tokens.clear()

    # --- what is true ---------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Look at the dead (or frozen) daemon's folder; tells whether jobs are leased."""
        rows, leases = self._ledger_rows()
        self._check_pictures()
        self._check_rows(rows)
        if leases:
            self._tokens |= {token for token, _, _ in leases}
            self.figures["leases"] += len(leases)
            self.figures["begun"] += sum(started for _, started, _ in leases)
            self.figures["being published"] += sum(sha256 is not None for _, _, sha256 in leases)
            self.figures["temporary files"] += sum(name.endswith(".part") for name in self.workshop.pictures())
        self.figures["kills while leased" if leases else "kills that don't count"] += 1
        assert not self.wrongs(), self.wrongs()
        return bool(leases)

    def _ledger_rows(self) -> tuple[list[tuple[str, str, str | None]], list[tuple[str, int, str | None]]]:
        """Return (output, published hash, hash that is being published) of all pictures, and all leases."""
        state = self.workshop.out / ".stylewatch"
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for name in ("ledger.sqlite3", "ledger.sqlite3-wal"):
            if (state / name).exists():
                shutil.copy(state / name, copy / name)
        connection = sqlite3.connect(copy / "ledger.sqlite3")
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return [], []  # killed before its tables were there, all made in one transaction
            rows = connection.execute(
                "SELECT output, published_sha256, artwork_sha256 FROM jobs LEFT JOIN leases ON job_id = id"
                " WHERE published_sha256 IS NOT NULL"
            ).fetchall()
            leases = connection.execute("SELECT token, started, artwork_sha256 FROM leases").fetchall()
            (self._waiting,) = connection.execute("SELECT count(*) FROM jobs WHERE state = 'pending'").fetchone()
        finally:
            connection.close()
        return [(os.fsdecode(output), done, coming) for output, done, coming in rows], leases

    def _check_pictures(self, *, at_the_end: bool = False) -> None:
        """Every file under a final name is whole and shows a content that its photo had; at the end the last one."""
        for name in self.workshop.pictures():
            contents = self._contents.get(name.removesuffix("--night.png") + ".png")
            if name.endswith(".part") and not at_the_end:
                continue
            if contents is None:
                self.doubled.append(name)
            elif (number := shown_in((self.workshop.out / name).read_bytes())) is None:
                self.half_written.append(name)
            elif number not in (contents[-1:] if at_the_end else contents):
                self.lost.append(f"{name} shows content {number} of {contents}")

    def _check_rows(self, rows: list[tuple[str, str, str | None]]) -> None:
        """Every picture on record is there, or the one that is just taking its place."""
        for output, done, coming in rows:
            path = self.workshop.out / output
            if not path.exists() or sha256_of_bytes(path.read_bytes()) not in (done, coming):
                self.lost.append(f"{output} is on record and not there")

    def wrongs(self) -> dict[str, list[str]]:
        found = {"lost": self.lost, "doubled": self.doubled, "half-written": self.half_written}
        return {what: names for what, names in found.items() if names}

    def end(self) -> None:
        """Let a last daemon finish everything in peace; then all must be there, once, and nothing else."""
        self._finish_all()
        with self.daemon() as process, self.workshop.ledger() as ledger:
            _wait_for(
                lambda: ledger.queries.counts()[JobState.DONE] == len(self._contents),
                lambda: str(ledger.queries.counts()),
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 130
            assert ledger.leases.all() == []
            counts = ledger.queries.counts()
            assert sum(counts.values()) == counts[JobState.DONE] == len(self._contents), counts
        made = [name.removesuffix("--night.png") + ".png" for name in self.workshop.pictures()]
        self.lost += sorted(set(self._contents) - set(made))
        self._check_pictures(at_the_end=True)
        self.figures["photos"] = len(self._contents)
        self.figures["contents"] = self._number
        assert not self.wrongs(), self.wrongs()


def _pass_on(output: Iterable[str], lines: queue.SimpleQueue[str]) -> None:
    for line in output:
        lines.put(line)
    lines.put("")


def _wait_for(condition: Callable[[], bool], situation: Callable[[], str]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, situation()
        time.sleep(0.05)
