"""The pairing table: which photo gets which styles by which recipes."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Job
from pipeline.pairing import PairingPlan, Rule, fits, pair, why_unpaired

RECIPES_OF = {"night": ("default",), "wave": ("default", "large")}

FITTING = [
    ("a.jpg", "*.jpg"),
    ("2024/june/a.jpg", "*.jpg"),
    ("2024/a.jpg", "2024/*.jpg"),
    ("2024/a.jpg", "2024/**"),
    ("2024/june/sea/a.jpg", "2024/**"),
    ("2024/june/sea/a.jpg", "2024/**/a.jpg"),
    ("2024/a.jpg", "2024/**/a.jpg"),
    ("2024/june/a.jpg", "**/june/*"),
    ("june/a.jpg", "**/june/*"),
    ("a.jpg", "**"),
    ("x/a.jpg", "**/**/a.jpg"),
    ("x/june/y/a.jpg", "**/june/**"),
    ("2024/june/a.jpg", "2024/"),
    ("a.jpg", "/*.jpg"),
    ("a1.jpg", "a?.jpg"),
    ("a1.jpg", "a[0-9].jpg"),
    ("ab.jpg", "a[!0-9].jpg"),
    ("a[1].jpg", "a[[]1].jpg"),
    ("line\nbreak.jpg", "line*"),
    ("not\udcffutf8.jpg", "not*.jpg"),
    ("Zu\u0308rich/a.jpg", "Z\u00fcrich/*"),
]

UNFITTING = [
    ("a.JPG", "*.jpg"),
    ("a.png", "*.jpg"),
    ("2024/june/a.jpg", "2024/*.jpg"),
    ("2024/june/a.jpg", "*/a.jpg"),
    ("x/2024/a.jpg", "2024/**"),
    ("2024", "2024/**"),
    ("2024/a.jpg", "2024"),
    ("x/a.jpg", "/*.jpg"),
    ("ab.jpg", "a[0-9].jpg"),
    ("x/y.jpg", "x?y.jpg"),
    ("x/y.jpg", "x[/]y.jpg"),
    ("a.jpg", "a.jpg/b"),
    ("june/a.jpg", "**/june"),
]


@pytest.mark.parametrize(("photo", "pattern"), FITTING)
def test_a_pattern_fits_the_paths_it_describes(photo: str, pattern: str) -> None:
    assert fits(photo, pattern)


@pytest.mark.parametrize(("photo", "pattern"), UNFITTING)
def test_a_pattern_does_not_fit_other_paths(photo: str, pattern: str) -> None:
    assert not fits(photo, pattern)


def test_without_rules_every_photo_gets_every_style_in_all_its_recipes() -> None:
    assert list(pair(["b.jpg", "a.jpg"], PairingPlan("all", RECIPES_OF))) == [
        Job("b.jpg", "night", "default"),
        Job("b.jpg", "wave", "default"),
        Job("b.jpg", "wave", "large"),
        Job("a.jpg", "night", "default"),
        Job("a.jpg", "wave", "default"),
        Job("a.jpg", "wave", "large"),
    ]


@pytest.mark.parametrize(
    ("photo", "styles"),
    [
        ("night/a.jpg", ["night"]),
        ("2024/night/june/a.jpg", ["night"]),
        ("wave/night/a.jpg", ["night"]),
        ("night/wave/a.jpg", ["wave", "wave"]),
        ("Night/a.jpg", []),
        ("night.jpg", []),
        ("night", []),
        ("other/a.jpg", []),
    ],
)
def test_by_folder_the_nearest_folder_named_like_a_style_decides(photo: str, styles: list[str]) -> None:
    assert [job.style for job in pair([photo], PairingPlan("folder", RECIPES_OF))] == styles


def test_by_folder_a_decomposed_folder_name_finds_its_style() -> None:
    plan = PairingPlan("folder", {"caf\u00e9": ("default",)})
    assert list(pair(["cafe\u0301/a.jpg"], plan)) == [Job("cafe\u0301/a.jpg", "caf\u00e9", "default")]


def test_the_first_rule_that_fits_decides() -> None:
    rules = (Rule("2024/**", ("wave",), ("small",)), Rule("*.jpg", ("night",)))
    assert list(pair(["2024/a.jpg", "a.jpg", "a.png"], PairingPlan("folder", RECIPES_OF, rules))) == [
        Job("2024/a.jpg", "wave", "small"),
        Job("a.jpg", "night", "default"),
    ]


def test_a_rule_without_recipes_uses_the_styles_own() -> None:
    plan = PairingPlan("all", RECIPES_OF, (Rule("*", ("wave",)),))
    assert [job.recipe for job in pair(["a.jpg"], plan)] == ["default", "large"]


def test_a_rule_without_styles_leaves_its_photos_alone() -> None:
    assert list(pair(["a.png", "a.jpg"], PairingPlan("all", {"night": ("default",)}, (Rule("*.png", ()),)))) == [
        Job("a.jpg", "night", "default")
    ]


def test_nothing_is_yielded_twice() -> None:
    plan = PairingPlan("all", RECIPES_OF, (Rule("*", ("night", "night"), ("small", "small")),))
    assert list(pair(["a.jpg", "a.jpg"], plan)) == [Job("a.jpg", "night", "small")]


_NAMES = st.text(st.characters(exclude_characters="/[]*?", exclude_categories=["Cs"]), min_size=1, max_size=5)


@given(st.lists(_NAMES, min_size=1, max_size=4))
def test_a_path_without_wildcards_fits_itself_and_everything(parts: list[str]) -> None:
    photo = "/".join(parts)
    assert fits(photo, "/" + photo)
    assert fits(photo, "**")
    assert fits(photo, parts[-1])


@given(st.lists(_NAMES, max_size=6), st.sampled_from(["all", "folder"]))
def test_every_job_belongs_to_a_given_photo_and_a_known_style(photos: list[str], by: str) -> None:
    plan = PairingPlan("folder" if by == "folder" else "all", RECIPES_OF, (Rule("a*", ("wave",)),))
    jobs = list(pair(photos, plan))
    assert len(set(jobs)) == len(jobs)
    assert all(job.photo in photos and job.recipe in RECIPES_OF[job.style] for job in jobs)


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        ("a.jpg", "lies in no style's folder: night, wave; letter case counts"),
        ("other/a.jpg", "lies in no style's folder: night, wave; letter case counts"),
        (
            "2024/Night/june/a.jpg",
            "lies in Night, which is no style's folder: did you mean night? Letter case counts",
        ),
    ],
)
def test_a_photo_in_no_styles_folder_is_explained_with_what_would_help(photo: str, reason: str) -> None:
    assert why_unpaired(photo, PairingPlan("folder", RECIPES_OF)) == reason


def test_a_photo_that_fits_no_rule_either_is_told_so() -> None:
    plan = PairingPlan("folder", RECIPES_OF, (Rule("*.png", ("night",)),))
    assert why_unpaired("a.jpg", plan).startswith("fits no rule, and lies in no style's folder: night")


@pytest.mark.parametrize("by", ["all", "folder"])
def test_a_photo_that_a_rule_gives_no_style_needs_no_explanation(by: Literal["all", "folder"]) -> None:
    assert why_unpaired("a.png", PairingPlan(by, RECIPES_OF, (Rule("*.png", ()),))) == ""


def test_of_many_styles_only_some_are_named() -> None:
    plan = PairingPlan("folder", {f"s{number}": ("default",) for number in range(1200)})
    assert "s8, s9 and 1,190 more; letter case counts" in why_unpaired("a.jpg", plan)


@given(st.lists(_NAMES, min_size=1, max_size=4), st.sampled_from(["night", "NIGHT", "wave", "x"]))
def test_by_folder_each_photo_has_either_a_job_or_an_explanation(parts: list[str], folder: str) -> None:
    plan = PairingPlan("folder", RECIPES_OF)
    photo = "/".join([folder, *parts])
    assert bool(list(pair([photo], plan))) or bool(why_unpaired(photo, plan))
