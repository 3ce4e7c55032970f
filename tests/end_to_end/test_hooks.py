"""The user's commands, called by ``run`` and ``watch`` as processes, with what file names can do to them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.end_to_end.program import FEW_LAYERS, run, run_here, start, write_landscape, write_small_painting

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX")]

CONFIG = f"""
input: {{folder: in, settle_seconds: 0}}
output: {{folder: out, min_free_disk: 0}}
styles:
  - {{name: "{{style}} $x", painting: blossoms.jpg}}
recipes:
  default: {{size: 48, iterations: 2, scales: 1, {FEW_LAYERS}}}
"""

#: Appends its arguments to the file named first, as bytes in hexadecimal, and fails.
NOTE = (
    "import os, sys; line = ' '.join(os.fsencode(word).hex() or '-' for word in sys.argv[2:]);"
    "open(sys.argv[1], 'a').write(line + chr(10)); print(line); sys.exit(9)"
)


def write_config(folder: Path, hooks: str, more: str = "") -> Path:
    write_small_painting(folder / "blossoms.jpg")
    (folder / "in").mkdir(exist_ok=True)
    (folder / "note.py").write_text(NOTE, encoding="utf-8")
    config = folder / "stylewatch.yaml"
    config.write_text(f"{CONFIG}{more}\nhooks:\n{hooks}", encoding="utf-8")
    return config


def hook(name: str, folder: Path, *arguments: str) -> str:
    words = ", ".join(f'"{argument}"' for argument in arguments)
    return f"  {name}: ['{sys.executable}', '{folder / 'note.py'}', '{folder / 'notes'}', {name}, {words}]\n"


def notes(folder: Path) -> list[list[str]]:
    """Return the arguments of each call, the hook first."""
    lines = (folder / "notes").read_text(encoding="ascii").splitlines()
    return [[os.fsdecode(bytes.fromhex(word.strip("-"))) for word in line.split()] for line in lines]


def test_names_arrive_byte_for_byte_and_failing_hooks_change_nothing(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    hooks = hook("after_picture", folder, "{photo}", "-x={style}|{picture}") + hook(
        "after_run", folder, "{finished}", "{failed}", "{photos_set_aside}", "{report}"
    )
    config = write_config(folder, hooks + hook("on_failure", folder, "{photo}", "{state}"))
    name = "-rf {photo} $(touch owned)\n'\"; " + os.fsdecode(b"\xff")
    write_landscape(folder / "in" / "lake.png")
    (folder / "in" / "lake.png").rename(folder / "in" / f"{name}.png")
    (folder / "in" / "letter.jpg").write_text("I am a letter, not a photo.")
    code, out, err = run("run", "--quiet", config)
    assert code == 1, out + err
    by_moment = {call[0]: call[1:] for call in notes(folder)}
    assert len(notes(folder)) == len(by_moment) == 3
    picture = by_moment["after_picture"][1].removeprefix("-x={style} $x|")
    assert by_moment["after_picture"][0] == str(folder / "in" / f"{name}.png")
    assert Path(picture).is_file()
    assert Path(picture).parent == folder / "out"
    assert by_moment["on_failure"] == [str(folder / "in" / "letter.jpg"), "quarantined"]
    finished, failed, photos_set_aside, report = by_moment["after_run"]
    assert (finished, failed, photos_set_aside) == ("1", "0", "1")
    assert (Path(report) / "report.json").is_file()
    assert notes(folder)[-1][0] == "after_run"
    assert not (folder / "owned").exists()
    log = (folder / "out" / "stylewatch.log").read_text(encoding="utf-8")
    assert log.count("ended with exit code 9") == 3


def test_a_run_that_cant_go_on_says_so(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    config = write_config(folder, hook("on_failure", folder, "{state}", "{reason}"), "engine: {weights: gone.pth}")
    code, _, err = run("run", config)
    assert code == 3
    ((_, state, reason),) = notes(folder)
    assert state == "stopped"
    assert reason in err


def test_a_stopped_daemon_ends_hanging_hooks_and_calls_the_last_ones(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    hanging = f"  after_picture: ['{sys.executable}', -c, 'import time; print(1, flush=True); time.sleep(600)']\n"
    config = write_config(folder, hanging + hook("after_run", folder, "{finished}") + "  timeout_seconds: 600\n")
    write_landscape(folder / "in" / "lake.png")
    with start("watch", "--json", config) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"run_finished"' in line:
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 130
    assert notes(folder) == [["after_run", "1"]]
    log = (folder / "out" / "stylewatch.log").read_text(encoding="utf-8")
    assert "with all processes it had started" in log


def test_check_names_the_programs_of_hooks_and_those_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    config = write_config(tmp_path, "  after_run: [sh]\n  on_failure: [no-such-program, '{reason}']\n")
    code, out, _ = run_here("check", config)
    assert code == 2
    assert "ok    hook after_run: /" in out
    assert "WRONG hook on_failure: hooks.on_failure: the program 'no-such-program' is not found" in out
