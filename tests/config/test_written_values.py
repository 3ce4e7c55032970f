from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.field_types import resolve
from pipeline.config.written_values import flow_text, path_text, style_names, yaml_text
from pipeline.config.yaml_source import read_document
from pipeline.errors import UsageError


def read_back(folder: Path, text: str) -> object:
    """Return what the program reads where ``text`` is written, and a comment after it."""
    file = folder / "config.yaml"
    file.write_text(f"a:\n  - b: {yaml_text(text)}   # a comment\n    c: 1\n", encoding="utf-8")
    return read_document(file).data["a"][0]["b"]


@pytest.mark.parametrize(
    "text",
    [
        "photos/in the garden/2024",
        "~/Pictures/drop",
        "C:\\Users\\Jörg\\Fotos",
        "D:/Photos: new",
        "it's #1 & more",
        'a "quoted" one',
        "line\nbreak\ttab",
        "Übergröße",
        "a\u0308 decomposed",
        "🌻",
        "\udcff not UTF-8",
        "no",
        "22:00",
        "1e4",
        "0755",
        "null",
        "~",
        "- dash",
        " space around ",
        "[list], {mapping}",
        "*alias",
        "%percent",
        "key: value",
        "x" * 500 + " " + "y" * 500,
        "\u2028",
        "\x85",
    ],
)
def test_text_is_read_again_as_it_was(tmp_path: Path, text: str) -> None:
    assert read_back(tmp_path, text) == text
    assert "\n" not in yaml_text(text)


@pytest.mark.no_cover
@given(st.text(min_size=1))
def test_any_text_is_read_again_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    assert read_back(tmp_path_factory.getbasetemp(), text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.02, "0.02"),
        (2.0, "2"),
        (1e15, "1000000000000000.0"),
        (1e-7, "1e-07"),
        (7, "7"),
        (True, "true"),
        (None, "null"),
        (["relu4_2", "conv5_1"], "[relu4_2, conv5_1]"),
        ({"relu4_2": 0.5, "a, b": [1, 2]}, "{relu4_2: 0.5, 'a, b': [1, 2]}"),
        ("no", "'no'"),
    ],
)
def test_lists_and_mappings_stand_on_one_line(tmp_path: Path, value: object, text: str) -> None:
    assert flow_text(value) == text
    file = tmp_path / "config.yaml"
    file.write_text(f"a: [{text}]\n", encoding="utf-8")
    assert read_document(file).data["a"] == [value]


@pytest.mark.parametrize("text", ["paintings/tide.jpg", "../input", "~/Pictures/My photos", "/mnt/archive"])
def test_plain_paths_need_no_quotes(text: str) -> None:
    assert yaml_text(text) == text


def test_a_path_is_relative_inside_and_beside_the_folder_of_the_config(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "configs"
    folder.mkdir(parents=True)
    assert path_text(folder / "in", folder) == "in"
    assert path_text(tmp_path / "project" / "in", folder) == "../in"
    assert path_text(tmp_path / "elsewhere", folder) == (tmp_path / "elsewhere").as_posix()


def test_a_path_in_the_home_folder_begins_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    folder = tmp_path / "me" / "stylewatch"
    assert path_text(tmp_path / "me" / "Pictures", folder) == "~/Pictures"
    assert path_text(folder / "in", folder) == "in"


def test_a_user_without_a_home_folder_has_absolute_paths(tmp_path: Path) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    assert path_text(tmp_path / "in", tmp_path / "a" / "b", no_home) == (tmp_path / "in").as_posix()


@pytest.mark.parametrize("name", ["~me", "~", "#1", "it's", "a: b"])
def test_an_odd_path_means_the_same_when_it_is_read(tmp_path: Path, name: str) -> None:
    text = path_text(tmp_path / name, tmp_path)
    assert resolve(text, tmp_path) == tmp_path / name


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_on_the_way_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "disk" / "configs").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "configs")
    for wanted in (tmp_path / "link" / "in", tmp_path / "in", tmp_path / "disk" / "in"):
        assert resolve(path_text(wanted, tmp_path / "link"), tmp_path / "link") == wanted.resolve()


@pytest.mark.parametrize("name", ["{output}", "a\nb", "a\ttab"])
def test_a_path_that_no_config_can_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="rename it"):
        path_text(tmp_path / name, tmp_path)


def test_styles_are_named_after_their_paintings() -> None:
    paintings = ["The Starry Night.jpg", "a/tide.jpg", "b/Tide.png", "c/tide.tif", "what?.jpg", "...jpg", ". .jpg"]
    assert style_names(map(Path, paintings)) == [
        "The Starry Night",
        "tide",
        "Tide-2",
        "tide-3",
        "what_",
        "style",
        "style-2",
    ]


def test_long_names_of_styles_stay_unique() -> None:
    names = style_names([Path(f"{folder}/{'x' * 200}.jpg") for folder in "abc"])
    assert [len(name) for name in names] == [80, 80, 80]
    assert len(set(names)) == 3
