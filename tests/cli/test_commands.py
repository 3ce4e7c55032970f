"""The command line as its users meet it: help, bad usage, bad configs, interruptions."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click
import pytest

from pipeline import __version__
from pipeline.cli.commands import stylewatch
from tests.cli.invocation import Invoke, Result, config_of
from tests.workshop import Workshop

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "adopt",
    "check",
    "clean",
    "demo",
    "gallery",
    "init",
    "plan",
    "redo",
    "reject",
    "retry",
    "run",
    "schema",
    "status",
    "styles",
    "try",
    "watch",
]


# --- help and bad usage -----------------------------------------------------------------------------------


def test_the_commands_are_those_of_the_manual() -> None:
    assert sorted(stylewatch.commands) == COMMANDS


def test_help_tells_the_first_steps_the_commands_and_the_exit_codes(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.code == 0
    for part in ("First steps", "stylewatch demo input", "Exit codes", "130  interrupted", "_STYLEWATCH_COMPLETE"):
        assert part in result.out
    assert "..." not in result.out.partition("Commands:")[2], "a command's purpose is cut off"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_each_of_its_options(invoke: Invoke, name: str) -> None:
    result = invoke(name, "-h")
    assert result.code == 0
    assert result.out.startswith(f"Usage: stylewatch {name}")
    command = stylewatch.commands[name]
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_version_is_told(invoke: Invoke) -> None:
    assert invoke("--version") == Result(0, f"stylewatch, version {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "Usage"),
        (("rum",), "run"),
        (("run",), "CONFIG"),
        (("run", "x.yaml", "--limit", "0"), "--limit"),
        (("run", "x.yaml", "--limit", "many"), "--limit"),
        (("run", "x.yaml", "--redo", "everything"), "outdated"),
        (("run", "x.yaml", "--until", "25:00"), "06:00"),
        (("status", "."), "directory"),
        (("try", "x.yaml", "nowhere.jpg"), "nowhere.jpg"),
        (("plan", "x.yaml", "--al"), "--all"),
    ],
)
def test_bad_usage_is_explained_with_exit_code_2(invoke: Invoke, arguments: tuple[str, ...], word: str) -> None:
    result = invoke(*arguments)
    assert result.code == 2
    assert word in result.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_there(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_STYLEWATCH_COMPLETE", f"{shell}_source")
    result = invoke()
    assert result.code == 0
    assert "_STYLEWATCH_COMPLETE" in result.out


def test_completion_knows_commands_and_options(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_STYLEWATCH_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "stylewatch st")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert {"status", "styles"} <= set(invoke().lines)
    monkeypatch.setenv("COMP_WORDS", "stylewatch run --")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert {"--limit", "--redo", "--quiet", "--json"} <= set(invoke().lines)


# --- config errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["check", "clean", "plan", "retry", "run", "status", "styles"])
def test_every_problem_of_the_config_has_its_line_and_nothing_is_done(
    invoke: Invoke, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("styles: [{name: night, painting: nowhere.jpg}]\nrecipes:\n  default: {sise: 256, seed: x}\n")
    result = invoke(name, path)
    assert result.code == 2
    assert result.out == ""
    *problems, last = result.err.splitlines()
    assert last == "3 problems in the config; nothing was done."
    assert [line.split(": ")[0] for line in problems] == [f"{path}:{line}" for line in (1, 3, 3)]
    assert "did you mean 'size'?" in result.err
    assert sorted(tmp_path.iterdir()) == [path]


def test_one_problem_is_one(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("run", tmp_path / "nowhere.yaml")
    assert result.code == 2
    assert result.err.splitlines()[-1] == "1 problem in the config; nothing was done."


# --- interruptions ----------------------------------------------------------------------------------------


class Interrupting(io.StringIO):
    """A terminal where somebody presses Ctrl-C at every word."""

    def write(self, text: str) -> int:
        raise KeyboardInterrupt


def test_a_name_in_an_error_moves_no_cursor(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("try", config_of(workshop), "gone\x1b[2J.jpg")
    assert (result.code, result.err) == (2, "stylewatch: gone\\x1b[2J.jpg: there is no such photo\n")


def test_ctrl_c_is_one_word_and_exit_code_130(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupting())
    result = invoke("schema")
    assert result.code == 130
    assert result.err.strip() == "interrupted"


def test_ctrl_c_again_and_again_is_still_exit_code_130(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupting())
    monkeypatch.setattr(sys, "stderr", Interrupting())
    assert invoke("schema").code == 130
