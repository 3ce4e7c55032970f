"""Regions of styles, and the folder of masks; what is said of mistakes is in golden/."""

from __future__ import annotations

from pathlib import Path

from pipeline.config.settings import folder_settings, ingest_settings
from tests.config.conftest import Load, Problems

MASKS = "masks: {folder: masks}\n"
STYLES = """
styles:
  - {name: night, painting: paintings/starry_night.jpg}
  - {name: wave, painting: paintings/great_wave.jpg}
  - {name: split, regions: %s, recipe: default}
"""


def test_regions_name_colors_and_other_styles(load: Load) -> None:
    style = load(MASKS + STYLES % "{White: night, '#C0FFEE': wave, grey: keep}").styles[2]
    assert style.regions == {"#ffffff": "night", "#c0ffee": "wave", "#808080": "keep"}
    assert style.paintings == ()
    assert load(MASKS + STYLES % "{0: night, 255: keep}").styles[2].regions == {"0": "night", "255": "keep"}


def test_the_folder_of_masks_holds_no_photos(load: Load, folder: Path) -> None:
    config = load(MASKS.replace("masks}", "input/masks}") + STYLES % "{white: night, black: keep}")
    assert folder_settings(config).masks == ingest_settings(config).masks == folder / "input" / "masks"
    assert folder / "input" / "masks" in ingest_settings(config).excluded
    config = load("styles: [{name: night, painting: paintings/starry_night.jpg}]")
    assert ingest_settings(config).masks is None
    assert len(ingest_settings(config).excluded) == 2


def test_a_folder_of_photos_of_another_kind_holds_no_masks(load: Load, problems: Problems, folder: Path) -> None:
    text = MASKS.replace("masks}", "input/wave}") + STYLES % "{white: night, black: keep}"
    load(text)
    load(MASKS.replace("masks}", "wave}") + STYLES % "{white: night, black: keep}" + "pairing: {by: folder}")
    [said] = problems(text + "pairing: {by: folder}\n")
    assert said.startswith("masks.folder: can't be where photos get the style 'wave' (pairing.by: folder): nothing")
    for place in ("masks", "masks/done"):
        [said] = problems(MASKS + STYLES % "{white: night, black: keep}" + f"input: {{originals: {{move: {place}}}}}")
        assert said.startswith(
            "masks.folder: can't be or hold the folder that photos are moved to (input.originals), "
            f"{folder / place}; choose"
        )


def test_keep_means_the_photo_or_is_refused(problems: Problems) -> None:
    text = MASKS + (STYLES % "{white: night, black: keep}").replace("name: wave", "name: keep")
    [told] = problems(text)
    assert told.startswith("styles[2].regions.black: must be clear: 'keep' means the photo as it is, and is also a")


def test_a_region_alone_divides_nothing(problems: Problems) -> None:
    [told] = problems(MASKS + STYLES % "{white: night}")
    assert told == "styles[2].regions: must name two colors at least, found only 'white'"
