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
PATIENCE_SECONDS: Final = 180.0


def known_speed(
    settings: EngineSettings,
    emit: Callable[[str], None],
    *,
    measurement: child.Measurement = child.measure_stylizer,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Speed | None:
    """Return what is known of this machine with these settings: as kept, or measured now and kept.

    ``emit`` hears what takes time and what goes wrong. None: it can't be measured.
    """
    kept = read_speed(settings)
    if kept is not None:
        return kept
    emit("Measuring how fast this machine is, once; this takes some seconds ...")
    found = _measured(settings, measurement, patience_seconds)
    if isinstance(found, str):
        emit(f"It could not be measured: {found}")
        return None
    keep_speed(settings, found)
    return found


def _measured(settings: EngineSettings, measurement: child.Measurement, patience_seconds: float) -> Speed | str:
    """Return the speed, or why it is not known."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=child.measure, args=(theirs, settings, measurement, time.time()), name="stylewatch-speed", daemon=True
    )
    process.start()
    theirs.close()
    try:
        if not ours.poll(patience_seconds):
            return f"it takes more than {patience_seconds:.0f} seconds"
        found: Speed | StylewatchError = ours.recv()
    except (EOFError, OSError):
        return "the process that measures died"
    finally:
        process.kill()
        process.join()
        ours.close()
    return found if isinstance(found, Speed) else str(found)
