"""Configs that must work as they stand: the least one, and the article's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.end_to_end.program import ROOT, pictures, run, write_landscape, write_small_painting

pytestmark = pytest.mark.slow

LEAST = """\
input: {folder: in}
output: {folder: out}
styles:
  - {name: night, painting: paintings/starry_night.jpg}
  - {name: both, paintings: {paintings/starry_night.jpg: 0.7, paintings/great_wave.jpg: 0.3}}
recipes:
  default: {size: 96, iterations: 15}
"""


def test_the_least_config_makes_a_picture_in_every_style(tmp_path: Path) -> None:
    write_landscape(tmp_path / "in" / "lake.jpg", size=(192, 32))  # flat, which makes few pixels
    write_small_painting(tmp_path / "paintings" / "starry_night.jpg", side=96)
    with Image.open(write_small_painting(tmp_path / "paintings" / "great_wave.jpg", side=96)) as painting:
        turned = painting.transpose(Image.Transpose.TRANSVERSE).convert("L")
    turned.save(tmp_path / "paintings" / "great_wave.jpg")
    (tmp_path / "stylewatch.yaml").write_text(LEAST, encoding="utf-8")
    code, out, err = run("run", tmp_path / "stylewatch.yaml")
    assert code == 0, out + err
    assert pictures(tmp_path / "out") == ["lake--both.jpg", "lake--night.jpg"]
    for name in pictures(tmp_path / "out"):
        with Image.open(tmp_path / "out" / name) as picture:
            assert (picture.format, picture.size) == ("JPEG", (96, 16))
    both, night = (tmp_path / "out" / f"lake--{style}.jpg" for style in ("both", "night"))
    assert both.read_bytes() != night.read_bytes()


@pytest.mark.parametrize("descent", ["optimizer: adam", "optimizer: sgd, learning_rate: 0.002"])
def test_the_articles_config_logs_its_losses_and_saves_intermediate_pictures(tmp_path: Path, descent: str) -> None:
    text = (ROOT / "configs" / "article.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("../input", "in"),
        ("../output/article", "out"),
        ("styles/blossoms.jpg", "blossoms.jpg"),
        ("size: 256", "size: 48"),
        ("iterations: 1000", "iterations: 20"),
        ("snapshot_every: 100", "snapshot_every: 10"),
    ):
        assert old in text
        text = text.replace(old, new)
    if "sgd" in descent:
        text = re.sub(r"optimizer: adam.*\n", "optimizer: sgd\n", text)
        text = re.sub(r"learning_rate: 0.02 .*\n", "learning_rate: 0.002\n", text)
    write_landscape(tmp_path / "in" / "lake.png")
    write_small_painting(tmp_path / "blossoms.jpg")
    (tmp_path / "article.yaml").write_text(text, encoding="utf-8")
    code, out, err = run("run", tmp_path / "article.yaml")
    assert code == 0, out + err
    snapshots = tmp_path / "out" / "snapshots" / "lake--blossoms"
    assert sorted(path.name for path in snapshots.iterdir()) == ["scale1-00010.jpg", "scale1-00020.jpg"]
    log = (tmp_path / "out" / "stylewatch.log").read_text(encoding="utf-8")
    logged = re.findall(r"evaluation (\d+) of 20: total (\S+), content (\S+), style (\S+)", log)
    assert [row[0] for row in logged] == ["1", "10", "20"]
    totals = [float(row[1]) for row in logged]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < 0.9 * totals[0]
    assert float(logged[0][2]) == 0, "it starts from the photo"
    assert float(logged[-1][2]) > 0
