"""Loads all that decodes, once, in the server that forks a process for each file: each would take 50 ms for it."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.corpus.own_decoder import Limits, read_own


def _load() -> None:
    png = io.BytesIO()
    Image.new("RGB", (8, 8)).save(png, "PNG")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.png").write_bytes(png.getvalue())
        read_own(Path(folder) / "a.png", Limits(long_side=8))


_load()
