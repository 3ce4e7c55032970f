"""(k) The gallery: what one more picture costs among very many, and whether it delays the first picture of a run."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.config.settings import gallery_settings
from pipeline.ledger.picture_facts import packed
from pipeline.ledger.records import PictureFacts
from pipeline.model import Job, JobFinished, JobStarted, Losses, LossHistory, LossPoint, Recipe, RunEvent, RunStarted
from pipeline.report.gallery.catalog import CATALOG_NAME
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.gallery.thread import GalleryThread
from pipeline.runner.gallery.updates import GalleryUpdates
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, seconds
from tests.test_imports import finish
from tests.workshop import CONFIG, Workshop

TITLE = "k. The gallery"

_PICTURES = 30
_SERIES = ("content relu4_2", *(f"style relu{number}_1" for number in range(1, 6)))


def rows(subjects: Subjects) -> list[Row]:
    """Measure with a tenth of the pictures, then with all of them; what is asked for is the same of both."""
    counts = (200, 2000) if subjects.quick else (10_000, 100_000)
    found = [row for count in counts for row in _one_more(subjects, count)]
    return found + _first_picture(subjects, counts[-1])


def _one_more(subjects: Subjects, count: int) -> list[Row]:
    workshop = Workshop(subjects.folder / f"k{count}")
    subjects.tell(f"making {count:,} finished pictures ...")
    finish(workshop, count)
    _record_facts(workshop)
    settings = gallery_settings(workshop.config(), "stylewatch.yaml")
    subjects.tell("writing the gallery ...")
    updates, steps = GalleryUpdates(settings), []
    while _chunks_written(workshop) < -(-count // 500):
        steps.append(_processor_seconds(updates.step))
    thread, page = GalleryThread(settings, lambda _: updates), workshop.out / "gallery"
    in_main: list[float] = []
    in_thread: list[float] = []
    for number in range(_PICTURES):
        photo = number * count // _PICTURES
        job = Job(f"{photo // 500}/{photo}.jpg", "night", "default")
        updates.note(_finished(job))
        in_thread.append(_processor_seconds(updates.step))
    for number in range(_PICTURES):
        began = time.monotonic()
        thread(_finished(Job(f"0/{number}.jpg", "night", "default")))
        in_main.append(time.monotonic() - began)
    thread.close()
    pictures = f"{count:,} pictures"
    return [
        Row("the whole gallery's data, without copies", seconds(sum(steps)), f"processor time; {pictures}"),
        Row("one more picture, in the main thread", _milliseconds(in_main), pictures, goal="100 ms"),
        Row(
            "one more picture, in the gallery's thread",
            _milliseconds(in_thread),
            f"processor time; {pictures}",
            goal="100 ms",
        ),
        Row("what a page loads first", f"{(page / CATALOG_NAME).stat().st_size / 1e3:.0f} kB", pictures, goal="1 MB"),
    ]


def _first_picture(subjects: Subjects, count: int) -> list[Row]:
    """Return how long it takes from the start of a pass over so many pending jobs to the first picture.

    Before that the photos are looked for, and the gallery's thread does not exist yet.
    """
    workshop = Workshop(subjects.folder / "k-pending", CONFIG.replace("{folder: in,", "{folder: in, order: name,"))
    subjects.tell(f"making {count:,} pending pictures ...")
    finish(workshop, count)
    with workshop.ledger() as ledger, ledger._store.writing() as connection:
        connection.execute("UPDATE jobs SET state = 'pending', current = 0, key = NULL, published_sha256 = NULL")
    took = {}
    for name in ("without", "with"):
        workshop.photo(f"!{9 - len(took)}.png", shade=len(took))  # before all others, by name
        settings = gallery_settings(workshop.config(), "stylewatch.yaml")
        thread = GalleryThread(settings, GalleryUpdates)
        subjects.tell(f"a run {name} a gallery ...")
        took[name] = _seconds_to_first(workshop, thread if name == "with" else lambda _event: None)
        thread.close()
    more = took["with"] - took["without"]
    what = "from the start of a run, its photos found, to its first picture"
    return [
        Row(
            what,
            f"{1000 * took['with']:.0f} ms",
            f"{1000 * took['without']:.0f} ms without a gallery, {count:,} pending",
            goal="+ 2 s",
        ),
        Row("later by", f"{1000 * max(0.0, more):.0f} ms", goal="2 s"),
    ]


def _seconds_to_first(workshop: Workshop, reader: Callable[[RunEvent], None]) -> float:
    started: list[float] = []
    first: list[float] = []

    def note(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            started.append(time.monotonic())
        reader(event)
        if isinstance(event, JobStarted | JobFinished) and not first:
            first.append(time.monotonic() - started[0])
            the_pass.stop()

    workshop.run(PassOptions(limit=1), on_event=note)
    return first[0]


def _finished(job: Job) -> JobFinished:
    return JobFinished(token="t", job=job, key="k", output="", attempts=1, artwork=None)


def _record_facts(workshop: Workshop) -> None:
    """Give each picture on record the facts that a program of today records, curves included."""
    points = tuple(LossPoint(number, number // 40, 1.5, 0.0, (0.25,) * len(_SERIES)) for number in range(1, 121))
    losses = Losses(0.25, 0.5, 0.75)
    facts = PictureFacts(
        width=512,
        height=384,
        sizes=Recipe().sizes(),
        iterations=(40, 40, 40),
        first=losses,
        last=losses,
        seconds=12.5,
        device="cpu",
        cache_hits=3,
        cache_misses=0,
        photo_sha256="",
        program="stylewatch",
        history=LossHistory(_SERIES, points),
    )
    with workshop.ledger() as ledger, ledger._store.writing() as connection:
        ledger.gallery._facts.create()
        connection.execute(
            "INSERT INTO picture_facts SELECT id, published_sha256, published_sha256, 512, 384, 0.5, 0, ? FROM jobs",
            (packed(facts),),
        )


def _chunks_written(workshop: Workshop) -> int:
    folder: Path = workshop.out / "gallery" / "data" / "chunks"
    return len(os.listdir(folder)) if folder.is_dir() else 0


def _processor_seconds(action: Callable[[], object]) -> float:
    began = time.thread_time()
    action()
    return time.thread_time() - began


def _milliseconds(values: Sequence[float]) -> str:
    return f"{1000 * statistics.median(values):.2f} ms, at most {1000 * max(values):.1f} ms"
