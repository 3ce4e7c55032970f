"""The program's own decoder in a process of its own: what it reads, and what is told of a process that ends badly."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.corpus.own_decoder import Limits, read_own, read_own_in_a_process
from tests.corpus.readings import OwnReading

LIMITS = Limits(long_side=128)


def crash(path: Path, limits: Limits) -> OwnReading:
    os.kill(os.getpid(), signal.SIGKILL)
    return OwnReading()


def hang(path: Path, limits: Limits) -> OwnReading:
    time.sleep(60)
    return OwnReading()


def chatter(path: Path, limits: Limits) -> OwnReading:
    os.write(2, b"libtiff: a warning\nand another\n")
    return OwnReading()


def fail(path: Path, limits: Limits) -> OwnReading:
    raise ValueError("not foreseen")


def take_memory(path: Path, limits: Limits) -> OwnReading:
    bytearray(8 << 30)
    return OwnReading()


def half_white(path: Path, size: tuple[int, int] = (300, 200), turn: int = 1) -> Path:
    image = Image.new("RGB", size)
    image.paste("white", (0, 0, size[0], size[1] // 2))
    exif = Image.Exif()
    exif[274] = turn
    image.save(path, exif=exif.tobytes())
    return path


def test_a_photo_is_read_upright_and_its_size_is_the_full_one(tmp_path: Path) -> None:
    reading = read_own(half_white(tmp_path / "a.png", turn=6), LIMITS)
    assert reading.size == (200, 300)
    assert reading.grid is not None
    np.testing.assert_allclose(reading.grid.mean((0, 2)), [0] * 4 + [255] * 4, atol=15)
    assert (reading.completeness, reading.is_scanned, reading.refusal, reading.failure) == ("complete", True, "", "")


def test_a_small_photo_is_not_enlarged(tmp_path: Path) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "a.png")
    reading = read_own(tmp_path / "a.png", LIMITS)
    assert reading.grid is not None
    np.testing.assert_array_equal(reading.grid[..., 1], np.arange(64).reshape(8, 8))


def test_a_refusal_is_told_with_its_reason_and_what_intake_says(tmp_path: Path) -> None:
    photo = half_white(tmp_path / "a.jp2x.jpg")
    photo.write_bytes(photo.read_bytes()[:600])
    reading = read_own(photo, LIMITS)
    assert not reading.reads
    assert "damaged or cut short" in reading.refusal
    assert reading.completeness == "incomplete"
    assert reading.incomplete_because.startswith("the JPEG is incomplete")


def test_a_suffix_that_no_scan_takes_is_told(tmp_path: Path) -> None:
    photo = half_white(tmp_path / "a.png")
    assert not read_own(photo.rename(tmp_path / "a.apng"), LIMITS).is_scanned


def test_a_process_of_its_own_reads_the_same_and_measures_itself(tmp_path: Path) -> None:
    photo = half_white(tmp_path / "a.png")
    here, there = read_own(photo, LIMITS), read_own_in_a_process(photo, LIMITS)
    assert there.size == here.size
    np.testing.assert_array_equal(there.grid, here.grid)
    assert 0 < there.seconds < LIMITS.seconds
    assert sys.platform != "linux" or 10_000_000 < there.peak_bytes < 1_000_000_000


@pytest.mark.parametrize(
    ("decoder", "failure", "words"),
    [
        (crash, "crash", "the process ended with signal 9"),
        (fail, "crash", "ValueError: not foreseen"),
        (hang, "time", "no answer in 0.5 seconds"),
        pytest.param(
            take_memory,
            "memory",
            "MemoryError",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits it"),
        ),
    ],
)
def test_what_becomes_of_the_process_is_told(tmp_path: Path, decoder: object, failure: str, words: str) -> None:
    seconds = 0.5 if decoder is hang else 60.0
    limits = Limits(seconds=seconds, memory_bytes=4 << 30)
    reading = read_own_in_a_process(tmp_path / "a.png", limits, decoder)  # type: ignore[arg-type]
    assert (reading.failure, reading.reads) == (failure, False)
    assert reading.refusal.startswith(words)


def test_what_libraries_print_is_in_the_reading_and_not_on_the_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert read_own_in_a_process(tmp_path / "a.png", LIMITS, chatter).chatter == "libtiff: a warning"
    assert capfd.readouterr() == ("", "")
