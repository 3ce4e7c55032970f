"""Settings of a picture, on their way into a config's file."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.adoption import AdoptedSettings
from pipeline.errors import UsageError
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import Painting, PictureOptions, Recipe, Style
from pipeline.picture_settings import settings_record
from pipeline.runner.corrections.adopt import adopt_into, picture_to_adopt
from pipeline.runner.preparation import ResolvedConfig, resolve_config
from tests.fakes import write_painting
from tests.images.pictures import PROVENANCE, written
from tests.workshop import CONFIG, Workshop

SETTINGS = AdoptedSettings(Recipe(size=40, scales=1), "night", 1.0, "default")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path, CONFIG + "  mild: {size: 40}\n")
    workshop.config()
    return workshop


@pytest.fixture
def resolved(workshop: Workshop) -> ResolvedConfig:
    return resolve_config(workshop.config())


def picture(folder: Path, style: Style, recipe: Recipe, weights: str = "") -> Path:
    settings = settings_record(style, recipe, weights)
    provenance = replace(PROVENANCE, style=style.name, recipe=recipe.name, settings=settings)
    path = folder / "variant.jpg"
    pixels = np.zeros((6, 8, 3), np.uint8)
    write_picture(pixels, None, Metadata(), provenance, PictureOptions(), path)
    return path


def test_what_a_picture_says_becomes_its_recipe_or_a_new_one(tmp_path: Path, resolved: ResolvedConfig) -> None:
    night = replace(resolved.styles["night"], scale=0.5)
    path = picture(tmp_path, night, Recipe(name="mild", size=64), resolved.weights)
    found = picture_to_adopt(path, resolved, None)
    assert found.settings == AdoptedSettings(Recipe(name="mild", size=64), "night", 0.5, "mild")
    assert found.notes == ()
    found = picture_to_adopt(path, resolved, "soft")
    assert found.settings == AdoptedSettings(Recipe(name="soft", size=64), "night", 0.5, "mild", is_new=True)


def test_a_style_is_known_by_its_paintings_too(tmp_path: Path, resolved: ResolvedConfig) -> None:
    renamed = replace(resolved.styles["night"], name="dusk")
    assert picture_to_adopt(picture(tmp_path, renamed, Recipe()), resolved, None).settings.style == "night"
    other = Style("dusk", (Painting(Path("wave.jpg"), "b" * 64),))
    with pytest.raises(UsageError, match="is in the style 'dusk', which the config does not have; it has night"):
        picture_to_adopt(picture(tmp_path, other, Recipe()), resolved, None)


def test_what_is_not_adopted_is_told(tmp_path: Path, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("styles:\n", "styles:\n  - {name: wave, painting: night.jpg}\n")
    workshop.text += "pairing: {rules: [{match: '*', styles: [night], recipes: [mild]}]}\n"
    resolved = resolve_config(workshop.config())
    repainted = Style("night", (Painting(Path("old.jpg"), "b" * 64),))
    notes = picture_to_adopt(picture(tmp_path, repainted, Recipe(), "other"), resolved, None).notes
    assert notes == (
        "style night has other paintings, weights or scales than the picture, which is made of old.jpg",
        "the picture was made with other weights of the network than engine.weights",
        "recipe default is that of wave, too; --as NAME leaves those as they are",
        "rules in pairing.rules that name recipes stay as they are",
    )


def test_the_scale_of_a_region_is_left_to_its_style(tmp_path: Path, workshop: Workshop) -> None:
    split = "  - {name: split, regions: {white: night, black: keep}}\nmasks: {folder: masks}\nrecipes:"
    workshop.text = workshop.text.replace("recipes:", split)
    resolved = resolve_config(workshop.config())
    style = resolved.styles["split"].with_scales({"night": 2.0})
    adopted = picture_to_adopt(picture(tmp_path, style, Recipe()), resolved, None)
    told = "the picture has scale 2 where it is in style night, whose scale is 1: set it in that style"
    assert (adopted.settings.scale, adopted.notes[0]) == (1.0, told)


def test_pictures_without_settings_are_refused(tmp_path: Path, resolved: ResolvedConfig) -> None:
    written(tmp_path / "old.jpg")
    with pytest.raises(UsageError, match="an older version made it, which did not write the settings into it"):
        picture_to_adopt(tmp_path / "old.jpg", resolved, None)
    (tmp_path / "letter.jpg").write_text("no picture")
    with pytest.raises(UsageError, match="is no picture of stylewatch"):
        picture_to_adopt(tmp_path / "letter.jpg", resolved, None)


@pytest.mark.skipif(os.name == "nt", reason="modes and links are POSIX")
def test_the_file_keeps_its_mode_its_mark_and_its_line_breaks_and_a_link_stays_one(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (tmp_path / "night.jpg").write_bytes(b"")
    real, link = folder / "real.yaml", tmp_path / "stylewatch.yaml"
    text = CONFIG.replace("\n", "\r\n").encode()
    real.write_bytes(b"\xef\xbb\xbf" + text)
    real.chmod(0o640)
    link.symlink_to(real)
    adoption = adopt_into(link, SETTINGS)
    assert adoption.changes == ["recipes.default.size: 48 -> 40"]
    assert link.is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbf" + text.replace(b"size: 48", b"size: 40")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["real.yaml"]


def test_without_a_difference_the_file_is_not_touched(workshop: Workshop) -> None:
    file = workshop.folder / "stylewatch.yaml"
    before = file.stat()
    assert adopt_into(file, replace(SETTINGS, recipe=Recipe(size=48, scales=1))).changes == []
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)


def test_a_config_that_can_t_be_written_is_left_with_what_to_write(workshop: Workshop) -> None:
    file = workshop.folder / "stylewatch.yaml"
    before = file.read_bytes()
    (workshop.folder / ".stylewatch.yaml.part").mkdir()
    (workshop.folder / ".stylewatch.yaml.part" / "in the way").write_bytes(b"")
    with pytest.raises(UsageError) as refused:
        adopt_into(file, SETTINGS)
    assert "can't be written (" in str(refused.value)
    assert "recipes:\n  default: {size: 40, scales: 1}" in str(refused.value)
    assert file.read_bytes() == before


def test_the_image_that_a_picture_started_from_is_looked_for(tmp_path: Path, resolved: ResolvedConfig) -> None:
    start = write_painting(tmp_path / "start.jpg")
    recipe = Recipe(init="image", init_image=start, init_image_sha256=sha256_of_file(start))
    path = picture(tmp_path, resolved.styles["night"], recipe, resolved.weights)
    found = picture_to_adopt(path, resolved, None, lambda name: [tmp_path / "gone.jpg", tmp_path / name])
    assert (found.settings.recipe, found.notes) == (recipe, ())
    with pytest.raises(
        UsageError, match=r"the image that it started from, start\.jpg, is in no recipe or style of the config"
    ):
        picture_to_adopt(path, resolved, None)
