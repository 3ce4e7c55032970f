"""The gallery is written beside the work: no error of it, and no disk that hangs, costs a picture."""

from __future__ import annotations

import errno
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StorageError
from pipeline.model import GallerySettings, Remark, RunEvent
from pipeline.runner.gallery.thread import GalleryThread
from tests.report.events import over
from tests.runner.gallery.conftest import Gallery


class FakeUpdates:
    """Notes what it is called for; fails or hangs if told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[Any] = []
        self.error = error
        self.stepped = threading.Event()

    def note(self, event: RunEvent, report: Path | None, doing: str) -> None:
        self.calls.append((event, report, doing))

    def step(self) -> float:
        self.calls.append("step")
        self.stepped.set()
        if self.error is not None:
            raise self.error
        return 0.001

    def use(self, settings: GallerySettings) -> None:
        self.calls.append(settings)

    def finish(self) -> None:
        self.calls.append("finish")
        if self.error is not None:
            raise self.error


def thread_with(settings: GallerySettings, updates: FakeUpdates, **others: Any) -> GalleryThread:
    return GalleryThread(settings, lambda _: updates, **others)  # type: ignore[arg-type, return-value]


def test_events_come_in_order_and_all_of_them_before_the_end(gallery: Gallery) -> None:
    updates = FakeUpdates()
    thread = thread_with(gallery.settings(), updates, report=lambda: Path("report"), doing=lambda: "idle")
    remark = Remark("", "hello")

    thread(remark)
    thread(over())
    thread.close()

    assert [call for call in updates.calls if call != "step"] == [
        (remark, None, "idle"),
        (over(), Path("report"), "idle"),
        "finish",
    ]


def test_without_a_gallery_there_is_no_thread(gallery: Gallery) -> None:
    updates = FakeUpdates()
    thread = thread_with(replace(gallery.settings(), enabled=False), updates)

    thread(Remark("", "hello"))
    thread.close()

    assert updates.calls == []


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), StorageError("the page is not ours"), KeyError("x")]
)
def test_that_it_can_not_be_written_is_said_once(
    gallery: Gallery, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    updates = FakeUpdates(error)
    thread = thread_with(gallery.settings(), updates)

    thread(Remark("", "hello"))
    assert updates.stepped.wait(10)
    thread(Remark("", "again"))
    thread.close()

    assert updates.calls[-1] == "finish"
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the gallery can't be written, pictures are made all the same: ")
    assert str(error) in caplog.messages[0]


def test_a_disk_that_hangs_keeps_nobody_from_ending(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    hangs, clock, updates = threading.Event(), iter(range(0, 1000, 10)), FakeUpdates()
    updates.step = lambda: float(hangs.wait(60))  # type: ignore[method-assign]
    polled: list[int] = []
    thread = thread_with(gallery.settings(), updates, clock=lambda: float(next(clock)))

    thread(Remark("", "hello"))
    thread.close(lambda: polled.append(1))

    assert polled
    assert "does not answer" in caplog.messages[-1]
    hangs.set()


def test_other_settings_are_used_from_then_on(gallery: Gallery) -> None:
    updates, first = FakeUpdates(), gallery.settings()
    second, event = replace(first, config_text="other"), Remark("", "hello")
    thread = thread_with(first, updates)

    thread.use(first)
    thread(event)
    thread.use(second)
    thread(event)
    thread.close()

    assert [call for call in updates.calls if call != "step"] == [
        (event, None, ""),
        second,
        (event, None, ""),
        "finish",
    ]


def test_a_gallery_that_is_switched_off_ends_and_comes_back(gallery: Gallery) -> None:
    made: list[FakeUpdates] = []

    def make(_: GallerySettings) -> FakeUpdates:
        made.append(FakeUpdates())
        return made[-1]

    thread, on, event = GalleryThread(gallery.settings(), make), gallery.settings(), Remark("", "hello")  # type: ignore[arg-type]
    thread(event)
    thread.use(replace(on, enabled=False))
    thread(event)
    assert [call for call in made[0].calls if call != "step"] == [(event, None, ""), "finish"]
    thread.use(on)
    thread(event)
    thread.close()

    assert len(made) == 2


def test_the_real_gallery_is_written_at_the_end(gallery: Gallery) -> None:
    gallery.workshop.photo("a.png")
    thread = GalleryThread(gallery.settings(), lambda _: gallery.updates())

    gallery.workshop.run(on_event=lambda _, event: thread(event))
    thread.close()

    assert gallery.row_of("a.png")["state"] == "done"


def test_the_end_of_a_run_is_written_at_once_and_other_news_after_a_second(gallery: Gallery) -> None:
    updates = FakeUpdates()
    thread = thread_with(gallery.settings(), updates, clock=lambda: 100.0)  # which never becomes a second later
    thread(Remark("", "hello"))
    assert updates.stepped.wait(10)
    updates.stepped.clear()
    thread(Remark("", "news"))

    thread(over())

    assert updates.stepped.wait(10)
    thread.close()
    assert updates.calls.count("step") == 2


def test_a_file_that_cannot_be_written_is_named_in_a_sentence(
    gallery: Gallery, caplog: pytest.LogCaptureFixture
) -> None:
    thread = thread_with(gallery.settings(), FakeUpdates(OSError(errno.ENOSPC, "No space left on device", "a.js")))

    thread(Remark("", "hello"))
    thread.close()

    [message] = caplog.messages
    assert message.endswith("a.js: No space left on device; check its permissions and its disk")
