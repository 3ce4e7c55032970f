"""A soak: ``stylewatch watch`` for half an hour, photos dropped, replaced and deleted all the time.

In the first part of the time the daemon is also stopped and killed at random; in the rest it is left alive, and its
memory and handles are measured at idle moments. At each of these, and in the end, all pictures must be right. Prints
one table; the exit code is 1 if anything was wrong. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.config import load_config
from pipeline.runner.preparation import open_ledger
from tests.fakes import write_painting
from tests.faults.painters import STYLES
from tests.soak.gauges import Sample, growth, leaks
from tests.soak.owner import Owner
from tests.soak.truth import faults
from tests.soak.watched import Watched

_PROGRAMS = {"fake": ["-m", "tests.soak.drive"], "real": ["-m", "pipeline"]}
_ROUGH_SHARE = 0.4
_FEWEST_SAMPLES = 40


@dataclass
class Soak:
    """One soak, over ``seconds`` from the moment when its first photos are pictures."""

    owner: Owner
    watched: Watched
    seconds: float
    reloads: bool = False
    samples: list[Sample] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rounds: int = 0

    def run(self) -> None:
        """Let it all happen."""
        chance = self.owner.chance
        self.watched.start()
        self.owner.drop()
        self._settle()
        self.reloads = self.watched.reads_its_config_again(lambda: self.owner.photos)
        began = time.monotonic()
        while not self.faults and (gone := time.monotonic() - began) < self.seconds:
            rough = gone < _ROUGH_SHARE * self.seconds
            for _ in range(chance.randint(1, 6)):
                self.owner.act()
                time.sleep(chance.choice((0, 0, 0.1, 0.5)))
                if chance.random() < 0.1:
                    self._restyle()
                if rough and chance.random() < 0.3:
                    self._disturb()
            self._settle()
            if not rough:
                self.samples.append(self.watched.sample())
            self.rounds += 1
        self._end()

    def _restyle(self) -> None:
        if self.reloads:
            self.watched.restyle(*self.watched.other_styles())
            if self.owner.chance.random() < 0.5:
                self.watched.hang_up()
            self._count("reload")

    def _disturb(self) -> None:
        number = self.owner.chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGKILL, None))
        if number is None:
            self.watched.kill_worker()
            self._count("kill the worker")
            return
        self.watched.end(number)
        self._count(number.name)
        self.owner.act()
        self.watched.start()

    def _count(self, deed: str) -> None:
        self.owner.deeds[deed] = self.owner.deeds.get(deed, 0) + 1

    def _settle(self) -> None:
        missing = self.watched.wait_until_right(self.owner.photos)
        if missing:
            state = "alive" if self.watched.is_alive() else "dead"
            words = self.watched.last_words()
            self.faults.append(f"never right ({state}): {'; '.join(missing[:5])} {words}")

    def _end(self) -> None:
        if self.watched.is_alive():
            self.watched.end(signal.SIGTERM)
        config = load_config(self.watched.config_file)
        with open_ledger(config) as ledger:
            looks = self.watched.program == _PROGRAMS["fake"]
            self.faults += faults(config, ledger, self.watched.settings, self.owner.numbers, looks=looks)
        self.faults += self.watched.faults
        if len(self.samples) >= _FEWEST_SAMPLES:
            self.faults += leaks(self.samples)

    def pictures(self) -> int:
        """Return how many pictures were published, predecessors not counted."""
        with open_ledger(load_config(self.watched.config_file)) as ledger:
            published = "SELECT count(*) FROM jobs WHERE published_sha256 IS NOT NULL"
            ((count,),) = ledger._store.connection.execute(published)
        return int(count)


def table_of(soak: Soak) -> Table:
    table = Table("what", "how", title=f"{soak.seconds / 60:g} minutes", show_edge=False)
    table.add_row("photos there were", f"{soak.owner.numbers:,}")
    table.add_row("pictures at last", f"{soak.pictures():,}")
    table.add_row("rounds, each right in the end", f"{soak.rounds:,}")
    table.add_row("starts of the daemon", f"{soak.watched.starts:,}")
    for deed, count in sorted(soak.owner.deeds.items()):
        table.add_row(deed.replace("_", " "), f"{count:,}")
    table.add_row("config reload", "works" if soak.reloads else "not there: restarted instead")
    for kind, unit in (("daemon_bytes", "MB"), ("worker_bytes", "MB"), ("handles", ""), ("threads", "")):
        before, after = (value / (1e6 if unit else 1) for value in growth(soak.samples, kind))
        table.add_row(
            f"{kind.replace('_bytes', ' memory')}, second and last quarter", f"{before:.1f} {after:.1f} {unit}"
        )
    judged = len(soak.samples) >= _FEWEST_SAMPLES
    table.add_row("samples", f"{len(soak.samples)}" + ("" if judged else ", too few to judge growth by"))
    table.add_row("faults", "none" if not soak.faults else "\n".join(soak.faults[:20]))
    return table


def soak(folder: Path, seconds: float, seed: int, engine: str) -> Soak:
    """Make a soak in an empty folder and return it."""
    (folder / "in").mkdir()
    for style, mark in STYLES.items():
        write_painting(folder / f"{style}.jpg", mark)
    made = Soak(Owner(folder / "in", random.Random(seed)), Watched(folder, _PROGRAMS[engine]), seconds)
    try:
        made.run()
    finally:
        if made.watched.is_alive():
            made.watched.end(signal.SIGKILL)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--quick", action="store_true", help="some seconds, to see that it works")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--engine", choices=sorted(_PROGRAMS), default="fake")
    options = parser.parse_args()
    print(f"seed {options.seed}, engine {options.engine}", flush=True)
    with tempfile.TemporaryDirectory(prefix="stylewatch-soak-") as folder:
        made = soak(Path(folder), 15.0 if options.quick else 60 * options.minutes, options.seed, options.engine)
        Console().print(table_of(made))
    return 1 if made.faults else 0


if __name__ == "__main__":
    sys.exit(main())
