"""Which file an address means, and which addresses mean none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.serving.files import SiteFolders, open_served
from tests.serving.sites import PICTURE, THUMB, make_output, odd_picture


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return make_output(tmp_path / "out")


def content(folders: SiteFolders, address: bytes, *, on_windows: bool = os.name == "nt") -> bytes | None:
    found = open_served(folders, address, on_windows=on_windows)
    if found is None:
        return None
    with found.file as file:
        return file.read()


@pytest.mark.parametrize(
    ("address", "media_type"),
    [
        (b"/gallery/index.html", "text/html; charset=utf-8"),
        (b"/gallery/assets/gallery.js", "text/javascript; charset=utf-8"),
        (b"/gallery/assets/gallery.css", "text/css; charset=utf-8"),
        (b"/gallery/data/catalog.js", "text/javascript; charset=utf-8"),
        (b"/a--night.jpg", "image/jpeg"),
        (b"/deep/er/b--night.PNG", "image/png"),
        (b"/deep/c--night.timelapse.webp", "image/webp"),
    ],
)
def test_the_page_and_the_pictures_have_their_media_types(
    folders: SiteFolders, address: bytes, media_type: str
) -> None:
    found = open_served(folders, address)
    assert found is not None
    found.file.close()
    assert (found.media_type, found.keep) == (media_type, "never" if b"/data/" in address else "until it changes")


@pytest.mark.parametrize("suffix", ["avif", "jxl", "tiff", "tif", "jpeg"])
def test_every_format_of_pictures_is_an_image(folders: SiteFolders, suffix: str) -> None:
    (folders.output / f"x.{suffix}").write_bytes(b"x")
    found = open_served(folders, f"/x.{suffix}".encode())
    assert found is not None
    found.file.close()
    assert found.media_type.startswith("image/")


def test_a_copy_that_is_named_by_its_content_may_be_kept_for_long(folders: SiteFolders) -> None:
    found = open_served(folders, f"/{THUMB}".encode())
    assert found is not None
    found.file.close()
    assert found.keep == "for long"


@pytest.mark.parametrize(
    "address",
    [
        b"/stylewatch.log",
        b"/journal.jsonl",
        b"/page.html",
        b"/reports/1/report.txt",
        b"/gallery/notes.txt",
        b"/.stylewatch/unpacked/private.jpg",
        b"/.a--night.jpg",
        b"/state/unpacked/private.jpg",
        b"/nothing.jpg",
        b"/gallery/thumbs/",
        b"/deep",
        b"/deep/",
        b"/",
        b"",
    ],
)
def test_nothing_else_is_served(folders: SiteFolders, address: bytes) -> None:
    assert content(folders, address) is None


@pytest.mark.parametrize(
    "address",
    [
        b"/../secret.jpg",
        b"/gallery/../../secret.jpg",
        b"/gallery/../a--night.jpg",
        b"/./a--night.jpg",
        b"//a--night.jpg",
        b"/deep//er/b--night.PNG",
        b"/..\\secret.jpg",
        b"/gallery\\..\\..\\secret.jpg",
        b"/a--night.jpg/",
        b"/a--night.jpg/x.jpg",
        b"/a--night.jpg\0.jpg",
        b"/a--night.html\0.jpg",
        b"/" + b"x" * 5000 + b".jpg",
        b"/" + b"x/" * 3000 + b"x.jpg",
    ],
)
def test_no_address_leads_out_of_the_folder_or_to_another_name(folders: SiteFolders, address: bytes) -> None:
    assert content(folders, address) is None


def test_an_absolute_path_is_none(folders: SiteFolders) -> None:
    secret = os.fsencode(folders.output.parent / "secret.jpg")
    assert content(folders, secret) is None
    assert content(folders, b"/" + secret) is None


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_not_followed(folders: SiteFolders) -> None:
    secret = folders.output.parent / "secret.jpg"
    (folders.output / "file.jpg").symlink_to(secret)
    (folders.output / "inside.jpg").symlink_to(folders.output / "a--night.jpg")
    (folders.output / "folder").symlink_to(folders.output.parent)
    (folders.output / "gallery" / "up").symlink_to("..")
    addresses = (b"/file.jpg", b"/inside.jpg", b"/folder/secret.jpg", b"/gallery/up/a--night.jpg")
    assert [content(folders, address) for address in addresses] == [None] * 4


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_output_folder_itself_may_be_a_link(folders: SiteFolders) -> None:
    link = folders.output.with_name("link")
    link.symlink_to(folders.output)
    assert content(SiteFolders(output=link), b"/a--night.jpg") == PICTURE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_what_is_no_file_is_none_and_nothing_waits_for_it(folders: SiteFolders) -> None:
    os.mkfifo(folders.output / "pipe.jpg")
    (folders.output / "folder.jpg").mkdir()
    assert content(folders, b"/pipe.jpg") is None
    assert content(folders, b"/folder.jpg") is None


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX")
def test_a_name_that_is_not_utf8_is_found_by_its_bytes(folders: SiteFolders) -> None:
    assert content(folders, b"/" + odd_picture(folders.output)) == PICTURE


@pytest.mark.skipif(os.name == "nt", reason="no such name there")
def test_a_backslash_is_a_character_of_a_name_on_posix(folders: SiteFolders) -> None:
    (folders.output / "a\\b.jpg").write_bytes(PICTURE)
    assert content(folders, b"/a\\b.jpg") == PICTURE


@pytest.mark.parametrize(
    "name",
    [
        b"NUL.jpg",
        b"com1.x.jpg",
        b"deep/CON/x.jpg",
        b"con .jpg",
        "COM¹.jpg".encode(),
        b"C:x.jpg",
        b"a--night.jpg::$DATA.jpg",
        b"deep./x.jpg",
        b"deep /x.jpg",
        b"back\\slash.jpg",
        b"a?.jpg",
        b"not\xffutf8.jpg",
    ],
)
def test_names_that_mean_something_else_on_windows_are_none_there(folders: SiteFolders, name: bytes) -> None:
    path = folders.output / os.fsdecode(name)
    if os.name != "nt":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PICTURE)
        assert content(folders, b"/" + name, on_windows=False) == PICTURE
    assert content(folders, b"/" + name, on_windows=True) is None


def test_usual_names_are_found_on_windows_too(folders: SiteFolders) -> None:
    (folders.output / "Größe (2).jpg").write_bytes(PICTURE)
    assert content(folders, "/Größe (2).jpg".encode(), on_windows=True) == PICTURE


def test_an_output_folder_that_is_away_is_said_and_found_again(folders: SiteFolders) -> None:
    away = folders.output.with_name("away")
    folders.output.rename(away)
    with pytest.raises(StorageError, match="the folder of the pictures is not there; mount its disk"):
        open_served(folders, b"/a--night.jpg")
    away.rename(folders.output)
    assert content(folders, b"/a--night.jpg") == PICTURE


def test_another_file_of_that_name_is_another_version(folders: SiteFolders) -> None:
    def version() -> str:
        found = open_served(folders, b"/a--night.jpg")
        assert found is not None
        found.file.close()
        return found.version

    before = version()
    assert version() == before
    part = folders.output / "part"
    part.write_bytes(PICTURE)
    part.replace(folders.output / "a--night.jpg")
    assert version() != before
