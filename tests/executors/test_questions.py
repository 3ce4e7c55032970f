"""Questions that a process of its own answers."""

from __future__ import annotations

import os
import time
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from pipeline.errors import CannotRunError, DeviceError
from pipeline.executors.questions import ask_engine
from pipeline.model import EngineSettings


def device_of(settings: EngineSettings, seconds: float) -> str:
    assert 0 <= seconds < 60
    return f"{settings.device} in another process than {os.getppid()}"


def no_device(settings: EngineSettings, seconds: float) -> str:
    raise DeviceError("there is none")


def death(settings: EngineSettings, seconds: float) -> str:
    os._exit(1)


def silence(settings: EngineSettings, seconds: float) -> str:
    time.sleep(600)
    return ""


def test_the_answer_comes_from_a_process_of_its_own() -> None:
    expected = f"cpu in another process than {os.getpid()}"
    assert ask_engine(device_of, EngineSettings(device="cpu"), 60.0) == expected


def test_an_error_there_is_raised_here() -> None:
    with pytest.raises(DeviceError, match="there is none"):
        ask_engine(no_device, EngineSettings(), 60.0)


@pytest.mark.parametrize(
    ("question", "patience", "words"), [(death, 60.0, "died"), (silence, 0.1, "no answer for 0 s")]
)
def test_no_answer_is_a_sentence(question: object, patience: float, words: str) -> None:
    with pytest.raises(CannotRunError, match=words):
        ask_engine(question, EngineSettings(), patience)  # type: ignore[arg-type]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="counts open files")
def test_no_file_stays_open_after_an_error() -> None:
    resource_tracker.ensure_running()  # keeps a pipe of its own once it runs
    used = len(os.listdir("/dev/fd"))
    with pytest.raises(CannotRunError) as kept:  # with its frames
        ask_engine(death, EngineSettings(), 60.0)
    assert len(os.listdir("/dev/fd")) == used, kept
