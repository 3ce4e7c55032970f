from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.durable_files import make_folder, new_file, publish_file, replace_file, sync_folder, write_file
from pipeline.failpoints import failpoint_listener
from tests.faults.injection import StorageFaults, needs_injection

ROOT = Path(__file__).parents[1]


def no_links(source: Path, target: Path) -> None:
    """A file system without hard links."""
    raise OSError(errno.EPERM, "Operation not permitted")


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def in_two_steps(path: Path) -> None:
    with path.open("xb") as file:
        file.write(b"new")


@pytest.mark.parametrize("content", [b"new", in_two_steps])
@pytest.mark.parametrize("durable", [True, False])
def test_a_file_takes_the_place_of_the_old_one(
    tmp_path: Path, content: bytes | Callable[[Path], object], durable: bool
) -> None:
    written(tmp_path / "file", "old")
    written(tmp_path / ".file.part", "what a killed process left, which was longer")
    assert write_file(tmp_path / "file", content, durable=durable)
    assert files(tmp_path) == {"file": "new"}


class Killed(BaseException):
    """The end of a process: nothing cleans up after it."""


def test_a_kill_before_the_last_step_leaves_the_old_file_and_a_part_that_the_next_attempt_replaces(
    tmp_path: Path,
) -> None:
    def die(name: str) -> None:
        assert name == "worker-checkpoint-written"
        raise Killed

    file, part = written(tmp_path / "file", "old"), tmp_path / "part"
    with failpoint_listener(die), pytest.raises(Killed):
        write_file(file, b"new", part=part, written="worker-checkpoint-written")
    assert files(tmp_path) == {"file": "old", "part": "new"}
    write_file(file, b"newer", part=part)
    assert files(tmp_path) == {"file": "newer"}


def test_an_exclusive_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    assert write_file(tmp_path / "file", b"first", exclusive=True)
    assert not write_file(tmp_path / "file", b"second", exclusive=True)
    assert files(tmp_path) == {"file": "first"}


def test_an_exclusive_file_gives_way_to_one_that_comes_while_it_is_written(tmp_path: Path) -> None:
    def overtaken(part: Path) -> None:
        part.write_text("ours")
        written(tmp_path / "file", "the user's")

    assert not write_file(tmp_path / "file", overtaken, exclusive=True)
    assert files(tmp_path) == {"file": "the user's"}


def test_a_file_that_cannot_take_its_name_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "report.csv").mkdir()
    with pytest.raises(OSError, match=r"report\.csv"):
        write_file(tmp_path / "report.csv", b"photo,style")
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_content_that_can_not_be_had_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        part.write_text("ha")
        raise ValueError

    written(tmp_path / "file", "old")
    with pytest.raises(ValueError):
        write_file(tmp_path / "file", fail)
    with pytest.raises(OSError, match="No such file"), new_file(tmp_path / "part") as file:
        file.write((tmp_path / "gone").read_bytes())
    assert files(tmp_path) == {"file": "old"}


def test_nothing_is_written_through_a_link_in_the_parts_place(tmp_path: Path) -> None:
    (tmp_path / ".file.part").symlink_to(written(tmp_path / "precious", "the user's"))
    write_file(tmp_path / "file", b"new")
    assert files(tmp_path) == {"precious": "the user's", "file": "new"}


_WRITE = """
import sys
from pathlib import Path
from pipeline.durable_files import write_file
for name in ("part", "filled", "folder", "unsupported"):
    for durable in (False, True):
        file = Path(sys.argv[1], name, "file")
        content = (lambda part: part.write_bytes(b"filled")) if name == "filled" else b"new"
        try:
            write_file(file, content, durable=durable)
            print(name, durable, "written")
        except OSError as error:
            print(name, durable, error.strerror, Path(error.filename).relative_to(sys.argv[1]))
"""


@needs_injection
def test_what_is_durable_is_synced_with_its_folder_and_what_is_not_is_not(tmp_path: Path) -> None:
    faults = StorageFaults(tmp_path / "faults")
    for name, error, skip in (
        ("part", errno.EIO, 0),
        ("filled", errno.EIO, 0),
        ("folder", errno.EIO, 1),
        ("unsupported", errno.EINVAL, 1),
    ):
        (tmp_path / name).mkdir()
        faults.fail("fsync", tmp_path / name, error, skip=skip)
    command = [sys.executable, "-c", _WRITE, tmp_path]
    ended = subprocess.run(command, cwd=ROOT, env=faults.environment(), check=True, capture_output=True, text=True)
    assert ended.stdout.splitlines() == [
        "part False written",
        f"part True Input/output error {Path('part/.file.part')}",
        "filled False written",
        f"filled True Input/output error {Path('filled/.file.part')}",
        "folder False written",
        "folder True Input/output error folder",
        "unsupported False written",
        "unsupported True written",
    ]
    assert [path.name for path in (tmp_path / "part").iterdir()] == ["file"]


_WRITERS = """
import sys
from datetime import datetime
from pathlib import Path

import numpy as np

from pipeline.engine.machine import store_measurement
from pipeline.engine.transfer.target_cache import StyleCache, TargetKey
from pipeline.errors import StorageError
from pipeline.images.encode import Provenance, write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import PictureOptions
from pipeline.report.folders import ReportFolders
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.execution.publishing import copy_durably
from pipeline.runner.instance.folder_marks import mark_folders
from pipeline.runner.instance.lock import instance_lock

def hold():
    with instance_lock(folder / "state", "run"):
        assert (folder / "state" / "instance.json").read_text()

folder = Path(sys.argv[1])
key = TargetKey(
    painting_sha256="0", size=64, layers=("relu1_1",), weights_id="w", pooling="max", precision="float32"
)
black, source = np.zeros((8, 8, 3), np.uint8), Provenance("night", "default", "stylewatch", "key")
for name, write in (
    ("picture", lambda: write_picture(black, None, Metadata(), source, PictureOptions(), folder / "picture")),
    ("copy", lambda: copy_durably(Path(__file__), folder / "copy")),
    ("target", lambda: StyleCache(folder, 10**6).write(key, {"a": black})),
    ("measurements", lambda: store_measurement(folder / "machine.json", {})),
    ("report", lambda: ReportFolders(folder).write(datetime.now(), {"report.csv": b""})),
    ("marks", lambda: mark_folders(folder / "state", folder / "out")),
    ("heartbeat", lambda: Heartbeat(folder, "run")),
    ("holder", hold),
):
    try:
        write()
        print(name, "written")
    except (OSError, StorageError):
        print(name, "refused")
"""


@needs_injection
def test_all_that_must_survive_a_power_cut_is_synced_by_whoever_writes_it(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(_WRITERS)
    faults, folder = StorageFaults(tmp_path / "faults"), tmp_path / "files"
    folder.mkdir()
    faults.fail("fsync", folder, errno.EIO)
    command = [sys.executable, tmp_path / "script.py", folder]
    environment = faults.environment() | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert dict(line.split() for line in ended.stdout.splitlines()) == {
        **dict.fromkeys(("picture", "copy", "target", "measurements", "report", "marks"), "refused"),
        **dict.fromkeys(("heartbeat", "holder"), "written"),
    }
    assert sorted(path.name for path in folder.rglob("*.json")) == ["heartbeat.json"]


@pytest.mark.parametrize("link", [os.link, no_links])
def test_a_part_gets_its_final_name(tmp_path: Path, link: object) -> None:
    part = written(tmp_path / "part", "picture")
    assert publish_file(part, tmp_path / "final.jpg", link=link)  # type: ignore[arg-type]
    assert files(tmp_path) == {"final.jpg": "picture"}


@pytest.mark.parametrize("link", [os.link, no_links])
def test_a_file_of_the_same_name_is_never_overwritten(tmp_path: Path, link: object) -> None:
    part = written(tmp_path / "part", "picture")
    final = written(tmp_path / "final.jpg", "the user's")
    assert not publish_file(part, final, link=link)  # type: ignore[arg-type]
    assert files(tmp_path) == {"part": "picture", "final.jpg": "the user's"}


def test_a_dangling_symlink_takes_the_name_too(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "picture")
    final = tmp_path / "final.jpg"
    final.symlink_to(tmp_path / "nowhere")
    assert not publish_file(part, final, link=no_links)
    assert final.is_symlink()


def test_a_publication_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "picture")
    os.link(part, tmp_path / "final.jpg")
    assert publish_file(part, tmp_path / "final.jpg")
    assert files(tmp_path) == {"final.jpg": "picture"}


def test_a_missing_part_is_an_error_even_if_the_name_is_taken(tmp_path: Path) -> None:
    final = written(tmp_path / "final.jpg", "the user's")
    with pytest.raises(FileNotFoundError):
        publish_file(tmp_path / "part", final)
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "part", final)
    assert files(tmp_path) == {"final.jpg": "the user's"}


def test_a_folder_is_made_with_all_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    make_folder(folder)
    make_folder(folder)
    assert folder.is_dir()


def test_a_file_in_a_folders_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        make_folder(written(tmp_path / "file", ""))


def test_folders_are_synced(tmp_path: Path) -> None:
    synced: list[int] = []
    sync_folder(tmp_path, fsync=synced.append)
    assert len(synced) == 1
    sync_folder(tmp_path)


def test_a_folder_that_cannot_be_synced_by_its_file_system_is_left_alone(tmp_path: Path) -> None:
    def unsupported(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    sync_folder(tmp_path, fsync=unsupported)


def test_a_failing_sync_is_reported(tmp_path: Path) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error") as raised:
        sync_folder(tmp_path, fsync=failing)
    assert raised.value.filename == str(tmp_path)


def test_systems_that_open_no_folders_are_spared_the_sync(tmp_path: Path) -> None:
    def refusing(path: Path, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    synced: list[int] = []
    sync_folder(tmp_path, fsync=synced.append, open_folder=refusing)
    assert synced == []
