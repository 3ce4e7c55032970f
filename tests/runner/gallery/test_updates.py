"""A gallery follows the events of a program, and finds out what had none; no change costs more than its own files."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.errors import StorageError
from pipeline.model import BacklogChanged, Job, JobStarted, Losses, PreviewSaved, Progress, RunEvent, WatchNotice
from pipeline.report.gallery.catalog import CATALOG_NAME
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.gallery.updates import LOCK_NAME, GalleryUpdates, gallery_lock
from tests.report.gallery.hostile_names import HOSTILE_NAMES
from tests.runner.gallery.conftest import Gallery


def passing_on(updates: GalleryUpdates) -> Callable[[SinglePass, RunEvent], None]:
    return lambda _, event: updates.note(event)


def test_a_run_leaves_page_catalog_chunk_details_and_status(gallery: Gallery) -> None:
    gallery.workshop.photo("sea/a.png")
    gallery.workshop.photo("b.png", "diverges")

    gallery.run()

    rows = {row["photo"]: row for row in gallery.rows().values()}
    assert rows["sea/a.png"]["state"] == "done"
    assert (rows["sea/a.png"]["output"], rows["sea/a.png"]["width"], rows["sea/a.png"]["height"]) == (0, 48, 32)
    assert rows["b.png"]["state"] == "failed"
    assert gallery.details_of("sea/a.png")["picture_src"] == "../sea/a--night.jpg"
    assert gallery.details_of("b.png")["reason"] == "the loss became nan"
    assert [failure["photo"] for failure in gallery.value("status.js")["failures"]] == ["b.png"]
    assert gallery.value("live.js")["working"] is False
    assert gallery.value("catalog.js")["live"] is False
    assert (gallery.folder / "index.html").is_file()
    assert (gallery.folder / "assets" / "store.js").is_file()


def test_the_catalog_has_the_counts_and_the_newest_pictures(gallery: Gallery) -> None:
    for number in range(3):
        gallery.workshop.photo(f"{number}.png", shade=number)

    gallery.run()

    catalog = gallery.value("catalog.js")
    assert catalog["counts"]["done"] == 3
    assert sorted(row[1] for row in catalog["latest"]) == ["0.png", "1.png", "2.png"]
    assert [row[6] for row in catalog["latest"]] == sorted((row[6] for row in catalog["latest"]), reverse=True)


def test_one_more_picture_changes_only_its_own_files(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    before = gallery.files()
    gallery.workshop.photo("b.png", shade=1)

    gallery.run()

    after = gallery.files()
    assert {name for name in after if after[name] != before.get(name)} == {
        "data/catalog.js", "data/chunks/0000.js", "data/live.js", "data/pictures/0000/2.js", "data/status.js",
    }  # fmt: skip


def test_a_folder_that_is_deleted_during_the_work_is_written_again(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    updates = gallery.updates()
    gallery.workshop.run(on_event=passing_on(updates))
    updates.step()
    shutil.rmtree(gallery.folder)
    gallery.clock.now += 1

    updates.step()

    assert (gallery.folder / "index.html").is_file()
    assert (gallery.folder / "assets" / "store.js").is_file()
    assert gallery.details_of("a.png")["state"] == "done"


def test_without_news_only_catalog_status_and_live_are_written(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    before = gallery.files()

    gallery.updates().finish()

    after = gallery.files()
    assert {name for name in after if after[name] != before[name]} == {
        "data/catalog.js", "data/live.js", "data/status.js",
    }  # fmt: skip


def test_a_step_without_news_opens_neither_ledger_nor_files(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    updates = gallery.updates()
    updates.step()
    before = gallery.files()
    gallery.clock.now += 11
    (gallery.workshop.out / ".stylewatch" / "ledger.sqlite3").rename(gallery.workshop.folder / "away")

    assert updates.step() == pytest.approx(19)

    assert gallery.files() == before


def test_what_an_interrupted_program_left_out_is_found_by_the_next_one(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    gallery.workshop.photo("b.png", shade=1)
    gallery.workshop.run()  # without a gallery, as if it had been killed before it was written
    assert "b.png" not in [row["photo"] for row in gallery.rows().values()]

    gallery.updates().finish()

    assert gallery.row_of("b.png")["state"] == "done"
    assert gallery.details_of("b.png")["state"] == "done"


def test_a_withdrawn_picture_goes_with_its_details(gallery: Gallery) -> None:
    photo = gallery.workshop.photo("a.png", "diverges")
    gallery.workshop.photo("b.png")
    gallery.run()
    number = gallery.row_of("a.png")["id"]
    photo.unlink()
    gallery.clock.now += 100

    gallery.run()

    assert [row["photo"] for row in gallery.rows().values()] == ["b.png"]
    assert not (gallery.folder / "data" / "pictures" / "0000" / f"{number}.js").exists()


def test_what_another_process_changes_is_found_after_a_while(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png", "diverges")
    gallery.run()
    updates = gallery.updates()
    updates.step()
    with gallery.workshop.ledger() as ledger:
        ledger.jobs.retry()

    gallery.clock.now += 30
    updates.step()
    assert gallery.row_of("a.png")["state"] == "failed"
    gallery.clock.now += 31
    updates.step()

    assert gallery.row_of("a.png")["state"] == "pending"


def test_pictures_appear_while_the_run_goes_on(gallery: Gallery) -> None:
    for number in range(2):
        gallery.workshop.photo(f"{number}.png", shade=number)
    updates, seen = gallery.updates(), []

    def step(_: SinglePass, event: RunEvent) -> None:
        updates.note(event)
        updates.step()
        if isinstance(event, Progress):
            states = sorted(row["state"] for row in gallery.rows().values())
            canvases = gallery.value("live.js")["canvases"]
            seen.append((states, len(canvases), gallery.value("catalog.js")["live"]))
        gallery.clock.now += 1

    gallery.workshop.run(on_event=step)

    assert seen == [(["leased", "pending"], 1, True), (["done", "leased"], 1, True)]


def test_a_job_in_progress_has_its_id_and_its_latest_picture(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    updates, job = gallery.updates(), gallery.row_of("a.png")
    (gallery.folder / "live").mkdir(exist_ok=True)
    (gallery.folder / "live" / "t1.webp").write_bytes(b"RIFF")
    updates.note(JobStarted("t1", Job("a.png", "night", "default"), "a--night.jpg"))
    updates.step()

    (canvas,) = gallery.value("live.js")["canvases"]
    assert (canvas["id"], canvas["image"]) == (job["id"], "live/t1.webp")
    assert canvas["revision"] > 0
    assert gallery.value("live.js")["catalog_written"] == gallery.value("catalog.js")["written"]


def test_each_catalog_says_that_it_is_another_one(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    first = gallery.value("catalog.js")["written"]
    updates = gallery.updates()
    updates.step()
    written = []
    for _ in range(2):
        updates.note(JobStarted("t1", Job("a.png", "night", "default"), "a--night.jpg"))
        updates.step()
        written.append(gallery.value("catalog.js")["written"])

    assert written[1] > written[0] >= first


def test_live_says_what_the_program_does(gallery: Gallery) -> None:
    updates = gallery.updates()
    updates.note(WatchNotice("resting", "resting until 22:00"), None, "resting until 22:00")

    updates.step()

    assert gallery.value("live.js")["note"] == "resting until 22:00"


def test_before_there_is_a_ledger_only_the_page_is_written(gallery: Gallery) -> None:
    gallery.updates().step()

    assert set(gallery.files()) == {"data/live.js", "data/sheets.js"}
    assert (gallery.folder / "index.html").is_file()


def test_a_page_of_the_users_stops_it(gallery: Gallery) -> None:
    gallery.folder.mkdir(parents=True)
    (gallery.folder / "index.html").write_text("mine")

    with pytest.raises(StorageError, match="is not stylewatch's"):
        gallery.updates().step()

    assert (gallery.folder / "index.html").read_text() == "mine"


def test_after_an_error_nothing_is_forgotten(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    updates = gallery.updates()
    updates.step()
    gallery.workshop.photo("b.png", shade=1)
    gallery.workshop.run(on_event=passing_on(updates))
    chunks = gallery.folder / "data" / "chunks"
    chunks.rename(gallery.folder / "away")
    chunks.write_text("in the way")
    with pytest.raises(OSError):
        updates.step()
    chunks.unlink()

    updates.step()

    assert gallery.row_of("b.png")["state"] == "done"


def test_while_another_process_writes_it_waits_for_its_turn(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.workshop.run()
    updates = gallery.updates()
    lock = FileLock(gallery.workshop.out / ".stylewatch" / LOCK_NAME, thread_local=False)
    lock.acquire()
    release = threading.Timer(0.2, lock.release)
    release.start()

    updates.step()

    release.join()
    assert gallery.row_of("a.png")["state"] == "done"


def test_a_lock_that_is_not_given_up_is_not_taken(tmp_path: Path) -> None:
    with gallery_lock(tmp_path / "a.lock") as first, gallery_lock(tmp_path / "a.lock", 0.05) as second:
        assert (first, second) == (True, False)


def test_where_there_are_no_locks_it_is_written_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()

    with gallery_lock(tmp_path / "a.lock") as may_write:
        assert may_write


def test_what_another_process_wrote_meanwhile_counts(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    updates = gallery.updates()
    updates.step()
    gallery.workshop.photo("b.png", shade=1)
    gallery.workshop.run()
    gallery.updates().finish()
    written = gallery.value("catalog.js")["chunks"]

    gallery.clock.now += 100
    updates.step()

    assert gallery.value("catalog.js")["chunks"] == written


@pytest.mark.parametrize("damage", [b"", b"stylewatch.catalog(", b"\xff\x00"])
def test_a_damaged_catalog_is_made_again(gallery: Gallery, damage: bytes) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    (gallery.folder / CATALOG_NAME).write_bytes(damage)

    gallery.updates().finish()

    assert gallery.row_of("a.png")["state"] == "done"


def test_losses_of_a_picture_in_progress_are_shown(gallery: Gallery) -> None:
    updates = gallery.updates()
    updates.note(JobStarted("t1", Job("a.png", "night", "default"), "a--night.jpg"))
    for number in (1, 2):
        updates.note(
            Progress(
                token="t1",
                scale_index=0,
                scale_count=1,
                size=48,
                iteration=number,
                iterations=9,
                losses=Losses(0.5, 2.0, 3.0 / number),
            )
        )

    updates.step()

    assert gallery.value("live.js")["canvases"][0]["history"] == [[1, 3.0], [2, 1.5]]


def test_other_settings_change_what_they_concern(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    updates = gallery.updates()
    updates.step()
    gallery.workshop.text = gallery.workshop.text.replace("folder: out", "folder: out, format: png")

    updates.use(gallery.settings())
    updates.step()

    assert gallery.value("catalog.js")["suffix"] == ".png"
    assert gallery.row_of("a.png")["output"] == "a--night.jpg"
    assert "format: png" in gallery.value("status.js")["config"]


def test_a_small_copy_that_comes_after_its_picture_is_named_then(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    updates = gallery.updates()
    events: list[RunEvent] = []
    gallery.workshop.run(on_event=lambda _, event: events.append(event))
    (saved,) = (event for event in events if isinstance(event, PreviewSaved) and event.finished)
    hidden = saved.path.rename(gallery.workshop.folder / "not yet.webp")
    for event in events:
        if event != saved:
            updates.note(event)
    updates.step()
    assert gallery.row_of("a.png")["thumb"] == ""
    hidden.rename(saved.path)

    updates.note(JobStarted(saved.token, Job("a.png", "night", "default"), "a--night.jpg"))
    updates.note(saved)
    updates.step()

    assert gallery.row_of("a.png")["thumb"] == saved.path.stem


def test_pictures_have_their_small_copies_after_a_run(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")

    gallery.run()

    row, details = gallery.row_of("a.png"), gallery.details_of("a.png")
    for name in (
        f"thumbs/{row['thumb'][:2]}/{row['thumb']}.webp",
        details["photo_copy"],
        details["paintings"][0]["copy"],
    ):
        assert (gallery.folder / name).is_file()
    assert details["settings"] == {"size": 48, "scales": 1}
    assert gallery.value("catalog.js")["recipe_defaults"]["content_layers"] == {"relu4_2": 1.0}


def test_a_rejected_picture_is_shown_as_such_without_its_file(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    with gallery.workshop.ledger() as ledger:
        (picture,) = ledger.pictures.all()
        assert picture.key is not None
        ledger.rejections.note(picture, picture.key)

    gallery.updates().finish()

    assert (gallery.row_of("a.png")["state"], gallery.row_of("a.png")["thumb"]) == ("rejected", "")
    assert gallery.details_of("a.png")["picture_src"] is None
    catalog = gallery.value("catalog.js")
    assert (catalog["counts"]["rejected"], catalog["counts"]["done"], catalog["latest"]) == (1, 0, [])


def test_photos_in_a_folder_called_gallery_have_pictures_beside_its_own_files(gallery: Gallery) -> None:
    gallery.workshop.photo("gallery/a.png")
    gallery.workshop.photo("gallery/data/b.png", shade=1)

    gallery.run()

    assert (gallery.folder / "a--night.jpg").is_file()
    assert (gallery.folder / "data-2" / "b--night.jpg").is_file()
    assert gallery.row_of("gallery/data/b.png")["output"] == "gallery/data-2/b--night.jpg"
    assert gallery.details_of("gallery/a.png")["picture_src"] == "../gallery/a--night.jpg"


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if "\x00" not in name], ids=ascii)
def test_a_photo_of_any_name_is_in_the_gallery_as_text(gallery: Gallery, name: str) -> None:
    try:
        gallery.workshop.photo("x.png").rename(gallery.workshop.folder / "in" / name.replace("/", "_"))
    except OSError:
        pytest.skip("this system has no such names")
    name = name.replace("/", "_")

    gallery.run()

    assert gallery.row_of(name)["state"] == "done"
    assert gallery.details_of(name)["photo"] == name
    for file in (gallery.folder / "data").rglob("*.js"):
        data = file.read_bytes()
        assert data.isascii()
        assert b"<" not in data


def test_new_photos_are_shown_before_their_pictures_are_made(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.run()
    updates = gallery.updates()
    updates.step()
    gallery.workshop.photo("b.png", "diverges")
    gallery.workshop.run()
    updates.note(BacklogChanged(1, {"default": 1}))

    gallery.clock.now += 4
    updates.step()
    assert "b.png" not in [row["photo"] for row in gallery.rows().values()]
    gallery.clock.now += 2
    updates.step()

    assert gallery.row_of("b.png")["state"] == "failed"


def test_a_daemon_that_was_told_to_stop_leaves_the_rest_to_the_next_one(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    gallery.workshop.run()
    updates = gallery.updates()
    updates.note(WatchNotice("stopped", "stopped"))

    updates.finish()

    assert gallery.value("catalog.js")["chunks"] == []
    assert len(gallery.value("catalog.js")["latest"]) == 1
    gallery.updates().finish()
    assert gallery.row_of("a.png")["state"] == "done"
