"""The speed of this machine, measured once in a child process. Owns what is said of it; the engine measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.engine.speed import Speed, read_speed, store_speed
from pipeline.errors import DeviceError, StylewatchError, WeightsError
from pipeline.executors import child
from pipeline.executors.questions import ask_engine
from pipeline.model import EngineSettings

#: A measurement that takes longer is given up.
TIMEOUT_SECONDS: Final = 180.0


def load_or_measure_speed(
    settings: EngineSettings,
    emit: Callable[[str], None],
    *,
    measure_engine: child.Question[Speed] = child.measure_stylizer,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Speed | None:
    """Return the speed of this machine with these settings: the stored one, or one measured now and stored.

    ``emit`` gets a line for people about what takes time or goes wrong. None: it can't be measured.
    Raises DeviceError and WeightsError, which no worker could work with either.
    """
    kept = read_speed(settings)
    if kept is not None:
        return kept
    emit("Measuring how fast this machine is, once; this takes a few seconds ...")
    try:
        found = ask_engine(measure_engine, settings, timeout_seconds)
    except (DeviceError, WeightsError):
        raise
    except StylewatchError as error:
        emit(f"The speed could not be measured: {error}")
        return None
    store_speed(settings, found)
    return found
