"""Runs jobs in workers. Owns the workers' processes; does not decide which jobs there are."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from pipeline.model import ExecutorEvent, JobSource


class Executor(Protocol):
    """Pulls assignments from a source and answers each with exactly one Artwork or Failure."""

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        """Work until the source gives nothing more, or until stopped.

        Closing the generator ends the work at once: no worker writes anything after that.
        """
        ...

    def stop(self) -> None:
        """Start nothing new and end soon; jobs that are not finished by then return to the queue.

        Safe to call from a signal handler. An executor that was stopped can't be used again.
        """
        ...

    def close(self) -> None:
        """End the workers."""
        ...
