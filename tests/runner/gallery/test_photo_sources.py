"""A rebuild finds photos in archives, and where originals were moved."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.ledger import GalleryRow
from pipeline.model import FolderSettings, Job, JobState
from pipeline.runner.gallery.photo_sources import copy_from_archives, photo_file
from pipeline.runner.gallery.rebuild import Rebuild
from tests.intake.packing import photo, tarred, zipped
from tests.runner.gallery.conftest import Gallery

ROW = GalleryRow(
    id=1,
    job=Job("", "night", "default"),
    output="",
    state=JobState.DONE,
    when=1.0,
    width=0,
    height=0,
    style_loss=None,
    picture_sha256="a" * 64,
    photo_sha256="b" * 64,
)


def rows(*names: str) -> list[GalleryRow]:
    return [replace(ROW, job=replace(ROW.job, photo=name)) for name in names]


@pytest.fixture
def folders(tmp_path: Path) -> FolderSettings:
    (tmp_path / "in").mkdir()
    return FolderSettings(
        input=tmp_path / "in", output=tmp_path / "out", state=tmp_path / "state", originals=tmp_path / "done"
    )


def test_a_photo_is_found_where_it_was_moved(folders: FolderSettings) -> None:
    assert folders.originals is not None
    assert photo_file(folders, "a.jpg") is None
    folders.originals.mkdir()
    (folders.originals / "a.jpg").touch()
    assert photo_file(folders, "a.jpg") == folders.originals / "a.jpg"
    (folders.input / "a.jpg").touch()
    assert photo_file(folders, "a.jpg") == folders.input / "a.jpg"


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_photos_in_an_archive_are_read_by_their_names(folders: FolderSettings, name: str) -> None:
    members = [("b/x.png", photo(1)), ("y.png", photo(2)), ("z.png", photo(3))]
    (folders.input / name).write_bytes((zipped if name == "a.zip" else tarred)(*members))
    found: dict[str, object] = {}

    wanted = rows(f"{name}/b/x.png", f"{name}/z.png", f"{name}/gone.png", "plain.png")
    copy_from_archives(folders, wanted, lambda row, content: found.update({row.job.photo: content}))

    assert found == {f"{name}/b/x.png": photo(1), f"{name}/z.png": photo(3)}


def test_a_damaged_archive_is_left_out(folders: FolderSettings) -> None:
    (folders.input / "a.zip").write_bytes(zipped(("x.png", photo(1)))[:-9])
    copy_from_archives(folders, rows("a.zip/x.png"), lambda _row, _content: pytest.fail("it was read"))


def test_a_rebuild_copies_photos_in_archives(gallery: Gallery) -> None:
    (gallery.workshop.folder / "in").mkdir(exist_ok=True)
    (gallery.workshop.folder / "in" / "a.zip").write_bytes(zipped(("x.png", photo(1))))
    gallery.run()
    shutil.rmtree(gallery.folder)

    result = Rebuild(gallery.settings()).run()

    assert result.failed == []
    assert gallery.row_of("a.zip/x.png")["photo_thumb"]
    assert gallery.details_of("a.zip/x.png")["photo_copy"]
