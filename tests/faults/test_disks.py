"""Real disks that are full, read-only or not ours: nothing is lost, it is said once, and the next run goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import StorageError
from pipeline.model import JobState, OriginalsStay, Remark, RunFinished
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.report.journal import Journal
from pipeline.report.log import LOGGER, close_log, configure_log
from tests.fakes import write_photo
from tests.workshop import CONFIG, Workshop

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can mount a small disk"
)

Disk = Callable[[Path, str], Path]


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Return what mounts a disk of so many bytes on a folder, and unmounts it in the end."""
    mounted: list[Path] = []

    def mount_at(folder: Path, size: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this root may not mount, as in most containers")
        mounted.append(folder)
        return folder

    yield mount_at
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Twelve photos whose pictures are large: noise does not compress."""
    workshop = Workshop(tmp_path, CONFIG.replace("min_free_disk: 0", "min_free_disk: 0, format: png"))
    workshop.text = workshop.text.replace("size: 48", "size: 256")
    for number in range(12):
        path = workshop.folder / "in" / f"{number:02}.png"
        write_photo(path, shade=number)
        with Image.open(path) as flat:
            noise = Image.effect_noise((256, 256), 40).convert("RGB")
            Image.blend(noise, flat.resize((256, 256)), 0.8).save(path)
    return workshop


def assert_all_done(workshop: Workshop) -> None:
    finished = workshop.run()
    assert (finished.failed, finished.left) == (0, 0)
    assert workshop.pictures() == [f"{number:02}--night.png" for number in range(12)]
    for name in workshop.pictures():
        with Image.open(workshop.out / name) as picture:
            picture.load()
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []
        assert ledger.queries.counts()[JobState.DONE] == 12


def test_a_disk_that_fills_up_stops_the_run_with_one_sentence(workshop: Workshop, disk: Disk) -> None:
    disk(workshop.out, "1m")
    with pytest.raises(StorageError, match="full") as caught:
        workshop.run()
    assert [event.reason for event in workshop.events if isinstance(event, RunFinished)] == [str(caught.value)]
    assert workshop.failed() == []
    made = workshop.pictures()
    assert 0 < len(made) < 12
    assert not [name for name in made if not name.endswith("--night.png")]
    with pytest.raises(StorageError, match="full"):
        workshop.run()  # still full, still nothing lost
    mount("-o", "remount,size=50m", workshop.out)
    assert_all_done(workshop)


def test_a_disk_that_is_full_to_the_last_byte_holds_its_ledger_all_the_same(workshop: Workshop, disk: Disk) -> None:
    disk(workshop.out, "4m")
    workshop.run()
    extra = [workshop.photo(f"new{number}.png", shade=100 + number) for number in range(3)]
    with (workshop.out / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass
    with pytest.raises(StorageError, match=r"full|lock|made"):
        workshop.run()
    (workshop.out / "filler").unlink()
    for path in extra:
        path.unlink()
    assert_all_done(workshop)


def test_a_gallery_whose_disk_is_full_costs_no_picture_and_is_said(workshop: Workshop, disk: Disk) -> None:
    disk(workshop.out / GALLERY_FOLDER, "20k")
    assert_all_done(workshop)
    remarks = [event for event in workshop.events if isinstance(event, Remark) and "gallery" in event.text]
    # Here each picture has a worker of its own, which says it once: tests/worker/test_previews.py.
    assert {(event.warning, "No space left on device" in event.text) for event in remarks} == {(True, True)}
    copies = list((workshop.out / GALLERY_FOLDER).rglob("*.webp"))
    for path in copies:
        with Image.open(path) as copy:
            copy.load()


def test_an_output_that_becomes_read_only_stops_the_run_and_is_told(workshop: Workshop, disk: Disk) -> None:
    disk(workshop.out, "50m")
    workshop.run()
    workshop.photo("new.png", shade=200)
    mount("-o", "remount,ro", workshop.out)
    with pytest.raises(StorageError, match=str(workshop.out)):
        workshop.run()
    mount("-o", "remount,rw", workshop.out)
    assert workshop.run().finished == 1


def test_with_the_state_elsewhere_a_read_only_output_stops_the_run_too(workshop: Workshop, disk: Disk) -> None:
    workshop.text += "state: {folder: state}\n"
    disk(workshop.out, "50m")
    with workshop.ledger():
        pass
    mount("-o", "remount,ro", workshop.out)
    with pytest.raises(StorageError, match=str(workshop.out)):
        workshop.run()
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []
        assert ledger.queries.counts()[JobState.PENDING] == 12
    mount("-o", "remount,rw", workshop.out)
    assert_all_done(workshop)


def test_originals_whose_disk_is_full_stay_and_are_told_once(workshop: Workshop, disk: Disk) -> None:
    kept = disk(workshop.folder / "kept", "300k")
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: kept}")
    before = {path.name: path.read_bytes() for path in (workshop.folder / "in").iterdir()}
    finished = workshop.run()
    assert (finished.finished, finished.failed) == (12, 0)
    assert len([event for event in workshop.events if isinstance(event, OriginalsStay)]) == 1
    for name, data in before.items():
        places = [folder / name for folder in (workshop.folder / "in", kept)]
        assert [path.read_bytes() for path in places if path.exists() and path.stat().st_size] == [data]
    mount("-o", "remount,size=50m", kept)
    workshop.run()
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    assert list((workshop.folder / "in").iterdir()) == []


def test_a_log_and_a_journal_on_a_full_disk_stop_nobody(
    tmp_path: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    small = disk(tmp_path / "small", "64k")
    configure_log(small / "log", max_bytes=0)
    journal = Journal(small / "journal", 0, 0)
    try:
        for _ in range(2000):
            LOGGER.info("a line of some length, to fill the disk with")
            journal(OriginalsStay("a reason of some length, to fill the disk with"))
    finally:
        close_log()
        journal.close()
    assert capsys.readouterr().err == ""


def test_a_state_folder_on_a_full_disk_is_named(tmp_path: Path, disk: Disk) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: state}\n")
    workshop.photo("a.png")
    disk(tmp_path / "state", "64k")
    (tmp_path / "state" / ".filler").write_bytes(bytes(60 * 1024))
    with pytest.raises(StorageError, match="state"):
        workshop.run()
    (tmp_path / "state" / ".filler").unlink()
    mount("-o", "remount,size=5m", tmp_path / "state")
    assert workshop.run().finished == 1
