"""The fault injector itself: what it breaks, and that it breaks nothing else."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.injection import StorageFaults, needs_injection

pytestmark = needs_injection

_TRY = """
import os, sys
from pathlib import Path
folder = Path(sys.argv[1])
def attempt(name, action):
    try:
        action()
        print(name, "ok")
    except OSError as error:
        print(name, error.errno)
attempt("read", lambda: (folder / "photo").read_bytes())
attempt("read other", lambda: (folder / "other").read_bytes())
for time in range(3):
    attempt(f"create {time}", lambda: (folder / "new").write_bytes(b"1"))
attempt("list", lambda: list(os.scandir(folder / "sub")))
attempt("stat", lambda: os.stat(folder / "sub"))
attempt("link", lambda: os.link(folder / "photo", folder / "linked"))
"""


@pytest.fixture
def faults(tmp_path: Path) -> StorageFaults:
    return StorageFaults(tmp_path / "faults")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk" / "sub").mkdir(parents=True)
    (tmp_path / "disk" / "photo").write_bytes(b"photo")
    (tmp_path / "disk" / "other").write_bytes(b"other")
    return tmp_path / "disk"


def attempts(faults: StorageFaults, disk: Path) -> dict[str, str]:
    result = subprocess.run(
        [sys.executable, "-c", _TRY, disk], env=faults.environment(), check=True, capture_output=True, text=True
    )
    return dict(line.rsplit(" ", 1) for line in result.stdout.splitlines())


def test_without_rules_everything_succeeds(faults: StorageFaults, disk: Path) -> None:
    assert set(attempts(faults, disk).values()) == {"ok"}


def test_chosen_calls_on_chosen_paths_fail_with_chosen_errors(faults: StorageFaults, disk: Path) -> None:
    faults.fail("read", disk / "photo", errno.EIO)
    faults.fail("list,stat", disk / "sub", errno.EACCES)
    faults.fail("link", disk / "linked", errno.EPERM)
    found = attempts(faults, disk)
    assert found["read"] == str(errno.EIO)
    assert found["read other"] == "ok"
    assert (found["list"], found["stat"]) == (str(errno.EACCES), str(errno.EACCES))
    assert found["link"] == str(errno.EPERM)


def test_the_nth_call_fails(faults: StorageFaults, disk: Path) -> None:
    faults.fail("create", disk / "new", errno.ENOSPC, skip=1, times=1)
    found = attempts(faults, disk)
    assert [found[f"create {time}"] for time in range(3)] == ["ok", str(errno.ENOSPC), "ok"]


def test_what_was_broken_is_mended(faults: StorageFaults, disk: Path) -> None:
    faults.fail("read", disk / "photo", errno.EIO)
    faults.mend()
    assert set(attempts(faults, disk).values()) == {"ok"}
