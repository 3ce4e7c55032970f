"""Which photos the rules of ``input.skip`` fit, and in which words."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.model import PhotoProperties, SkipRules
from pipeline.model.skip import names_screenshot

ICON = PhotoProperties(width=48, height=63)
PHOTO = PhotoProperties(width=4000, height=3000, camera="Canon EOS 5D")


def test_without_rules_nothing_is_skipped_and_nothing_has_to_be_opened() -> None:
    rules = SkipRules()
    assert not rules.needs_properties
    assert rules.reason_of_name("Screenshot.gif") == ""
    assert rules.reason_of_properties("Screenshot.gif", ICON) == ""


def test_the_long_side_counts_and_a_photo_of_just_that_size_is_taken() -> None:
    rules = SkipRules(smaller_than=64)
    assert rules.reason_of_properties("a.png", ICON) == "smaller than 64 px"
    assert rules.reason_of_properties("a.png", PhotoProperties(width=64, height=1)) == ""
    assert rules.reason_of_properties("a.png", PhotoProperties()) == "", "its size is not known"


@pytest.mark.parametrize(("name", "fits"), [("a.gif", True), ("b/A.GIF", True), ("a.gif.png", False), ("gif", False)])
def test_suffixes_fit_in_either_case_without_opening_the_file(name: str, fits: bool) -> None:
    rules = SkipRules(suffixes=(".bmp", ".gif"))
    assert not rules.needs_properties
    assert rules.reason_of_name(name) == ("suffix .gif" if fits else "")


def test_a_screenshot_is_one_by_its_metadata_or_by_its_name_if_no_camera_is_known() -> None:
    rules = SkipRules(screenshots=True)
    assert rules.reason_of_properties("IMG_1.PNG", PhotoProperties(is_screenshot=True)) == "screenshot"
    assert rules.reason_of_properties("b/Screenshot 1.png", ICON) == "screenshot"
    assert rules.reason_of_properties("Screenshot 1.jpg", PHOTO) == ""
    assert rules.reason_of_properties("Screenshot 1.jpg", PhotoProperties(camera=None)) == "", "there may be one"
    assert rules.reason_of_properties("IMG_1.PNG", ICON) == ""


@pytest.mark.parametrize(
    "name",
    [
        "Screenshot.png",
        "Screenshot_20240101-120000.jpg",
        "screenshot (3).png",
        "Screen Shot 2019-01-01 at 9.41.00.png",
        "Screenshot2.png",
        "Bildschirmfoto 2024-01-01 um 12.00.00.png",
        "Capture d’écran 2024.png",
        unicodedata.normalize("NFD", "Capture d’écran 2024.png"),
        "スクリーンショット 2024.png",
    ],
)
def test_what_systems_call_their_screenshots(name: str) -> None:
    assert names_screenshot(name)


@pytest.mark.parametrize("name", ["Screenshots.png", "my Screenshot.png", "Screenshotter.jpg", "IMG_1.png"])
def test_other_names_are_no_screenshots(name: str) -> None:
    assert not names_screenshot(name)


def test_cameras_are_patterns_of_the_whole_make_and_model() -> None:
    rules = SkipRules(cameras=("nikon*", "canon eos*"))
    assert rules.reason_of_properties("a.jpg", PHOTO) == "camera canon eos*"
    assert SkipRules(cameras=("EOS*",)).reason_of_properties("a.jpg", PHOTO) == ""
    assert SkipRules(cameras=("*",)).reason_of_properties("a.jpg", ICON) == ""


def test_a_photo_whose_metadata_names_no_camera() -> None:
    rules = SkipRules(without_camera=True)
    assert rules.reason_of_properties("a.jpg", PHOTO) == ""
    assert rules.reason_of_properties("a.jpg", ICON) == "no camera in its metadata"
    assert rules.reason_of_properties("a.jpg", PhotoProperties(camera=None)) == "", "it can't be understood"
