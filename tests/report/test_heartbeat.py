"""The sign of life: what it says, how often it is written, how old it is."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest

from pipeline.errors import LeaseLostError, LockedError
from pipeline.model import RunEvent, WatchNotice
from pipeline.report.heartbeat import FILE_NAME, Heartbeat, PictureInWork, SignOfLife, read_sign
from tests.report.events import CAFE, begun, failed, finished, over, progress, started


class Bed:
    """A heart with clocks of its own, and who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.heart = Heartbeat(folder, "stylewatch watch my.yaml", clock=lambda: self.now, now=lambda: 5e9 + self.now)

    def hear(self, *events: RunEvent, after: float = 1.0) -> SignOfLife:
        for event in events:
            self.now += after
            self.heart(event)
        return self.sign()

    def beat_after(self, seconds: float) -> SignOfLife:
        self.now += seconds
        self.heart.beat()
        return self.sign()

    def sign(self) -> SignOfLife:
        sign = read_sign(self.folder)
        assert sign is not None
        return sign


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def test_the_first_sign_says_who_it_is(bed: Bed) -> None:
    sign = bed.sign()
    assert (sign.pid, sign.host, sign.command) == (os.getpid(), platform.node(), "stylewatch watch my.yaml")
    assert (sign.started, sign.beat, sign.beat_monotonic) == (5e9 + 1000, 5e9 + 1000, 1000)
    assert (sign.doing, sign.words, sign.paused, sign.pictures) == ("starting", "starting", "", ())
    assert (sign.last_scan, sign.pictures_per_hour) == (None, None)


def test_fields_of_a_later_version_are_left_out_and_those_of_another_format_not_guessed(bed: Bed) -> None:
    sign = bed.hear(started(), begun())
    file = bed.folder / FILE_NAME
    fields = json.loads(file.read_text("ascii"))
    fields["pictures"][0]["priority"] = 3
    file.write_text(json.dumps({**fields, "mood": "good"}), "ascii")
    assert read_sign(bed.folder) == sign
    file.write_text(json.dumps({**fields, "version": 2}), "ascii")
    assert read_sign(bed.folder) is None


def test_its_fields_are_these_and_whoever_reads_it_may_rely_on_them(bed: Bed) -> None:
    bed.hear(started(), begun())
    fields = json.loads((bed.folder / FILE_NAME).read_text("ascii"))
    assert set(fields) == {"version", *SignOfLife.__dataclass_fields__}
    assert fields["version"] == 1
    assert set(fields["pictures"][0]) == {"photo", "style", "recipe", "share_done", "since"}


def test_beats_are_written_every_ten_seconds_and_news_after_one(bed: Bed) -> None:
    assert bed.beat_after(9).beat_monotonic == 1000
    assert bed.beat_after(1).beat_monotonic == 1010
    assert bed.hear(started(), after=0.5).doing == "idle"
    assert bed.hear(begun(), after=0.5).doing == "painting"
    assert bed.hear(progress(1), after=5).beat_monotonic == 1011
    assert bed.beat_after(1).beat_monotonic == 1011
    assert bed.beat_after(4).pictures[0].share_done > 0


def test_it_gets_an_hour_to_begin_and_five_minutes_from_then_on(bed: Bed) -> None:
    assert bed.sign().quiet_seconds == 3600
    assert bed.beat_after(10).quiet_seconds == 300
    other = Bed(bed.folder)
    assert other.hear(started()).quiet_seconds == 300


def test_pictures_in_work_come_and_go(bed: Bed) -> None:
    sign = bed.hear(started(), begun(), begun(CAFE, "t2"))
    assert [(picture.photo, picture.since - 5e9) for picture in sign.pictures] == [
        ("zoo/lion.jpg", 1002),
        ("caf\udce9.jpg", 1003),
    ]
    assert isinstance(sign.pictures[0], PictureInWork)
    assert sign.words == "painting 2 pictures, 0 of 3 done"
    assert [picture.photo for picture in bed.hear(finished()).pictures] == ["caf\udce9.jpg"]
    sign = bed.hear(failed(), over())
    assert (sign.pictures, sign.doing) == ((), "idle")


def test_a_picture_that_begins_again_after_it_was_put_back_is_in_work_once(bed: Bed) -> None:
    bed.hear(started(), begun(), begun(CAFE, "t2"), progress(40))
    sign = bed.hear(begun(token="t3"))
    assert [(picture.photo, picture.share_done, picture.since - 5e9) for picture in sign.pictures] == [
        ("caf\udce9.jpg", 0.0, 1003),
        ("zoo/lion.jpg", 0.0, 1005),
    ]
    assert set(bed.heart._begun) == {"t2", "t3"}


def test_the_pace_counts_only_the_time_in_which_there_was_work(bed: Bed) -> None:
    bed.hear(started(), begun(), after=10)
    assert bed.hear(finished(), after=100).pictures_per_hour == pytest.approx(3600 / 110)
    bed.hear(over())
    assert bed.beat_after(5000).pictures_per_hour == pytest.approx(3600 / 111)
    bed.hear(started())
    assert bed.hear(finished(artwork=None), after=10).pictures_per_hour == pytest.approx(3600 / 121)
    for _ in range(60):
        bed.hear(finished(), after=36)
    assert bed.sign().pictures_per_hour == pytest.approx(100)


def test_a_pause_is_told_with_its_reason_until_it_is_over(bed: Bed) -> None:
    sign = bed.hear(WatchNotice("paused", "paused: the disk is full"))
    assert (sign.doing, sign.words, sign.paused) == ("paused", "paused: the disk is full", "paused: the disk is full")
    assert bed.hear(WatchNotice("paused", "paused: the share is gone")).paused == "paused: the share is gone"
    assert bed.hear(WatchNotice("resumed", "resumed")).paused == ""
    assert bed.hear(WatchNotice("resumed", "resumed")).paused == ""


def test_waiting_and_stopping_have_words(bed: Bed) -> None:
    assert bed.beat_after(10).words == "waiting for photos"
    assert bed.hear(WatchNotice("watching", "watching in")).words == "waiting for photos"
    assert bed.hear(WatchNotice("stopped", "stopped")).words == "stopping"


def test_the_last_look_at_the_folder_is_told(bed: Bed) -> None:
    bed.heart.last_scan = 5e9 + 7
    assert bed.beat_after(10).last_scan == 5e9 + 7


def test_an_orderly_end_leaves_nothing(bed: Bed) -> None:
    with bed.heart as heart:
        heart.beat()
    assert list(bed.folder.iterdir()) == []


def test_a_disk_that_takes_nothing_keeps_nobody_from_working(bed: Bed) -> None:
    (bed.folder / f".{FILE_NAME}.part").mkdir()
    assert bed.beat_after(100).beat_monotonic == 1000


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1, "pictures": []}', '{"version": 1, "pictures": [7]}']
)
def test_what_is_no_sign_of_life_is_none(tmp_path: Path, text: str) -> None:
    assert read_sign(tmp_path) is None
    (tmp_path / FILE_NAME).write_text(text)
    assert read_sign(tmp_path) is None


def test_its_age_is_by_the_machines_clock_which_does_not_jump(bed: Bed) -> None:
    sign = bed.sign()
    an_hour_on, an_hour_back = sign.beat + 3600, sign.beat - 3600
    assert [sign.age_seconds(now, 1007, sign.host) for now in (an_hour_on, an_hour_back)] == [7, 7]


def test_on_another_machine_its_age_is_by_the_time_of_day_and_never_negative(bed: Bed) -> None:
    sign = bed.sign()
    assert sign.age_seconds(sign.beat + 60, 3, "another") == 60
    assert sign.age_seconds(sign.beat - 60, 3, "another") == 0


def take_over(bed: Bed) -> None:
    """Let another machine begin to work on the same folder, as on a share without locks."""
    fields = json.loads((bed.folder / FILE_NAME).read_text("ascii"))
    (bed.folder / FILE_NAME).write_text(json.dumps(fields | {"host": "nas", "pid": 7}))


def test_another_programs_sign_in_its_place_ends_it_once_and_is_left_alone(bed: Bed) -> None:
    take_over(bed)
    bed.heart.beat()  # not yet the time to say something
    with pytest.raises(
        LockedError, match=r"'stylewatch watch my\.yaml' with pid 7 on nas has taken over the work here"
    ):
        bed.beat_after(10)
    assert bed.beat_after(100).host == "nas"
    bed.hear(over())
    bed.heart.forget()
    assert bed.sign().host == "nas"


def test_what_follows_from_anothers_work_is_told_as_that(bed: Bed) -> None:
    take_over(bed)
    with pytest.raises(LockedError, match="pid 7 on nas has taken over") as caught, bed.heart:
        raise LeaseLostError("no such lease")
    assert isinstance(caught.value.__cause__, LeaseLostError)
    assert bed.sign().host == "nas"


def test_other_errors_and_a_folder_without_a_sign_are_what_they_are(bed: Bed) -> None:
    (bed.folder / FILE_NAME).unlink()
    assert bed.beat_after(10).pid == os.getpid()
    with pytest.raises(LeaseLostError), bed.heart:
        raise LeaseLostError("no such lease")
