from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import COMMANDS, advice, find_chromium
from tests.browser.install import INSTALL, main


def test_the_browser_that_the_environment_names_is_taken() -> None:
    found = find_chromium(
        {"STYLEWATCH_CHROMIUM": "/opt/chromium"}, "linux", lambda _: "/usr/bin/chromium", lambda _: True
    )
    assert found == Path("/opt/chromium")


def test_a_named_browser_that_is_not_there_is_not_replaced_by_another() -> None:
    environment = {"STYLEWATCH_CHROMIUM": "/opt/chromium"}
    assert find_chromium(environment, "linux", lambda _: "/usr/bin/chromium", lambda _: False) is None
    assert "/opt/chromium" in advice(environment, "linux")


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("darwin", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("win32", "C:/Program Files/Google/Chrome/Application/chrome.exe"),
        ("linux", "/snap/bin/chromium"),
    ],
)
def test_a_browser_is_found_where_the_system_keeps_it(platform: str, place: str) -> None:
    assert find_chromium({}, platform, lambda _: None, lambda path: path == Path(place)) == Path(place)


def test_a_browser_on_the_path_is_found() -> None:
    found = find_chromium(
        {}, "linux", lambda name: f"/bin/{name}" if name == "google-chrome" else None, lambda _: False
    )
    assert found == Path("/bin/google-chrome")


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_without_a_browser_one_line_says_what_to_type(platform: str) -> None:
    line = advice({}, platform)
    assert len(line.splitlines()) == 1
    assert COMMANDS.get(platform, COMMANDS["linux"]) in line


def test_nothing_is_installed_where_a_browser_is() -> None:
    commands: list[object] = []
    assert main(lambda: Path("/usr/bin/chromium"), lambda: True, lambda command: not commands.append(command)) == 0
    assert commands == []


def test_it_is_installed_where_that_is_allowed() -> None:
    commands: list[object] = []
    find = lambda: Path("/usr/bin/chromium") if len(commands) == len(INSTALL) else None  # noqa: E731
    assert main(find, lambda: True, lambda command: not commands.append(command)) == 0
    assert commands == list(INSTALL)


@pytest.mark.parametrize("allowed", [True, False])
def test_what_can_not_be_installed_fails_with_the_line_to_type(
    allowed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(lambda: None, lambda: allowed, lambda _: False) == 1
    output = capsys.readouterr()
    assert output.err.count("\n") == 1
    assert "apt-get install" in output.err or "STYLEWATCH_CHROMIUM" in output.err
