"""Finished photos leave the input folder: when, under which names, with what, and never over anything."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.hashing import sha256_of_file
from pipeline.intake.scan import photo_from_stat
from pipeline.ledger import Ledger, Original, WantedJob
from pipeline.model import Job, JobStarted, OriginalMoved, OriginalsStay, RunEvent
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.originals.moving import OriginalMover
from pipeline.runner.originals.relocation import Rename, hidden_source_name, relocate
from tests.fakes import write_photo
from tests.workshop import CONFIG, Workshop

MOVING = CONFIG.replace("settle_seconds: 0}", "settle_seconds: 0, originals: {move: kept}}")


def across_file_systems(source: Path, target: Path) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
RENAMES = pytest.mark.parametrize("rename", [os.replace, across_file_systems], ids=["renamed", "copied"])


def files(folder: Path) -> list[str]:
    """Return all files under a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, MOVING)


@pytest.fixture
def kept(workshop: Workshop) -> Path:
    return workshop.folder / "kept"


@pytest.fixture
def photos(workshop: Workshop) -> Path:
    return workshop.folder / "in"


def told(workshop: Workshop, kind: type) -> list[object]:
    return [event for event in workshop.events if isinstance(event, kind)]


# --- whole passes -----------------------------------------------------------------------------------------


def test_photos_stay_unless_asked_for(photos: Path, workshop: Workshop) -> None:
    workshop.text = CONFIG
    workshop.photo("a.png")
    workshop.run()
    assert files(photos) == ["a.png"]


def test_finished_photos_go_and_keep_their_sub_folders(workshop: Workshop, photos: Path, kept: Path) -> None:
    before = {name: workshop.photo(name, shade=len(name)).read_bytes() for name in ("a.png", "trip/day1/b.png")}
    workshop.photo("bad.png", "diverges")
    workshop.run()
    assert files(photos) == ["bad.png"]
    assert {name: (kept / name).read_bytes() for name in files(kept)} == before
    assert OriginalMoved("a.png", str(kept / "a.png")) in told(workshop, OriginalMoved)
    finished = workshop.run()
    assert (finished.finished, finished.counts["done"], finished.counts["withdrawn"]) == (0, 2, 0)
    assert told(workshop, OriginalMoved) == []


def test_a_photo_goes_after_its_last_picture_only(workshop: Workshop, photos: Path) -> None:
    workshop.text = MOVING.replace(
        "painting: night.jpg}", "painting: night.jpg}\n  - {name: day, painting: night.jpg}"
    )
    workshop.photo("a.png")
    there: list[bool] = []

    def look(_: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            there.append((photos / "a.png").exists())

    workshop.run(on_event=look)
    assert there == [True, True]
    assert files(photos) == []


def test_photos_finished_before_moving_was_asked_for_and_copies_go_too(workshop: Workshop, photos: Path) -> None:
    workshop.text = CONFIG
    workshop.photo("a.png")
    workshop.run()
    workshop.text = MOVING
    workshop.photo("copy.png")
    assert workshop.run().copied == 1
    assert files(photos) == []


def test_the_next_photo_under_a_moved_ones_name_gets_pictures_of_its_own(
    workshop: Workshop, photos: Path, kept: Path
) -> None:
    for shade in (1, 2):
        workshop.photo("IMG_0001.png", shade=shade)
        assert workshop.run().finished == 1
    assert workshop.pictures() == ["IMG_0001--night-2.jpg", "IMG_0001--night.jpg"]
    assert files(kept) == ["IMG_0001-2.png", "IMG_0001.png"]
    workshop.photo("IMG_0001.png", shade=2)
    finished = workshop.run()
    assert (finished.finished, finished.copied, len(workshop.pictures())) == (0, 0, 2), "the same photo once more"
    assert files(kept) == ["IMG_0001-2.png", "IMG_0001-3.png", "IMG_0001.png"]


def test_a_folder_that_cant_be_written_is_told_once_and_costs_nothing(
    workshop: Workshop, photos: Path, kept: Path
) -> None:
    kept.write_text("a file where the folder should be")
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    finished = workshop.run()
    assert (finished.finished, finished.failed) == (3, 0)
    (trouble,) = told(workshop, OriginalsStay)
    assert isinstance(trouble, OriginalsStay)
    assert str(kept) in trouble.reason
    workshop.run()
    assert len(told(workshop, OriginalsStay)) == 1
    kept.unlink()
    workshop.run()
    assert (files(photos), len(files(kept))) == ([], 3)


# --- names and sidecars -----------------------------------------------------------------------------------


def test_sidecars_go_with_their_photo(workshop: Workshop, photos: Path, kept: Path) -> None:
    workshop.photo("sub/a.png")
    for name in ("a.xmp", "a.png.xmp", "a.AAE", "a.mov", "ab.xmp", "b.xmp"):
        (photos / "sub" / name).write_text(name)
    workshop.run()
    assert files(kept) == ["sub/a.AAE", "sub/a.png", "sub/a.png.xmp", "sub/a.xmp"]
    assert (kept / "sub/a.xmp").read_text() == "a.xmp"
    assert files(photos) == ["sub/a.mov", "sub/ab.xmp", "sub/b.xmp"]


def test_a_sidecar_that_two_photos_share_goes_with_the_last(workshop: Workshop, photos: Path, kept: Path) -> None:
    workshop.photo("a.png")
    (photos / "a.jpg").write_text("no photo, so it stays")
    (photos / "a.xmp").write_text("of both")
    workshop.run()
    assert files(photos) == ["a.jpg", "a.xmp"]
    (photos / "a.jpg").unlink()
    workshop.photo("a.png", shade=1)
    workshop.run()
    assert files(kept) == ["a-2.png", "a-2.xmp", "a.png"]


def test_a_raw_goes_with_its_photo_and_their_sidecars_in_either_letter_case(
    workshop: Workshop, photos: Path, kept: Path
) -> None:
    """Else it would be alone in the folder, and be painted."""
    for name, raw in (("sub/a.png", "sub/a.CR2"), ("IMG_1.png", "img_1.cr2")):
        workshop.photo(name, shade=len(name))
        (photos / raw).write_text(raw)
    (photos / "sub/a.xmp").write_text("the raw one's settings")
    (photos / "b.CR2").write_text("of another name")
    workshop.run()
    assert files(kept) == ["IMG_1.cr2", "IMG_1.png", "sub/a.CR2", "sub/a.png", "sub/a.xmp"]
    assert (kept / "IMG_1.cr2").read_text() == "img_1.cr2"
    assert files(photos) == ["b.CR2"]


def test_a_raw_of_two_photos_goes_with_the_last(workshop: Workshop, photos: Path, kept: Path) -> None:
    workshop.photo("a.png")
    (photos / "a.jpg").write_text("no photo, so it stays")
    (photos / "a.CR2").write_text("raw")
    workshop.run()
    assert files(photos) == ["a.CR2", "a.jpg"]
    (photos / "a.jpg").unlink()
    workshop.photo("a.png", shade=1)
    workshop.run()
    assert files(kept) == ["a-2.CR2", "a-2.png", "a.png"]


@pytest.mark.parametrize("choice", ["prefer_raw", "both"])
def test_a_raw_that_is_a_photo_of_its_own_moves_by_itself(workshop: Workshop, photos: Path, choice: str) -> None:
    workshop.text = MOVING.replace("settle_seconds: 0", f"settle_seconds: 0, raw: {choice}")
    workshop.photo("a.png")
    (photos / "a.CR2").write_text("no photo, so it stays")
    workshop.run()
    assert files(photos) == ["a.CR2"]


def test_what_a_killed_pass_left_of_a_raw_follows_its_photo(workshop: Workshop, photos: Path, kept: Path) -> None:
    workshop.photo("a.png")
    workshop.text = CONFIG
    workshop.run()
    (photos / "a.CR2").write_text("raw")
    with workshop.ledger() as ledger:
        (original,) = ledger.moves.movable()
        ledger.moves.begin("a.png", str(kept / "a.png"))
        relocate(photos / "a.png", kept / "a.png", original)  # and then it was killed
    workshop.text = MOVING
    workshop.run()
    assert files(kept) == ["a.CR2", "a.png"]


def test_nothing_there_is_ever_overwritten(workshop: Workshop, kept: Path) -> None:
    kept.mkdir()
    (kept / "a.png").write_text("somebody's")
    (kept / "a-2.xmp").write_text("somebody's settings")
    workshop.photo("a.png")
    (workshop.folder / "in" / "a.xmp").write_text("ours")
    workshop.run()
    assert files(kept) == ["a-2.xmp", "a-3.png", "a-3.xmp", "a.png"]
    assert (kept / "a.png").read_text() == "somebody's"
    assert (kept / "a-2.xmp").read_text() == "somebody's settings"


# --- one file ---------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_photo(tmp_path / "in" / "a.png")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "sub" / "a.png"


def original_of(source: Path) -> Original:
    return Original(photo_from_stat("a.png", source.lstat()), sha256_of_file(source))


@RENAMES
def test_a_file_arrives_whole_and_leaves_nothing_behind(source: Path, target: Path, rename, tmp_path: Path) -> None:
    data, modified = source.read_bytes(), source.stat().st_mtime_ns
    assert relocate(source, target, original_of(source), rename=rename) == "moved"
    assert (target.read_bytes(), target.stat().st_mtime_ns) == (data, modified)
    assert files(tmp_path) == ["kept/sub/a.png"]


@RENAMES
def test_a_file_that_changed_stays(source: Path, target: Path, rename, tmp_path: Path) -> None:
    original = original_of(source)
    source.write_bytes(b"another photo")
    assert relocate(source, target, original, rename=rename) == "changed"
    assert files(tmp_path) == ["in/a.png"]


@RENAMES
def test_a_strangers_file_stays(source: Path, target: Path, rename, tmp_path: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("a stranger's")
    assert relocate(source, target, original_of(source), rename=rename) == "taken"
    assert files(tmp_path) == ["in/a.png", "kept/sub/a.png"]


def test_a_photo_replaced_in_the_very_moment_is_put_back(source: Path, target: Path, tmp_path: Path) -> None:
    def replaced_first(source: Path, target: Path) -> None:
        new = source.with_name("new")
        new.write_bytes(b"a new photo under the same name")
        os.replace(new, source)  # noqa: PTH105
        os.replace(source, target)  # noqa: PTH105

    assert relocate(source, target, original_of(source), rename=replaced_first) == "changed"
    assert files(tmp_path) == ["in/a.png"]
    assert source.read_bytes() == b"a new photo under the same name"


def test_a_photo_replaced_while_it_is_copied_stays_and_so_does_the_copy_of_nothing(
    source: Path, target: Path, tmp_path: Path
) -> None:
    def replaced_first(source: Path, target: Path) -> None:
        source.write_bytes(b"a new photo under the same name")
        raise OSError(errno.EXDEV, "other file system")

    assert relocate(source, target, original_of(source), rename=replaced_first) == "changed"
    assert files(tmp_path) == ["in/a.png"]


def test_what_cant_be_renamed_leaves_no_placeholder(source: Path, target: Path, tmp_path: Path) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        relocate(source, target, original_of(source), rename=refused)
    assert files(tmp_path) == ["in/a.png"]


def test_a_copy_that_fails_leaves_the_photo_and_no_part(source: Path, target: Path, tmp_path: Path) -> None:
    original = original_of(source)
    target.parent.mkdir(parents=True)
    part = target.with_name(hidden_source_name(source, target).with_suffix(".part").name)
    part.mkdir()  # nothing can be written under its name
    with pytest.raises(OSError, match="directory"):
        relocate(source, target, original, rename=across_file_systems)
    assert files(tmp_path) == ["in/a.png", "kept/sub/a.png"]
    part.rmdir()
    assert relocate(source, target, original, rename=across_file_systems) == "moved"
    assert files(tmp_path) == ["kept/sub/a.png"]


# --- what a kill leaves behind, by hand -------------------------------------------------------------------


def reserved(source: Path, target: Path) -> None:
    target.touch()


def half_copied(source: Path, target: Path) -> None:
    target.touch()
    part = hidden_source_name(source, target).with_suffix(".part").name
    target.with_name(part).write_bytes(source.read_bytes()[:9])


def copied(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def hidden_source(source: Path, target: Path) -> None:
    copied(source, target)
    source.rename(hidden_source_name(source, target))


def moved(source: Path, target: Path) -> None:
    copied(source, target)
    source.unlink()


@RENAMES
@pytest.mark.parametrize("killed", [reserved, half_copied, copied, hidden_source, moved])
def test_a_second_call_ends_what_a_killed_one_began(
    source: Path, target: Path, tmp_path: Path, rename, killed
) -> None:
    original, data = original_of(source), source.read_bytes()
    target.parent.mkdir(parents=True)
    killed(source, target)
    if (killed, rename) == (half_copied, os.replace):
        pytest.skip("between the two calls the file system would have to become one")
    assert relocate(source, target, original, rename=rename) == "moved"
    assert files(tmp_path) == ["kept/sub/a.png"]
    assert target.read_bytes() == data


@pytest.mark.parametrize("killed", [reserved, half_copied])
def test_nothing_is_left_of_an_attempt_whose_photo_was_replaced_since(
    source: Path, target: Path, tmp_path: Path, killed
) -> None:
    original = original_of(source)
    target.parent.mkdir(parents=True)
    killed(source, target)
    source.write_bytes(b"another photo")
    assert relocate(source, target, original) == "changed"
    assert files(tmp_path) == ["in/a.png"]


def test_a_copy_that_a_power_cut_made_the_only_one_is_kept(source: Path, target: Path, tmp_path: Path) -> None:
    original = original_of(source)
    target.parent.mkdir(parents=True)
    target.touch()  # the placeholder is back, and the copy has its temporary name again
    source.rename(target.with_name(hidden_source_name(source, target).with_suffix(".part").name))
    assert relocate(source, target, original) == "moved"
    assert files(tmp_path) == ["kept/sub/a.png"]
    assert sha256_of_file(target) == original.sha256


@RENAMES
def test_a_disk_that_numbers_its_files_by_place_is_no_hindrance(
    source: Path, target: Path, rename, tmp_path: Path
) -> None:
    original = original_of(source)
    original = replace(original, photo=replace(original.photo, inode=original.photo.inode + 1))
    assert relocate(source, target, original, rename=rename) == "moved"
    assert files(tmp_path) == ["kept/sub/a.png"]


def test_a_hidden_original_whose_copy_is_gone_comes_back(source: Path, target: Path, tmp_path: Path) -> None:
    original = original_of(source)
    source.rename(hidden_source_name(source, target))
    assert relocate(source, target, original) == "changed"
    assert files(tmp_path) == ["in/a.png"]


@pytest.fixture
def ledger(workshop: Workshop) -> Iterator[Ledger]:
    workshop.text = CONFIG
    workshop.photo("a.png")
    workshop.run()
    with workshop.ledger() as ledger:
        yield ledger


def resume(workshop: Workshop, ledger: Ledger) -> list[RunEvent]:
    heard: list[RunEvent] = []
    OriginalMover(ledger, workshop.folder / "in", None, heard.append).resume()
    return heard


def test_a_begun_move_is_ended_even_if_moving_is_not_asked_for_any_more(
    workshop: Workshop, ledger: Ledger, kept: Path, photos: Path
) -> None:
    (photos / "a.xmp").write_text("settings")
    ledger.moves.begin("a.png", str(kept / "a.png"))
    assert resume(workshop, ledger) == [OriginalMoved("a.png", str(kept / "a.png"))]
    assert (files(kept), files(photos), ledger.moves.begun()) == (["a.png", "a.xmp"], [], [])
    assert resume(workshop, ledger) == []


def test_a_begun_move_of_a_photo_that_is_gone_is_forgotten(
    workshop: Workshop, ledger: Ledger, kept: Path, photos: Path
) -> None:
    ledger.moves.begin("a.png", str(kept / "a.png"))
    (photos / "a.png").unlink()
    assert resume(workshop, ledger) == []
    assert ledger.moves.begun() == []


def test_with_the_input_unmounted_nobody_knows_how_far_a_move_came(
    workshop: Workshop, ledger: Ledger, kept: Path, photos: Path
) -> None:
    ledger.moves.begin("a.png", str(kept / "a.png"))
    photos.rename(photos.with_name("unmounted"))
    assert resume(workshop, ledger) == []
    assert len(ledger.moves.begun()) == 1


def test_a_sidecar_whose_name_was_taken_meanwhile_gets_a_number(
    workshop: Workshop, ledger: Ledger, kept: Path, photos: Path
) -> None:
    kept.mkdir()
    (kept / "a.xmp").write_text("a stranger's")
    (photos / "a.xmp").write_text("ours")
    ledger.moves.begin("a.png", str(kept / "a.png"))
    resume(workshop, ledger)
    assert files(kept) == ["a-2.xmp", "a.png", "a.xmp"]


@RENAMES
def test_a_painted_raw_takes_its_jpeg_along_and_leaves_what_was_developed(
    workshop: Workshop, photos: Path, kept: Path, rename: Rename
) -> None:
    for name in ("a.CR2", "a.jpg", "a.xmp", "a.tif", "b.jpg"):
        (photos / name).write_text(name)
    painted = photo_from_stat("a.CR2", os.lstat(photos / "a.CR2"))
    with workshop.ledger() as ledger:
        ledger.photos.record([painted], [painted], [])
        ledger.jobs.record([WantedJob(Job("a.CR2", "night", "default"), "s", "a--night")], ".jpg")
        (claim,) = ledger.leases.claim(1, "name")
        ledger.photos.note_sha256("a.CR2", sha256_of_file(photos / "a.CR2"))
        ledger.leases.complete(claim.token, key="k", output=claim.output, picture_sha256="0", engine_version="1")
        OriginalMover(ledger, photos, kept, lambda _: None, raw="prefer_raw", rename=rename).move_all_done()
    assert files(kept) == ["a.CR2", "a.jpg"]
    assert files(photos) == ["a.tif", "a.xmp", "b.jpg"]


@needs_links
@RENAMES
def test_a_photo_whose_folder_became_a_link_stays_where_the_link_leads(
    workshop: Workshop, photos: Path, kept: Path, rename: Rename
) -> None:
    workshop.text = CONFIG
    photo = workshop.photo("trip/a.png")
    photo.with_suffix(".xmp").write_text("whose?")
    workshop.run()
    elsewhere = workshop.folder / "elsewhere"
    (photos / "trip").rename(elsewhere)
    (photos / "trip").symlink_to(elsewhere)
    events: list[RunEvent] = []
    with workshop.ledger() as ledger:
        OriginalMover(ledger, photos, kept, events.append, rename=rename).move_all_done()
        assert ledger.moves.begun() == []
    assert files(elsewhere) == ["a.png", "a.xmp"]
    assert not kept.exists()
    assert events == []


def test_one_photo_that_can_not_be_moved_keeps_no_other_from_it(workshop: Workshop, photos: Path, kept: Path) -> None:
    workshop.text = CONFIG
    for shade, name in enumerate(("a.png", "b.png", "sub/c.png", "sub/d.png")):
        workshop.photo(name, shade=shade)
    workshop.run()

    def refuse_sub(source: Path, target: Path) -> None:
        if source.parent.name == "sub":
            raise OSError(errno.EROFS, "Read-only file system", str(source))
        source.replace(target)

    events: list[RunEvent] = []
    with workshop.ledger() as ledger:
        OriginalMover(ledger, photos, kept, events.append, rename=refuse_sub).move_all_done()
    assert files(photos) == ["sub/c.png", "sub/d.png"]
    assert files(kept) == ["a.png", "b.png"]
    (trouble,) = (event for event in events if isinstance(event, OriginalsStay))
    assert trouble.reason.startswith(f"a finished photo can't be moved ({photos / 'sub' / 'c.png'}: Read-only")
    with workshop.ledger() as ledger:
        OriginalMover(ledger, photos, kept, events.append).move_all_done()
    assert files(photos) == []
