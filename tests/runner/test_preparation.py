from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.config.settings import folder_settings
from pipeline.errors import PaintingError
from pipeline.hashing import sha256_of_file
from pipeline.model import Job
from pipeline.runner.preparation import ledger_file, output_stem, resolve_config, source_of
from tests.fakes import write_painting
from tests.workshop import Workshop

JOB = Job("trip/day 1/sea.JPG", "night", "default")


@pytest.mark.parametrize(
    ("template", "job", "stem"),
    [
        ("{folder}/{stem}--{variant}", JOB, "trip/day 1/sea--night"),
        ("{folder}/{stem}--{variant}", replace(JOB, recipe="fine"), "trip/day 1/sea--night--fine"),
        ("{folder}/{stem}--{variant}", replace(JOB, photo="sea.jpg"), "sea--night"),
        ("{style}/{folder}/{stem}", JOB, "night/trip/day 1/sea"),
        ("{style}/{folder}/{stem}", replace(JOB, photo="sea.jpg"), "night/sea"),
        ("{stem}.{suffix}--{style}-{recipe}", JOB, "sea.JPG--night-default"),
        ("{stem}--{style}", replace(JOB, photo="no suffix"), "no suffix--night"),
        ("{stem}--{style}", replace(JOB, photo=".hidden.png"), ".hidden--night"),
        ("{stem}--{style}", replace(JOB, photo="a.b.c.png"), "a.b.c--night"),
        ("{stem}--{style}", replace(JOB, photo="{style}.png"), "{style}--night"),
        ("{stem}--{style}", replace(JOB, photo="caf\udce9.png"), "caf\udce9--night"),
    ],
)
def test_a_name_template_is_filled_from_the_job(template: str, job: Job, stem: str) -> None:
    assert output_stem(template, job) == stem


def test_the_source_is_named_relative_to_the_output_so_that_a_moved_tree_stays_itself(workshop: Workshop) -> None:
    assert source_of(folder_settings(workshop.config())).replace("\\", "/") == "../in"


def test_the_ledger_lies_in_the_state_folder(workshop: Workshop) -> None:
    assert (
        ledger_file(folder_settings(workshop.config())) == workshop.out.resolve() / ".stylewatch" / "ledger.sqlite3"
    )


def test_styles_hold_their_paintings_with_hash_weight_and_scale(workshop: Workshop) -> None:
    write_painting(workshop.folder / "day.jpg", (10, 20, 30))
    workshop.text = workshop.text.replace(
        "painting: night.jpg}",
        "painting: night.jpg}\n  - {name: both, paintings: {night.jpg: 3, day.jpg: {scale: 2}}, scale: 0.5}",
    )
    both = resolve_config(workshop.config()).styles["both"]
    assert both.scale == 0.5
    assert [(painting.path.name, painting.weight, painting.scale) for painting in both.paintings] == [
        ("night.jpg", 3.0, 1.0),
        ("day.jpg", 1.0, 2.0),
    ]
    assert both.paintings[1].sha256 == sha256_of_file(workshop.folder / "day.jpg")


def test_another_image_to_start_from_makes_pictures_outdated_and_another_name_does_not(workshop: Workshop) -> None:
    start = write_painting(workshop.folder / "start.jpg", (10, 20, 30))
    workshop.text = workshop.text.replace("size: 48", "init: image, init_image: start.jpg, size: 48")
    resolved = resolve_config(workshop.config())
    assert resolved.recipes["default"].init_image_sha256 == sha256_of_file(start)
    (before,) = resolved.settings_sha256.values()
    start.rename(workshop.folder / "other.jpg")
    workshop.text = workshop.text.replace("start.jpg", "other.jpg")
    assert [*resolve_config(workshop.config()).settings_sha256.values()] == [before]
    write_painting(workshop.folder / "other.jpg", (200, 20, 30))
    assert [*resolve_config(workshop.config()).settings_sha256.values()] != [before]
    config = workshop.config()
    (workshop.folder / "other.jpg").unlink()
    with pytest.raises(PaintingError, match=r"other\.jpg: the image to start from can't be read .* recipe 'default'"):
        resolve_config(config)


def test_what_is_wanted_says_where_the_picture_goes_and_what_decides_it(workshop: Workshop) -> None:
    resolved = resolve_config(workshop.config())
    (wanted,), masked = resolved.wanted_jobs([Job("sub/a.png", "night", "default")], lambda _: "m" * 64)
    assert masked == []
    assert wanted.stem == "sub/a--night"
    assert wanted.settings_sha256 == resolved.settings_sha256["night", "default"]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("size: 48", "size: 64", False),
        ("scales: 1", "scales: 1, seed: 3", False),
        ("scales: 1", "scales: 1, snapshot_every: 5", True),
        ("scales: 1", "scales: [48]", True),
        ("name: night", "name: dusk", True),
        ("painting: night.jpg", "painting: night.jpg, scale: 2", False),
    ],
)
def test_settings_change_exactly_when_pixels_would(workshop: Workshop, old: str, new: str, same: bool) -> None:
    (before,) = resolve_config(workshop.config()).settings_sha256.values()
    workshop.text = workshop.text.replace(old, new)
    (after,) = resolve_config(workshop.config()).settings_sha256.values()
    assert (before == after) is same


def test_a_painting_that_cant_be_read_is_named(workshop: Workshop) -> None:
    config = workshop.config()
    (workshop.folder / "night.jpg").unlink()
    with pytest.raises(PaintingError, match=r"night\.jpg.*'styles'"):
        resolve_config(config)
