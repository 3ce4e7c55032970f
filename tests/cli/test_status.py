"""``status``: what it tells people and monitors."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from click.testing import CliRunner

from pipeline.cli.commands import stylewatch
from pipeline.model import JobState, WatchNotice
from pipeline.report.heartbeat import FILE_NAME, Heartbeat
from pipeline.runner.instance.lock import HOLDER_NAME, instance_lock
from tests.cli.invocation import Invoke, config_of, config_with_failures
from tests.intake.packing import photo, zipped
from tests.report.events import begun, finished, progress, started
from tests.runner.execution.claimed import claim_all
from tests.workshop import Workshop

COMMAND = "stylewatch watch my.yaml"


def status(workshop: Workshop, *options: str) -> tuple[int, list[str]]:
    workshop.config()
    ended = CliRunner().invoke(stylewatch, ["status", *options, str(workshop.folder / "stylewatch.yaml")])
    return ended.exit_code, ended.output.splitlines()


def as_json(workshop: Workshop) -> dict[str, Any]:
    _, (line,) = status(workshop, "--json")
    fields: dict[str, Any] = json.loads(line)
    return fields


@contextmanager
def at_work(workshop: Workshop) -> Iterator[None]:
    """Hold the folder like a program that has made a picture and is at the next one."""
    state = workshop.config().state.folder
    began = time.monotonic()  # its clock runs fast, so that the picture took hours

    def clock() -> float:
        return began + 1e6 * (time.monotonic() - began)

    with instance_lock(state, COMMAND), Heartbeat(state, COMMAND, clock=clock) as heart:
        heart.last_scan = time.time() - 125
        for event in (started(jobs=9), begun(), finished(), begun(token="t2"), progress(50, token="t2")):
            heart(event)
        heart._write()
        yield


def test_before_the_first_run_nothing_runs_and_all_is_well(workshop: Workshop) -> None:
    code, lines = status(workshop)
    assert code == 0
    assert lines[:2] == ["not looked yet: 'stylewatch plan' shows what there is to do", "not running"]
    assert lines[2].startswith("0 done today, ")
    assert lines[2].endswith(" GB of disk free")
    assert len(lines) == 3


def test_a_program_at_work_is_told_with_its_pictures_and_its_pace(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    with at_work(workshop):
        code, lines = status(workshop)
    assert code == 0
    assert lines[1].startswith(f"running: '{COMMAND}' with pid ")
    assert lines[1].endswith(": making 1 picture, 1 of 9 done")
    assert lines[2].startswith("  zoo/lion.jpg × wave: 20% after ")
    assert lines[3].startswith("1 done today, ")
    assert " pictures an hour lately, " in lines[3]
    assert "last full scan of the folder 2 min 5 s ago" in lines[3]


def test_the_time_left_is_told_when_pictures_wait(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    with workshop.ledger() as ledger:
        ledger.jobs.redo(finished.job for finished in ledger.queries.finished())
    with at_work(workshop):
        code, lines = status(workshop)
        fields = as_json(workshop)
    assert code == 0
    assert ", about " in lines[3]
    assert " left, " in lines[3]
    assert fields["seconds_left"] > 0


def test_photos_that_are_only_read_ahead_are_told_as_waiting(workshop: Workshop) -> None:
    for shade, name in enumerate(("a.png", "b.png", "c.png")):
        workshop.photo(name, shade=shade)
    with workshop.ledger() as ledger:
        claim_all(workshop, ledger)
    with at_work(workshop):
        _, lines = status(workshop)
        assert as_json(workshop)["counts"]["leased"] == 3
    assert lines[0] == "pictures: 2 waiting, 1 being painted, 0 done"
    assert ": making 1 picture, " in lines[1]


def test_a_hung_and_a_dead_one_are_trouble_and_exit_code_3(workshop: Workshop) -> None:
    with at_work(workshop):
        file = workshop.config().state.folder / FILE_NAME
        file.write_text(json.dumps(json.loads(file.read_text()) | {"beat_monotonic": time.monotonic() - 301}))
        sign = file.read_text()
        code, lines = status(workshop)
        assert code == 3
        assert lines[1].startswith("warning: ")
        assert lines[1].endswith("; restart it")
    file.write_text(sign)
    code, lines = status(workshop)
    assert code == 3
    assert lines[1].endswith("was killed, or the machine lost power; start it again and it continues")


def test_why_it_is_paused_is_said_once(workshop: Workshop) -> None:
    state, reason = workshop.config().state.folder, "paused: the disk is full"
    with instance_lock(state, COMMAND), Heartbeat(state, COMMAND) as heart:
        heart(WatchNotice("paused", reason))
        heart._write()
        code, lines = status(workshop)
        assert as_json(workshop)["process"]["words"] == reason
    assert code == 3
    assert lines[1].endswith(": paused")
    assert [line for line in lines if reason in line] == [f"warning: {reason}"]


def test_one_that_has_said_nothing_yet_is_told_by_its_lock(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, COMMAND):
        assert status(workshop)[1][1].startswith(f"running: '{COMMAND}' with pid ")
        process = as_json(workshop)["process"]
        assert (process["command"], process["doing"], process["pictures"]) == (COMMAND, None, [])
        (state / HOLDER_NAME).unlink()
        assert status(workshop)[1][1] == "running: it has just started"


def test_failures_are_told_with_the_next_attempt(workshop: Workshop) -> None:
    workshop.text += "state: {retry_seconds: 1000, max_retry_seconds: 1000}\n"
    workshop.photo("b.png", "diverges")
    workshop.run()
    code, lines = status(workshop)
    assert code == 0, "it is tried again by itself"
    assert lines[3].startswith("the picture that will be tried again is due in ")
    assert lines[4] == "b.png × night failed and will be tried again: the loss became nan"
    assert as_json(workshop)["next_attempt"].endswith("Z")
    workshop.text = workshop.text.replace("1000", "0")
    with workshop.ledger() as ledger:
        ledger.jobs.requeue_failed()
    workshop.run()
    assert "tried again is due now" in status(workshop)[1][3]


def test_pictures_that_are_kept_as_they_were_made_are_told(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("out,", "out, on_change: keep,")
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    workshop.run()
    words = "1 picture is kept as it was made, under earlier settings ('run --redo changed' makes it again)"
    assert words in status(workshop)[1]
    assert as_json(workshop)["kept"] == 1


def test_the_json_has_these_fields(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", "diverges")
    workshop.run()
    with at_work(workshop):
        fields = as_json(workshop)
    process = fields.pop("process")
    assert {name: type(value).__name__ for name, value in process.items()} == {
        "pid": "int",
        "command": "str",
        "host": "str",
        "started": "str",
        "silent_seconds": "float",
        "doing": "str",
        "words": "str",
        "paused": "NoneType",
        "done": "int",
        "total": "int",
        "pictures": "list",
    }
    assert set(process["pictures"][0]) == {"photo", "style", "recipe", "share_done", "since"}
    assert {name: type(value).__name__ for name, value in fields.items()} == {
        "version": "int",
        "exit_code": "int",
        "troubles": "list",
        "life": "str",
        "counts": "dict",
        "kept": "int",
        "chosen_recipes": "int",
        "photos": "int",
        "photos_set_aside": "int",
        "done_today": "int",
        "pictures_per_hour": "float",
        "seconds_left": "float",
        "last_scan": "str",
        "next_attempt": "str",
        "free_disk_bytes": "int",
        "min_free_disk_bytes": "int",
        "schedule": "NoneType",
        "failures": "list",
        "unpaired": "dict",
        "incomplete": "list",
        "skipped": "dict",
    }
    assert fields["version"] == 1
    assert set(fields["counts"]) == {"rejected", *(state.value for state in JobState)}


def test_what_is_unknown_is_null_and_not_left_out(workshop: Workshop) -> None:
    fields = as_json(workshop)
    unknown = {"process", "photos", "pictures_per_hour", "seconds_left", "last_scan", "next_attempt", "schedule"}
    assert {name for name, value in fields.items() if value is None} == unknown


def test_status_before_the_first_run_says_so_and_makes_nothing(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    result = invoke("status", config_of(workshop))
    assert result.lines[:2] == ["not looked yet: 'stylewatch plan' shows what there is to do", "not running"]
    assert not workshop.out.exists()
    assert json.loads(invoke("status", "--json", config_of(workshop)).out)["photos"] is None


def test_a_folder_in_which_nothing_was_found_is_told_as_that(invoke: Invoke, workshop: Workshop) -> None:
    workshop.run()
    result = invoke("status", config_of(workshop))
    assert result.lines[0] == "no photos on record yet: 'stylewatch plan' shows what there is to do"
    assert json.loads(invoke("status", "--json", config_of(workshop)).out)["photos"] == 0


def test_status_counts_and_gives_reasons(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("status", config_with_failures(workshop))
    assert result.code == 1, "a photo was just given up"
    assert result.lines[0] == ("pictures: 0 waiting, 1 done, 1 will be tried again; 1 photo set aside with 1 picture")
    assert "warning: 1 photo set aside in the last 24 hours" in result.lines
    assert result.lines[-3] == "b.png × night failed and will be tried again: the loss became nan"
    assert result.lines[-2].startswith("c.jpg is set aside: ")
    assert result.lines[-1] == "'stylewatch retry' tries them again."


def test_status_names_what_never_had_a_picture_to_make(invoke: Invoke, workshop: Workshop) -> None:
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(("../evil.png", b""), ("letter.png", b"Dear Vincent,")))
    workshop.run()
    result = invoke("status", config_of(workshop))
    assert result.lines[-3].startswith(
        "trip.zip is set aside: 1 of the archive's files is refused, the others are used: "
    )
    assert result.lines[-2] == "trip.zip/letter.png is set aside: not an image: it looks like text"
    assert [row["style"] for row in json.loads(invoke("status", "--json", config_of(workshop)).out)["failures"]] == [
        "",
        "",
    ]
    assert "1 picture" in invoke("retry", config_of(workshop), "trip.zip").out


def test_status_as_json(invoke: Invoke, workshop: Workshop) -> None:
    fields = json.loads(invoke("status", "--json", config_with_failures(workshop)).out)
    assert fields["counts"] == {
        "rejected": 0,
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


def test_status_works_beside_a_running_instance(invoke: Invoke, workshop: Workshop) -> None:
    path = config_with_failures(workshop)
    with instance_lock(workshop.config().state.folder, "first"):
        assert "'first' with pid" in invoke("status", path).lines[1]
        assert invoke("plan", path).code == 0


def test_a_single_skipped_photo_is_it_and_not_all_of_them(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, skip: {suffixes: [.png]}")
    workshop.photo("a.png")
    workshop.run()
    assert status(workshop)[1][-1] == "1 photo skipped (suffix .png: 1); 'stylewatch plan --json' names it"


def test_skipped_photos_are_counted_by_reason_and_the_first_are_named(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, skip: {smaller_than: 49}")
    for number in range(22):
        workshop.photo(f"{number:02}.png", shade=number)
    workshop.run()
    code, lines = status(workshop)
    assert (code, lines[-1]) == (
        0,
        "22 photos skipped (smaller than 49 px: 22); 'stylewatch plan --json' names all of them",
    )
    skipped = as_json(workshop)["skipped"]
    assert (skipped["count"], skipped["reasons"], len(skipped["photos"])) == (22, {"smaller than 49 px": 22}, 20)
    assert skipped["photos"][0] == {"photo": "00.png", "reason": "smaller than 49 px"}


def test_photos_in_no_styles_folder_are_named_some_of_many_with_their_count(workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder, rules: [{match: '*-scan.png', styles: []}]}\n"
    workshop.photo("night/fine.png")
    workshop.photo("Night/a-scan.png")
    for number in range(22):
        workshop.photo(f"{number:02}.png", shade=number)
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(("night/1.png", photo(1))))
    workshop.run()
    code, lines = status(workshop)
    assert code == 0, "nothing is wrong with the program"
    named = [line for line in lines if " gets no picture: " in line]
    assert named[0] == (
        "00.png gets no picture: it fits no rule, and lies in no style's folder: night; letter case counts"
    )
    assert len(named) == 20
    assert lines[-1] == "... and 2 more photos without a picture; 'stylewatch plan --json' names all of them"
    fields = as_json(workshop)["unpaired"]
    assert (fields["count"], len(fields["photos"])) == (22, 20)
    workshop.text = workshop.text.replace("by: folder", "by: all")
    assert as_json(workshop)["unpaired"]["count"] == 0, "by the config as it is now"


def test_an_incomplete_file_is_told_with_its_age_until_it_is_whole(workshop: Workshop) -> None:
    file = workshop.photo("half.png")
    data = file.read_bytes()
    file.write_bytes(data[:30])
    workshop.run()
    code, lines = status(workshop)
    assert code == 0
    assert re.match(r"incomplete for \d+\.\d s: half\.png: ", lines[-1])
    (told,) = as_json(workshop)["incomplete"]
    assert (told["photo"], set(told)) == ("half.png", {"photo", "reason", "since"})
    assert abs(datetime.fromisoformat(told["since"]).timestamp() - time.time()) < 60
    file.write_bytes(data)
    workshop.run()
    assert as_json(workshop)["incomplete"] == []
