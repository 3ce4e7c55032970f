"""``reject``: what it says, and its exit codes."""

from __future__ import annotations

import json

import pytest

from pipeline.config.settings import gallery_settings
from pipeline.report.gallery.rows import STATES
from pipeline.runner.gallery.updates import GalleryUpdates
from pipeline.runner.instance.lock import instance_lock
from tests.cli.invocation import Invoke, Result, config_of
from tests.workshop import CONFIG, Workshop


@pytest.fixture
def made(workshop: Workshop) -> Workshop:
    workshop.photo("a.png", shade=1)
    workshop.photo("sub/b.png", shade=2)
    workshop.run()
    return workshop


def test_a_rejected_picture_is_gone_and_counted(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    expected = "1 picture rejected and deleted:\n  sub/b--night.jpg\n"
    assert invoke("reject", path, "sub/*") == Result(0, expected, "")
    assert made.pictures() == ["a--night.jpg"]
    assert invoke("reject", path, "sub/*").out == "1 picture was rejected before:\n  sub/b--night.jpg\n"
    assert invoke("status", path).lines[0] == "pictures: 0 waiting, 1 done, 1 rejected"
    assert "0 pictures to make, 1 done, 1 rejected; 2 photos in " in invoke("plan", path).out
    counts = json.loads(invoke("status", "--json", path).out)["counts"]
    assert (counts["done"], counts["rejected"]) == (1, 1)
    assert "all pictures exist already (1), but for 1 rejected" in invoke("run", path).out


def test_retry_brings_it_back_only_by_name(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    invoke("reject", path, "a--night.jpg")
    assert invoke("retry", "--missing", path).out == "0 pictures will be tried by the next run\n"
    assert made.run().finished == 0
    assert invoke("retry", "--missing", path, "a.png").out == "1 picture will be tried by the next run\n"
    assert made.run().finished == 1


def test_redo_brings_it_back(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    invoke("reject", path, "a--night.jpg")
    assert invoke("redo", path, "a--night.jpg").code == 0
    assert made.run().finished == 1


def test_what_stays_is_named(invoke: Invoke, made: Workshop) -> None:
    (made.out / "a--night.jpg").write_bytes(b"my retouched picture")
    result = invoke("reject", config_of(made), "*.jpg")
    assert (result.code, result.out) == (1, "1 picture rejected and deleted:\n  sub/b--night.jpg\n")
    assert result.err.startswith("a--night.jpg: was edited or replaced since it was made")
    assert made.pictures() == ["a--night.jpg"]
    result = invoke("reject", config_of(made), "nowhere.jpg")
    assert (result.code, result.out) == (2, "")
    assert "nowhere.jpg: is no picture of this config" in result.err


def test_what_new_settings_will_make_is_told(invoke: Invoke, made: Workshop) -> None:
    made.text = CONFIG.replace("size: 48", "size: 40")
    path = config_of(made)
    with made.ledger() as ledger:
        ledger.jobs.record([], ".jpg")
    assert invoke("plan", path).code == 0
    invoke("run", path, "--limit", "1")
    result = invoke("reject", path, "*.jpg")
    assert "1 picture of these will be made with new settings by the next run:" in result.lines


def states_in_gallery(workshop: Workshop) -> list[str]:
    chunk = (workshop.out / "gallery" / "data" / "chunks" / "0000.js").read_text("ascii")
    rows = json.loads(chunk.removeprefix("stylewatch.chunk(0,").rstrip().removesuffix(");"))["rows"]
    return [STATES[row[5]] for row in rows]


def test_the_gallery_shows_at_once_what_is_rejected_and_what_is_to_be_made_again(
    invoke: Invoke, made: Workshop
) -> None:
    path = config_of(made)
    GalleryUpdates(gallery_settings(made.config(), str(path))).finish()
    invoke("reject", path, "a--night.jpg")
    assert states_in_gallery(made) == ["rejected", "done"]
    invoke("redo", path, "*.jpg")
    assert states_in_gallery(made) == ["pending", "pending"]


def test_without_a_gallery_none_is_made_and_a_program_at_work_writes_its_own(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    invoke("reject", path, "a--night.jpg")
    assert not (made.out / "gallery" / "index.html").exists()
    GalleryUpdates(gallery_settings(made.config(), str(path))).finish()
    with instance_lock(made.out / ".stylewatch", "a test"):
        invoke("redo", path, "*.jpg")
    assert states_in_gallery(made) == ["rejected", "done"]
