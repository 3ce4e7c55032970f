"""A small folder with a broken photo and a sub-folder, from the command line to the last file."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipeline.images.encode import read_provenance
from tests.end_to_end.program import pictures, run, run_here, write_landscape, write_small_painting
from tests.engine.network.test_vgg import independent_features

pytestmark = pytest.mark.slow

CONFIG = """
input: {folder: in, settle_seconds: 0}
output: {folder: out, format: png, min_free_disk: 0}
styles:
  - {name: blossoms, painting: blossoms.jpg}
recipes:
  default: {size: 64, iterations: 12, scales: 2}
engine: {device: cpu}
"""
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


def set_up(folder: Path) -> Path:
    write_landscape(folder / "in" / "lake.png")
    write_landscape(folder / "in" / "trip" / "hill.jpg", size=(60, 100), sun=10)
    (folder / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is where the camera fell into the lake")
    (folder / "in" / "letter.png").write_text("I am a letter, not a photo.")
    write_small_painting(folder / "blossoms.jpg")
    (folder / "stylewatch.yaml").write_text(CONFIG, encoding="utf-8")
    return folder / "stylewatch.yaml"


@dataclass(frozen=True)
class Finished:
    """A folder after its first run."""

    folder: Path
    config: Path
    code: int
    said: str

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def report(self, name: str) -> str:
        (first,) = sorted((self.out / "reports").iterdir())[:1]
        return (first / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("small")
    config = set_up(folder)
    code, out, _ = run("run", config)
    return Finished(folder, config, code, out)


def test_the_broken_photo_makes_exit_code_1_and_the_others_their_pictures(finished: Finished) -> None:
    assert finished.code == 1, finished.said
    assert pictures(finished.out) == ["lake--blossoms.png", "trip/hill--blossoms.png"]
    assert "letter.png is set aside: " in finished.said
    assert "2 pictures made, 1 photo set aside" in finished.said


def test_pictures_have_the_recipes_size_and_their_photos_shape(finished: Finished) -> None:
    for name, size in (("lake--blossoms.png", (64, 43)), ("trip/hill--blossoms.png", (38, 64))):
        with Image.open(finished.out / name) as picture:
            assert picture.size == size
            assert np.asarray(picture.convert("RGB")).std() > 10, "an empty picture"


def test_pictures_tell_where_they_come_from(finished: Finished) -> None:
    provenance = read_provenance(finished.out / "lake--blossoms.png")
    assert provenance is not None
    assert (provenance["style"], provenance["recipe"]) == ("blossoms", "default")


def pixels(path: Path, size: tuple[int, int] | None = None) -> Tensor:
    with Image.open(path) as image:
        picture = (
            image.convert("RGB") if size is None else image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        )
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255


def style_distance(picture: Tensor, painting: Tensor) -> float:
    """Return the mean relative distance of the Gram matrices, by a loop of its own over plain convolutions."""
    total = 0.0
    found, wanted = (independent_features(image, "max") for image in (picture, painting))
    for layer in LAYERS:
        a, b = (features[layer][0].flatten(1) for features in (found, wanted))
        gram, target = a @ a.T / a.shape[1], b @ b.T / b.shape[1]
        total += float((gram - target).square().sum() / target.square().sum()) / len(LAYERS)
    return total


def test_the_style_comes_much_closer_to_the_painting(finished: Finished) -> None:
    painting = pixels(finished.folder / "blossoms.jpg", (64, 64))
    photo = pixels(finished.folder / "in" / "lake.png", (64, 43))
    picture = pixels(finished.out / "lake--blossoms.png")
    assert style_distance(picture, painting) < 0.35 * style_distance(photo, painting)


def test_the_picture_still_shows_the_photo(finished: Finished) -> None:
    seen = []
    for name in ("in/lake.png", "out/lake--blossoms.png"):
        with Image.open(finished.folder / name) as image:
            coarse = image.convert("L").resize((8, 5), Image.Resampling.BOX)
            seen.append(np.asarray(coarse, dtype=np.float64).ravel())
    # Of so small a picture rounding alone makes 0.25 to 0.5, by any algorithm; one of noise has 0, give or take 0.15.
    assert np.corrcoef(seen)[0, 1] > 0.2


def test_the_report_has_one_row_a_job(finished: Finished) -> None:
    everything = list(csv.DictReader(finished.report("report.csv").splitlines()))
    assert sorted(row["photo"] for row in everything if not row["style"]) == ["broken.jpg", "letter.png"]
    rows = [row for row in everything if row["style"]]
    assert sorted(row["photo"] for row in rows) == ["lake.png", "trip/hill.jpg"]
    row = min(rows, key=lambda row: row["photo"])
    assert (row["style"], row["recipe"], row["output"]) == ("blossoms", "default", "lake--blossoms.png")
    assert (row["state"], row["attempts"], row["reason"]) == ("done", "1", "")
    assert (row["width"], row["height"], row["sizes"], row["iterations"]) == ("64", "43", "32 64", "12 12")
    assert float(row["seconds"]) > 0
    assert row["device"]
    assert float(row["last_style"]) < 0.5 * float(row["first_style"])
    assert float(row["last_total"]) < float(row["first_total"])
    assert int(row["cache_hits"]) + int(row["cache_misses"]) == 2  # one painting at two sizes


def test_the_report_for_programs_tells_of_the_run_and_of_what_was_set_aside(finished: Finished) -> None:
    report = json.loads(finished.report("report.json"))
    assert [
        report["run"][key] for key in ("photos_found", "pictures_made", "pictures_failed", "photos_set_aside")
    ] == [4, 2, 0, 1]
    assert {(photo["path"], photo["kind"]) for photo in report["set_aside"]} == {
        ("letter.png", "quarantined"),
        ("broken.jpg", "incomplete"),
    }
    assert len(report["pictures"]) == 2


def test_style_targets_are_computed_once_for_all_photos(finished: Finished) -> None:
    run_of = json.loads(finished.report("report.json"))["run"]
    assert (run_of["cache_misses"], run_of["cache_hits"]) == (2, 2)


def test_the_journal_has_an_event_a_line(finished: Finished) -> None:
    lines = (finished.out / "journal.jsonl").read_text(encoding="ascii").splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [event["event"] for event in events if event["run"] == events[0]["run"]]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert kinds.count("job_started") == kinds.count("job_finished") == 2
    assert kinds.count("photo_set_aside") == 2
    assert kinds.count("progress") == 4  # the last one of each scale


def test_the_log_tells_people_what_happened(finished: Finished) -> None:
    log = (finished.out / "stylewatch.log").read_text(encoding="utf-8")
    assert "2 pictures to make of 4 photos" in log
    assert "lake.png × blossoms → " in log
    assert "WARNING letter.png is set aside" in log
    assert "evaluation" not in log


def test_nothing_but_what_belongs_there_lies_in_the_output_folder(finished: Finished) -> None:
    assert sorted(path.name for path in finished.out.iterdir()) == [
        ".stylewatch",
        "gallery",
        "journal.jsonl",
        "lake--blossoms.png",
        "reports",
        "stylewatch.log",
        "trip",
    ]
    assert [path.name for path in finished.out.rglob("*.part")] == []


def test_a_second_run_does_nothing_and_says_so(finished: Finished) -> None:
    before = {name: (finished.out / name).stat().st_mtime_ns for name in pictures(finished.out)}
    code, out, _ = run_here("run", finished.config)
    assert code == 0, out
    assert "Nothing to do: 2 pictures exist already, 1 photo set aside; 'stylewatch status' says why" in out
    assert {name: (finished.out / name).stat().st_mtime_ns for name in pictures(finished.out)} == before


def test_the_same_command_elsewhere_gives_identical_pixels(finished: Finished, tmp_path: Path) -> None:
    run("run", set_up(tmp_path))
    for name in pictures(finished.out):
        assert torch.equal(pixels(tmp_path / "out" / name), pixels(finished.out / name))


def test_a_trial_gives_the_pixels_that_the_run_gives(finished: Finished, tmp_path: Path) -> None:
    photo = finished.folder / "in" / "lake.png"
    code, out, _ = run("try", finished.config, photo, "--into", tmp_path / "trial")
    assert code == 0, out
    assert "1 picture in " in out
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["blossoms.png"]
    assert torch.equal(pixels(tmp_path / "trial" / "blossoms.png"), pixels(finished.out / "lake--blossoms.png"))
