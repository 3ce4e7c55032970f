"""Archives from the command line to the last file: their pictures are those of the same photos in folders."""

from __future__ import annotations

import csv
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from tests.end_to_end.program import FEW_LAYERS, pictures, run, run_here, write_landscape, write_small_painting
from tests.end_to_end.test_whole_program import pixels

pytestmark = pytest.mark.slow

CONFIG = f"""
input: {{folder: in, settle_seconds: 0}}
output: {{folder: out, format: png, min_free_disk: 0}}
styles:
  - {{name: blossoms, painting: blossoms.jpg}}
recipes:
  default: {{size: 48, iterations: 4, scales: 1, {FEW_LAYERS}}}
"""
PHOTOS = {"trip.zip/lake.png": 0, "year/old.tar/sea/hill.png": 15, "year/new.tgz/sun.png": 30}
PICTURES = sorted(f"{photo.removesuffix('.png')}--blossoms.png" for photo in PHOTOS)


def set_up(folder: Path, photos_in: Path) -> Path:
    for path, sun in PHOTOS.items():
        write_landscape(photos_in / path, sun=sun)
    write_small_painting(folder / "blossoms.jpg")
    (folder / "stylewatch.yaml").write_text(CONFIG, encoding="utf-8")
    return folder / "stylewatch.yaml"


def pack(photos: Path, into: Path) -> None:
    (into / "year").mkdir(parents=True)
    with zipfile.ZipFile(into / "trip.zip", "w") as archive:
        archive.write(photos / "trip.zip" / "lake.png", "lake.png")
        archive.writestr("__MACOSX/._lake.png", b"junk")
        archive.writestr("../../evil.png", b"would lie in the config's folder")
        archive.writestr("letter.png", b"I am a letter, not a photo.")
    for name, mode in (("old.tar", "w"), ("new.tgz", "w:gz")):
        with tarfile.open(into / "year" / name, mode) as archive:  # type: ignore[call-overload]
            archive.add(photos / "year" / name, ".")


def test_zip_and_tar_archives_are_folders_of_photos(tmp_path: Path) -> None:
    loose, packed = tmp_path / "loose", tmp_path / "packed"
    run("run", set_up(loose, loose / "in"))
    config = set_up(packed, tmp_path / "photos")
    pack(tmp_path / "photos", packed / "in")
    before = sorted(tmp_path.rglob("*"))

    code, out, _ = run("run", config)
    assert code == 1, out
    assert pictures(packed / "out") == pictures(loose / "out") == PICTURES
    for picture in PICTURES:
        assert torch.equal(pixels(packed / "out" / picture), pixels(loose / "out" / picture))
    made = set(tmp_path.rglob("*")) - set(before)
    assert all(path.is_relative_to(packed / "out") for path in made)
    assert not (packed / "out" / ".stylewatch" / "unpacked").exists()

    refusals = {"trip.zip": "points outside of the archive", "trip.zip/letter.png": "text"}
    report = next((packed / "out" / "reports").iterdir())
    aside = json.loads((report / "report.json").read_text(encoding="utf-8"))["set_aside"]
    rows = [
        row
        for row in csv.DictReader((report / "report.csv").read_text(encoding="utf-8").splitlines())
        if not row["style"]
    ]
    status = json.loads(run_here("status", config, "--json")[1])["failures"]
    for told in (
        {row["path"]: row["reason"] for row in aside},
        *({row["photo"]: row["reason"] for row in each} for each in (rows, status)),
    ):
        assert told.keys() == refusals.keys()
        assert all(reason in told[path] for path, reason in refusals.items())
    assert "trip.zip is set aside: 1 of the archive's files is refused" in run_here("status", config)[1]
    log = (packed / "out" / "stylewatch.log").read_text(encoding="utf-8")
    assert log.count("WARNING trip.zip is set aside") == 1

    code, out, _ = run_here("run", config)
    assert code == 0, out
    assert "Nothing to do" in out
    assert "is set aside" not in out, "only counted, not named again"
    assert "0 photos and 3 archives in" in run_here("check", config)[1]
