"""The whole program as its users run it: processes, files, the real network. Everything as small as it can be."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from PIL import Image, ImageDraw

from pipeline.cli.commands import main

ROOT = Path(__file__).parents[2]
PAINTING = ROOT / "configs" / "styles" / "blossoms.jpg"

#: For recipes of tests whose claims do not depend on the network's depth: an evaluation takes a tenth of the time.
FEW_LAYERS = "content_layers: [relu2_1], style_layers: [relu1_1, relu2_1]"


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        # One thread: beside other tests, two that wait for each other at every layer take many times as long.
        env=os.environ | {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    process = start(*arguments)
    out, err = process.communicate(timeout=240)
    assert "Traceback" not in out + err, out + err
    return process.returncode, out, err


def run_here(*arguments: str | Path) -> tuple[int, str, str]:
    """Do as :func:`run` in this process, which has loaded everything: for commands that start no worker."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["stylewatch", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    assert "Traceback" not in out.getvalue() + err.getvalue()
    return code, out.getvalue(), err.getvalue()


def write_landscape(path: Path, size: tuple[int, int] = (96, 64), sun: int = 0) -> Path:
    """Write a photo with a sky, a hill and a sun; different suns are different photos."""
    width, height = size
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height // 2, width, height), fill=(60, 120, 50))
    draw.ellipse((8 + sun, 4, 28 + sun, 24), fill=(250, 220, 90))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def write_small_painting(path: Path, side: int = 128) -> Path:
    """Write one of the sample paintings at a size that is soon looked at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(PAINTING) as painting:
        painting.thumbnail((side, side))
        painting.save(path, quality=95)
    return path


def pictures(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*--*") if path.is_file())
