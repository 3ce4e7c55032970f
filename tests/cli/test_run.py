"""What ``run`` says where, what it leaves, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil

from pipeline.runner.instance.known_mounts import store_input_mount
from pipeline.runner.instance.lock import instance_lock
from tests.cli.invocation import Invoke, Result, config_of
from tests.workshop import Workshop


def test_a_run_over_a_finished_folder_says_that_all_is_there(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    result = invoke("run", config_of(workshop))
    assert result.code == 0
    assert result.out.startswith("Nothing to do: all pictures exist already (1).\n")


def test_a_run_over_an_empty_folder_has_nothing_to_do(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("run", config_of(workshop))
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Nothing to do")


def test_a_broken_photo_is_told_once_with_exit_code_1(invoke: Invoke, workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    result = invoke("run", config_of(workshop))
    assert result.code == 1
    assert "b.jpg is set aside: " in result.out
    again = invoke("run", config_of(workshop))
    assert again.code == 0, "old, known failures don't count"


def test_quiet_says_only_what_went_wrong_and_on_stderr(invoke: Invoke, workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    result = invoke("run", "--quiet", config_of(workshop))
    assert (result.code, result.out) == (1, "")
    assert "b.jpg is set aside" in result.err
    assert invoke("run", "-q", config_of(workshop)) == Result(0, "", "")


def test_json_is_one_object_a_line(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("run", "--json", config_of(workshop))
    assert [json.loads(line)["event"] for line in result.lines] == ["run_started", "run_finished"]


def test_a_run_that_did_nothing_is_in_log_and_journal_and_has_no_report(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    invoke("run", config_of(workshop))
    assert "nothing to do" in (workshop.out / "stylewatch.log").read_text()
    assert len((workshop.out / "journal.jsonl").read_text().splitlines()) == 2
    assert not (workshop.out / "reports").exists()


def test_a_run_that_only_set_a_photo_aside_has_a_report(invoke: Invoke, workshop: Workshop) -> None:
    (workshop.folder / "in" / "b.jpg").write_text("I am a letter, not a photo.")
    result = invoke("run", config_of(workshop))
    (report,) = (workshop.out / "reports").iterdir()
    assert sorted(path.name for path in report.iterdir()) == ["report.csv", "report.json", "report.txt"]
    assert result.lines[-1].endswith(f"; report: {report}")


def test_a_second_instance_is_refused_with_exit_code_3_and_the_firsts_pid(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    with instance_lock(workshop.config().state.folder, "stylewatch run first.yaml"):
        result = invoke("run", path)
    assert result.code == 3
    assert f"'stylewatch run first.yaml' with pid {os.getpid()}" in result.err
    assert result.err.startswith("stylewatch: ")


def test_a_missing_input_folder_is_exit_code_3(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "in").rmdir()
    result = invoke("run", path)
    assert result.code == 3
    assert result.err.count("\n") == 1


def test_a_log_that_cant_be_written_is_exit_code_3(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "log: {file: night.jpg/stylewatch.log}\n"
    result = invoke("run", config_of(workshop))
    assert result.code == 3
    assert "night.jpg" in result.err


def test_a_damaged_ledger_is_exit_code_3_and_left_as_it_is(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    ledger = workshop.out / ".stylewatch" / "ledger.sqlite3"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"this is no database" * 100)
    for command in ("run", "plan", "status", "retry"):
        result = invoke(command, path)
        assert result.code == 3
        assert "ledger" in result.err
    assert ledger.read_bytes() == b"this is no database" * 100


def test_a_painting_lost_after_the_config_was_read_is_exit_code_2(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "night.jpg").unlink()
    (workshop.folder / "night.jpg").mkdir()
    result = invoke("run", path)
    assert result.code == 2


def test_a_run_does_not_wait_for_the_schedule(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "schedule: {cron: '0 0 29 2 *', until: '00:01'}\n"
    result = invoke("run", "--until", "2100-01-01", config_of(workshop))
    assert result.code == 0
    assert result.out.startswith("Nothing to do")


def test_by_folder_the_styles_folders_are_made_by_run_and_said_once(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    config, made = config_of(workshop), workshop.folder / "in" / "night"
    for command in ("plan", "check", "status"):
        invoke(command, config)
        assert not made.exists()
    assert f"made the folder night in {made.parent}: a photo in" in invoke("run", config).out
    assert made.is_dir()
    assert "made the folder" not in invoke("run", config).out
    made.rmdir()
    workshop.text = workshop.text.replace("by: folder", "by: folder, make_folders: false")
    assert invoke("run", config_of(workshop)).code == 0
    assert not made.exists()


def test_no_styles_folder_is_made_under_a_mount_that_is_gone(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    folder = workshop.folder / "in"
    store_input_mount(folder, folder)  # as if it had been a mount of its own
    result = invoke("run", config_of(workshop))
    assert result.code == 3
    assert "nothing is mounted there now" in result.err
    assert list(folder.iterdir()) == []


def test_with_nothing_to_do_for_some_photos_only_these_are_counted(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("sea/a.png")
    workshop.photo("land/b.png")
    (workshop.folder / "in" / "land" / "c.jpg").write_text("I am a letter, not a photo.")
    workshop.run()
    workshop.photo("land/d.png", shade=9)
    path = config_of(workshop)

    def said(only: str) -> str:
        return invoke("run", "--only", only, path).lines[-1]

    assert len(invoke("run", "--only", "sea/**", path).lines) == 1, "nothing is said of the letter in land"
    assert said("sea/**") == "Nothing to do: all pictures of 1 photo exist already (1)."
    assert said("?.jpg") == "Nothing to do: 1 photo set aside; 'stylewatch status' says why."
    assert said("[bc].*").startswith("Nothing to do: 1 picture of 2 photos exists already, 1 photo set aside; ")
    assert invoke("status", path).lines[0].startswith("pictures: 1 waiting, 2 done")


def test_with_only_the_skipped_photos_of_these_are_counted(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, skip: {suffixes: [.gif]}")
    for number, name in enumerate(("land/a.png", "land/b.gif", "sea/c.gif", "sea/d.gif")):
        workshop.photo(name, shade=number)
    result = invoke("run", "--only", "land/**", config_of(workshop))
    assert "land/b.gif is skipped (suffix .gif)" in result.lines
    assert "1 photo skipped (suffix .gif: 1); report:" in result.lines[-2]
    for command in ("run", "plan"):
        result = invoke(command, "--only", "sea/**", config_of(workshop))
        assert (result.code, result.err) == (
            2,
            "stylewatch: --only: 2 photos skipped (suffix .gif: 2), and no other fits 'sea/**'\n",
        )


def test_only_selects_photos_and_one_that_fits_none_is_exit_code_2(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("sea/a.png")
    workshop.run()
    path = config_of(workshop)
    assert invoke("run", "--only", "sea/**", "--only", "*.jpg", path).out.startswith("Nothing to do")
    result = invoke("run", "--only", "Sea/**", path)
    assert result.code == 2
    assert result.err == (
        "stylewatch: --only: no photo in the input folder fits 'Sea/**'; a pattern without / is about the file's "
        "name, ** spans folders, letter case counts\n"
    )


def test_both_kinds_of_redo_may_be_asked_for(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    assert invoke("run", "--redo", "changed", "--redo", "outdated", config_of(workshop)).code == 0
    assert invoke("run", "--redo", "all", config_of(workshop)).code == 2


def test_a_run_leaves_a_gallery_and_says_where_it_is(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    result = invoke("run", config_of(workshop))
    page = workshop.out / "gallery" / "index.html"
    assert result.lines[-1] == f"Gallery: {page}"
    assert page.is_file()
    assert b"a.png" in (workshop.out / "gallery" / "data" / "chunks" / "0000.js").read_bytes()
    assert invoke("run", config_of(workshop)).lines == ["Nothing to do: all pictures exist already (1)."]


def test_without_a_gallery_nothing_is_written_for_it(invoke: Invoke, workshop: Workshop) -> None:
    # With nothing to do, and so without a worker, the page is written all the same, unless it is not wanted.
    assert invoke("run", config_of(workshop)).code == 0
    assert (workshop.out / "gallery" / "index.html").is_file()
    shutil.rmtree(workshop.out)
    workshop.text += "gallery: {enabled: false}\n"
    assert invoke("run", config_of(workshop)).code == 0
    assert (workshop.out / "journal.jsonl").is_file()
    assert not (workshop.out / "gallery").exists()


def test_a_gallery_that_can_not_be_written_costs_no_picture_and_is_said_once(
    invoke: Invoke, workshop: Workshop
) -> None:
    workshop.photo("a.png")
    workshop.out.mkdir()
    (workshop.out / "gallery").write_text("a file is in the way")
    result = invoke("run", config_of(workshop))
    assert (result.code, "Gallery:" in result.out) == (0, False)
    assert (workshop.out / "a--night.jpg").is_file()
    log = (workshop.out / "stylewatch.log").read_text("utf-8")
    assert log.count("the gallery can't be written, pictures are made all the same: ") == 1
