"""How a folder stands, in every state that a process can be in."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import status_settings
from pipeline.model import JobState, WatchNotice
from pipeline.report.heartbeat import FILE_NAME, Heartbeat, HeartbeatRecord, PictureInProgress
from pipeline.runner.instance.lock import instance_lock, is_held
from pipeline.runner.status import Pictures, Status, collect_status
from tests.report.events import begun, started
from tests.workshop import Workshop, know_the_machine

ROOT = Path(__file__).parents[2]
COMMAND = "stylewatch watch my.yaml"


@contextmanager
def at_work(workshop: Workshop) -> Iterator[Heartbeat]:
    """Hold the folder as a program at work does."""
    state = workshop.config().state.folder
    with instance_lock(state, COMMAND), Heartbeat(state, COMMAND, now=lambda: time.time() - 60) as heart:
        yield heart


def status_of(workshop: Workshop, **clocks: Any) -> Status:
    return collect_status(status_settings(workshop.config()), **clocks)


def rewrite_heartbeat(workshop: Workshop, **changes: object) -> None:
    file = workshop.config().state.folder / FILE_NAME
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_an_unused_folder_is_well_and_nothing_is_made_by_looking(workshop: Workshop) -> None:
    status = status_of(workshop)
    assert (status.process_state, status.heartbeat, status.holder, status.exit_code()) == (
        "not running",
        None,
        None,
        0,
    )
    assert status.warnings() == ()
    assert status.free_bytes
    assert not workshop.out.exists()


def test_a_program_at_work_is_running(workshop: Workshop) -> None:
    with at_work(workshop) as heart:
        for event in (started(jobs=9), begun()):
            heart(event)
        status = status_of(workshop)
    assert (status.process_state, status.exit_code(), status.warnings()) == ("running", 0, ())
    assert status.holder is not None
    assert status.holder.command == COMMAND
    assert status.heartbeat is not None
    assert status.heartbeat.pid == os.getpid()
    assert status_of(workshop).process_state == "not running"


def test_one_that_holds_the_folder_and_says_nothing_for_long_hangs(workshop: Workshop) -> None:
    with at_work(workshop):
        rewrite_heartbeat(workshop, quiet_seconds=300, beat_monotonic=time.monotonic() - 301)
        status = status_of(workshop)
    assert (status.process_state, status.exit_code()) == ("hung", 3)
    (warning,) = status.warnings()
    assert warning.startswith(f"'{COMMAND}' with pid {os.getpid()} holds the folder and has not reported for 5 min ")
    assert status.seconds_left() is None


def test_a_clock_that_jumps_makes_nobody_hang(workshop: Workshop) -> None:
    with at_work(workshop):
        for jump in (-86_400, 86_400):
            assert status_of(workshop, now=lambda: time.time() + jump).process_state == "running"  # noqa: B023


def test_one_that_promised_an_hour_gets_it(workshop: Workshop) -> None:
    with at_work(workshop):
        assert status_of(workshop, clock=lambda: time.monotonic() + 3590).process_state == "running"
        assert status_of(workshop, clock=lambda: time.monotonic() + 3610).process_state == "hung"


def test_one_that_was_killed_is_dead_and_not_hung(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    script = f"""
import os, signal
from pathlib import Path
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.instance.lock import instance_lock
state = Path({str(state)!r})
with instance_lock(state, {COMMAND!r}), Heartbeat(state, {COMMAND!r}) as heart:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    status = status_of(workshop)
    assert (status.process_state, status.exit_code()) == ("died", 3)
    assert "was killed, or the machine lost power; start it again" in status.warnings()[0]
    assert not is_held(state)
    with at_work(workshop):
        assert status_of(workshop).process_state == "running"
    assert status_of(workshop).process_state == "not running"


def test_a_killed_predecessors_sign_says_nothing_of_the_holder(workshop: Workshop) -> None:
    with at_work(workshop):
        rewrite_heartbeat(workshop, pid=1, beat_monotonic=0)
        status = status_of(workshop)
    assert (status.process_state, status.heartbeat, status.exit_code()) == ("running", None, 0)


def test_a_holder_who_could_write_nothing_is_running(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, COMMAND):
        for file in state.glob("*.json"):
            file.unlink()
        status = status_of(workshop)
    assert (status.process_state, status.holder, status.heartbeat) == ("running", None, None)


def test_a_pause_is_a_warning_with_its_reason(workshop: Workshop) -> None:
    with at_work(workshop) as heart:
        rewrite_heartbeat(workshop, paused="paused: the disk is full")
        status = status_of(workshop)
        assert (status.exit_code(), status.warnings()) == (3, ("paused: the disk is full",))
        heart(WatchNotice("resumed", "resumed"))


def test_what_was_given_up_is_a_warning_for_a_day(workshop: Workshop) -> None:
    workshop.photo("fine.png")
    workshop.photo("b.png", "diverges")
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    workshop.run()
    status = status_of(workshop)
    assert (status.exit_code(), status.warnings()) == (1, ("1 photo set aside in the last 24 hours",))
    assert status_of(workshop, now=lambda: time.time() + 86_401).exit_code() == 0
    assert status.pictures.counts[JobState.FAILED] == 1, "which is retried, and no warning"
    assert status.pictures.next_attempt is not None
    assert status.pictures.made_today == 1
    assert status_of(workshop, now=lambda: time.time() + 2 * 86_400).pictures.made_today == 0


def test_the_time_left_is_what_the_program_at_work_says_itself_and_else_the_forecast() -> None:
    status = Status(
        now=0.0,
        process_state="running",
        holder=None,
        heartbeat=a_heartbeat(done=12, total=92, seconds_left=500.0),
        heartbeat_age_seconds=8.0,
        pictures=Pictures(waiting_seconds=700.0),
        free_bytes=None,
    )
    assert status.seconds_left() == 492
    assert dataclasses.replace(status, heartbeat_age_seconds=600.0).seconds_left() == 0
    assert dataclasses.replace(status, process_state="died").seconds_left() is None
    not_known_yet = a_heartbeat(done=0, total=92)
    assert dataclasses.replace(status, heartbeat=not_known_yet).seconds_left() is None
    resting = a_heartbeat()
    assert dataclasses.replace(status, heartbeat=resting).seconds_left() == 700


def test_without_a_program_at_work_the_forecast_is_there_for_the_schedule(workshop: Workshop) -> None:
    know_the_machine()
    workshop.photo("a.png")
    workshop.run()
    with workshop.ledger() as ledger:
        ledger.jobs.redo(finished.job for finished in ledger.queries.finished())
    status = status_of(workshop)
    assert status.seconds_left() is None
    assert status.pictures.waiting_seconds is not None


def a_heartbeat(**fields: Any) -> HeartbeatRecord:
    return HeartbeatRecord(
        **fields,
        pid=7,
        host="here",
        command=COMMAND,
        started=0.0,
        beat=0.0,
        beat_monotonic=0.0,
        max_silence_seconds=300.0,
        activity="painting",
        activity_text="making 1 picture",
        paused="",
        last_scan=None,
        pictures_per_hour=90.0,
        pictures=(PictureInProgress("a.png", "night", "default", 0.5, 0.0),),
    )


def test_a_locked_glance_keeps_nobody_from_beginning(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, "once"):
        pass
    watcher = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from pipeline.runner.instance.lock import is_held\n"
            "print('looking', flush=True)\n"
            "while True: is_held(Path(sys.argv[1]))",
            str(state),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        for _ in range(50):
            with instance_lock(state, "again"):
                pass
    finally:
        watcher.kill()
        watcher.communicate()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may lock anything")
def test_a_folder_that_may_not_be_locked_is_judged_by_what_is_written_there(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, COMMAND):
        os.chmod(state / "instance.lock", 0)  # noqa: PTH101
        assert is_held(state)
    assert not is_held(state)


def test_another_machine_is_at_work_while_its_promise_holds_whatever_the_lock_says(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with at_work(workshop):
        heartbeat = (state / FILE_NAME).read_text()
    (state / FILE_NAME).write_text(heartbeat)
    rewrite_heartbeat(workshop, host="nas", beat=1000.0, quiet_seconds=300.0)
    assert status_of(workshop, now=lambda: 1299.0).process_state == "running"
    status = status_of(workshop, now=lambda: 1301.0)
    assert (status.process_state, status.exit_code()) == ("died", 3)
    assert "on nas was killed" in status.warnings()[0]
    rewrite_heartbeat(workshop, host=platform.node())
    assert status_of(workshop, now=lambda: 1299.0).process_state == "died"


def test_a_rejected_picture_is_none_of_the_done_ones_for_programs() -> None:
    pictures = Pictures(counts=dict.fromkeys(JobState, 5), rejected=2)
    assert pictures.counts_by_name() == dict.fromkeys(JobState, 5) | {"done": 3, "rejected": 2}


def test_without_its_ledger_a_process_is_known_all_the_same(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    (workshop.config().state.folder / "ledger.sqlite3").write_bytes(b"x" * 100_000)
    with at_work(workshop):
        status = status_of(workshop, pictures=Pictures())
    assert (status.process_state, status.exit_code()) == ("running", 0)
    assert status.free_bytes


def test_the_backlog_takes_as_long_as_the_process_says_or_else_the_forecast(workshop: Workshop) -> None:
    know_the_machine()
    workshop.photo("a.png")
    workshop.run()
    assert status_of(workshop, pictures=Pictures(waiting_seconds=60.0)).backlog_seconds() == 60.0
    assert status_of(workshop, pictures=Pictures()).backlog_seconds() is None
    with at_work(workshop) as heart:
        for event in (started(jobs=9), begun()):
            heart(event)
        rewrite_heartbeat(workshop, total=9, done=0, seconds_left=30.0)
        seconds = status_of(workshop, pictures=Pictures(waiting_seconds=60.0)).backlog_seconds()
    assert seconds is not None
    assert 0 < seconds <= 30
