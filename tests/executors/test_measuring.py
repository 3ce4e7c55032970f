"""The machine is measured once, in a process of its own; tests/test_imports.py has the real engine measured."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipeline.engine.speed import GUESS, Speed, read_speed, store_speed
from pipeline.errors import CannotRunError, DeviceError
from pipeline.executors.measuring import load_or_measure_speed
from pipeline.model import EngineSettings


def plain_measurement(settings: EngineSettings, seconds: float) -> Speed:
    assert 0 <= seconds < 60
    return GUESS


def unfit_measurement(settings: EngineSettings, seconds: float) -> Speed:
    raise DeviceError("this machine has no usable 'cuda'")


def unloadable_measurement(settings: EngineSettings, seconds: float) -> Speed:
    raise CannotRunError("PyTorch can't be loaded")


def deadly_measurement(settings: EngineSettings, seconds: float) -> Speed:
    os._exit(1)


def endless_measurement(settings: EngineSettings, seconds: float) -> Speed:
    time.sleep(600)
    return GUESS


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(machine_folder=tmp_path)


def test_what_is_measured_is_kept_and_announced(settings: EngineSettings) -> None:
    told: list[str] = []
    assert load_or_measure_speed(settings, told.append, measure_engine=plain_measurement) == GUESS
    assert told == ["Measuring how fast this machine is, once; this takes a few seconds ..."]
    assert read_speed(settings) == GUESS


def test_what_is_kept_is_not_measured_again(settings: EngineSettings) -> None:
    told: list[str] = []
    store_speed(settings, GUESS)
    assert load_or_measure_speed(settings, told.append, measure_engine=deadly_measurement) == GUESS
    assert told == []


@pytest.mark.parametrize(
    ("measurement", "hang_detector", "reason"),
    [
        (unloadable_measurement, 60.0, "PyTorch can't be loaded"),
        (deadly_measurement, 60.0, "the engine's process died"),
        (endless_measurement, 0.1, "the engine's process gave no answer for 0 seconds"),
    ],
)
def test_a_machine_that_can_not_be_measured_is_unknown_and_says_why(
    settings: EngineSettings, measurement: object, hang_detector: float, reason: str
) -> None:
    told: list[str] = []
    found = load_or_measure_speed(settings, told.append, measure_engine=measurement, timeout_seconds=hang_detector)  # type: ignore[arg-type]
    assert found is None
    assert told[-1] == f"The speed could not be measured: {reason}"
    assert read_speed(settings) is None


def test_a_device_that_is_not_there_is_no_matter_of_guessing(settings: EngineSettings) -> None:
    with pytest.raises(DeviceError, match="no usable 'cuda'"):
        load_or_measure_speed(settings, lambda _: None, measure_engine=unfit_measurement)
