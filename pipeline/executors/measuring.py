"""How fast this machine is, measured once in a child process. Owns asking; the measurement is the engine's."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Final

from pipeline.engine.speed import Speed, keep_speed, read_speed
from pipeline.errors import StylewatchError
from pipeline.executors import child
from pipeline.model import EngineSettings

#: A machine that takes longer is not waited for.
TIMEOUT_SECONDS: Final = 180.0


def load_or_measure_speed(
    settings: EngineSettings,
    emit: Callable[[str], None],
    *,
    measurement: child.Measurement = child.measure_stylizer,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Speed | None:
    """Return what is known of this machine with these settings: as kept, or measured now and kept.

    ``emit`` hears what takes time and what goes wrong. None: it can't be measured.
    """
    kept = read_speed(settings)
    if kept is not None:
        return kept
    emit("Measuring how fast this machine is, once; this takes some seconds ...")
    found = _measure_in_child(settings, measurement, timeout_seconds)
    if isinstance(found, str):
        emit(f"It could not be measured: {found}")
        return None
    keep_speed(settings, found)
    return found


def _measure_in_child(
    settings: EngineSettings, measurement: child.Measurement, timeout_seconds: float
) -> Speed | str:
    """Return the speed, or why it is not known."""
    context = multiprocessing.get_context("spawn")
    parent_end, child_end = context.Pipe()
    process = context.Process(
        target=child.measure,
        args=(child_end, settings, measurement, time.time()),
        name="stylewatch-speed",
        daemon=True,
    )
    process.start()
    child_end.close()
    try:
        if not parent_end.poll(timeout_seconds):
            return f"it takes more than {timeout_seconds:.0f} seconds"
        found: Speed | StylewatchError = parent_end.recv()
    except (EOFError, OSError):
        return "the process that measures died"
    finally:
        process.kill()
        process.join()
        parent_end.close()
    return found if isinstance(found, Speed) else str(found)
