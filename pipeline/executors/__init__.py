"""Who works on jobs, and where. Refuses to decide what there is to do."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from pipeline.model import ExecutorEvent, JobSource


class Executor(Protocol):
    """Pulls assignments from a source and answers each with exactly one Artwork or Failure."""

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        """Work until the source gives nothing more, or until drained or stopped.

        Closing the generator ends the work at once: no worker writes any more afterwards.
        """
        ...

    def stop(self) -> None:
        """Take nothing new and end soon; what is not finished by then is put back.

        Safe to call from a signal handler. An executor that was stopped can't be used again.
        """
        ...

    def close(self) -> None:
        """End the workers."""
        ...
