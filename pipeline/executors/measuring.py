"""The speed of this machine, measured once in a child process. Owns that process; the engine does the measuring."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Final

from pipeline.engine.speed import Speed, read_speed, store_speed
from pipeline.errors import StylewatchError
from pipeline.executors import child
from pipeline.model import EngineSettings

#: A measurement that takes longer is given up.
TIMEOUT_SECONDS: Final = 180.0


def load_or_measure_speed(
    settings: EngineSettings,
    emit: Callable[[str], None],
    *,
    measure_engine: child.MeasureEngine = child.measure_stylizer,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Speed | None:
    """Return the speed of this machine with these settings: the stored one, or one measured now and stored.

    ``emit`` gets a line for people about what takes time or goes wrong. None: it can't be measured.
    """
    kept = read_speed(settings)
    if kept is not None:
        return kept
    emit("Measuring how fast this machine is, once; this takes a few seconds ...")
    found = _measure_in_child(settings, measure_engine, timeout_seconds)
    if isinstance(found, str):
        emit(f"The speed could not be measured: {found}")
        return None
    store_speed(settings, found)
    return found


def _measure_in_child(
    settings: EngineSettings, measure_engine: child.MeasureEngine, timeout_seconds: float
) -> Speed | str:
    """Return the speed, or why it is unknown."""
    context = multiprocessing.get_context("spawn")
    parent_end, child_end = context.Pipe()
    process = context.Process(
        target=child.send_measured_speed,
        args=(child_end, settings, measure_engine, time.time()),
        name="stylewatch-speed",
        daemon=True,
    )
    process.start()
    child_end.close()
    try:
        if not parent_end.poll(timeout_seconds):
            return f"it took more than {timeout_seconds:.0f} seconds"
        found: Speed | StylewatchError = parent_end.recv()
    except (EOFError, OSError):
        return "the process that measures it died"
    finally:
        process.kill()
        process.join()
        parent_end.close()
    return found if isinstance(found, Speed) else str(found)
