import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pipeline.intake.containers import ContainerCheck, examine
from pipeline.intake.scan import scan
from pipeline.intake.stability import Examine, StabilityResult, StabilityTimes, StabilityTracker, check_stability
from pipeline.model import Photo

NOW_NS = 1_800_000_000 * 10**9


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "JPEG")
    return out.getvalue()


class FakeClock:
    """Time that passes only by sleeping; ``meanwhile`` happens during the first sleep."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.now_ns = NOW_NS
        self.slept: list[float] = []
        self.meanwhile = meanwhile

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)
        self.meanwhile()


class FakeDisk:
    """Files with ages in seconds: (modified, changed), negative for the future. Errors by name instead."""

    def __init__(self, ages: dict[str, tuple[float, float]], errors: dict[str, OSError] | None = None) -> None:
        self.ages = ages
        self.errors = errors or {}

    def stat(self, path: Path) -> os.stat_result:
        if path.name in self.errors:
            raise self.errors[path.name]
        real = os.lstat(path)
        modified, changed = self.ages.get(path.name, (9999.0, 9999.0))
        return FakeStatus(
            real.st_mode, real.st_size, real.st_ino, NOW_NS - round(modified * 1e9), NOW_NS - round(changed * 1e9)
        )  # type: ignore[return-value]


class FakeStatus:
    def __init__(self, mode: int, size: int, inode: int, mtime_ns: int, ctime_ns: int) -> None:
        self.st_mode = mode
        self.st_size = size
        self.st_ino = inode
        self.st_mtime_ns = mtime_ns
        self.st_ctime_ns = ctime_ns


def check(folder: Path, disk: FakeDisk, clock: FakeClock, examine: Examine = examine) -> StabilityResult:
    return check_stability(
        folder,
        scan(folder).photos,
        StabilityTimes(5, 600),
        now_ns=lambda: clock.now_ns,
        sleep=clock.sleep,
        stat=disk.stat,
        examine=examine,
    )


def names(found: tuple[Photo, ...] | tuple[tuple[Photo, str], ...]) -> list[str]:
    return [(item if isinstance(item, Photo) else item[0]).path for item in found]


def test_old_files_are_judged_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    clock = FakeClock()
    found = check(tmp_path, FakeDisk({}), clock)
    assert names(found.ready) == ["a.jpg"]
    assert clock.slept == []


def test_all_young_files_share_one_wait_and_keep_their_order(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    clock = FakeClock()
    found = check(tmp_path, FakeDisk({"a.jpg": (1, 1), "c.jpg": (1000, 2)}), clock)
    assert names(found.ready) == ["a.jpg", "b.jpg", "c.jpg"]
    assert clock.slept == [5]


def test_the_wait_counts_from_the_first_look(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    clock = FakeClock()

    class SlowDisk(FakeDisk):
        def stat(self, path: Path) -> os.stat_result:
            clock.now_ns += 2 * 10**9
            return super().stat(path)

    check(tmp_path, SlowDisk({"a.jpg": (0, 0)}), clock)
    assert clock.slept == [3]


def test_a_file_that_grows_meanwhile_is_left_for_the_next_run(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(jpeg())
    found = check(tmp_path, FakeDisk({"a.jpg": (0, 0)}), FakeClock(lambda: photo.write_bytes(jpeg() + b"more")))
    ((left, reason),) = found.incomplete
    assert reason == "it is still being written"
    assert left.size_bytes == len(jpeg()) + 4
    assert (found.ready, found.quarantined) == ((), ())


def test_ready_photos_have_the_size_time_and_inode_they_were_checked_by(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (photo,) = check(tmp_path, FakeDisk({"a.jpg": (77, 77)}), FakeClock()).ready
    assert photo == Photo("a.jpg", len(jpeg()), NOW_NS - 77 * 10**9, (tmp_path / "a.jpg").stat().st_ino)


def test_a_file_that_is_no_image_is_quarantined_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html>404</html>")
    ((photo, reason),) = check(tmp_path, FakeDisk({"a.jpg": (6, 6)}), FakeClock()).quarantined
    assert (photo.path, reason) == ("a.jpg", "not an image: it looks like an HTML page")


WAITS = [
    (601, 601, True),
    (599, 9999, False),
    (9999, 599, False),
    (-500, 601, True),
    (-500, 10, False),
    (-9, -9, False),
]


@pytest.mark.parametrize(("modified", "changed", "is_over"), WAITS)
def test_an_incomplete_image_is_left_to_the_decoder_once_it_was_untouched_for_long(
    tmp_path: Path, modified: float, changed: float, is_over: bool
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg()[:-2])
    found = check(tmp_path, FakeDisk({"a.jpg": (modified, changed)}), FakeClock())
    assert names(found.ready if is_over else found.incomplete) == ["a.jpg"]
    assert found.quarantined == ()


@pytest.mark.parametrize(("modified", "changed", "is_over"), WAITS)
def test_a_file_without_a_format_is_given_up_once_it_was_untouched_for_long(
    tmp_path: Path, modified: float, changed: float, is_over: bool
) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(300))
    found = check(tmp_path, FakeDisk({"a.jpg": (modified, changed)}), FakeClock())
    assert names(found.quarantined if is_over else found.incomplete) == ["a.jpg"]
    if is_over:
        assert found.quarantined[0][1].endswith("nothing but zeros, and it has not changed for 601 s")


def test_a_file_from_the_future_is_ready_after_the_wait(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    clock = FakeClock()
    assert names(check(tmp_path, FakeDisk({"a.jpg": (-9999, -9999)}), clock).ready) == ["a.jpg"]
    assert clock.slept == [5]


def test_files_that_vanish_are_dropped_at_every_look(tmp_path: Path) -> None:
    for name in ("early.jpg", "late.jpg", "now.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    gone = FileNotFoundError(errno.ENOENT, "No such file or directory")
    clock = FakeClock((tmp_path / "late.jpg").unlink)

    class VanishingDisk(FakeDisk):
        def stat(self, path: Path) -> os.stat_result:
            status = super().stat(path)
            if path.name == "now.jpg":
                path.unlink()
            return status

    disk = VanishingDisk({"late.jpg": (0, 0)}, {"early.jpg": gone})
    assert check(tmp_path, disk, clock) == StabilityResult((), (), ())


def test_a_file_that_cannot_be_read_is_incomplete_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    disk = FakeDisk({}, {"a.jpg": PermissionError(errno.EACCES, "Permission denied")})
    ((_, reason),) = check(tmp_path, disk, FakeClock()).incomplete
    assert reason == "it can't be read (Permission denied); check its permissions and its disk"


def test_a_file_that_cannot_be_opened_is_incomplete_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())

    def refuse(root: Path, path: str) -> ContainerCheck:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    ((_, reason),) = check(tmp_path, FakeDisk({}), FakeClock(), examine=refuse).incomplete
    assert reason == "it can't be read (Permission denied); check its permissions and its disk"


def test_a_link_put_into_a_photos_place_right_after_the_look_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(jpeg())
    (tmp_path / "secret.jpg").write_bytes(jpeg())

    class SwappingDisk(FakeDisk):
        def stat(self, path: Path) -> os.stat_result:
            status = super().stat(path)
            path.unlink()
            path.symlink_to(tmp_path / "secret.jpg")
            return status

    assert check(tmp_path / "in", SwappingDisk({}), FakeClock()) == StabilityResult((), (), ())


def test_a_link_put_into_a_photos_place_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg())
    photos = scan(folder).photos
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    clock = FakeClock()
    found = check_stability(
        folder,
        photos,
        StabilityTimes(0, 1),
        now_ns=lambda: clock.now_ns,
        sleep=clock.sleep,
    )
    assert found == StabilityResult((), (), ())


# --- the tracker ------------------------------------------------------------------------------------------


class TrackedFolder:
    """A tracker of a folder, with a monotonic clock that a test moves, in step with the time of day."""

    def __init__(self, folder: Path, disk: FakeDisk, *, trust_times: bool = True) -> None:
        self.folder = folder
        self.disk = disk
        self.seconds = 0.0
        self.tracker = StabilityTracker(
            folder,
            StabilityTimes(2.0, 3600.0),
            trust_times=trust_times,
            now_ns=lambda: NOW_NS + round(self.seconds * 1e9),
            clock=lambda: self.seconds,
            stat=disk.stat,
        )

    def check(self) -> StabilityResult:
        return self.tracker.check(scan(self.folder).photos)

    def after(self, seconds: float) -> StabilityResult:
        self.seconds += seconds
        return self.check()


def test_the_tracker_checks_at_once_what_has_not_been_touched_for_long(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (9999, 2.0)}))
    assert names(tracked.check().ready) == ["a.jpg"]
    assert tracked.tracker.seconds_left() is None


def test_the_tracker_counts_the_time_for_which_a_file_was_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (9999, 0.5)}))
    assert tracked.check() == StabilityResult((), (), ())
    assert tracked.tracker.seconds_left() == pytest.approx(1.5)
    assert tracked.tracker.due() == []
    tracked.seconds = 1.5
    assert tracked.tracker.due() == ["a.jpg"]
    assert names(tracked.check().ready) == ["a.jpg"]
    assert tracked.tracker.due() == []


@pytest.mark.parametrize("ages", [(-500.0, -500.0), (0.0, 0.0)])
def test_the_tracker_counts_by_its_own_clock_where_times_say_nothing(
    tmp_path: Path, ages: tuple[float, float]
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": ages}))
    assert tracked.check().ready == ()
    assert tracked.after(1.0).ready == ()
    assert names(tracked.after(1.0).ready) == ["a.jpg"]


def test_the_tracker_does_not_trust_the_times_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (5, 5)}), trust_times=False)
    assert tracked.check().ready == ()
    assert names(tracked.after(2.0).ready) == ["a.jpg"]


def test_the_tracker_starts_again_with_every_change(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (-500.0, -500.0)}))
    for part in range(1, 4):
        photo.write_bytes(jpeg()[: 100 * part])
        assert tracked.after(1.9) == StabilityResult((), (), ())
    photo.write_bytes(jpeg())
    assert tracked.after(1.9) == StabilityResult((), (), ())
    assert names(tracked.after(2.0).ready) == ["a.jpg"]


def test_the_tracker_looks_at_an_incomplete_photo_again_more_and_more_rarely(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg()[:-2])
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (9999, 60.0)}))
    waits = []
    for _ in range(12):
        ((photo, reason),) = tracked.check().incomplete
        assert "incomplete" in reason
        wait = tracked.tracker.seconds_left()
        assert wait is not None
        waits.append(wait)
        tracked.seconds += wait
        assert tracked.tracker.due() == [photo.path]
    assert waits[0] == 2.0
    assert waits == sorted(waits)
    assert waits[-1] == 600.0


def test_the_tracker_leaves_an_incomplete_image_to_the_decoder_and_looks_at_it_again_when_it_grows(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg()[:-9])
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (9999, 60.0)}))
    assert names(tracked.check().incomplete) == ["a.jpg"]
    assert names(tracked.after(3600.0).ready) == ["a.jpg"]
    assert tracked.tracker.seconds_left() is None
    tracked.disk.ages["a.jpg"] = (-3660.0, -3660.0)  # it has just been written to
    (tmp_path / "a.jpg").write_bytes(jpeg()[:-2])
    tracked.check()
    assert names(tracked.after(2.0).incomplete) == ["a.jpg"]


def test_the_tracker_forgets_what_is_gone_refused_or_not_asked_for(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    tracked = TrackedFolder(tmp_path, FakeDisk(dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), (0.0, 0.0))))
    photos = scan(tmp_path).photos
    tracked.tracker.check(photos)
    (tmp_path / "a.jpg").unlink()
    tracked.tracker.forget(["b.jpg", "unknown.jpg"])
    tracked.seconds = 2.0
    (tmp_path / "c.jpg").write_text("I am a letter, not a photo.")
    tracked.tracker.check(photos)
    tracked.seconds = 4.0
    check = tracked.tracker.check(scan(tmp_path).photos)
    assert [photo.path for photo, _ in check.quarantined] == ["c.jpg"]
    assert tracked.tracker.seconds_left() is None or tracked.tracker.due() == []


def test_the_tracker_takes_reading_errors_for_a_reason_to_wait(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    tracked = TrackedFolder(tmp_path, FakeDisk({}, {"a.jpg": OSError(errno.EIO, "Input/output error")}))
    ((_, reason),) = tracked.check().incomplete
    assert reason == "it can't be read (Input/output error); check its permissions and its disk"
    assert tracked.tracker.seconds_left() == 2.0


def too_little_memory(folder: Path, path: str) -> ContainerCheck:
    raise MemoryError


def test_a_photo_that_memory_is_too_short_to_look_at_is_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (photo,) = scan(tmp_path).photos
    clock = FakeClock()
    check = check_stability(
        tmp_path,
        [photo],
        StabilityTimes(0, 0),
        now_ns=lambda: clock.now_ns,
        sleep=clock.sleep,
        examine=too_little_memory,
    )
    assert check == StabilityResult((), ((photo, "there is too little memory to check it just now"),), ())
    tracker = StabilityTracker(tmp_path, StabilityTimes(0, 0), examine=too_little_memory)
    assert tracker.check([photo]) == check
    assert tracker.seconds_left() is not None


def test_the_tracker_knows_what_is_being_written_for_long(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(jpeg()[:-20])
    tracked = TrackedFolder(tmp_path, FakeDisk({"a.jpg": (5, 5)}), trust_times=False)
    tracked.check()
    for _ in range(59):
        file.write_bytes(file.read_bytes() + b"x")
        tracked.after(1)
        assert tracked.tracker.long_unsettled() == []
    file.write_bytes(file.read_bytes() + b"x")
    tracked.after(1)
    assert tracked.tracker.long_unsettled() == ["a.jpg"]
    assert names_of_incomplete(tracked.after(2)) == ["a.jpg"]
    assert tracked.tracker.long_unsettled() == [], "it was left alone, and its content is what counts now"


def names_of_incomplete(result: StabilityResult) -> list[str]:
    return [photo.path for photo, _ in result.incomplete]
