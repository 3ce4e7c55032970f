from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import load_variants
from pipeline.errors import PhotoError, UsageError
from pipeline.hashing import sha256_of_file
from pipeline.model.trial import SheetAxis
from pipeline.runner.preparation import resolve_config
from pipeline.runner.trial.plan import contact_sheet, count_pictures, plan_pictures, plan_trial, read_photos
from tests.fakes import write_painting, write_photo
from tests.runner.trial.trying import plan_of, variants_of
from tests.workshop import SPEED, Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.text = workshop.text.replace("size: 48", "size: [96, 32, 64]")
    workshop.text += "  fine: {size: 64, scales: 1, content_weight: [0.5, 1]}\n"
    return workshop


def test_photos_are_taken_once_and_those_that_cant_be_read_are_named(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png")
    [read] = read_photos([photo, tmp_path / "." / "a.png"])
    assert (read.path, read.name) == (photo.resolve(), "a.png")
    with pytest.raises(PhotoError, match=r"gone\.png can't be read"):
        read_photos([tmp_path / "gone.png"])


def test_all_combinations_the_cheapest_first(workshop: Workshop) -> None:
    photos = [workshop.photo("a.png"), workshop.photo("b.png", shade=2)]
    plan = plan_of(workshop, photos, ("night",), ("default", "fine"))
    sizes = [picture.recipe.size for picture in plan.pictures]
    assert sizes == sorted(sizes)
    assert len(plan.pictures) == 10
    assert [picture.stem for picture in plan.pictures][:4] == [
        "a--night--size=32",
        "b--night--size=32",
        "a--night--size=64",
        "a--night--fine--content_weight=0.5",
    ]
    assert plan.seconds is None  # nothing is known of this machine
    known = plan_trial(plan.photos, plan.pictures, SPEED)
    assert known.seconds is not None
    assert known.seconds > SPEED.startup_seconds + 9 * 0.02


def test_how_many_is_known_before_the_photos_are_read(workshop: Workshop) -> None:
    found = variants_of(workshop)
    resolved = resolve_config(found.config)
    assert count_pictures(found, resolved) == 3
    assert count_pictures(found, resolved, ("night", "night"), ("default", "fine")) == 5
    for names in ((("noon",), ()), ((), ("huge",))):
        with pytest.raises(UsageError, match="there is no"):
            count_pictures(found, resolved, *names)


def test_a_sheet_has_the_settings_as_axes_and_values_of_other_recipes_among_theirs(workshop: Workshop) -> None:
    plan = plan_of(workshop, [workshop.photo("a.png")], (), ("default", "fine"))
    sheet = contact_sheet(plan, sheet_id="x", title="a.png", started=1.0, config_name="c.yaml")
    assert sheet.axes == (
        SheetAxis("size", ("32", "64", "96")),
        SheetAxis("content_weight", ("0.02", "0.5", "1")),
    )
    assert [(cell.recipe, cell.values) for cell in sheet.cells] == [
        ("default", (2, 0)),
        ("default", (0, 0)),
        ("default", (1, 0)),
        ("fine", (1, 1)),
        ("fine", (1, 2)),
    ]
    assert sheet.paintings == {"night": (workshop.folder / "night.jpg",)}
    assert all(cell.picture is None for cell in sheet.cells)


def test_lists_and_layers_are_written_as_in_a_config(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: [96, 32, 64]", "size: 32, content_layers: [[relu4_2], {relu4_2: 2}]")
    plan = plan_of(workshop, [workshop.photo("a.png")], (), ("default", "fine"))
    sheet = contact_sheet(plan, sheet_id="x", title="", started=1.0, config_name="")
    assert sheet.axes[0] == SheetAxis("content_layers", ("[relu4_2]", "{relu4_2: 2}"))


def test_each_value_of_an_image_to_start_from_makes_another_picture(workshop: Workshop) -> None:
    for name, color in (("a.jpg", (1, 2, 3)), ("b.jpg", (200, 2, 3))):
        write_painting(workshop.folder / name, color)
    workshop.text = workshop.text.replace("size: [96, 32, 64]", "init: image, init_image: [a.jpg, b.jpg]")
    found = variants_of(workshop)
    pictures = plan_pictures(found, resolve_config(found.config), read_photos([workshop.photo("a.png")]))
    expected = [sha256_of_file(workshop.folder / name) for name in ("a.jpg", "b.jpg")]
    assert [each.recipe.init_image_sha256 for each in pictures] == expected
    assert [each.values for each in pictures] == [{"init_image": "a.jpg"}, {"init_image": "b.jpg"}]


def test_a_photo_may_be_the_only_one_of_many_styles(workshop: Workshop) -> None:
    path = workshop.folder / "stylewatch.yaml"
    path.write_text(workshop.text.replace("painting: night.jpg}", "painting: night.jpg, scale: [1, 2]}"))
    found = load_variants(path)
    pictures = plan_pictures(found, resolve_config(found.config), read_photos([workshop.photo("a.png")]))
    assert [picture.style.scale for picture in pictures] == [1, 1, 1, 2, 2, 2]
    assert [picture.number for picture in pictures] == list(range(6))
