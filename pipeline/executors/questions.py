"""Asks the engine a question in a child process of its own, so that the asking one need not load torch."""

from __future__ import annotations

import multiprocessing
import time
from typing import TypeVar

from pipeline.errors import CannotRunError, StylewatchError
from pipeline.executors import child
from pipeline.model import EngineSettings

Answer = TypeVar("Answer")


def ask_engine(question: child.Question[Answer], settings: EngineSettings, timeout_seconds: float) -> Answer:
    """Return what ``question`` returns there. Raises the StylewatchError that it raises, else CannotRunError."""
    context = multiprocessing.get_context("spawn")
    parent_end, child_end = context.Pipe()
    process = context.Process(
        target=child.answer,
        args=(child_end, settings, question, time.time()),
        name="stylewatch-question",
        daemon=True,
    )
    process.start()
    child_end.close()
    try:
        if not parent_end.poll(timeout_seconds):
            raise CannotRunError(f"the engine's process gave no answer for {timeout_seconds:.0f} seconds")
        found: Answer | StylewatchError = parent_end.recv()
    except (EOFError, OSError) as error:
        raise CannotRunError("the engine's process died") from error
    finally:
        process.kill()
        process.join()
        process.close()
        parent_end.close()
    if isinstance(found, StylewatchError):
        raise found
    return found
