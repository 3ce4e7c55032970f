"""``clean``: what it says, asks and leaves."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.config.settings import gallery_settings
from pipeline.runner.gallery.updates import GalleryUpdates
from pipeline.runner.instance.lock import instance_lock
from tests.cli.invocation import Invoke
from tests.runner.cleaning.cleaned import TWO_STYLES, TwoStyles
from tests.runner.trial.trying import tried_whole


class Terminal(io.StringIO):
    """A terminal in which this is typed."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TwoStyles:
    """Two photos in two styles, of which one is not asked for any more, and a try."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    place = TwoStyles(tmp_path)
    place.make("a.png", "b.png")
    place.try_out()
    place.config()
    return place


def config_of(place: TwoStyles) -> Path:
    return place.folder / "stylewatch.yaml"


def size_of(place: TwoStyles, pattern: str) -> str:
    return f"{sum(path.stat().st_size for path in place.out.glob(pattern)) / 1e3:.1f} kB"


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))


def test_without_a_terminal_it_says_what_it_would_free_and_deletes_nothing(invoke: Invoke, place: TwoStyles) -> None:
    before = place.pictures()
    result = invoke("clean", config_of(place))
    assert (result.code, result.err) == (0, "")
    assert result.lines == [
        f"2 files, {size_of(place, '*--day.jpg')}: pictures that this config does not ask for any more",
        "  day: 2",
        f"2 files, {size_of(place, 'try/*/*.jpg')}: pictures of 'stylewatch try'",
        "Nothing was deleted: there is no terminal to ask in; --yes deletes these files.",
    ]
    assert place.pictures() == before


def test_all_lists_every_file(invoke: Invoke, place: TwoStyles) -> None:
    lines = invoke("clean", "--all", config_of(place)).lines
    assert [line.strip() for line in lines if str(place.out) in line] == [
        str(place.out / name) for name in ("a--day.jpg", "b--day.jpg", "try/sea/day.jpg", "try/sea/night.jpg")
    ]


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_a_no_leaves_everything(
    invoke: Invoke, place: TwoStyles, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    before = place.pictures()
    answer(monkeypatch, typed)
    result = invoke("clean", config_of(place))
    assert result.code == 0
    assert re.search(r"Delete 4 files and free \d+\.\d kB\? \[y/N\]", result.out)
    assert result.lines[-1].endswith("Nothing was deleted.")
    assert place.pictures() == before


def test_ctrl_c_at_the_question_leaves_everything(
    invoke: Invoke, place: TwoStyles, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = place.pictures()
    answer(monkeypatch, "")
    assert invoke("clean", config_of(place)).code == 130
    assert place.pictures() == before


def test_a_yes_deletes(invoke: Invoke, place: TwoStyles, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "y\n")
    result = invoke("clean", config_of(place))
    assert result.code == 0
    assert re.search(r"4 files deleted, \d+\.\d kB freed$", result.lines[-1])
    assert place.pictures() == ["a--night.jpg", "b--night.jpg"]
    assert invoke("clean", config_of(place)).out == "nothing to delete\n"


def test_only_these_files_go(invoke: Invoke, place: TwoStyles) -> None:
    assert invoke("clean", "--yes", "--only", "tries", config_of(place)).code == 0
    assert place.images() == ["a--day.jpg", "a--night.jpg", "b--day.jpg", "b--night.jpg"]


def test_what_stays_is_told(invoke: Invoke, place: TwoStyles) -> None:
    (place.out / "a--day.jpg").write_bytes(b"my retouched picture")
    out = invoke("clean", "--yes", config_of(place)).out
    assert "1 withdrawn picture kept: edited, replaced or can't be read\n" in out
    assert (place.out / "a--day.jpg").read_bytes() == b"my retouched picture"


def test_json_is_one_object_and_deletes_only_with_yes(invoke: Invoke, place: TwoStyles) -> None:
    asked = json.loads(invoke("clean", "--json", config_of(place)).out)
    assert asked["version"] == 1
    assert {kind: found["files"] for kind, found in asked["found"].items()} == {
        "withdrawn": 2,
        "snapshots": 0,
        "tries": 2,
        "copies": 0,
    }
    assert asked["kept"] == {"edited": 0, "photo_gone": 0, "of_another_config": 0}
    assert {kind: found["files"] for kind, found in asked["deleted"].items()} == dict.fromkeys(asked["found"], 0)
    done = json.loads(invoke("clean", "--json", "--yes", config_of(place)).out)
    assert done["deleted"] == done["found"] == asked["found"]
    assert done["failed"] == []


def test_another_instance_at_work_is_left_alone(invoke: Invoke, place: TwoStyles) -> None:
    before = place.pictures()
    with instance_lock(load_config(config_of(place)).state.folder, "stylewatch watch"):
        result = invoke("clean", "--yes", config_of(place))
    assert (result.code, result.out) == (3, "")
    assert "is in use by 'stylewatch watch'" in result.err
    assert place.pictures() == before


def test_a_missing_folder_of_photos_ends_it(invoke: Invoke, place: TwoStyles) -> None:
    shutil.move(place.folder / "in", place.folder / "away")
    before = place.pictures()
    result = invoke("clean", "--yes", config_of(place))
    assert (result.code, result.out) == (3, "")
    assert "mount its disk or share" in result.err
    assert place.pictures() == before


def test_a_new_folder_has_nothing_to_delete_and_stays_as_it_is(invoke: Invoke, tmp_path: Path) -> None:
    place = TwoStyles(tmp_path / "new", TWO_STYLES)
    place.config()
    assert invoke("clean", "--yes", config_of(place)).out == "nothing to delete\n"
    assert not place.out.exists()


def age_copies(place: TwoStyles) -> list[Path]:
    """Return the gallery's copies of pictures and photos, made hours ago."""
    copies = sorted((place.out / "gallery").rglob("*.webp"))
    for path in copies:
        os.utime(path, (1, 1))
    return [path for path in copies if "paintings" not in path.parts]


def test_copies_of_deleted_pictures_go_with_them_and_the_page_shows_what_is_left(
    invoke: Invoke, place: TwoStyles
) -> None:
    GalleryUpdates(gallery_settings(place.config(), "c.yaml")).finish()
    copies = age_copies(place)
    result = invoke("clean", "--yes", config_of(place))
    assert (result.code, result.err) == (0, "")
    assert any(
        line.endswith(": the gallery's small copies of pictures and photos that are gone") for line in result.lines
    )
    left = [path for path in copies if path.exists()]
    assert [path.parent.parent.name for path in left].count("thumbs") == 2
    assert len(copies) - len(left) == 2
    chunk = (place.out / "gallery" / "data" / "chunks" / "0000.js").read_text("ascii")
    assert chunk.count(".png") == 2


def test_copies_of_pictures_that_stay_stay_too(invoke: Invoke, place: TwoStyles) -> None:
    copies = age_copies(place)
    assert invoke("clean", "--yes", "--only", "copies", config_of(place)).lines == ["nothing to delete"]
    assert all(path.exists() for path in copies)


def test_a_gallery_that_can_not_be_written_is_told(invoke: Invoke, place: TwoStyles) -> None:
    GalleryUpdates(gallery_settings(place.config(), "c.yaml")).finish()
    status = place.out / "gallery" / "data" / "status.js"
    status.unlink()
    status.mkdir()
    result = invoke("clean", "--yes", config_of(place))
    assert result.code == 0
    assert "the gallery can't be brought up to date: " in result.err


def test_the_contact_sheets_of_deleted_tries_leave_the_gallery(invoke: Invoke, place: TwoStyles) -> None:
    place.text = TWO_STYLES
    tried_whole(place, [place.folder / "in" / "a.png"])
    sheets = place.out / "gallery" / "data" / "sheets"
    assert len(list(sheets.iterdir())) == 1
    invoke("clean", config_of(place), "--only", "tries", "--yes")
    assert not list((place.out / "try").rglob("*.*g"))
    assert list(sheets.iterdir()) == []
    assert (sheets.parent / "sheets.js").read_text() == "stylewatch.sheets([]);\n"
