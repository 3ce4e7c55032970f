"""The units for systemd: systemd itself finds nothing wrong, and what they call exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.cli.commands import stylewatch
from pipeline.errors import ConfigError, DeviceError, PaintingError, SizeError, StorageError, UnusableConfigError

UNITS = Path(__file__).parents[1] / "configs" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
#: Those that make pictures, by a worker of their own.
WORKING = [unit for unit in SERVICES if "gallery" not in unit.name]
#: Where README.md has the program installed.
PROGRAM = "/opt/stylewatch/.venv/bin/stylewatch"
#: Seconds that an evaluation of a picture of 8 megapixels may take on a slow machine, with much room.
SLOWEST_EVALUATION_SECONDS = 600


def settings(unit: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder with the units as they would be if the program were installed where they say."""
    program = tmp_path / "stylewatch"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, str(program))
        (tmp_path / unit.name.replace("@", "@photos")).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_finds_nothing_wrong(installed: Path, unit: str) -> None:
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit.replace("@", "@photos")]
    ended = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
@pytest.mark.parametrize("unit", [unit.name for unit in SERVICES])
def test_systemd_finds_little_that_could_be_exploited(installed: Path, unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=30", unit.replace("@", "@photos")]
    ended = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
    if "Unknown" in ended.stderr or "unrecognized" in ended.stderr:
        pytest.skip("this systemd can't look at files that are not installed")
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_the_command_and_its_options_exist(unit: Path) -> None:
    _, name, *rest = shlex.split(settings(unit)["ExecStart"])
    command = stylewatch.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in rest if word.startswith("-")} <= known


@pytest.mark.parametrize("unit", WORKING, ids=lambda unit: unit.name)
def test_the_program_can_work_and_end_as_it_wants_to(unit: Path) -> None:
    found = settings(unit)
    assert "MemoryDenyWriteExecute" not in found, "oneDNN compiles its code as it goes"
    assert found["KillMode"] == "mixed", "its worker is the program's own matter"
    assert found["OOMPolicy"] == "continue", "it replaces its worker itself"
    assert found["SuccessExitStatus"] == "130"
    assert minutes(found["TimeoutStopSec"]) * 60 > SLOWEST_EVALUATION_SECONDS


def test_one_install_serves_the_services_and_the_line_for_cron() -> None:
    readme = (UNITS.parents[1] / "README.md").read_text(encoding="utf-8")
    (cron,) = re.findall(r"^0 1 \* \* \* (.+)$", readme, re.MULTILINE)
    commands = [shlex.split(cron), *(shlex.split(settings(unit)["ExecStart"]) for unit in SERVICES)]
    assert [command[0] for command in commands] == [PROGRAM] * 4
    assert PROGRAM.removesuffix("/.venv/bin/stylewatch") in readme.partition("**As a service.**")[2]


def test_a_nightly_run_ends_in_the_morning() -> None:
    words = shlex.split(settings(UNITS / "stylewatch-run@.service")["ExecStart"])
    assert words[words.index("--until") + 1] == "06:00"


@pytest.mark.parametrize("name", ["watch", "gallery"])
def test_a_service_is_not_restarted_for_what_only_the_user_can_change(name: str) -> None:
    found = settings(UNITS / f"stylewatch-{name}@.service")
    assert (found["Restart"], found["RestartPreventExitStatus"]) == ("on-failure", "2")
    final = (ConfigError, PaintingError, SizeError, UnusableConfigError)
    assert {error.exit_code for error in final} == {2}
    assert DeviceError.exit_code == StorageError.exit_code == 3


def test_the_gallery_is_for_this_machine_only_and_writes_nothing() -> None:
    found = settings(UNITS / "stylewatch-gallery@.service")
    assert "--allow" not in found["ExecStart"]
    assert "ReadWritePaths" not in found
    assert (found["ProtectSystem"], found["SuccessExitStatus"]) == ("strict", "130")


def test_the_watchdog_waits_longer_than_the_slowest_evaluation() -> None:
    found = settings(UNITS / "stylewatch-watch@.service")
    assert minutes(found["WatchdogSec"]) * 60 > SLOWEST_EVALUATION_SECONDS
    assert (found["Type"], found["NotifyAccess"]) == ("notify", "main")
    assert "HUP" in found["ExecReload"]


def test_a_missed_night_is_made_up_for() -> None:
    assert settings(UNITS / "stylewatch-run@.timer")["Persistent"] == "true"


def minutes(span: str) -> int:
    assert span.endswith("min")
    return int(span.removesuffix("min"))
