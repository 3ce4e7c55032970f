"""pastiche, run as its users run it, and its own objective as the judge of anybody's picture.

As a program (``python -m tests.benchmarks.rival PHOTO PAINTING SIZE``) this is the judge: it reads pictures' paths
from its standard input and prints for each the loss that pastiche's own code gives it.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.processes import ROOT, Measured, measure

Size = tuple[int, int]


@dataclass
class Report:
    """What pastiche prints: sizes (width, height), and at each step the seconds since launch and the loss."""

    size: Size = (0, 0)
    painting_size: Size = (0, 0)
    losses: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)

    def hear(self, now: float, line: str) -> None:
        """Take in one printed line."""
        if found := re.fullmatch(r"size: (\d+)x(\d+)", line.strip()):
            self.size = int(found[1]), int(found[2])
        elif found := re.fullmatch(r"style_sizes\[0\]: (\d+)x(\d+)", line.strip()):
            self.painting_size = int(found[1]), int(found[2])
        elif found := re.fullmatch(r"(\d+)\s+[\d.]+\s+([\d.]+|nan|inf)", line.strip()):
            step = int(found[1])
            self.losses[step], self.seconds[step] = float(found[2]), now

    @property
    def painting_scale(self) -> float:
        """Return the painting's long side relative to the picture's, as our configs want it."""
        return max(self.painting_size) / max(self.size)


@dataclass(frozen=True, slots=True)
class Rivalry:
    """A finished run of pastiche: its report, its measurements, and where its own pictures of each step are."""

    report: Report
    measured: Measured
    folder: Path

    def picture_of(self, step: int) -> Path:
        """Return the picture that pastiche saved at ``step``."""
        return next(path for path in self.folder.glob("*.png") if path.stem.isdigit() and int(path.stem) == step)


def run_pastiche(photo: Path, painting: Path, folder: Path, *, size: int, steps: int, every: int) -> Rivalry:
    """Run pastiche with its defaults, seed 0, and have it tell and save the state after ``every`` steps."""
    report = Report()
    command = ["-m", "pastiche", "--content", photo, "--styles", painting, "--output", folder / "final.png"]
    command += ["--size", str(size), "--num-steps", str(steps), "--seed", "0", "--info-step", str(every)]
    command += ["--workspace", folder, "--workspace-step", str(every)]
    folder.mkdir(parents=True)
    return Rivalry(report, measure(command, report.hear), folder)


class Judge:
    """pastiche's objective for one photo and painting, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def loss(self, picture: Path) -> float:
        """Return what pastiche's objective gives a picture file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(picture, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


@contextlib.contextmanager
def judge(photo: Path, painting: Path, size: int) -> Iterator[Judge]:
    """Employ a judge for as long as the context lasts."""
    command = [sys.executable, "-m", "tests.benchmarks.rival", str(photo), str(painting), str(size)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Judge(process)
        assert process.stdin is not None
        process.stdin.close()


def _judge_pictures(photo: str, painting: str, size: int) -> None:
    import torch
    from pastiche.pastiche import PasticheArtist, load_image

    artist = PasticheArtist(photo, [painting], size=size, device="cpu")
    for line in sys.stdin:
        artist.pastiche = load_image(line.strip(), size=artist.content_size)
        with torch.no_grad():
            print(artist._calc_loss().item(), flush=True)


if __name__ == "__main__":
    _judge_pictures(sys.argv[1], sys.argv[2], int(sys.argv[3]))
