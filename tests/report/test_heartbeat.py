"""The heartbeat file: what it says, how often it is written, how old it is."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest

from pipeline.errors import LeaseLostError, LockedError
from pipeline.model import EvaluationShare, NetworkLoading, PreviewSaved, RunEvent, WatchNotice
from pipeline.report.heartbeat import FILE_NAME, Heartbeat, HeartbeatRecord, PictureInProgress, read_heartbeat
from tests.report.events import CAFE, begun, failed, finished, over, progress, started
from tests.report.simulated_run import SMALL, changed, forecast


class Machine:
    """A heartbeat with clocks of its own, and who reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.heartbeat = Heartbeat(
            folder, "stylewatch watch my.yaml", clock=lambda: self.now, now=lambda: 5e9 + self.now
        )

    def handle(self, *events: RunEvent, after: float = 1.0) -> HeartbeatRecord:
        for event in events:
            self.now += after
            self.heartbeat(event)
        return self.record()

    def beat_after(self, seconds: float) -> HeartbeatRecord:
        self.now += seconds
        self.heartbeat.beat()
        return self.record()

    def record(self) -> HeartbeatRecord:
        record = read_heartbeat(self.folder)
        assert record is not None
        return record


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_record_says_who_it_is(machine: Machine) -> None:
    record = machine.record()
    assert (record.pid, record.host, record.command) == (os.getpid(), platform.node(), "stylewatch watch my.yaml")
    assert (record.started, record.beat, record.beat_monotonic) == (5e9 + 1000, 5e9 + 1000, 1000)
    assert (record.activity, record.activity_text, record.paused, record.pictures) == ("starting", "starting", "", ())
    assert (record.last_scan, record.pictures_per_hour) == (None, None)


def test_fields_of_a_later_version_are_left_out_and_those_of_another_format_not_guessed(machine: Machine) -> None:
    record = machine.handle(started(), begun())
    file = machine.folder / FILE_NAME
    fields = json.loads(file.read_text("ascii"))
    fields["pictures"][0]["priority"] = 3
    file.write_text(json.dumps({**fields, "mood": "good"}), "ascii")
    assert read_heartbeat(machine.folder) == record
    file.write_text(json.dumps({**fields, "version": 2}), "ascii")
    assert read_heartbeat(machine.folder) is None


def test_its_fields_are_these_and_whoever_reads_it_may_rely_on_them(machine: Machine) -> None:
    machine.handle(started(), begun())
    fields = json.loads((machine.folder / FILE_NAME).read_text("ascii"))
    times = {"started", "beat", "beat_monotonic", "quiet_seconds", "last_scan"}
    names = {"version", "pid", "host", "command", "doing", "words", "paused", "pictures_per_hour", "pictures"}
    assert set(fields) == times | names | {"done", "total", "seconds_left"}
    assert (fields["version"], fields["doing"], fields["quiet_seconds"]) == (1, "painting", 300)
    assert set(fields["pictures"][0]) == {"photo", "style", "recipe", "share_done", "since"}


def test_beats_are_written_every_ten_seconds_and_news_after_a_quarter_of_one(machine: Machine) -> None:
    assert machine.beat_after(9).beat_monotonic == 1000
    assert machine.beat_after(1).beat_monotonic == 1010
    assert machine.handle(started(), after=0.2).activity == "idle"
    assert machine.handle(begun(), after=0.05).activity == "painting"
    assert machine.handle(progress(1), after=5).beat_monotonic == 1010.25
    assert machine.beat_after(1).beat_monotonic == 1010.25
    assert machine.beat_after(4).pictures[0].share_done > 0


def test_news_that_came_too_soon_are_written_by_the_next_beat(machine: Machine) -> None:
    machine.handle(started())
    assert machine.handle(begun(), changed({"default": 80}), after=0.1).total == 3
    assert machine.beat_after(1).total == 80


def test_previews_for_the_gallery_are_no_news(machine: Machine) -> None:
    written = machine.handle(started()).beat
    assert machine.handle(PreviewSaved("t1", Path("live/t1.webp")), after=0.5).beat == written


def test_how_far_an_evaluation_is_is_in_the_next_beat_and_no_news(machine: Machine) -> None:
    record = machine.handle(started(), begun(), progress(1), after=20)
    written, share = record.beat, record.pictures[0].share_done
    assert machine.handle(EvaluationShare("t1", 0.9), after=0.5).beat == written
    assert machine.beat_after(10).pictures[0].share_done > share


def test_it_tells_done_and_left_of_the_whole_backlog_and_how_long_that_takes(machine: Machine) -> None:
    estimate = forecast({"default": SMALL})
    record = machine.handle(started(jobs=2, made_before=10, estimate=estimate), begun(), changed({"default": 80}))
    assert (record.done, record.total) == (10, 90)
    assert record.activity_text == "making 1 picture, 10 of 90 done"
    assert record.seconds_left == pytest.approx(4 + 80 * 1.8 * SMALL.alone() / 2)
    record = machine.handle(finished(), failed())
    assert (record.done, record.total) == (11, 90)
    assert record.activity_text == "making 0 pictures, 11 of 90 done, 1 failed"
    record = machine.handle(over())
    assert (record.done, record.total, record.seconds_left) == (None, None, None)


def test_it_gets_an_hour_to_begin_and_five_minutes_from_then_on(machine: Machine) -> None:
    assert machine.record().max_silence_seconds == 3600
    assert machine.beat_after(10).max_silence_seconds == 300
    other = Machine(machine.folder)
    assert other.handle(started()).max_silence_seconds == 300


def test_pictures_in_progress_come_and_go(machine: Machine) -> None:
    record = machine.handle(started(), begun(), begun(CAFE, "t2"))
    assert [(picture.photo, picture.since - 5e9) for picture in record.pictures] == [
        ("zoo/lion.jpg", 1002),
        ("caf\udce9.jpg", 1003),
    ]
    assert isinstance(record.pictures[0], PictureInProgress)
    assert record.activity_text == "making 2 pictures, 0 of 3 done"
    assert [picture.photo for picture in machine.handle(finished()).pictures] == ["caf\udce9.jpg"]
    record = machine.handle(failed(), over())
    assert (record.pictures, record.activity) == ((), "idle")


def test_loading_the_network_is_told(machine: Machine) -> None:
    assert machine.handle(started(), NetworkLoading()).activity_text == "loading the network, 0 of 3 done"
    assert machine.handle(begun()).activity_text == "making 1 picture, 0 of 3 done"


def test_a_picture_that_begins_again_after_it_was_put_back_is_in_progress_once(machine: Machine) -> None:
    machine.handle(started(), begun(), begun(CAFE, "t2"), progress(40))
    record = machine.handle(begun(token="t3"))
    assert [(picture.photo, picture.share_done, picture.since - 5e9) for picture in record.pictures] == [
        ("caf\udce9.jpg", 0.0, 1003),
        ("zoo/lion.jpg", 0.0, 1005),
    ]
    assert set(machine.heartbeat._started_at) == {"t2", "t3"}


def test_the_pace_counts_only_the_time_in_which_there_was_work(machine: Machine) -> None:
    machine.handle(started(), begun(), after=10)
    assert machine.handle(finished(), after=100).pictures_per_hour == pytest.approx(3600 / 110)
    machine.handle(over())
    assert machine.beat_after(5000).pictures_per_hour == pytest.approx(3600 / 111)
    machine.handle(started())
    assert machine.handle(finished(artwork=None), after=10).pictures_per_hour == pytest.approx(3600 / 121)
    for _ in range(60):
        machine.handle(finished(), after=36)
    assert machine.record().pictures_per_hour == pytest.approx(100)


def test_a_pause_is_told_with_its_reason_until_it_is_over(machine: Machine) -> None:
    record = machine.handle(WatchNotice("paused", "paused: the disk is full"))
    assert (record.activity, record.activity_text, record.paused) == (
        "paused",
        "paused: the disk is full",
        "paused: the disk is full",
    )
    assert machine.handle(WatchNotice("paused", "paused: the share is gone")).paused == "paused: the share is gone"
    assert machine.handle(WatchNotice("resumed", "resumed")).paused == ""
    assert machine.handle(WatchNotice("resumed", "resumed")).paused == ""


def test_waiting_and_stopping_have_words(machine: Machine) -> None:
    assert machine.beat_after(10).activity_text == "waiting for photos"
    assert machine.handle(WatchNotice("watching", "watching in")).activity_text == "waiting for photos"
    assert machine.handle(WatchNotice("stopped", "stopped")).activity_text == "stopping"


def test_the_last_look_at_the_folder_is_told(machine: Machine) -> None:
    machine.heartbeat.last_scan = 5e9 + 7
    assert machine.beat_after(10).last_scan == 5e9 + 7


def test_an_orderly_end_leaves_nothing(machine: Machine) -> None:
    with machine.heartbeat as heartbeat:
        heartbeat.beat()
    assert list(machine.folder.iterdir()) == []


def test_a_disk_that_takes_nothing_keeps_nobody_from_working(machine: Machine) -> None:
    (machine.folder / f".{FILE_NAME}.part").mkdir()
    assert machine.beat_after(100).beat_monotonic == 1000


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1, "pictures": []}', '{"version": 1, "pictures": [7]}']
)
def test_what_is_no_heartbeat_is_none(tmp_path: Path, text: str) -> None:
    assert read_heartbeat(tmp_path) is None
    (tmp_path / FILE_NAME).write_text(text)
    assert read_heartbeat(tmp_path) is None


def test_its_age_is_by_the_machines_clock_which_does_not_jump(machine: Machine) -> None:
    record = machine.record()
    an_hour_on, an_hour_back = record.beat + 3600, record.beat - 3600
    assert [record.age_seconds(now, 1007, record.host) for now in (an_hour_on, an_hour_back)] == [7, 7]


def test_on_another_machine_its_age_is_by_the_time_of_day_and_never_negative(machine: Machine) -> None:
    record = machine.record()
    assert record.age_seconds(record.beat + 60, 3, "another") == 60
    assert record.age_seconds(record.beat - 60, 3, "another") == 0


def take_over(machine: Machine) -> None:
    """Let another machine begin to work on the same folder, as on a share without locks."""
    fields = json.loads((machine.folder / FILE_NAME).read_text("ascii"))
    (machine.folder / FILE_NAME).write_text(json.dumps(fields | {"host": "nas", "pid": 7}))


def test_another_programs_file_in_its_place_ends_it_once_and_is_left_alone(machine: Machine) -> None:
    take_over(machine)
    machine.heartbeat.beat()  # not yet the time to write
    with pytest.raises(
        LockedError, match=r"'stylewatch watch my\.yaml' with pid 7 on nas has taken over the work here"
    ):
        machine.beat_after(10)
    assert machine.beat_after(100).host == "nas"
    machine.handle(over())
    machine.heartbeat.remove()
    assert machine.record().host == "nas"


def test_what_follows_from_anothers_work_is_told_as_that(machine: Machine) -> None:
    take_over(machine)
    with pytest.raises(LockedError, match="pid 7 on nas has taken over") as caught, machine.heartbeat:
        raise LeaseLostError("no such lease")
    assert isinstance(caught.value.__cause__, LeaseLostError)
    assert machine.record().host == "nas"


def test_other_errors_and_a_folder_without_a_heartbeat_are_what_they_are(machine: Machine) -> None:
    (machine.folder / FILE_NAME).unlink()
    assert machine.beat_after(10).pid == os.getpid()
    with pytest.raises(LeaseLostError), machine.heartbeat:
        raise LeaseLostError("no such lease")
