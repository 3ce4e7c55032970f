"""A gallery is made again from the ledger and the files, whichever version made the pictures."""

from __future__ import annotations

import os
import shutil
import sqlite3

import pytest
from PIL import Image

from pipeline.errors import StorageError, UsageError
from pipeline.model import RunEvent
from pipeline.report.gallery.scripts import script
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.gallery.first_page import write_first_page
from pipeline.runner.gallery.rebuild import Rebuild, Rebuilt
from pipeline.runner.gallery.updates import LOCK_NAME, gallery_lock
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.preparation import resolve_config
from tests.runner.gallery.conftest import Gallery


def rebuild(gallery: Gallery) -> Rebuilt:
    return Rebuild(gallery.settings(), resolve_config(gallery.workshop.config())).run()


def forget_facts(gallery: Gallery) -> None:
    """Leave of the ledger what an older version would have written, and nothing of the gallery."""
    shutil.rmtree(gallery.folder)
    with sqlite3.connect(gallery.workshop.out / ".stylewatch" / "ledger.sqlite3") as connection:
        connection.execute("DROP TABLE picture_facts")
    connection.close()


def test_all_of_a_lost_gallery_comes_back(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.workshop.photo("b.png", "diverges")
    gallery.run()
    before, rows = set(gallery.files()), gallery.rows()
    copies = {path.relative_to(gallery.folder) for path in gallery.folder.rglob("*.webp")}
    shutil.rmtree(gallery.folder)

    assert rebuild(gallery) == Rebuilt(pictures=1)

    assert (set(gallery.files()), gallery.rows()) == (before, rows)
    assert {path.relative_to(gallery.folder) for path in gallery.folder.rglob("*.webp")} == copies
    assert len(copies) == 4


def test_an_older_versions_settings_are_the_configs_as_long_as_its_key_says_so(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    forget_facts(gallery)
    picture = gallery.workshop.out / "a--night.jpg"
    with Image.open(picture) as plain:
        Image.frombytes("RGB", plain.size, plain.tobytes()).save(picture)  # without a word of how it was made

    rebuild(gallery)
    details = gallery.details_of("a.png")
    assert (details["settings"], details["scale"]) == ({"size": 48, "scales": 1, "style_loss": {"gram": 1.0}}, 1.0)
    assert [painting["name"] for painting in details["paintings"]] == ["night.jpg"]
    assert details["paintings"][0]["copy"]

    gallery.workshop.text = gallery.workshop.text.replace("size: 48", "size: 64")
    rebuild(gallery)
    assert gallery.details_of("a.png")["settings"] is None


def test_a_picture_that_waits_to_be_made_anew_counts(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    with sqlite3.connect(gallery.workshop.out / ".stylewatch" / "ledger.sqlite3") as connection:
        connection.execute("UPDATE jobs SET state = 'pending'")
    connection.close()

    assert rebuild(gallery).pictures == 1


def test_an_older_versions_pictures_are_known_by_their_files(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    forget_facts(gallery)

    rebuild(gallery)

    row, details = gallery.row_of("a.png"), gallery.details_of("a.png")
    assert (row["width"], row["height"]) == (48, 32)
    assert row["thumb"]
    assert row["photo_thumb"]
    assert details["settings"] == {"size": 48, "scales": 1}
    assert (details["device"], details["history"]) == ("", None)
    assert gallery.value("catalog.js")["latest"][0][7:9] == [48, 32]


def test_what_was_read_of_files_stays_when_another_picture_is_made(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    forget_facts(gallery)
    rebuild(gallery)
    gallery.workshop.photo("b.png", shade=1)

    gallery.run()

    assert (gallery.row_of("a.png")["width"], gallery.row_of("b.png")["width"]) == (48, 48)
    assert gallery.details_of("a.png")["settings"] == {"size": 48, "scales": 1}


def test_without_anything_made_it_says_what_to_do(gallery: Gallery) -> None:
    with pytest.raises(UsageError, match=r"nothing was made here yet; 'stylewatch run stylewatch.yaml'"):
        rebuild(gallery)


def test_an_edited_picture_gets_no_small_copy_and_is_named(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    shutil.rmtree(gallery.folder)
    Image.new("RGB", (9, 9)).save(gallery.workshop.out / "a--night.jpg")

    result = rebuild(gallery)

    assert [name for name, _ in result.failed] == ["a--night.jpg"]
    assert gallery.row_of("a.png")["thumb"] == ""


def test_a_photo_that_was_replaced_or_is_gone_is_no_failure(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.workshop.photo("b.png", shade=1)
    gallery.run()
    shutil.rmtree(gallery.folder)
    gallery.workshop.photo("a.png", shade=2)
    (gallery.workshop.folder / "in" / "b.png").unlink()

    assert rebuild(gallery).failed == []

    assert gallery.details_of("b.png")["photo_copy"] is None
    assert gallery.row_of("b.png")["thumb"]


def test_copies_that_nothing_refers_to_go_and_other_files_stay(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    thumbs = gallery.folder / "thumbs" / "ab"
    thumbs.mkdir(parents=True, exist_ok=True)
    names = [
        "ab" + "0" * 18 + ".webp",
        "ab" + "1" * 18 + ".webp",
        "ab" + "2" * 18 + ".webp",
        "holiday.webp",
        "cd" + "0" * 18 + ".webp",
    ]
    for name in names:
        (thumbs / name).touch()
        os.utime(thumbs / name, (1, 1))
    os.utime(thumbs / names[1])  # a new one may be of a picture that is published in a moment
    sheets = gallery.folder / "data" / "sheets"
    sheets.mkdir()
    (sheets / "1.js").write_text(f'stylewatch.sheet("1",{{"thumb":"{names[2][:20]}"}});\n')

    assert rebuild(gallery).removed == 1

    assert sorted(path.name for path in thumbs.iterdir()) == sorted(names[1:])
    assert gallery.row_of("a.png")["thumb"]


def test_the_copies_of_another_configs_pictures_in_the_folder_stay(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    gallery.workshop.text += "state: {folder: other-state}\n"
    gallery.workshop.text = gallery.workshop.text.replace("folder: in,", "folder: in2,")
    (gallery.workshop.folder / "in2").mkdir()
    gallery.workshop.run()
    before = sorted(gallery.folder.rglob("*.webp"))
    for path in before:
        os.utime(path, (1, 1))

    assert rebuild(gallery).removed == 0

    assert sorted(gallery.folder.rglob("*.webp")) == before


def test_beside_a_program_at_work_the_gallery_stays_live(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    seen: list[tuple[bool, bool]] = []

    def look(_: SinglePass, event: RunEvent) -> None:
        if type(event).__name__ == "JobFinished":
            rebuild(gallery)
            seen.append((gallery.value("catalog.js")["live"], (gallery.folder / "data" / "live.js").exists()))

    gallery.workshop.run(on_event=look)

    assert seen == [(True, False)]


def test_another_program_that_never_stops_writing_is_named(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    settings = gallery.settings()
    with gallery_lock(settings.status.folders.state / LOCK_NAME), pytest.raises(StorageError, match="try again"):
        Rebuild(settings, lock_seconds=0.05).run()


def test_progress_is_told_to_the_end(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    told: list[tuple[int, int]] = []

    Rebuild(gallery.settings(), on_progress=lambda done, total: told.append((done, total))).run()

    assert told == [(0, 1), (1, 1)]


def test_a_program_that_holds_the_folder_is_not_disturbed(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    with instance_lock(gallery.settings().status.folders.state, "a test"):
        rebuild(gallery)

    assert gallery.value("catalog.js")["live"] is True


def test_contact_sheets_whose_pictures_were_deleted_are_forgotten(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    data = gallery.folder / "data"
    (data / "sheets").mkdir()
    cells = [{"picture": "../try/gone.jpg"}]
    (data / "sheets" / "1.js").write_bytes(script("sheet", "1", {"cells": cells}))
    (data / "sheets.js").write_bytes(script("sheets", [{"id": "1", "time": 1}]))

    rebuild(gallery)

    assert gallery.value("sheets.js") == []
    assert list((data / "sheets").iterdir()) == []


def test_a_gallery_of_contact_sheets_alone_is_one(gallery: Gallery) -> None:
    write_first_page(gallery.settings())
    (gallery.folder / "assets" / "store.js").unlink()

    assert rebuild(gallery) == Rebuilt(pictures=0)

    assert (gallery.folder / "assets" / "store.js").is_file()
