"""A thousand damaged images dropped into a real daemon: each is refused with a reason, or its picture is right.

A picture is right if it shows what Pillow, never told to be lenient, finds in the file. Run with ``-s`` for figures.
``python -m tests.faults.long --only damages`` makes tens of thousands.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.images.decode import decode
from pipeline.model import JobState
from tests.daemon.harness import CONFIG
from tests.faults.chances import DAMAGES, how_to_replay
from tests.faults.malformed import SIZE, malformed, originals
from tests.workshop import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 * DAMAGES)]

ROOT = Path(__file__).parents[2]
MAX_PIXELS = 100_000_000
TIMEOUT_SECONDS = 240.0 * DAMAGES

TEXT = (
    CONFIG.replace("settle_seconds: 0.3", f"settle_seconds: 0.2, incomplete_seconds: 1, max_megapixels: {100}")
    .replace("min_free_disk: 0", "min_free_disk: 0, format: png")
    .replace("size: 48", f"size: {SIZE[0]}")
)


@dataclass
class Findings:
    """What became of the files, by the part of their names that tells the damage, and what is wrong with that."""

    refused: Counter[str] = field(default_factory=Counter)
    painted: Counter[str] = field(default_factory=Counter)
    refused_though_readable: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def tell(self) -> None:
        print(f"\n{self.refused.total()} refused, {self.painted.total()} painted, {len(self.wrong)} wrong")
        for damage in sorted(self.refused | self.painted):
            print(f"  {damage}: {self.refused[damage]} refused, {self.painted[damage]} painted")
        print(f"refused though Pillow reads them: {len(self.refused_though_readable)}")


@contextmanager
def watched(workshop: Workshop) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon with the fake engine; what it says goes into the file ``said``."""
    workshop.config()
    command = [sys.executable, "-m", "tests.daemon.drive", str(workshop.folder), "plain"]
    with (workshop.folder / "said").open("wb") as said, subprocess.Popen(command, cwd=ROOT, stdout=said) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[bytes], condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert process.poll() is None, "the daemon ended"
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


def read_strictly(data: bytes) -> Image.Image | None:
    """Return what Pillow reads, upright; None for what it can't read whole, and for what is too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                image.load()
                return ImageOps.exif_transpose(image)
        except Exception:  # whatever a plugin stumbles over
            return None


def expected(data: bytes, image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels that the fake engine makes of an image: colors inverted."""
    if (
        image.size == SIZE
        and image.mode in ("RGB", "L", "P")
        and not {"transparency", "icc_profile"} & set(image.info)
    ):
        return 255 - np.asarray(image.convert("RGB"))
    # A flip gave it another size, mode or profile: what that means is tested where it is decoded.
    return 255 - decode(data, long_side=SIZE[0], max_pixels=MAX_PIXELS).pixels


def resembles_sound(made: NDArray[np.int_], path: str) -> bool:
    """Whether a file that Pillow refuses, for damage in a text or in a tag it can do without, gave its picture."""
    sound = originals()[path.rpartition("/")[2].partition(".")[2]]
    wanted = 255 - decode(sound, long_side=SIZE[0], max_pixels=MAX_PIXELS).pixels.astype(int)
    return made.shape == wanted.shape and float((np.abs(made - wanted).max(axis=2) <= 4).mean()) > 0.95


def is_right(picture: Path, data: bytes, path: str) -> bool:
    with Image.open(picture) as opened:
        made = np.asarray(opened.convert("RGB")).astype(int)
    image = read_strictly(data)
    if image is None:
        return resembles_sound(made, path)
    wanted = expected(data, image)
    return made.shape == wanted.shape and int(np.abs(made - wanted).max()) <= 1


def damage_of(path: str) -> str:
    """Return what was done to a file, with its suffix but without numbers."""
    what, _, suffix = path.rpartition("/")[2].partition(".")
    return f"{suffix}: " + re.sub(r"( at| from)? \d.*", "", what)


def test_a_thousand_damaged_images_end_in_reasons_or_in_right_pictures(tmp_path: Path) -> None:
    print(how_to_replay("tests/faults/test_malformed_images.py"))
    workshop = Workshop(tmp_path, TEXT)
    files = {f"{number % 20}/{name}": data for number, (name, data) in enumerate(malformed())}
    assert len(files) >= 1000
    with watched(workshop) as process, workshop.ledger() as ledger:
        for path, data in files.items():
            target = workshop.folder / "in" / path
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)

        def settled() -> set[str]:
            problems = {problem.path for problem in ledger.queries.photo_problems()}
            return problems | {done.job.photo for done in ledger.queries.finished()}

        wait_for(process, lambda: settled() == files.keys(), "a reason or a picture for each of them")
        sound = {f"sound.{suffix}": data for suffix, data in originals().items()}
        for name, data in sound.items():
            (workshop.folder / "in" / name).write_bytes(data)
        wait_for(process, lambda: settled() >= sound.keys(), "pictures of sound files")
        wait_for(process, lambda: not ledger.queries.has_work() and not ledger.leases.all(), "the end of all work")
        reasons = {problem.path: problem.reason for problem in ledger.queries.photo_problems()}
        made = {done.job.photo: workshop.out / done.output for done in ledger.queries.finished()}
        counts = ledger.queries.counts()
    assert counts[JobState.FAILED] == counts[JobState.PENDING] == 0
    said = (tmp_path / "said").read_text(errors="replace")
    assert "worker process" not in said, "a file killed the worker"
    findings = Findings()
    for path, data in (files | sound).items():
        if path in reasons:
            findings.refused[damage_of(path)] += 1
            assert reasons[path].isprintable()
            assert len(reasons[path]) > 10
            if read_strictly(data) is not None:
                findings.refused_though_readable.append(f"{path}: {reasons[path]}")
        else:
            findings.painted[damage_of(path)] += 1
            if not is_right(made[path], data, path):
                findings.wrong.append(path)
    findings.tell()
    assert not findings.wrong
    assert not sound.keys() & reasons.keys()
