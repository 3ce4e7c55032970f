"""Commands as a config writes them: lists with known fields, and a sentence about everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.model import HOOK_FIELDS, HookSettings
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_without_a_word_there_are_no_commands(load: Load) -> None:
    assert load(STYLE).hooks.settings() == HookSettings()


def test_commands_are_taken_as_they_are_written(load: Load) -> None:
    text = """
hooks:
  after_picture: [notify-send, "--icon={picture}", "{{{style}}}"]
  after_run: [curl, -d, "made={finished}"]
  on_failure: []
  timeout_seconds: 5
  at_once: 3
"""
    assert load(STYLE + text).hooks.settings() == HookSettings(
        commands={
            "after_picture": ("notify-send", "--icon={picture}", "{{{style}}}"),
            "after_run": ("curl", "-d", "made={finished}"),
        },
        timeout_seconds=5.0,
        at_once=3,
    )


@pytest.mark.parametrize("name", sorted(HOOK_FIELDS))
def test_every_field_of_a_hook_can_be_used(load: Load, name: str) -> None:
    fields = [f"{{{field}}}" for field in HOOK_FIELDS[name]]  # type: ignore[index]
    load(STYLE + f"hooks: {{{name}: [program, {', '.join(repr(field) for field in fields)}]}}")


def test_a_program_with_a_path_is_looked_for_beside_the_config(load: Load, folder: Path) -> None:
    (folder / "link").symlink_to("/bin/true")
    for format_location, meant in (
        ("notify", "notify"),
        ("./notify", str(folder / "notify")),
        ("bin/notify", str(folder / "bin" / "notify")),
        ("./link", str(folder / "link")),
        ("/opt/notify", "/opt/notify"),
        ("~/notify", str(Path.home() / "notify")),
    ):
        assert load(STYLE + f"hooks: {{after_run: ['{format_location}', x]}}").hooks.after_run == (meant, "x")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ('"notify {picture}"', "hooks.after_picture: must be a list of a program and its arguments, like "),
        ("[notify, 7]", "hooks.after_picture[1]: must be text, found 7; put it in quotes"),
        (
            '[notify, "{pictur}"]',
            "hooks.after_picture[1]: can use {picture}, {photo}, {style}, {recipe}, {seconds}, ",
        ),
        ('[notify, "{report}"]', "hooks.after_picture[1]: can use {picture}"),
        ('[notify, "{photo.parent}"]', "hooks.after_picture[1]: can use {picture}"),
        ('[notify, "{photo!r}"]', "hooks.after_picture[1]: must name fields without ':' or '!'"),
        ('[notify, "{"]', "hooks.after_picture[1]: must put '{' and '}' around one of {picture}"),
        ("['{picture}']", "hooks.after_picture: must begin with the name or path of a program, without fields"),
        ("['', x]", "hooks.after_picture: must begin with the name or path of a program, without fields"),
        ("[notify.BAT, x]", "hooks.after_picture: can't run batch files, to which file names are commands"),
        ("['~nobody-of-this-name/x']", "hooks.after_picture: must be a path of this machine, found"),
    ],
)
def test_what_can_not_be_a_command_is_refused_with_its_place(problems: Problems, command: str, told: str) -> None:
    [found] = problems(STYLE + f"hooks: {{after_picture: {command}}}")
    assert found.startswith(told)


def test_signs_that_are_no_fields_are_told_how_to_write(problems: Problems) -> None:
    [found] = problems(STYLE + "hooks: {after_run: [curl, -d, '{\"made\": 1}']}")
    assert found.endswith("write {{ and }} for the braces themselves")


def test_a_misspelled_field_is_recognized(problems: Problems) -> None:
    [found] = problems(STYLE + "hooks: {after_picture: [notify, '{pictur}']}")
    assert "did you mean 'picture'?" in found
