from __future__ import annotations

import errno
import json
import os
import platform
import time
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.errors import LockedError, StorageError
from pipeline.report.heartbeat import FILE_NAME, Heartbeat
from pipeline.runner.instance.lock import (
    HOLDER_NAME,
    WORKER_LOCK_NAME,
    LockHolder,
    _no_lock,
    instance_lock,
    read_holder,
    wait_for_orphaned_worker,
)


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
        wait_for_orphaned_worker(tmp_path, seconds=0.01)
    wait_for_orphaned_worker(tmp_path, seconds=0.01)


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


class OtherMachine:
    """Another machine on the same share, without locks that hold for both: only its files are seen."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.looks = 0
        self.time = 0.0
        with Heartbeat(state, "stylewatch watch theirs.yaml"):
            self.sign = json.loads((state / FILE_NAME).read_text()) | {"host": "nas", "pid": 7}
        self.say()

    def say(self) -> None:
        self.time += 1
        (self.state / FILE_NAME).write_text(json.dumps(self.sign | {"beat": self.time}))

    def works_on(self, _: float) -> None:
        self.looks += 1
        if self.looks == 5:
            self.say()

    def is_dead(self, _: float) -> None:
        self.looks += 1

    def ends(self, _: float) -> None:
        self.looks += 1
        (self.state / FILE_NAME).unlink()


def test_another_machine_at_work_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    other = OtherMachine(tmp_path)
    (tmp_path / HOLDER_NAME).write_text(json.dumps({"pid": 7, "command": "theirs", "host": "nas"}))
    words = r"in use by 'stylewatch watch theirs\.yaml' with pid 7 on nas; wait for it or stop it"
    with pytest.raises(LockedError, match=words), instance_lock(tmp_path, "mine", sleep=other.works_on):
        raise AssertionError
    assert other.looks == 5
    assert read_holder(tmp_path) == LockHolder(7, "theirs", "nas")
    assert json.loads((tmp_path / FILE_NAME).read_text())["host"] == "nas"


def test_another_machine_that_died_just_now_keeps_nobody_waiting_for_long(tmp_path: Path) -> None:
    other = OtherMachine(tmp_path)
    with instance_lock(tmp_path, "mine", sleep=other.is_dead):
        pass
    assert 10 < other.looks * 0.5 < 15


def test_another_machine_that_ends_meanwhile_makes_way(tmp_path: Path) -> None:
    other = OtherMachine(tmp_path)
    with instance_lock(tmp_path, "mine", sleep=other.ends):
        pass
    assert other.looks == 1


def test_one_that_died_long_ago_or_was_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    other = OtherMachine(tmp_path)
    os.utime(tmp_path / FILE_NAME, (time.time() - 301, time.time() - 301))
    with instance_lock(tmp_path, "mine", sleep=other.is_dead):
        pass
    other.sign["host"] = platform.node()
    other.say()
    with instance_lock(tmp_path, "mine", sleep=other.is_dead):
        pass
    assert other.looks == 0


def test_a_holder_is_called_by_its_command_and_by_its_machine_if_that_is_another_one() -> None:
    assert LockHolder(7, "theirs", "nas").name() == "'theirs' with pid 7 on nas"
    assert LockHolder(7, "mine", platform.node()).name() == "'mine' with pid 7"
    assert LockHolder(7, "older").name() == "'older' with pid 7", "of a version that wrote no host"
