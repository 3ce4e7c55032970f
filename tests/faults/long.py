"""What CI has no time for: thousands of lives of a folder, hundreds of kills, tens of thousands of damaged images.

Runs the same tests as CI, in rounds, each by a seed of its own. What fails is printed with the line that replays it,
and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.chances import how_to_replay

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Part:
    """Tests that try things at random: their file, and how many times they do so in a round of a long run."""

    name: str
    file: str
    variable: str
    times: int
    what: str
    tells_progress: bool


# The quickest first, so that a run of some minutes gets to all.
PARTS = (
    Part(
        "damages",
        "tests/faults/test_malformed_images.py",
        "STYLEWATCH_DAMAGES",
        2,
        "how many times CI's flips, holes and bursts in images; 1 is CI's own files, whatever the seed",
        tells_progress=False,
    ),
    Part(
        "kills",
        "tests/faults/test_siege.py",
        "STYLEWATCH_KILLS",
        10,
        "kills of a working daemon, and as many of its worker",
        tells_progress=True,
    ),
    Part(
        "lives",
        "tests/faults/test_state_machine.py",
        "STYLEWATCH_EXAMPLES",
        250,
        "lives of a folder",
        tells_progress=True,
    ),
)


def options_from(arguments: Sequence[str] | None, parts: Sequence[Part]) -> argparse.Namespace:
    names = [part.name for part in parts]
    parser = argparse.ArgumentParser(prog="python -m tests.faults.long", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first round's; each adds 1")
    parser.add_argument("--rounds", type=_at_least_1, help="how many (default: 20, or what --minutes allows)")
    parser.add_argument("--minutes", type=float, help="begin nothing new after so many; what runs is waited for")
    parser.add_argument("--only", metavar="PART,...", help=f"some of {', '.join(names)}")
    parser.add_argument("--keep-going", action="store_true", help="go on after a failure instead of stopping")
    for part in parts:
        parser.add_argument(
            f"--{part.name}",
            type=_at_least_1,
            default=part.times,
            help=f"{part.what}, a round (default: %(default)s)",
        )
    options = parser.parse_args(arguments)
    options.only = (options.only or ",".join(names)).split(",")
    if unknown := set(options.only) - set(names):
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}, only {', '.join(names)}")
    return options


def _at_least_1(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def turns(options: argparse.Namespace, parts: Sequence[Part]) -> Iterator[tuple[int, Part]]:
    """Yield (seed, part) for all that is to be run, while there is time."""
    end = time.monotonic() + 60 * options.minutes if options.minutes is not None else float("inf")
    rounds = options.rounds or (20 if options.minutes is None else sys.maxsize)
    for number in range(rounds):
        for part in parts:
            if time.monotonic() >= end:
                return
            if part.name in options.only:
                yield options.seed + number, part


def run_tests(part: Part, variables: dict[str, int]) -> int:
    """Run the tests of this part in a process of their own, which writes to this terminal; return its exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-c", str(ROOT / "pyproject.toml")]
    command += [f"--rootdir={ROOT}", "-p", "no:cacheprovider", *(["-s"] if part.tells_progress else []), part.file]
    # Neither lines are measured nor are options taken over from a run of tests that this one may be a part of.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTEST_"))}
    environment |= {name: str(value) for name, value in variables.items()}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()  # it was interrupted, too, and kills what it has started
            raise


def main(arguments: Sequence[str] | None = None, parts: Sequence[Part] = PARTS) -> int:
    options = options_from(arguments, parts)
    times = {part.variable: getattr(options, part.name) for part in parts}
    began = time.monotonic()
    done, failures = 0, list[str]()
    try:
        for seed, part in turns(options, parts):
            variables = {"STYLEWATCH_SEED": seed, **times}
            print(f"\nseed {seed}: {times[part.variable]} {part.name}", flush=True)
            done += 1
            if code := run_tests(part, variables):
                failures.append(f"{part.name} ended with {code}; {how_to_replay(part.file, variables)}")
                print(f"FAILED: {failures[-1]}", flush=True)
                if not options.keep_going:
                    break
    except KeyboardInterrupt:
        print("\ninterrupted")
        return 1 if failures else 130
    finally:
        print(f"\nruns: {done}, failed: {len(failures)}, minutes: {(time.monotonic() - began) / 60:.1f}", flush=True)
        for failure in failures:
            print(failure)
    return 1 if failures or not done else 0


if __name__ == "__main__":
    sys.exit(main())
