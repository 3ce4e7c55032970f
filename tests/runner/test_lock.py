from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.errors import LockedError, StorageError
from pipeline.runner.lock import HOLDER_NAME, WORKER_LOCK_NAME, _no_lock, instance_lock, wait_for_orphan


def take(state: Path) -> None:
    with instance_lock(state, "stylewatch run second.yaml"):
        pass


def test_the_second_is_refused_and_told_who_was_first(tmp_path: Path) -> None:
    with (
        instance_lock(tmp_path / "state", "stylewatch run first.yaml"),
        pytest.raises(LockedError, match=rf"'stylewatch run first\.yaml' with pid {os.getpid()}") as caught,
    ):
        take(tmp_path / "state")
    assert caught.value.exit_code == 3


def test_the_lock_is_free_again_afterwards_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), instance_lock(tmp_path, "first"):
        raise ZeroDivisionError
    take(tmp_path)
    assert not (tmp_path / HOLDER_NAME).exists()


def test_a_refused_instance_leaves_the_firsts_note_alone(tmp_path: Path) -> None:
    with instance_lock(tmp_path, "first"):
        for _ in range(2):
            with pytest.raises(LockedError, match="'first'"):
                take(tmp_path)


@pytest.mark.parametrize("note", ["", "not JSON", "[]", "{}", '{"pid": 1}'])
def test_an_unreadable_note_about_the_first_is_no_obstacle(tmp_path: Path, note: str) -> None:
    with instance_lock(tmp_path, "first"):
        (tmp_path / HOLDER_NAME).write_text(note)
        with pytest.raises(LockedError, match="in use by another stylewatch"):
            take(tmp_path)


def test_a_note_that_cant_be_written_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    (tmp_path / HOLDER_NAME).mkdir()
    with instance_lock(tmp_path, "first"), pytest.raises(LockedError, match="in use by another stylewatch"):
        take(tmp_path)


def test_what_a_killed_instance_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / HOLDER_NAME).write_text('{"pid": 1, "command": "stylewatch run"}')
    (tmp_path / "instance.lock").touch()
    take(tmp_path)


def test_a_state_folder_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"state\.folder"):
        take(tmp_path / "file" / "state")


def test_an_orphan_that_does_not_end_is_told_of(tmp_path: Path) -> None:
    with FileLock(tmp_path / WORKER_LOCK_NAME), pytest.raises(LockedError, match="stylewatch-worker"):
        wait_for_orphan(tmp_path, seconds=0.01)
    wait_for_orphan(tmp_path, seconds=0.01)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NotImplementedError("no flock"), "set state.folder to a local disk"),
        (OSError(errno.ENOLCK, "No locks available"), "set state.folder to a local disk"),
        (OSError(errno.EROFS, "Read-only file system"), r"can't be written \(Read-only file system\)"),
        (PermissionError(errno.EACCES, "Permission denied"), r"\(Permission denied\).*correct output\.folder"),
    ],
)
def test_a_folder_without_locks_is_told_from_one_that_may_not_be_written(
    tmp_path: Path, error: OSError | NotImplementedError, advice: str
) -> None:
    with pytest.raises(StorageError, match=advice):
        raise _no_lock(tmp_path, error)
