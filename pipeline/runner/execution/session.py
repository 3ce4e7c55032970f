"""State shared by successive passes of one program.

A daemon keeps it for as long as it runs, a single run makes it for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.model import PassSettings
from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.input_root import InputRoot
from pipeline.runner.instance.folder_marks import OutputFolderCheck


@dataclass(slots=True)
class Session:
    """The folders as they were when the first pass began, and the pictures known not to fit into memory.

    ``root`` is None until the input folder is looked at for the first time. ``backlog_done`` counts the pictures made
    since there was last nothing to do.
    """

    output: OutputFolderCheck
    oversized: OversizedPictures
    root: InputRoot | None = None
    backlog_done: int = 0

    @classmethod
    def begin(cls, settings: PassSettings) -> Session:
        """Return the session of a first pass. Raises StorageError if the output folder can't be read."""
        return cls(OutputFolderCheck(settings.folders.output), OversizedPictures(settings.retries.max_delay_seconds))

    def input_root(self, folder: Path) -> InputRoot:
        """Return the input folder as it was first seen. Raises StorageError if it is not there."""
        self.root = self.root or InputRoot(folder)
        return self.root
