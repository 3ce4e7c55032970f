"""What one pass hands to the next. A daemon keeps it for as long as it runs, a single run makes it for itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.input_root import Root
from pipeline.runner.instance.folder_marks import OutputGuard


@dataclass(slots=True)
class Session:
    """The folders as they were when the first pass began, and the pictures known not to fit into memory.

    ``root`` is None until the input folder is looked at for the first time.
    """

    output: OutputGuard
    oversized: OversizedPictures
    root: Root | None = None

    def input_root(self, folder: Path) -> Root:
        """Return the input folder as it was first seen. Raises StorageError if it is not there."""
        self.root = self.root or Root(folder)
        return self.root
