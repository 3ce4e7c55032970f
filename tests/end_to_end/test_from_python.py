"""A caller's script: its pictures have the pixels of the program's, and a type checker understands it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import StyleTransfer
from pipeline.engine.cpu.threads import on_threads
from tests.end_to_end.program import ROOT, run, write_landscape, write_small_painting
from tests.images.pictures import orientation_block


@pytest.mark.slow
def test_a_picture_has_the_pixels_of_the_programs_file(tmp_path: Path) -> None:
    photo, painting = tmp_path / "photo.jpg", write_small_painting(tmp_path / "painting.jpg")
    with Image.open(write_landscape(photo, size=(600, 400))) as image:
        image.rotate(90, expand=True).save(photo, exif=b"Exif\0\0" + orientation_block(6))
    config = tmp_path / "c.yaml"
    recipe = "{size: 64, iterations: 5, content_weight: 0.05, init: blend, seed: 3}"
    config.write_text(
        f"output: {{format: png}}\nengine: {{device: cpu}}\nrecipes: {{default: {recipe}}}\n"
        f"styles: [{{name: s, painting: painting.jpg, scale: 0.5}}]\n"
    )
    code, _, err = run("try", config, photo, "--into", tmp_path / "tried")
    assert (code, err) == (0, "")
    # With as many threads as the program has in tests.
    with on_threads(1), StyleTransfer(device="cpu") as transfer:
        picture = transfer.stylize(
            photo, painting, size=64, iterations=5, content_weight=0.05, init="blend", seed=3, scale=0.5
        )
    with Image.open(tmp_path / "tried" / "s.png") as made:
        assert np.array_equal(np.asarray(picture), np.asarray(made))


TYPED = """
from pathlib import Path

import numpy as np
from PIL import Image

import pipeline
from pipeline import Progress, StyleTransfer, StylewatchError, TransferSettings, stylize


def show(progress: Progress) -> None:
    print(progress.size, progress.iteration, progress.losses.total)


picture: Image.Image = stylize("a.jpg", Path("b.jpg"), size=256, style_layers={"relu1_1": 1.0}, progress=show)
settings: TransferSettings = {"size": 256, "optimizer": "adam"}
with StyleTransfer(device="cpu") as transfer:
    picture = transfer.stylize(picture, {"a.jpg": 0.5, "b.jpg": 0.5}, **settings)
    picture = transfer.stylize(np.asarray(picture), [("a.jpg", 0.5), (picture, 0.5)], scale=2)
    picture = transfer.stylize(np.asarray(picture) / 255, ["a.jpg", Path("b.jpg")])
    for made in transfer.stylize_many(Path("photos").glob("*.jpg"), "a.jpg"):
        made.save("x.png")
    for each in transfer.stylize_many(["a.jpg"], "b.jpg", return_exceptions=True):
        print(each if isinstance(each, StylewatchError) else each.size)
"""
WRONG = """
stylize("a.jpg", "b.jpg", sise=256)
stylize("a.jpg", "b.jpg", loss="l2")
stylize(5, "b.jpg")
pipeline.stylise
"""


@pytest.mark.slow
def test_a_callers_script_is_typed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TYPED + WRONG)
    # By the project's own settings, so that what was found of torch and numpy is known already.
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", str(script)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [int(line) for line in re.findall(r"script\.py:(\d+): error: ", ended.stdout)]
    first = TYPED.count("\n") + 2
    assert lines == [first, first + 1, first + 2, first + 3], ended.stdout + ended.stderr
