"""Rows and details say what is on record, and nothing where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load_config
from pipeline.ledger import GalleryRow, PictureDetails, PictureFacts
from pipeline.model import Job, JobState, Losses, LossHistory, LossPoint, Recipe
from pipeline.report.gallery.advice import failure_advice, photo_advice
from pipeline.report.gallery.rows import Tables
from pipeline.runner.gallery.contents import (
    DetailsSource,
    FileFacts,
    Known,
    needs_details,
    picture_row,
    recipe_defaults,
    settings_yaml,
)
from tests.report.gallery.hostile_names import HOSTILE_NAMES

SHA, PHOTO = "0123456789abcdef" * 4, "fedcba9876543210" * 4
THUMB = f"thumbs/01/{SHA[:20]}.webp"

ROW = GalleryRow(
    id=7,
    job=Job("sea/a.jpg", "night", "default"),
    output="sea/a--night.jpg",
    state=JobState.DONE,
    when=1000.0,
    width=0,
    height=0,
    style_loss=None,
    picture_sha256=SHA,
    photo_sha256=PHOTO,
)
SETTINGS: dict[str, Any] = {
    "recipe": {
        "size": 96,
        "content_layers": [["relu4_2", 1.0], ["relu5_2", 0.5]],
        "scales": [48, 96],
        "style_loss": [["wasserstein", 1.0]],
    },
    "style": {"scale": 0.5, "paintings": [{"name": "night.jpg", "weight": 1.0, "sha256": SHA}]},
    "weights": "embedded",
}
FACTS = PictureFacts(
    width=96,
    height=64,
    sizes=(48, 96),
    iterations=(10, 5),
    first=Losses(0.0, 2.0, 2.0),
    last=Losses(0.1, 0.2, 0.3),
    seconds=1.5,
    device="cpu",
    cache_hits=1,
    cache_misses=2,
    photo_sha256=PHOTO,
    program="stylewatch 0.1.0",
    notes=("a note",),
    settings=SETTINGS,
    history=LossHistory(("content relu4_2",), (LossPoint(1, 0, 2.0, 0.0, (0.5,)),)),
)
DETAILS = PictureDetails(
    row=ROW,
    key="k",
    reason="",
    engine_version="2",
    attempts=0,
    photo_is_there=True,
    moved_to=None,
    copied=False,
    facts=FACTS,
)


def details(found: PictureDetails, folder: Path, *copies: str, file: FileFacts | None = None) -> dict[str, Any]:
    return DetailsSource(folder / "out", folder / "in", copies.__contains__).value(found, file)


def row_fields(known: Known, *copies: str, row: GalleryRow = ROW) -> list[Any]:
    return Tables().fields(picture_row(row, known, copies.__contains__, in_progress=False), ".jpg")


def test_a_copy_is_named_if_it_is_there() -> None:
    photo = f"photos/fe/{PHOTO[:20]}-s.webp"

    assert row_fields(Known())[10:] == ["", ""]
    assert row_fields(Known(), THUMB, photo)[10:] == [SHA[:20], PHOTO[:20]]


def test_what_a_rebuild_found_out_stays_as_long_as_the_picture_is_the_same() -> None:
    before = [7, "sea/a.jpg", 0, 0, 0, 0, 1000, 96, 64, None, SHA[:20], ""]

    assert row_fields(Known({7: before}))[7:11] == [96, 64, None, SHA[:20]]
    assert row_fields(Known({7: before}), row=replace(ROW, picture_sha256=PHOTO))[7:11] == [0, 0, None, ""]
    assert row_fields(Known({7: before}, are_copies_there=False))[7:11] == [96, 64, None, ""]
    assert row_fields(Known({7: before}, {7: FileFacts(9, 6)}))[7:9] == [9, 6]


@pytest.mark.parametrize(("in_progress", "state"), [(True, "leased"), (False, "pending")])
def test_a_job_that_is_only_read_ahead_waits(in_progress: bool, state: str) -> None:
    leased = replace(ROW, state=JobState.LEASED)

    assert picture_row(leased, Known(), lambda _: False, in_progress).state == state


def test_only_pictures_and_failures_have_details() -> None:
    pending = replace(ROW, state=JobState.PENDING, picture_sha256="")

    assert [needs_details(replace(pending, state=state)) for state in (JobState.PENDING, JobState.FAILED)] == [
        False,
        True,
    ]
    assert needs_details(ROW)


def test_a_rejected_picture_says_so_in_its_row_and_details(tmp_path: Path) -> None:
    row = replace(ROW, is_rejected=True, picture_sha256="")
    assert picture_row(row, Known(), lambda _: True, in_progress=False).state == "rejected"
    assert needs_details(row)
    value = DetailsSource(tmp_path, tmp_path, lambda _: True).value(replace(DETAILS, row=row))
    assert (value["state"], value["picture_src"]) == ("rejected", None)
    assert value["reason"].startswith("rejected: deleted, and not made again")


def test_details_say_how_a_picture_was_made(tmp_path: Path) -> None:
    found = details(DETAILS, tmp_path, f"paintings/01/{SHA[:20]}.webp", f"photos/fe/{PHOTO[:20]}.webp")

    assert (found["sizes"], found["iterations"], found["seconds"]) == ((48, 96), (10, 5), 1.5)
    assert found["last"] == {"content": 0.1, "style": 0.2, "total": 0.3}
    assert found["history"] == {"series": ["content relu4_2"], "points": [[1, 0, 2.0, 0.0, [0.5]]]}
    assert found["paintings"] == [
        {"name": "night.jpg", "weight": 1.0, "scale": 1.0, "copy": f"paintings/01/{SHA[:20]}.webp"}
    ]
    assert found["scale"] == 0.5
    assert found["settings"] == {
        "size": 96,
        "content_layers": {"relu4_2": 1.0, "relu5_2": 0.5},
        "scales": [48, 96],
    }
    assert found["photo_copy"] == f"photos/fe/{PHOTO[:20]}.webp"
    assert found["picture_src"] == "../sea/a--night.jpg"


def test_of_an_older_versions_picture_nothing_is_made_up(tmp_path: Path) -> None:
    found = details(replace(DETAILS, facts=None), tmp_path)

    assert {
        name: found[name] for name in ("first", "last", "seconds", "history", "settings", "scale")
    } == dict.fromkeys(("first", "last", "seconds", "history", "settings", "scale"))
    assert (found["yaml"], found["paintings"], found["width"]) == ("", [], 0)


def test_an_older_versions_picture_is_known_by_its_file(tmp_path: Path) -> None:
    found = details(replace(DETAILS, facts=None), tmp_path, file=FileFacts(96, 64, SETTINGS))

    assert (found["width"], found["settings"]["size"], found["scale"]) == (96, 96, 0.5)


def test_a_format_that_browsers_do_not_show_is_shown_by_its_copy(tmp_path: Path) -> None:
    deep = replace(DETAILS, row=replace(ROW, output="a--night.tif"))

    assert details(deep, tmp_path, THUMB)["picture_src"] == THUMB
    assert details(deep, tmp_path)["picture_src"] == "../a--night.tif"


def test_the_photo_is_linked_while_it_is_a_file_in_its_folder(tmp_path: Path) -> None:
    assert details(DETAILS, tmp_path)["photo_file"] is None
    (tmp_path / "in" / "sea").mkdir(parents=True)
    (tmp_path / "in" / "sea" / "a.jpg").touch()

    assert details(DETAILS, tmp_path)["photo_file"] == "sea/a.jpg"
    assert details(replace(DETAILS, photo_is_there=False), tmp_path)["photo_file"] is None
    assert details(replace(DETAILS, moved_to="/done/a.jpg"), tmp_path)["photo_file"] is None


def test_a_time_lapse_beside_the_picture_is_found(tmp_path: Path) -> None:
    assert details(DETAILS, tmp_path)["timelapse"] is None
    (tmp_path / "out" / "sea").mkdir(parents=True)
    (tmp_path / "out" / "sea" / "a--night.timelapse.webp").touch()

    assert details(DETAILS, tmp_path)["timelapse"] == "sea/a--night.timelapse.webp"


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_details_of_hostile_names_keep_them(tmp_path: Path, name: str) -> None:
    hostile = replace(DETAILS, row=replace(ROW, job=Job(name, "night", "default"), output=name))

    found = details(hostile, tmp_path) if "\x00" not in name else {"photo": name, "output": name}

    assert (found["photo"], found["output"]) == (name, name)


def test_the_yaml_is_a_config_that_makes_the_same_recipe(tmp_path: Path) -> None:
    (tmp_path / "night.jpg").touch()
    (tmp_path / "c.yaml").write_text(settings_yaml("night", "mild", SETTINGS))

    config = load_config(tmp_path / "c.yaml")

    assert config.recipes_by_name()["mild"] == Recipe(
        name="mild", size=96, scales=(48, 96), content_layers=(("relu4_2", 1.0), ("relu5_2", 0.5))
    )
    assert (config.styles[0].name, config.styles[0].scale) == ("night", 0.5)


def test_the_yaml_of_a_blend_is_a_config_with_all_paintings_weights_and_scales(tmp_path: Path) -> None:
    shares = [("a.jpg", 0.7, 1.0), ("b.jpg", 0.3, 0.5), ("b.jpg", 1.0, 2.0)]
    names = ("name", "weight", "scale")
    paintings = [{"sha256": "a" * 64} | dict(zip(names, share, strict=True)) for share in shares]
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "c.yaml").write_text(settings_yaml("both", "fine", {"style": {"scale": 1.0, "paintings": paintings}}))
    [style] = load_config(tmp_path / "c.yaml").styles
    assert [(each.path.name, each.weight, each.scale) for each in style.paintings] == shares
    assert style.recipes == ("fine",)


def test_a_start_is_shown_as_a_config_has_it(tmp_path: Path) -> None:
    recipe = {"init": [["noise", 0.5], ["image", 1.0]], "init_image": "start.jpg", "init_image_sha256": "c" * 64}
    facts = SETTINGS | {"recipe": recipe}
    made = replace(DETAILS, facts=replace(FACTS, settings=facts))
    shown = details(made, tmp_path)["settings"]
    assert shown["init"] == {"noise": 0.5, "image": 1.0}
    assert shown["init_image"] == "start.jpg"
    for name in ("night.jpg", "start.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "c.yaml").write_text(settings_yaml("night", "default", facts))
    found = load_config(tmp_path / "c.yaml").recipes_by_name()["default"]
    assert (found.init, found.init_image) == ((("noise", 0.5), ("image", 1.0)), tmp_path.resolve() / "start.jpg")
    assert "init_image_sha256" not in recipe_defaults()


def test_the_style_loss_is_shown_where_it_is_not_what_auto_means(tmp_path: Path) -> None:
    def shown(**recipe: Any) -> Any:
        made = replace(DETAILS, facts=replace(FACTS, settings=SETTINGS | {"recipe": recipe}))
        return details(made, tmp_path)["settings"]

    assert shown(style_loss=[["wasserstein", 1.0]]) == {}
    assert shown(style_loss=[["mean_std", 0.5]]) == {"style_loss": {"mean_std": 0.5}}
    # Of the versions that had no other loss.
    assert shown() == {"style_loss": {"gram": 1.0}}
    assert shown(loss="gatys") == {"loss": "gatys"}


@pytest.mark.parametrize("rate", [1.0, 0.02])
def test_the_yaml_of_another_optimizer_says_its_learning_rate(tmp_path: Path, rate: float) -> None:
    recorded = {"optimizer": "adam"} | ({} if rate == 1.0 else {"learning_rate": rate})  # 1 is a recipe's default
    (tmp_path / "night.jpg").touch()
    (tmp_path / "c.yaml").write_text(settings_yaml("night", "quick", SETTINGS | {"recipe": recorded}))

    assert load_config(tmp_path / "c.yaml").recipes_by_name()["quick"].learning_rate == rate


@pytest.mark.parametrize("name", ["1e4", "0o17", "no", "a b", "#1", "- x", "{y}", "é ü"])
def test_names_in_the_yaml_are_read_as_names(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.jpg").touch()
    style = {"paintings": [{"name": f"{name}.jpg", "weight": 1.0, "sha256": "a" * 64}]}
    (tmp_path / "c.yaml").write_text(settings_yaml(name, name, {"style": style}))

    config = load_config(tmp_path / "c.yaml")

    assert (config.styles[0].name, config.styles[0].recipes, list(config.recipes_by_name())) == (
        name,
        (name,),
        ["default", name],
    )


def test_details_say_what_to_do_about_a_failure_as_the_page_of_problems_does(tmp_path: Path) -> None:
    row = replace(ROW, state=JobState.QUARANTINED, picture_sha256="")
    found = replace(DETAILS, row=row, reason="the worker process died", facts=None)

    assert details(found, tmp_path)["advice"] == failure_advice("quarantined", found.reason)
    assert details(replace(found, is_photo_set_aside=True), tmp_path)["advice"] == photo_advice(found.reason)
    assert details(DETAILS, tmp_path)["advice"] == ""
