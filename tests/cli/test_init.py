"""``init``: what it asks, what it takes by options, what it says."""

from __future__ import annotations

import io
import os
import shlex
import sys
from pathlib import Path

import pytest

from pipeline.config import load_config
from tests.cli.invocation import Invoke
from tests.fakes import write_painting

OPTIONS = ("--use", "drop", "--photos", "in", "--output", "out", "--sample-paintings")


class Terminal(io.StringIO):
    """A terminal in which these lines are typed."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder, and no terminal."""
    here = tmp_path / "my photos"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return here


def everything() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*"))


def test_options_answer_all_questions(invoke: Invoke, folder: Path) -> None:
    result = invoke("init", *OPTIONS)
    assert (result.code, result.err) == (0, "")
    assert result.lines == [
        "stylewatch.yaml is written, and was checked:",
        "  photos     in (made: put your photos into it)",
        "  paintings  3, so 3 pictures of each photo: blossoms, tide, window",
        "  pictures   out (will be made)",
        "Next:",
        "  stylewatch watch stylewatch.yaml",
    ]
    config = load_config(folder / "stylewatch.yaml")
    assert (config.input.folder, config.output.folder) == (folder / "in", folder / "out")


def test_the_next_command_can_be_typed_as_it_stands(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    result = invoke("init", tmp_path / "another place", *OPTIONS, "--config", "it's mine.yaml")
    program, *words = shlex.split(result.lines[-1])
    assert (program, words) == ("stylewatch", ["watch", str(tmp_path / "another place" / "it's mine.yaml")])
    (folder / "in" / "unused").touch()
    assert invoke("plan", words[-1]).code == 0


def test_an_archive_is_planned_before_it_is_run(invoke: Invoke, folder: Path) -> None:
    (folder / "in").mkdir()
    result = invoke("init", *OPTIONS, "--use", "archive")
    assert result.lines[-2:] == ["  stylewatch plan stylewatch.yaml", "  stylewatch run --limit 100 stylewatch.yaml"]
    assert "in (is there)" in result.out


def test_nights_are_watched_or_cron_s(invoke: Invoke, folder: Path) -> None:
    lines = invoke("init", *OPTIONS, "--use", "night", "--config", "100%.yaml").lines
    assert lines[-3] == "  stylewatch watch 100%.yaml"
    assert lines[-1].startswith("  0 1 * * * ")
    assert lines[-1].endswith(f"run --quiet --until 06:00 '{folder}/100\\%.yaml'")
    assert lines[-1].strip() in (folder / "100%.yaml").read_text()


def test_without_a_terminal_what_is_missing_is_named(invoke: Invoke) -> None:
    result = invoke("init", "--photos", "in")
    assert (result.code, result.out) == (2, "")
    assert "--use, --painting or --sample-paintings, --output" in result.err
    assert "--photos" not in result.err
    assert everything() == []


def test_yes_takes_the_defaults(invoke: Invoke, folder: Path) -> None:
    assert invoke("init", "--yes").code == 0
    config = load_config(folder / "stylewatch.yaml")
    assert (config.input.folder.name, config.output.folder.name) == ("input", "output")
    assert len(config.styles) == 3
    assert invoke("init", "--yes", "--use", "archive", "--config", "2.yaml").code == 2  # nobody's archive is input/


def test_what_is_not_given_is_asked(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painting = write_painting(folder.parent / "my paintings" / "star night.jpg")
    (folder.parent / "shared").mkdir()
    (folder / "letter.jpg").write_text("I am a letter.")
    (folder / "mine.yaml").write_text("mine")
    typed = ["nights", "night", "letter.jpg/in", "", "nowhere.jpg", "letter.jpg", f"'{painting}'", ""]
    typed += ["input/out", "../shared/out", "sub/x.yaml", "mine.yaml", ""]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(typed) + "\n"))
    result = invoke("init")
    assert result.code == 0
    assert "'nights' is not one of 'drop', 'night', 'archive'" in result.out
    explained = ("is a file, not", "nowhere.jpg is not there", "can't be used", "would become photos")
    for line, part in zip(result.err.splitlines(), (*explained, "is no name of a file", "overwritten"), strict=True):
        assert part in line
    config = load_config(folder / "stylewatch.yaml")
    assert [(style.name, *(each.path for each in style.paintings)) for style in config.styles] == [
        ("star night", painting)
    ]
    assert config.input.folder == folder / "input"
    assert config.output.folder == folder.parent / "shared" / "out"
    assert config.schedule


def test_a_path_that_was_dropped_onto_the_terminal_is_understood(
    invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_painting(folder / "a b.jpg")
    typed = ["drop", "my\\ drop", "a\\ b.jpg", "", "", ""]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(typed) + "\n"))
    assert invoke("init").code == 0
    config = load_config(folder / "stylewatch.yaml")
    assert (config.input.folder.name, config.styles[0].name) == ("my drop", "a b")


def test_a_name_that_is_taken_is_not_suggested(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "stylewatch.yaml").write_text("mine")
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    assert invoke("init", *OPTIONS).code == 0
    assert load_config(folder / "stylewatch-2.yaml").styles
    assert (folder / "stylewatch.yaml").read_text() == "mine"
    assert "is not overwritten" in invoke("init", "--yes").err


def test_a_folder_with_another_config_s_pictures_is_not_suggested(invoke: Invoke, folder: Path) -> None:
    (folder / "output" / ".stylewatch").mkdir(parents=True)
    assert invoke("init", "--yes").code == 0
    assert load_config(folder / "stylewatch.yaml").output.folder == folder / "output-2"


def test_ctrl_c_at_a_question_leaves_nothing(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("drop\nin\n\n"))  # then its end, as with Ctrl-D
    result = invoke("init", "elsewhere")
    assert result.code == 130
    assert result.err.strip().endswith("interrupted")
    assert everything() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--painting", "letter.jpg"), "letter.jpg can't be used"),
        (("--output", "in"), "is or lies in the folder of the photos"),
        (("--config", "sub/a.yaml"), "--config: 'sub/a.yaml' is no name of a file"),
        (("--photos", "~nobody-at-all/in"), "there is no such user's folder"),
    ],
)
def test_what_can_t_work_is_one_sentence(
    invoke: Invoke, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    (folder / "letter.jpg").write_text("I am a letter.")
    result = invoke("init", *OPTIONS, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert everything() == ["letter.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="such names are POSIX")
def test_odd_names_of_files_and_folders_are_kept(invoke: Invoke, folder: Path) -> None:
    odd = "it's #1: ü {x}"
    write_painting(folder / odd / f"{odd}.jpg")
    result = invoke(
        "init",
        "--use",
        "drop",
        "--photos",
        f"{odd}/in",
        "--output",
        f"{odd}/out",
        "--painting",
        odd,
        "--config",
        f"{odd}.yaml",
    )
    assert result.code == 0
    assert len(result.lines) == 6
    config = load_config(folder / f"{odd}.yaml")
    assert config.input.folder == folder / odd / "in"


def test_a_painting_among_the_photos_is_told(invoke: Invoke, folder: Path) -> None:
    write_painting(folder / "in" / "star.jpg")
    result = invoke("init", "--use", "drop", "--photos", "in", "--output", "out", "--painting", "in/star.jpg")
    assert result.code == 0
    assert "lies in the folder of the photos and is one of them: name it in input.ignore" in result.err
