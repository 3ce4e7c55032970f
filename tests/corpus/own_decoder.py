"""Decodes a file as this program does, in a process of its own with limits: a crash or a hang costs one line."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from pipeline.errors import StylewatchError
from pipeline.images.decode import DecodedPhoto, decode, fit, read_size
from pipeline.intake.containers import examine
from pipeline.intake.scan import PHOTO_SUFFIXES
from tests.corpus.readings import OwnReading, Size, grid_of


@dataclass(frozen=True, slots=True)
class Limits:
    """``long_side``: of the decoded picture; the others bound the process."""

    long_side: int = 512
    max_pixels: int = 500_000_000
    seconds: float = 60.0
    memory_bytes: int = 6 << 30


def read_own(path: Path, limits: Limits) -> OwnReading:
    """Decode the file in this process, without a limit of time."""
    reading = OwnReading(is_scanned=path.suffix.lower() in PHOTO_SUFFIXES)
    check = examine(path.parent, path.name)
    reading = replace(reading, completeness=check.kind, incomplete_because=check.reason)
    try:
        stored = read_size(path)
        # A small picture is not enlarged, so that its pixels can be compared.
        long_side = min(limits.long_side, max(stored))
        photo = decode(path.read_bytes(), long_side=long_side, max_pixels=limits.max_pixels)
    except StylewatchError as error:
        return replace(reading, refusal=str(error))
    size = _upright_size(stored, _shape(photo), long_side)
    grid = grid_of(Image.fromarray(_eight_bits(photo.pixels)))
    return replace(reading, size=size, grid=grid, notes=tuple(photo.notes))


def read_own_in_a_process(
    path: Path, limits: Limits, decoder: Callable[[Path, Limits], OwnReading] = read_own
) -> OwnReading:
    """Decode the file in a new process; what becomes of the process is in the reading's ``failure``."""
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_answer, args=(path, limits, decoder, sender))
    began = time.monotonic()
    process.start()
    sender.close()
    try:
        if not receiver.poll(limits.seconds):
            return _failed("time", f"no answer in {limits.seconds:g} seconds", began)
        return receiver.recv()
    except EOFError:
        process.join()
        return _failed("crash", f"the process ended with {_ending(process.exitcode)}", began)
    finally:
        process.kill()
        process.join()
        receiver.close()


def _context() -> multiprocessing.context.BaseContext:
    """Return a way to start processes that is quick, where there is one: a server that forks with all imported."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.corpus.preloaded"])
    return context


_CONTEXT = _context()


def _failed(failure: str, refusal: str, began: float) -> OwnReading:
    return OwnReading(failure=failure, refusal=refusal, seconds=time.monotonic() - began)


def _ending(exit_code: int | None) -> str:
    return f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit code {exit_code}"


def _answer(path: Path, limits: Limits, decoder: Callable[[Path, Limits], OwnReading], sender: Connection) -> None:
    with tempfile.TemporaryFile() as printed:
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
        _limit_memory(limits.memory_bytes)
        began = time.monotonic()
        try:
            reading = decoder(path, limits)
        except BaseException as error:
            failure = "memory" if isinstance(error, MemoryError) else "crash"
            reading = OwnReading(failure=failure, refusal=f"{type(error).__name__}: {error}")
        seconds = time.monotonic() - began
        sender.send(replace(reading, seconds=seconds, peak_bytes=_peak_bytes(), chatter=_first_line(printed)))


def _limit_memory(limit: int) -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _peak_bytes() -> int:
    if sys.platform == "linux":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return 0


def _first_line(printed: BinaryIO) -> str:
    printed.seek(0)
    return printed.readline(500).decode("utf-8", "replace").strip()


def _shape(photo: DecodedPhoto) -> Size:
    height, width = photo.pixels.shape[:2]
    return width, height


def _upright_size(stored: Size, shown: Size, long_side: int) -> Size:
    """Return the size in the header, turned as the decoded picture is; what is decoded where they don't fit."""
    for size in (stored, stored[::-1]):
        if fit(size, long_side) == shown:
            return size
    return shown


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    return np.rint(255 * np.clip(np.nan_to_num(pixels), 0, 1)).astype(np.uint8)
