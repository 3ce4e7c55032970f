"""``plan``: what it tells people and programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.invocation import Invoke, config_of
from tests.fakes import write_painting, write_photo
from tests.workshop import Workshop

ROOT = Path(__file__).parents[2]


def test_plan_lists_what_run_would_make_and_how_long(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sub/b.png", shade=1)
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    result = invoke("plan", config_of(workshop))
    assert result.code == 0
    assert sorted(result.lines[:2]) == ["a.png × night -> a--night.jpg", "sub/b.png × night -> sub/b--night.jpg"]
    assert result.lines[2].startswith("c.jpg is set aside: ")
    assert result.lines[3].startswith("2 pictures to make, 0 done; 3 photos in ")
    assert result.lines[3].endswith(", 1 set aside")
    assert re.fullmatch(
        r"It takes about 6 seconds and up to \d\.\d GB of memory \(as measured here\)\.", result.lines[-1]
    )
    assert not workshop.out.exists()


def test_plan_shortens_a_long_list_unless_asked_for_all(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: 4000, scales: 1}")
    for number in range(23):
        workshop.photo(f"{number}.png", shade=number)
    path = config_of(workshop)
    result = invoke("plan", path)
    assert sum("->" in line for line in result.lines) == 20
    assert "... and 3 more (--all lists them)" in result.lines
    advice = result.lines[result.lines.index("What would shorten it:") + 1 :]
    assert [line.startswith("  ") for line in advice] == [True] * 3
    assert "hours" in result.out
    assert sum("->" in line for line in invoke("plan", "--all", path).lines) == 23


def test_plan_over_a_finished_folder_says_so_without_a_time(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    result = invoke("plan", config_of(workshop))
    assert result.lines == [f"0 pictures to make, 1 done; 1 photo in {workshop.config().input.folder}"]


def test_plan_measures_on_the_pictures_made_before_and_names_photos_without_style(
    invoke: Invoke, workshop: Workshop
) -> None:
    workshop.text += "pairing: {by: folder, rules: [{match: trip/, styles: []}]}\n"
    workshop.photo("night/a.png")
    workshop.run()
    workshop.photo("night/b.png", shade=1)
    workshop.photo("day/c.png", shade=2)
    workshop.photo("trip/d.png", shade=3)
    result = invoke("plan", config_of(workshop))
    assert [line.partition(":")[0] for line in result.lines[1:3]] == [
        "day/c.png gets no picture",
        "no picture of 1 photo",
    ]
    assert result.lines[2].endswith(": a rule gives it no style")
    assert result.lines[-1].endswith("GB of memory (as measured here, and by the pictures made so far).")


@pytest.mark.slow
def test_plan_says_that_a_machine_that_can_not_be_measured_is_guessed_at(
    invoke: Invoke, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "torch.py").write_text('raise ImportError("libtorch_cpu.so: failed to map segment")')
    monkeypatch.syspath_prepend(tmp_path / "broken")  # the measuring process gets it, too
    workshop.text += "engine: {threads: 1}\n"
    workshop.photo("a.png")
    result = invoke("plan", config_of(workshop))
    assert "The speed could not be measured: PyTorch can't be loaded (libtorch_cpu.so: failed" in result.err
    assert result.lines[-1].endswith("(a guess: this machine could not be measured).")


@pytest.mark.slow
def test_plan_does_not_guess_for_a_device_that_is_not_there(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "engine: {device: 'cuda:99'}\n"
    path = config_of(workshop)
    assert invoke("plan", path).code == 0, "there is nothing to make"
    workshop.photo("a.png")
    result = invoke("plan", path)
    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines()[-1] == (
        "stylewatch: engine.device: this machine has no usable 'cuda:99'; use 'auto' or 'cpu'"
    )


def test_plan_knows_the_shapes_of_the_photos_that_are_too_large(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: 30000}") + "engine: {device: cpu}\n"
    workshop.photo("a.png")
    result = invoke("plan", config_of(workshop))
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("stylewatch: recipes.default.size: even a picture of 30000 × ")


def test_plan_as_json(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    fields = json.loads(invoke("plan", "--json", config_of(workshop)).out)
    assert fields.pop("seconds") == 5.4
    assert 0.5e9 < fields.pop("memory_bytes") < 2e9
    assert (fields.pop("too_large_for_format"), fields.pop("small_paintings")) == (0, [])
    disk = fields.pop("disk")
    assert (disk["learned"], disk["min_free_bytes"], disk["fits"]) == (False, 0, True)
    assert 1000 < disk["bytes"] < 500_000 < disk["free_bytes"]
    total = {"new": 1, "again": 0}
    assert fields == {
        "jobs": [{"photo": "a.png", "style": "night", "recipe": "default", "output": "a--night.jpg", "again": None}],
        **total,
        "reasons": {},
        "kept": 0,
        "rejected": 0,
        "chosen_recipes": 0,
        "styles": {"night": total},
        "folders": {"": total},
        "photos": 1,
        "done": 0,
        "quarantined": 0,
        "given_up": 0,
        "photos_set_aside": 0,
        "found": 0,
        "unpaired": 0,
        "unpaired_photos": [],
        "skipped": {},
        "skipped_photos": [],
        "unused_masks": 0,
        "start_seconds": 5.0,
        "painting_seconds": 0.0,
        "measured": True,
        "device": "cpu (fake)",
        "recipes": {"default": {"pictures": 1, "seconds": 0.4, "evaluations": [32.2], "learned": False}},
        "schedule": None,
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_of_a_file_can_forge_no_line_and_move_no_cursor(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("x\n0 to make\x1b[2J.png", "diverges")
    assert "\x1b" not in invoke("plan", config_of(workshop)).out
    workshop.run()
    status = invoke("status", config_of(workshop))
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


ALWAYS = "schedule: {cron: '@daily', until: '24:00'}\n"


def test_plan_and_status_tell_of_the_schedule(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += ALWAYS
    path = config_of(workshop)
    opened = "The schedule's window is open without an end; "
    assert opened + "how long the waiting pictures take is not known yet." in invoke("status", path).lines
    workshop.photo("a.png")
    assert invoke("plan", path).lines[-1] == opened + "the waiting pictures take about 5 seconds and fit into it."
    assert json.loads(invoke("plan", "--json", path).out)["schedule"]["fits"] is True
    workshop.run()
    assert opened + "no picture is waiting." in invoke("status", path).lines
    schedule = json.loads(invoke("status", "--json", path).out)["schedule"]
    assert (schedule["open"], schedule["backlog_seconds"], schedule["fits"]) == (True, 0.0, True)


def test_plan_names_photos_in_no_styles_folder_some_of_many(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    for number in range(22):
        workshop.photo(f"{number:02}.png", shade=number)
    workshop.run()
    result = invoke("plan", config_of(workshop))
    assert result.lines[0] == "00.png gets no picture: it lies in no style's folder: night; letter case counts"
    assert result.lines[20] == "... and 2 more photos without a picture; --json names all of them"
    named = json.loads(invoke("plan", "--json", config_of(workshop)).out)["unpaired_photos"]
    assert len(named) == 22
    assert named[0] == {"photo": "00.png", "reason": "lies in no style's folder: night; letter case counts"}


def test_plan_counts_skipped_photos_by_reason_and_names_all_as_json(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, skip: {smaller_than: 49}")
    for number in range(22):
        workshop.photo(f"{number:02}.png", shade=number)
    write_photo(workshop.folder / "in" / "1.png", size=(50, 40))
    result = invoke("plan", config_of(workshop))
    assert result.lines[1] == "22 photos skipped (smaller than 49 px: 22)"
    assert result.lines[2].startswith("1 picture to make, 0 done; 1 photo in ")
    fields = json.loads(invoke("plan", "--json", config_of(workshop)).out)
    assert (fields["skipped"], len(fields["skipped_photos"])) == ({"smaller than 49 px": 22}, 22)
    assert fields["skipped_photos"][0] == {"photo": "00.png", "reason": "smaller than 49 px"}
    only = json.loads(invoke("plan", "--json", "--only", "1*", config_of(workshop)).out)
    assert only["skipped"] == {"smaller than 49 px": 10}


def test_plan_says_what_is_made_again_and_why_by_style_and_folder(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("styles:", "styles:\n  - {name: wave, painting: wave.jpg, recipe: big}")
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, order: name")
    workshop.text += "  big: {size: 64, scales: 1}\n"
    write_painting(workshop.folder / "wave.jpg", (20, 90, 200))
    for number, name in enumerate(("a.png", "sea/b.png", "sea/deep/c.png")):
        workshop.photo(name, shade=number)
    workshop.run()
    workshop.photo("d.png", shade=8)
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    path = config_of(workshop)
    result = invoke("plan", path)
    assert "sea/b.png × night -> sea/b--night.jpg (again: recipe default changed)" in result.lines
    first = next(number for number, line in enumerate(result.lines) if line.startswith("5 pictures to make, 3 done"))
    assert result.lines[first + 1 : first + 8] == [
        "2 new pictures, 3 to be made again: recipe default changed (3).",
        "By style:",
        "  4 night (3 of them again)",
        "  1 wave",
        "By folder:",
        "  3 in the input folder itself (1 of them again)",
        "  2 sea (2 of them again)",
    ]
    fields = json.loads(invoke("plan", "--json", path).out)
    assert (fields["new"], fields["again"], fields["reasons"]) == (2, 3, {"recipe default changed": 3})
    assert fields["styles"] == {"night": {"new": 1, "again": 3}, "wave": {"new": 1, "again": 0}}
    assert fields["folders"] == {"": {"new": 2, "again": 1}, "sea": {"new": 0, "again": 2}}
    assert [job["again"] for job in fields["jobs"] if job["photo"] == "d.png"] == [None, None]


def test_plan_says_what_is_kept_and_what_redo_would_make(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("out,", "out, on_change: keep,")
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    path = config_of(workshop)
    kept = "1 picture is kept as it was made, under earlier settings ('run --redo changed' makes it again)."
    result = invoke("plan", path)
    assert result.lines[-1] == kept
    assert result.lines[0].startswith("0 pictures to make, 1 done")
    assert json.loads(invoke("plan", "--json", path).out)["kept"] == 1
    again = invoke("plan", "--redo", "changed", path)
    assert "1 picture to be made again: recipe default changed (1)." in again.lines
    assert kept not in again.lines


def test_plan_of_some_photos_only(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sea/b.png", shade=1)
    path = config_of(workshop)
    result = invoke("plan", "--only", "sea/", path)
    assert [line for line in result.lines if "->" in line] == ["sea/b.png × night -> sea/b--night.jpg"]
    assert any(line.startswith("1 picture to make, 0 done; 1 of 2 photos in ") for line in result.lines)
    missed = invoke("plan", "--only", "see/", path)
    assert (missed.code, missed.err.startswith("stylewatch: --only: no photo in the input folder fits 'see/'")) == (
        2,
        True,
    )


def test_plan_of_some_photos_names_no_others(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("sea/b.png", shade=1)
    (workshop.folder / "in" / "letter.png").write_text("I am a letter, not a photo.")
    workshop.text += "pairing: {by: folder, make_folders: false}\n"
    path = config_of(workshop)
    for only, named in (("sea/", {"sea/b.png"}), ("[al]*", {"a.png", "letter.png"})):
        out = invoke("plan", "--only", only, path).out
        assert {name for name in ("a.png", "sea/b.png", "letter.png") if name in out} == named
        assert "1 of 3 photos" in out or "2 of 3 photos" in out


def test_plan_counts_a_single_folder_beyond_the_named_ones_as_one(invoke: Invoke, workshop: Workshop) -> None:
    for number in range(11):
        workshop.photo(f"{number:02}/a.png", shade=number)
    assert "  1 in 1 other folder" in invoke("plan", config_of(workshop)).lines


def test_plan_says_if_the_pictures_do_not_fit_on_the_disk(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "gallery: {enabled: false}\n"
    workshop.photo("a.png")
    assert re.search(
        r"The pictures take about 1\.8 kB of disk; [\d,.]+ [TGM]B are free\.", invoke("plan", config_of(workshop)).out
    )
    workshop.text = workshop.text.replace("min_free_disk: 0", "min_free_disk: 100000 TB")
    assert re.search(
        r"of disk, which does not fit: .* are free, and a run stops when there is less than "
        r"100,000\.0 TB \(output\.min_free_disk\)\.",
        invoke("plan", config_of(workshop)).out,
    )


def test_plan_says_if_smaller_pictures_take_the_place_of_larger_ones(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    out = invoke("plan", config_of(workshop)).out
    assert "1 picture to be made again" in out
    assert re.search(r"The pictures take no more of the disk than those that they replace; .* are free\.", out)


def test_plan_names_the_masks_that_belong_to_no_photo(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("styles:\n", "masks: {folder: masks}\nstyles:\n").replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: split, regions: {white: night, black: keep}}"
    )
    write_photo(workshop.folder / "masks" / "old" / "b.png")
    workshop.photo("a.png")
    lines = invoke("plan", config_of(workshop)).lines
    assert f"masks in {workshop.folder.resolve() / 'masks'}: 1 of them belongs to no photo (old/b.png)" in lines


def test_plan_counts_pictures_that_their_format_can_not_hold(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: original, scales: 1}")
    workshop.text = workshop.text.replace("folder: out", "folder: out, format: webp")
    write_photo(workshop.folder / "in" / "wide.png", size=(17_000, 2))
    result = invoke("plan", config_of(workshop))
    assert result.code == 0
    assert "1 picture would be too large for webp, which holds 16,383 pixels a side" in result.out
    assert json.loads(invoke("plan", config_of(workshop), "--json").out)["too_large_for_format"] == 1


def test_plan_names_paintings_that_are_too_small_once_a_recipe(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: 384")
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    out = invoke("plan", config_of(workshop)).out
    words = " ".join(out.split())
    said = "night.jpg has 96 pixels, the picture by recipe 'default' 384: its strokes come out a quarter as large"
    assert words.count(said) == 1
    (sentence,) = json.loads(invoke("plan", config_of(workshop), "--json").out)["small_paintings"]
    assert sentence.startswith(said)
    names = [f"night{number}.jpg" for number in range(12)]
    for name in names:
        write_painting(workshop.folder / name)
    workshop.text = workshop.text.replace("painting: night.jpg", f"paintings: [{', '.join(names)}]")
    out = invoke("plan", config_of(workshop)).out
    assert out.count("has 96 pixels") == 10
    assert "2 other paintings too small for the pictures; --json names all." in out
