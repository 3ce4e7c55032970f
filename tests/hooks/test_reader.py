"""From events to commands that ran, with real processes, and what the log says of them."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.hooks import Hooks
from pipeline.model import HookName, HookSettings, WatchNotice
from tests.report.events import failed, finished, over

TIMEOUT_SECONDS = 60.0

#: Appends its arguments as a line to the file named first.
NOTE = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n')"


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG, "stylewatch"):
        yield


def command(script: str, *arguments: str | Path) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *map(str, arguments))


def hooks(
    commands: dict[HookName, tuple[str, ...]],
    timeout_seconds: float = TIMEOUT_SECONDS,
    at_once: int = 2,
    report: Callable[[], Path | None] = lambda: None,
    stop_seconds: float = 2.0,
    on_poll: Callable[[], None] = lambda: None,
) -> Hooks:
    settings = HookSettings(commands=commands, timeout_seconds=timeout_seconds, at_once=at_once)
    return Hooks(
        settings, Path("/photos"), Path("/pictures"), report=report, stop_seconds=stop_seconds, on_poll=on_poll
    )


def test_each_hook_has_its_own_command(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    told = hooks(
        {
            "after_picture": command(NOTE, notes, "picture", "{style}"),
            "after_run": command(NOTE, notes, "run", "{finished}", "{report}"),
            "on_failure": command(NOTE, notes, "failure", "{state}", "{reason}"),
        },
        at_once=1,
        report=lambda: Path("report"),
    )
    for event in (finished(), failed(), over()):
        told(event)
    told.report_failure("the weights are gone")
    told.close()
    assert notes.read_text().splitlines() == [
        "picture wave",
        "failure quarantined truncated",
        "run 2 report",
        "failure stopped the weights are gone",
    ]


def test_without_commands_nothing_is_called() -> None:
    told = hooks({})
    for event in (finished(), failed(), over()):
        told(event)
    told.report_failure("gone")
    before = threading.active_count()
    told.close()
    assert threading.active_count() == before


def test_output_and_exit_code_go_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    told = hooks({"after_run": command("import sys; print('hello'); print('there'); sys.exit(3)")})
    told(over())
    told.close()
    assert f"hook after_run: {sys.executable} ended with exit code 3" in caplog.text
    assert f"hook after_run: {sys.executable}: hello" in caplog.text
    assert f"hook after_run: {sys.executable}: there" in caplog.text


def test_success_is_no_matter_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    told = hooks({"after_run": command("pass")})
    told(over())
    told.close()
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_a_program_that_is_not_there_is_told_with_its_setting(caplog: pytest.LogCaptureFixture) -> None:
    told = hooks({"after_run": ("no-such-program",)})
    told(over())
    told.close()
    assert "hook after_run: no-such-program can't be started (No such file or directory); see hooks.after_run" in (
        caplog.text
    )


def test_an_argument_that_no_program_can_get_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told = hooks({"on_failure": command("pass", "{reason}")})
    told(failed(reason="a\0b"))
    told.close()
    assert "can't be started (embedded null byte)" in caplog.text


def test_what_hangs_is_ended_and_what_comes_after_it_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hanging = "import sys, time; open(sys.argv[1], 'a').write('x'); time.sleep(600 if sys.argv[2] == 'wave' else 0)"
    told = hooks({"after_picture": command(hanging, tmp_path / "notes", "{style}")}, timeout_seconds=2.0, at_once=1)
    told(finished())
    told(finished(failed().job))
    told.close()
    assert (tmp_path / "notes").read_text() == "xx"
    assert "was killed after 2." in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "name"), [(15, "SIGTERM"), (40, "signal 40")])
def test_a_deadly_signal_is_named(caplog: pytest.LogCaptureFixture, number: int, name: str) -> None:
    told = hooks({"after_run": command(f"import os; os.kill(os.getpid(), {number})")})
    told(over())
    told.close()
    assert f"was killed by {name} after" in caplog.text


def test_the_wait_for_them_is_reported_again_and_again(tmp_path: Path) -> None:
    turns: list[None] = []

    def turn() -> None:
        turns.append(None)
        if len(turns) == 3:
            (tmp_path / "seen").touch()

    waiting = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    told = hooks({"after_run": command(waiting, tmp_path / "seen")}, on_poll=turn)
    told(over())
    told.close()
    assert len(turns) >= 3


@contextmanager
def hanging_hooks(tmp_path: Path, stop_seconds: float = 2.0) -> Iterator[Hooks]:
    """Yield hooks of which one hangs for good, two wait, and one is to come after the run."""
    script = "import sys, time; open(sys.argv[1], 'a').write('begun\\n'); time.sleep(600)"
    told = hooks(
        {"after_picture": command(script, tmp_path / "notes"), "after_run": command(NOTE, tmp_path / "notes", "run")},
        timeout_seconds=600.0,
        at_once=1,
        stop_seconds=stop_seconds,
    )
    for _ in range(3):
        told(finished())
    end = time.monotonic() + TIMEOUT_SECONDS
    while not (tmp_path / "notes").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    yield told


def assert_was_cut_short(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert (tmp_path / "notes").read_text().splitlines() == ["begun", "run"]
    assert "hooks: 2 calls were left out at the end" in caplog.text


def test_a_stopped_run_waits_some_seconds_only_and_never_loses_what_comes_after_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with hanging_hooks(tmp_path) as told:
        told(over(interrupted=True))
        told.close()
    assert_was_cut_short(tmp_path, caplog)


def test_a_stopped_daemon_does_so_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with hanging_hooks(tmp_path) as told:
        told(over())
        told(WatchNotice("stopped", "stopped"))
        told.close()
    assert_was_cut_short(tmp_path, caplog)


def test_a_signal_during_the_wait_cuts_it_short(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with hanging_hooks(tmp_path) as told:
        told(over())
        threading.Timer(0.3, told.stop_soon).start()
        told.close()
    assert_was_cut_short(tmp_path, caplog)


def test_in_the_end_hanging_calls_together_have_the_time_of_ten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = hooks({"after_picture": command("import time; time.sleep(600)")}, timeout_seconds=0.2, at_once=1)
    for _ in range(100):
        told(finished())
    told.close()
    assert caplog.text.count("was killed after") < 20
    assert "calls were left out at the end" in caplog.text
