"""Commands that look: ``plan``, ``status``, ``check``, ``styles``, ``schema``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import json_schema
from pipeline.runner.instance.lock import instance_lock
from tests.cli.saying import Say, config_of, troubled
from tests.intake.packing import zipped
from tests.workshop import Workshop

ROOT = Path(__file__).parents[2]


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
    assert "The speed could not be measured: engine.device: this machine has no usable 'cuda:99'" in said.err
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
        "found": 0,
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
        "quarantined: trip.zip: 1 of the archive's files are refused, the others are used: "
    )
    assert said.lines[-2] == "quarantined: trip.zip/letter.png: not an image: it looks like text"
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
