"""The second reader of sizes and orientations: exiftool, else Pillow. Decodes no pixels."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from PIL import ExifTags, Image

from tests.corpus.readings import Size

#: Files whose pixels are turned by properties of the container, not by EXIF.
_TURNED_BY_CONTAINER: Final = frozenset({"HEIC", "HEIF", "AVIF", "HIF", "JXL"})
_READY: Final = b"{ready}\n"


@dataclass(frozen=True, slots=True)
class FileMetadata:
    """``format``: by the content; ``size``: upright, None if unknown; ``orientation``: 1 to 8."""

    format: str
    size: Size | None = None
    orientation: int = 1


class MetadataReader(Protocol):
    """A second reader of metadata. ``name`` with its version."""

    name: str

    def read(self, path: Path) -> FileMetadata | None:
        """Return what is known of the file; None if it can't be read."""

    def close(self) -> None:
        """End what was started."""


class ExifTool:
    """Keeps one exiftool, as it takes longer to start than to read a file; threads ask it one after the other."""

    def __init__(self, program: str) -> None:
        version = subprocess.run([program, "-ver"], capture_output=True, text=True, check=False).stdout.strip()
        self.name = f"exiftool {version}"
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [program, "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def read(self, path: Path) -> FileMetadata | None:
        wanted = ["-FileType", "-ImageSize", "-Orientation", "-Rotation"]
        with self._lock:
            answer = self._ask("-json", "-n", "-fast", *wanted, os.fspath(path.absolute()))
        tags = json.loads(answer) if answer.strip() else []
        return _of_exiftool(tags[0]) if tags else None

    def close(self) -> None:
        with self._process, contextlib.suppress(OSError):  # it may be gone
            self._tell("-stay_open", "False")

    def _ask(self, *arguments: str) -> bytes:
        self._tell(*arguments, "-execute")
        assert self._process.stdout is not None
        return b"".join(iter(self._process.stdout.readline, _READY))

    def _tell(self, *arguments: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(os.fsencode(argument) + b"\n" for argument in arguments))
        self._process.stdin.flush()


class PillowMetadata:
    """Reads headers with Pillow, which this program uses, too: better than nothing."""

    name = "Pillow (this program reads with it, too: install exiftool)"

    def read(self, path: Path) -> FileMetadata | None:
        try:
            with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
                turn = image.getexif().get(ExifTags.Base.Orientation, 1)
                return FileMetadata(image.format or "", _upright(image.size, turn), turn)
        except Exception:  # what is in the file may raise anything
            return None

    def close(self) -> None:
        """Nothing is left running."""


def find_metadata_reader() -> MetadataReader:
    """Return exiftool if it is installed, else Pillow."""
    program = shutil.which("exiftool")
    return ExifTool(program) if program else PillowMetadata()


def _of_exiftool(tags: dict[str, Any]) -> FileMetadata:
    kind = str(tags.get("FileType", ""))
    if kind in _TURNED_BY_CONTAINER:
        turn = {90: 6, 180: 3, 270: 8}.get(_number(tags.get("Rotation")), 1)
    else:
        turn = _number(tags.get("Orientation")) or 1
    width, _, height = str(tags.get("ImageSize", "")).partition(" ")
    size = _upright((int(width), int(height)), turn) if width.isdigit() and height.isdigit() else None
    return FileMetadata(kind, size, turn)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _upright(size: Size, orientation: int) -> Size:
    return size if orientation < 5 else size[::-1]
