"""Folders that nobody lets the program into: each command says so in one sentence, with exit code 3."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import StorageError, files_explained
from pipeline.runner.instance.lock import instance_lock
from tests.cli.invocation import config_of
from tests.faults.injection import StorageFaults, needs_injection
from tests.workshop import Workshop

ROOT = Path(__file__).parents[3]

COMMANDS = (
    ("status",),
    ("plan",),
    ("retry",),
    ("retry", "--missing"),
    ("styles",),
    ("styles", "--prune"),
    ("run", "--quiet"),
    ("watch", "--quiet"),
)

#: Runs one command after the other and prints a line for each: its exit code, and what it said on standard error.
_CALL = """
import contextlib, io, json, sys
from pipeline.cli.commands import main
config, *commands = json.loads(sys.argv[1])
for command in commands:
    out, err, sys.argv = io.StringIO(), io.StringIO(), ["stylewatch", *command, config]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


@pytest.fixture
def faults(tmp_path: Path) -> StorageFaults:
    return StorageFaults(tmp_path / "faults")


def said(
    faults: StorageFaults, config: Path, *commands: tuple[str, ...]
) -> dict[tuple[str, ...], tuple[int, str, str]]:
    """Return exit code and both outputs of each command, called where the faults are met."""
    ended = subprocess.run(
        [sys.executable, "-c", _CALL, json.dumps([str(config), *commands])],
        cwd=ROOT,
        env=faults.environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    lines = map(json.loads, ended.stdout.splitlines())
    return {command: tuple(line) for command, line in zip(commands, lines, strict=True)}


@needs_injection
@pytest.mark.parametrize("calls", ["stat,list,open,create,mkdir,unlink,rename", "open,create,list"])
def test_a_state_folder_that_may_not_be_read_is_one_sentence(
    tmp_path: Path, faults: StorageFaults, calls: str
) -> None:
    workshop = Workshop(tmp_path / "theirs")
    workshop.photo("a.png")
    workshop.run()
    state = workshop.config().state.folder
    (state / "styles").mkdir()
    faults.fail(calls, state, errno.EACCES)
    for command, (code, out, err) in said(faults, config_of(workshop), *COMMANDS).items():
        assert (code, out) == (3, ""), (command, code, out, err)
        (line,) = err.splitlines()
        assert line.startswith("stylewatch: "), command
        assert str(state) in line, command
        assert "Permission denied" in line or "unable to open" in line, command


@needs_injection
@pytest.mark.parametrize("alive", [True, False])
def test_status_and_plan_need_no_more_than_reading(tmp_path: Path, faults: StorageFaults, alive: bool) -> None:
    workshop = Workshop(tmp_path / "theirs")
    workshop.photo("a.png")
    workshop.run()
    state = workshop.config().state.folder
    with workshop.ledger() as ledger:
        ledger.photos.note_sha256("a.png", "0" * 64)
        if not alive:  # as a killed program leaves it, and a backup brings it back
            for name in ("ledger.sqlite3", "ledger.sqlite3-wal"):
                (state / f"{name}.copy").write_bytes((state / name).read_bytes())
    if not alive:
        for name in ("ledger.sqlite3", "ledger.sqlite3-wal"):
            (state / f"{name}.copy").replace(state / name)
    before = sorted(path.name for path in state.iterdir())
    faults.fail("create,write,mkdir,unlink,rename", state, errno.EACCES)
    config = config_of(workshop)
    if alive:
        with instance_lock(state, "a test"):
            result = said(faults, config, ("status",), ("plan",))
        assert "running: 'a test'" in result["status",][1]
    else:
        result = said(faults, config, ("status",), ("plan",))
        assert "not running" in result["status",][1]
    assert [result[command][0] for command in (("status",), ("plan",))] == [0, 0]
    assert result["status",][1].startswith("pictures: 0 waiting, 1 done")
    assert sorted(path.name for path in state.iterdir()) == before


@needs_injection
def test_pictures_that_can_not_be_listed_are_not_taken_for_deleted(tmp_path: Path, faults: StorageFaults) -> None:
    workshop = Workshop(tmp_path / "theirs")
    workshop.photo("sub/a.png")
    workshop.run()
    faults.fail("list", workshop.out / "sub", errno.EIO)
    ((code, out, err),) = said(faults, config_of(workshop), ("retry", "--missing")).values()
    assert (code, out) == (3, "")
    assert "sub can't be listed (Input/output error), so it is unknown which" in err
    with workshop.ledger() as ledger:
        assert not ledger.queries.has_work()


def test_the_last_resort_knows_files_and_leaves_mistakes_of_ours_alone(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone: No such file or directory; check"), files_explained():
        (tmp_path / "gone").read_bytes()
    with pytest.raises(OSError, match="Bad file descriptor"), files_explained():
        raise OSError(errno.EBADF, "Bad file descriptor")
