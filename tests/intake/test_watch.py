"""Hints, and the real watcher on real folders; its failures by a fake observer."""

from __future__ import annotations

import errno
import logging
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
from watchdog.events import FileCreatedEvent
from watchdog.observers.api import BaseObserver, EventEmitter

from pipeline.intake.watch import MAX_PATHS, HintedPaths, Hints, Watcher
from tests.intake.nesting import nested


def test_hints_are_taken_once() -> None:
    hints = Hints()
    hints.note("a.png", "b")
    hints.note("a.png")
    assert hints.take() == HintedPaths(frozenset({"a.png", "b"}))
    assert not hints.take()


def test_too_many_hints_and_hints_at_the_folder_itself_mean_everywhere() -> None:
    hints = Hints()
    hints.note(*map(str, range(MAX_PATHS)))
    assert not hints.take().everywhere
    hints.note(*map(str, range(MAX_PATHS + 1)))
    assert hints.take() == HintedPaths(everywhere=True)
    hints.note_everywhere()
    assert hints.take().everywhere


def test_a_hint_and_a_call_end_a_wait() -> None:
    hints = Hints()
    threading.Timer(0.01, hints.note, ["a.png"]).start()
    hints.wait(60)
    assert hints.take()
    hints.wake()
    hints.wait(60)
    assert not hints.take()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems watch a tree in one step")
def test_a_folder_nested_too_deeply_for_events_is_a_reason_to_poll(tmp_path: Path) -> None:
    with nested(tmp_path, "d", 1100, {}):
        watcher = Watcher(tmp_path, Hints())
        assert watcher.start() == "a folder is nested too deeply for file events"
        watcher.stop()


class Watched:
    """A folder, its watcher, and what was hinted at so far."""

    def __init__(self, folder: Path, also: Mapping[Path, str]) -> None:
        self.folder = folder
        self.hints = Hints()
        self.watcher = Watcher(folder, self.hints, also=also)
        self.seen: set[str] = set()
        self.everywhere = False

    def wait_for(self, *paths: str) -> None:
        end = time.monotonic() + 60
        while not self.seen.issuperset(paths):
            assert time.monotonic() < end, f"waited in vain for {paths}, heard of {self.seen}"
            self.hints.wait(0.1)
            places = self.hints.take()
            self.seen |= places.paths
            self.everywhere |= places.everywhere


@contextmanager
def watching(folder: Path, also: Mapping[Path, str] = MappingProxyType({})) -> Iterator[Watched]:
    watched = Watched(folder, also)
    assert watched.watcher.start() == ""
    try:
        yield watched
    finally:
        watched.watcher.stop()


def test_files_and_folders_that_come_move_and_go_are_hinted_at_by_relative_paths(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "old").mkdir(parents=True)
    with watching(folder) as watched:
        (folder / "a.png").write_bytes(b"1")
        watched.wait_for("a.png")
        (folder / "a.png").rename(folder / "old" / "b.png")
        watched.wait_for("old/b.png")
        (folder / "old").rename(folder / "new")
        watched.wait_for("old", "new")
        watched.seen.clear()
        (folder / "new" / "b.png").unlink()
        watched.wait_for("new/b.png")
        (folder / "new" / "caf\udce9.png").write_bytes(b"1")
        watched.wait_for("new/caf\udce9.png")
        assert watched.watcher.failure() == ""
        assert not watched.everywhere


def test_other_folders_have_hints_of_their_own_and_need_not_be_there(tmp_path: Path) -> None:
    for name in ("in", "masks/a/b"):
        (tmp_path / name).mkdir(parents=True)
    with watching(tmp_path / "in", {tmp_path / "masks": "/masks/", tmp_path / "nowhere": "/nowhere/"}) as watched:
        (tmp_path / "masks" / "a" / "1.png").write_bytes(b"1")
        (tmp_path / "in" / "1.png").write_bytes(b"1")
        watched.wait_for("/masks/a/1.png", "1.png")
        assert (watched.watcher.failure(), watched.everywhere) == ("", False)
        # What is watched there does not count for the first folder.
        assert watched.watcher.unwatched_reason(1) == ""
        if sys.platform.startswith("linux"):
            assert "only 1 of 2 folders" in watched.watcher.unwatched_reason(2)


def test_reading_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    with watching(tmp_path) as watched:
        assert (tmp_path / "a.png").read_bytes() == b"1"
        assert list(tmp_path.iterdir())
        (tmp_path / "b.png").write_bytes(b"1")
        watched.wait_for("b.png")
    assert watched.seen == {"b.png"}


def test_what_watchdog_only_logs_means_everywhere_and_reaches_no_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with watching(tmp_path) as watched:
        logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; events were lost")
        assert watched.hints.take().everywhere
    assert capfd.readouterr() == ("", "")


class FakeObserver(BaseObserver):
    """Starts with an error, or only passes on what a test dispatches."""

    def __init__(self, error: OSError | None = None) -> None:
        super().__init__(EventEmitter)
        self.error = error

    def start(self) -> None:
        if self.error is not None:
            raise self.error
        super().start()


def test_a_folder_that_watchdog_meets_twice_is_nothing_to_speak_of(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, Hints())
    watcher.start()
    watcher.stop()
    warnings.warn("Callback with id '1' already exists for watch x. It will be Overwritten.", RuntimeWarning)  # noqa: B028
    with pytest.raises(RuntimeWarning):
        warnings.warn("anything else", RuntimeWarning)  # noqa: B028


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "fs.inotify.max_user_watches"),
        (errno.EMFILE, "fs.inotify.max_user_instances"),
        (5, "don't work"),
    ],
)
def test_a_watcher_that_can_t_start_says_what_to_do(tmp_path: Path, number: int, words: str) -> None:
    error = OSError(number, "the kernel's words")
    watcher = Watcher(tmp_path, Hints(), observer=lambda: FakeObserver(error))
    assert words in watcher.start()
    watcher.stop()


def test_the_death_of_a_thread_is_noticed(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, Hints(), observer=FakeObserver)
    assert watcher.start() == ""
    assert watcher.failure() == ""
    watcher.stop()
    assert "has died" in watcher.failure()


def test_events_that_make_no_sense_are_hints_at_everything(tmp_path: Path) -> None:
    observer = FakeObserver()
    hints = Hints()
    watcher = Watcher(tmp_path, hints, observer=lambda: observer)
    watcher.start()
    (watch,) = [emitter.watch for emitter in observer.emitters]
    for path in ("/somewhere/else.png", 7):
        observer.event_queue.put((FileCreatedEvent(path), watch))  # type: ignore[arg-type]
        hints.wait(60)
        assert hints.take().everywhere
    assert watcher.failure() == ""
    watcher.stop()


def test_folders_without_a_watch_are_missed(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    with watching(tmp_path) as watched:
        assert watched.watcher.unwatched_reason(6) == ""
        if watched.watcher.unwatched_reason(1000):
            assert "only 6 of 1,000 folders" in watched.watcher.unwatched_reason(1000)
            assert "sysctl fs.inotify.max_user_watches" in watched.watcher.unwatched_reason(1000)
