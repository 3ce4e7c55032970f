"""What ``run`` says where, what it leaves, and with which exit code."""

from __future__ import annotations

import json
import os

from pipeline.runner.instance.lock import instance_lock
from tests.cli.saying import Said, Say, config_of
from tests.workshop import Workshop


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


def test_a_run_does_not_wait_for_the_schedule(say: Say, workshop: Workshop) -> None:
    workshop.text += "schedule: {cron: '0 0 29 2 *', until: '00:01'}\n"
    said = say("run", "--until", "2100-01-01", config_of(workshop))
    assert said.code == 0
    assert said.out.startswith("Nothing to do")
