"""The command line as its users meet it: what is said where, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline import __version__
from pipeline.cli.commands import main, stylewatch
from pipeline.config import json_schema
from pipeline.hashing import sha256_of_file
from pipeline.runner.lock import instance_lock
from tests.intake.packing import zipped
from tests.workshop import CONFIG, Workshop, know_the_machine

ROOT = Path(__file__).parents[2]
COMMANDS = ["check", "demo", "plan", "retry", "run", "schema", "status", "styles", "try", "watch"]


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code and both outputs."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Say = Callable[..., Said]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the program here, as the shell would."""

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["stylewatch", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        assert "Traceback" not in shown.out + shown.err
        return Said(code if isinstance(code, int) else 0, shown.out, shown.err)

    return run


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    know_the_machine()
    return Workshop(tmp_path)


def config_of(workshop: Workshop) -> Path:
    workshop.config()
    return workshop.folder / "stylewatch.yaml"


# --- help and bad usage -----------------------------------------------------------------------------------


def test_the_commands_are_those_of_the_manual() -> None:
    assert sorted(stylewatch.commands) == COMMANDS


def test_help_tells_the_first_steps_the_commands_and_the_exit_codes(say: Say) -> None:
    said = say("--help")
    assert said.code == 0
    for part in ("First steps", "stylewatch demo input", "Exit codes", "130  interrupted", "_STYLEWATCH_COMPLETE"):
        assert part in said.out
    assert "..." not in said.out.partition("Commands:")[2], "a command's purpose is cut off"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_each_of_its_options(say: Say, name: str) -> None:
    said = say(name, "-h")
    assert said.code == 0
    assert said.out.startswith(f"Usage: stylewatch {name}")
    command = stylewatch.commands[name]
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_version_is_told(say: Say) -> None:
    assert say("--version") == Said(0, f"stylewatch, version {__version__}\n", "")


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
def test_bad_usage_is_explained_with_exit_code_2(say: Say, arguments: tuple[str, ...], word: str) -> None:
    said = say(*arguments)
    assert said.code == 2
    assert word in said.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_there(say: Say, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_STYLEWATCH_COMPLETE", f"{shell}_source")
    said = say()
    assert said.code == 0
    assert "_STYLEWATCH_COMPLETE" in said.out


def test_completion_knows_commands_and_options(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_STYLEWATCH_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "stylewatch st")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert {"status", "styles"} <= set(say().lines)
    monkeypatch.setenv("COMP_WORDS", "stylewatch run --")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert {"--limit", "--redo", "--quiet", "--json"} <= set(say().lines)


# --- config errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["check", "plan", "retry", "run", "status", "styles"])
def test_every_problem_of_the_config_has_its_line_and_nothing_is_done(say: Say, tmp_path: Path, name: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("styles: [{name: night, painting: nowhere.jpg}]\nrecipes:\n  default: {sise: 256, seed: x}\n")
    said = say(name, path)
    assert said.code == 2
    assert said.out == ""
    *problems, last = said.err.splitlines()
    assert last == "3 problems in the config; nothing was done."
    assert [line.split(": ")[0] for line in problems] == [f"{path}:{line}" for line in (1, 3, 3)]
    assert "did you mean 'size'?" in said.err
    assert sorted(tmp_path.iterdir()) == [path]


def test_one_problem_is_one(say: Say, tmp_path: Path) -> None:
    said = say("run", tmp_path / "nowhere.yaml")
    assert said.code == 2
    assert said.err.splitlines()[-1] == "1 problem in the config; nothing was done."


# --- run --------------------------------------------------------------------------------------------------


def test_a_run_over_a_finished_folder_says_that_all_is_there(say: Say, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    said = say("run", config_of(workshop))
    assert said.code == 0
    assert said.out.startswith("Nothing to do: all pictures were made before (1); report: ")


def test_a_run_over_an_empty_folder_has_nothing_to_do(say: Say, workshop: Workshop) -> None:
    said = say("run", config_of(workshop))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Nothing to do")


def test_a_broken_photo_is_told_once_with_exit_code_1(say: Say, workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    said = say("run", config_of(workshop))
    assert said.code == 1
    assert "b.jpg is set aside (quarantined): " in said.out
    again = say("run", config_of(workshop))
    assert again.code == 0, "old, known failures don't count"


def test_quiet_says_only_what_went_wrong_and_on_stderr(say: Say, workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    said = say("run", "--quiet", config_of(workshop))
    assert (said.code, said.out) == (1, "")
    assert "b.jpg is set aside" in said.err
    assert say("run", "-q", config_of(workshop)) == Said(0, "", "")


def test_json_is_one_object_a_line(say: Say, workshop: Workshop) -> None:
    said = say("run", "--json", config_of(workshop))
    assert [json.loads(line)["event"] for line in said.lines] == ["run_started", "run_finished"]


def test_log_journal_and_report_are_written_by_every_run(say: Say, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    say("run", config_of(workshop))
    assert "nothing to do" in (workshop.out / "stylewatch.log").read_text()
    assert len((workshop.out / "journal.jsonl").read_text().splitlines()) == 2
    (report,) = (workshop.out / "reports").iterdir()
    assert sorted(path.name for path in report.iterdir()) == ["report.csv", "report.json"]


def test_a_second_instance_is_refused_with_exit_code_3_and_the_firsts_pid(say: Say, workshop: Workshop) -> None:
    path = config_of(workshop)
    with instance_lock(workshop.config().state.folder, "stylewatch run first.yaml"):
        said = say("run", path)
    assert said.code == 3
    assert f"'stylewatch run first.yaml' with pid {os.getpid()}" in said.err
    assert said.err.startswith("stylewatch: ")


def test_a_missing_input_folder_is_exit_code_3(say: Say, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "in").rmdir()
    said = say("run", path)
    assert said.code == 3
    assert said.err.count("\n") == 1


def test_a_log_that_cant_be_written_is_exit_code_3(say: Say, workshop: Workshop) -> None:
    workshop.text += "log: {file: night.jpg/stylewatch.log}\n"
    said = say("run", config_of(workshop))
    assert said.code == 3
    assert "night.jpg" in said.err


def test_a_damaged_ledger_is_exit_code_3_and_left_as_it_is(say: Say, workshop: Workshop) -> None:
    path = config_of(workshop)
    ledger = workshop.out / ".stylewatch" / "ledger.sqlite3"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"this is no database" * 100)
    for command in ("run", "plan", "status", "retry"):
        said = say(command, path)
        assert said.code == 3
        assert "ledger" in said.err
    assert ledger.read_bytes() == b"this is no database" * 100


def test_a_painting_lost_after_the_config_was_read_is_exit_code_2(say: Say, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "night.jpg").unlink()
    (workshop.folder / "night.jpg").mkdir()
    said = say("run", path)
    assert said.code == 2


# --- interruptions ----------------------------------------------------------------------------------------


class Interrupting(io.StringIO):
    """A terminal where somebody presses Ctrl-C at every word."""

    def write(self, text: str) -> int:
        raise KeyboardInterrupt


def test_ctrl_c_is_one_word_and_exit_code_130(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupting())
    said = say("schema")
    assert said.code == 130
    assert said.err.strip() == "interrupted"


def test_ctrl_c_again_and_again_is_still_exit_code_130(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupting())
    monkeypatch.setattr(sys, "stderr", Interrupting())
    assert say("schema").code == 130


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(("times", "code"), [(1, 0), (2, 130)])
def test_the_first_signal_stops_and_the_second_exits_at_once(times: int, code: int) -> None:
    script = f"""
import os, signal
from pipeline.cli.surroundings import stopping
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this was started under
with stopping(lambda: print("stopping", flush=True), lambda: print("at once", flush=True)) as came:
    for _ in range({times}):
        os.kill(os.getpid(), signal.SIGTERM)
assert came == [signal.SIGTERM]
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    said = ["stopping", "at once"][:times]
    assert (ended.returncode, ended.stdout.splitlines()) == (code, said), ended.stderr


# --- looking ----------------------------------------------------------------------------------------------


def test_plan_lists_what_run_would_make_and_how_long(say: Say, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sub/b.png", shade=1)
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    said = say("plan", config_of(workshop))
    assert said.code == 0
    assert sorted(said.lines[:2]) == ["a.png × night -> a--night.jpg", "sub/b.png × night -> sub/b--night.jpg"]
    assert said.lines[2].startswith("quarantined: c.jpg: ")
    assert said.lines[3].startswith("2 to make, 0 done, 1 quarantined; 3 photos in ")
    assert re.fullmatch(
        r"It takes about 5 seconds and up to \d\.\d GB of memory \(as measured here\)\.", said.lines[4]
    )
    assert not workshop.out.exists()


def test_plan_shortens_a_long_list_unless_asked_for_all(say: Say, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: 6000, scales: 1}")
    for number in range(23):
        workshop.photo(f"{number}.png", shade=number)
    path = config_of(workshop)
    said = say("plan", path)
    assert sum("->" in line for line in said.lines) == 20
    assert "... and 3 more (--all lists them)" in said.lines
    advice = said.lines[said.lines.index("What would shorten it:") + 1 :]
    assert [line.startswith("  ") for line in advice] == [True] * 3
    assert "hours" in said.out
    assert sum("->" in line for line in say("plan", "--all", path).lines) == 23


def test_plan_over_a_finished_folder_says_so_without_a_time(say: Say, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    said = say("plan", config_of(workshop))
    assert said.lines == [f"0 to make, 1 done, 0 quarantined; 1 photo in {workshop.config().input.folder}"]


def test_plan_measures_on_the_pictures_made_before_and_names_photos_without_style(
    say: Say, workshop: Workshop
) -> None:
    workshop.text += "pairing: {by: folder}\n"
    workshop.photo("night/a.png")
    workshop.run()
    workshop.photo("night/b.png", shade=1)
    workshop.photo("day/c.png", shade=2)
    said = say("plan", config_of(workshop))
    assert (
        "no picture of 1 photo: no rule and no style's folder fits, or the rule that fits gives it none" in said.lines
    )
    assert said.lines[-1].endswith("GB of memory (as measured here, and by the pictures made so far).")


@pytest.mark.slow
def test_plan_says_that_a_machine_that_can_not_be_measured_is_guessed_at(say: Say, workshop: Workshop) -> None:
    workshop.text += "engine: {device: 'cuda:99'}\n"
    workshop.photo("a.png")
    said = say("plan", config_of(workshop))
    assert "It could not be measured: engine.device: this machine has no usable 'cuda:99'" in said.err
    assert said.lines[-1].endswith("(a guess: this machine could not be measured).")


def test_plan_as_json(say: Say, workshop: Workshop) -> None:
    workshop.photo("a.png")
    fields = json.loads(say("plan", "--json", config_of(workshop)).out)
    assert fields.pop("seconds") == 5.1
    assert 0.5e9 < fields.pop("memory_bytes") < 2e9
    assert fields == {
        "jobs": [{"photo": "a.png", "style": "night", "recipe": "default", "output": "a--night.jpg"}],
        "photos": 1,
        "done": 0,
        "quarantined": 0,
        "unpaired": 0,
        "start_seconds": 5.0,
        "painting_seconds": 0.0,
        "measured": True,
        "device": "cpu (fake)",
        "recipes": {"default": {"pictures": 1, "seconds": 0.1, "evaluations": [48.0], "learned": False}},
        "schedule": None,
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_of_a_file_can_forge_no_line_and_move_no_cursor(say: Say, workshop: Workshop) -> None:
    workshop.photo("x\n0 to make\x1b[2J.png", "diverges")
    assert "\x1b" not in say("plan", config_of(workshop)).out
    workshop.run()
    status = say("status", config_of(workshop))
    assert "\x1b" not in status.out
    assert "0 to make" not in status.lines
    assert r"x\n0 to make\x1b[2J.png" in status.out


def test_a_terminal_without_all_characters_gets_question_marks_and_no_traceback(workshop: Workshop) -> None:
    workshop.photo("a.png")
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", "plan", str(config_of(workshop))],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "cp437"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert b"a.png ? night -> a--night.jpg" in ended.stdout


def test_status_before_the_first_run_is_all_zero_and_makes_nothing(say: Say, workshop: Workshop) -> None:
    said = say("status", config_of(workshop))
    assert said.lines[:2] == ["0 pending, 0 leased, 0 done, 0 failed, 0 quarantined, 0 withdrawn", "not running"]
    assert not workshop.out.exists()


def troubled(workshop: Workshop) -> Path:
    """One picture done, one failed, one photo quarantined."""
    workshop.photo("a.png")
    workshop.photo("b.png", "diverges")
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    workshop.run()
    return config_of(workshop)


def test_status_counts_and_gives_reasons(say: Say, workshop: Workshop) -> None:
    said = say("status", troubled(workshop))
    assert said.code == 1, "a photo was just given up"
    assert said.lines[0] == "0 pending, 0 leased, 1 done, 1 failed, 1 quarantined, 0 withdrawn"
    assert said.lines[-3] == "failed: b.png × night: the loss became nan"
    assert said.lines[-2].startswith("quarantined: c.jpg × night: ")
    assert said.lines[-1] == "'stylewatch retry' gives them another chance."


def test_status_names_what_never_had_a_picture_to_make(say: Say, workshop: Workshop) -> None:
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(("../evil.png", b""), ("letter.png", b"Dear Vincent,")))
    workshop.run()
    said = say("status", config_of(workshop))
    assert said.lines[-3].startswith(
        "quarantined: trip.zip: 1 of the archive's files are refused, the rest goes on: "
    )
    assert said.lines[-2] == "quarantined: trip.zip/letter.png: no image: it looks like text"
    assert [row["style"] for row in json.loads(say("status", "--json", config_of(workshop)).out)["failures"]] == [
        "",
        "",
    ]
    assert "1 picture" in say("retry", config_of(workshop), "trip.zip").out


def test_status_as_json(say: Say, workshop: Workshop) -> None:
    fields = json.loads(say("status", "--json", troubled(workshop)).out)
    assert fields["counts"] == {
        "pending": 0,
        "leased": 0,
        "done": 1,
        "failed": 1,
        "quarantined": 1,
        "withdrawn": 0,
    }
    assert fields["failures"][0] == {
        "photo": "b.png",
        "style": "night",
        "recipe": "default",
        "state": "failed",
        "reason": "the loss became nan",
        "attempts": 1,
    }


ALWAYS = "schedule: {cron: '@daily', until: '24:00'}\n"


def test_plan_and_status_tell_of_the_schedule(say: Say, workshop: Workshop) -> None:
    workshop.text += ALWAYS
    path = config_of(workshop)
    opened = "The schedule's window is open without an end in sight; "
    assert opened + "how long the waiting pictures take is unknown yet." in say("status", path).lines
    workshop.photo("a.png")
    assert say("plan", path).lines[-1] == opened + "the waiting pictures take about 5 seconds and fit into it."
    assert json.loads(say("plan", "--json", path).out)["schedule"]["fits"] is True
    workshop.run()
    assert opened + "no picture waits." in say("status", path).lines
    schedule = json.loads(say("status", "--json", path).out)["schedule"]
    assert (schedule["open"], schedule["backlog_seconds"], schedule["fits"]) == (True, 0.0, True)


def test_a_run_does_not_wait_for_the_schedule(say: Say, workshop: Workshop) -> None:
    workshop.text += "schedule: {cron: '0 0 29 2 *', until: '00:01'}\n"
    said = say("run", "--until", "2100-01-01", config_of(workshop))
    assert said.code == 0
    assert said.out.startswith("Nothing to do")


def test_status_works_beside_a_running_instance(say: Say, workshop: Workshop) -> None:
    path = troubled(workshop)
    with instance_lock(workshop.config().state.folder, "first"):
        assert "'first' with pid" in say("status", path).lines[1]
        assert say("plan", path).code == 0


def test_check_names_all_that_is_wrong_and_takes_the_firsts_exit_code(say: Say, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "in").rmdir()
    (workshop.folder / "night.jpg").write_text("a letter")
    said = say("check", path)
    assert said.code == 3
    wrong = [line.split(":")[0] for line in said.lines if line.startswith("WRONG")]
    assert wrong == ["WRONG input", "WRONG painting of 'night'"]
    assert said.lines[0] == f"ok    config: {path}"
    assert said.lines[-1].startswith("ok    engine: embedded weights on ")


def test_check_of_a_sound_folder_is_all_ok(say: Say, workshop: Workshop) -> None:
    said = say("check", config_of(workshop))
    assert said.code == 0
    assert all(line.startswith("ok ") for line in said.lines)


def test_styles_warms_lists_and_prunes_the_cache(say: Say, workshop: Workshop) -> None:
    few = "scales: 1, content_layers: [relu1_1], style_layers: [relu1_1]"
    workshop.text = workshop.text.replace("scales: 1", few)
    path = config_of(workshop)
    folder = workshop.config().cache.folder
    assert say("styles", path).lines == [f"0.0 MB in {folder}"]
    warmed = say("styles", "--warm", path)
    assert warmed.lines[0] == "1 computed, 0 already there"
    assert warmed.lines[1].startswith(f"{workshop.config().styles[0].paintings.popitem()[0]}     48 px")
    pruned = say("styles", "--prune", path)
    assert pruned.lines[0] == "0 deleted, 0.0 MB freed"
    assert len(pruned.lines) == 3


def refs(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [ref for value in schema.values() for ref in refs(value)]
    return [ref for value in schema for ref in refs(value)] if isinstance(schema, list) else []


def test_schema_is_a_json_schema_whose_references_all_lead_somewhere(say: Say) -> None:
    said = say("schema")
    schema = json.loads(said.out)
    assert said.code == 0
    assert schema == json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    assert schema["required"] == ["styles"]
    assert schema["additionalProperties"] is False
    assert refs(schema)
    assert all(ref.removeprefix("#/$defs/") in schema["$defs"] for ref in refs(schema))


# --- changing ---------------------------------------------------------------------------------------------


def test_retry_without_a_ledger_has_nothing_to_try_and_makes_none(say: Say, workshop: Workshop) -> None:
    assert say("retry", config_of(workshop)) == Said(0, "0 pictures will be tried by the next run\n", "")
    assert not workshop.out.exists()


def test_retry_gives_all_failed_and_quarantined_another_chance(say: Say, workshop: Workshop) -> None:
    path = troubled(workshop)
    assert say("retry", path).out == "2 pictures will be tried by the next run\n"
    counts = json.loads(say("status", "--json", path).out)["counts"]
    assert (counts["pending"], counts["failed"], counts["quarantined"]) == (2, 0, 0)


def test_retry_of_one_photo_leaves_the_others_alone(say: Say, workshop: Workshop) -> None:
    path = troubled(workshop)
    assert say("retry", path, "b.png").out == "1 picture will be tried by the next run\n"
    counts = json.loads(say("status", "--json", path).out)["counts"]
    assert (counts["pending"], counts["quarantined"]) == (1, 1)


def test_retry_of_a_photo_that_never_failed_is_bad_usage(say: Say, workshop: Workshop) -> None:
    said = say("retry", troubled(workshop), "a.png", "nowhere.png")
    assert said.code == 2
    assert "a.png, nowhere.png" in said.err


def test_a_deleted_picture_stays_deleted_until_retry_missing(say: Say, workshop: Workshop) -> None:
    for number, name in enumerate(("a.png", "sub/b.png", "c.png")):
        workshop.photo(name, shade=number)
    workshop.run()
    path = config_of(workshop)
    (workshop.out / "a--night.jpg").unlink()
    (workshop.out / "sub" / "b--night.jpg").unlink()
    (workshop.out / "sub").rmdir()
    assert workshop.run().finished == 0
    assert say("retry", path).out == "0 pictures will be tried by the next run\n"
    assert say("retry", "--missing", path).out == "2 pictures will be tried by the next run\n"
    assert workshop.run().finished == 2
    assert workshop.pictures() == ["a--night.jpg", "c--night.jpg", "sub/b--night.jpg"]


def test_retry_missing_of_one_photo_leaves_other_deleted_pictures_deleted(say: Say, workshop: Workshop) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        workshop.photo(name, shade=number)
    workshop.run()
    for picture in workshop.out.glob("*.jpg"):
        picture.unlink()
    assert say("retry", "--missing", config_of(workshop), "b.png").code == 0
    workshop.run()
    assert workshop.pictures() == ["b--night.jpg"]


def test_retry_missing_names_the_photos_that_have_left_the_folder(say: Say, workshop: Workshop) -> None:
    for number in range(7):
        workshop.photo(f"{number}.png", shade=number)
    workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: kept}")
    workshop.run()
    workshop.photo("here.png", shade=7)
    workshop.text = CONFIG
    workshop.run()
    for picture in workshop.out.glob("*.jpg"):
        picture.unlink()
    path = config_of(workshop)
    said = say("retry", "--missing", path, "3.png")
    assert (said.code, said.out) == (0, "0 pictures will be tried by the next run\n")
    assert said.err == (
        "1 deleted picture can't be made again while the photo is not in the input folder: "
        f"3.png (moved to {workshop.folder / 'kept' / '3.png'})\n"
    )
    said = say("retry", "--missing", path)
    assert (said.code, said.out) == (0, "1 picture will be tried by the next run\n")
    assert said.err.startswith("7 deleted pictures can't be made again while the photo is not in")
    assert said.err.endswith("4.png), 2 more\n")
    assert workshop.run().finished == 1
    (workshop.folder / "kept" / "3.png").rename(workshop.folder / "in" / "3.png")
    workshop.run()
    assert say("retry", "--missing", path, "3.png").out == "1 picture will be tried by the next run\n"
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["3--night.jpg", "here--night.jpg"]


def test_demo_writes_two_photos_and_never_twice(say: Say, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    folder = tmp_path / "photos"
    said = say("demo", folder)
    assert said.lines == [str(folder / "cat.jpg"), str(folder / "coffee.jpg")]
    before = [sha256_of_file(Path(line)) for line in said.lines]
    assert say("demo", folder) == Said(0, f"the sample photos are in {folder} already\n", "")
    assert [sha256_of_file(Path(line)) for line in said.lines] == before


def test_demo_without_its_extra_says_what_to_install(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)  # as if it were not installed
    said = say("demo", tmp_path / "photos")
    assert said.code == 2
    assert "pip install" in said.err
    assert not (tmp_path / "photos").exists()
