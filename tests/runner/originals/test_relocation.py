"""One file is moved once, over nothing, and a move that was killed is completed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipeline.failpoints import failpoint_listener
from pipeline.hashing import sha256_of_file
from pipeline.intake.scan import photo_from_stat
from pipeline.ledger import Original
from pipeline.runner.originals.relocation import Rename, hidden_source_name, relocate

CONTENT = b"a photo"


def to_another_disk(_: Path, __: Path) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


RENAMES = pytest.mark.parametrize("rename", [os.replace, to_another_disk], ids=["renamed", "copied"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "in" / "a.jpg"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    return source


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "done" / "trip" / "a.jpg"


def original_of(source: Path) -> Original:
    return Original(photo_from_stat(source.name, source.lstat()), sha256_of_file(source))


def files(*folders: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for folder in folders for path in folder.iterdir()]


@RENAMES
def test_a_moved_file_is_at_its_target_alone(source: Path, target: Path, rename: Rename) -> None:
    assert relocate(source, target, original_of(source), rename=rename) == "moved"
    assert files(source.parent, target.parent) == [("a.jpg", CONTENT)]
    assert target.read_bytes() == CONTENT


@RENAMES
def test_a_file_that_has_the_targets_name_stays(source: Path, target: Path, rename: Rename) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(b"another")
    assert relocate(source, target, original_of(source), rename=rename) == "taken"
    assert (source.read_bytes(), target.read_bytes()) == (CONTENT, b"another")


@RENAMES
def test_a_file_that_is_not_the_original_any_more_stays(source: Path, target: Path, rename: Rename) -> None:
    original = original_of(source)
    source.write_bytes(b"edited meanwhile")
    assert relocate(source, target, original, rename=rename) == "changed"
    assert source.read_bytes() == b"edited meanwhile"
    assert not target.exists()


def test_an_error_leaves_no_placeholder(source: Path, target: Path) -> None:
    def refuse(_: Path, __: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(OSError, match="Read-only"):
        relocate(source, target, original_of(source), rename=refuse)
    assert files(source.parent, target.parent) == [("a.jpg", CONTENT)]


@pytest.mark.parametrize("place", ["original-reserved", "original-copied", "original-leaving"])
def test_a_move_that_was_killed_is_completed(source: Path, target: Path, place: str) -> None:
    original = original_of(source)

    def die(name: str) -> None:
        if name == place:
            raise KeyboardInterrupt

    with failpoint_listener(die), pytest.raises(KeyboardInterrupt):
        relocate(source, target, original, rename=to_another_disk)
    assert CONTENT in [content for _, content in files(source.parent, target.parent)]
    assert relocate(source, target, original, rename=to_another_disk) == "moved"
    assert files(source.parent, target.parent) == [("a.jpg", CONTENT)]
    assert target.read_bytes() == CONTENT


def test_a_copy_that_became_the_only_one_is_published(source: Path, target: Path) -> None:
    original = original_of(source)
    target.parent.mkdir(parents=True)
    part = target.with_name(hidden_source_name(source, target).with_suffix(".part").name)
    source.rename(part)  # as after a power cut on a system that does not keep the order of renames
    assert relocate(source, target, original) == "moved"
    assert files(source.parent, target.parent) == [("a.jpg", CONTENT)]
