"""A time-lapse is beside its picture from then on, whatever becomes of that, and never in its way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.failpoints import failpoint_listener
from pipeline.hashing import job_key
from pipeline.images.previews import encode_webp
from pipeline.images.timelapse import animation, timelapse_key
from pipeline.model import Remark
from pipeline.model.timelapse_files import frames_path, timelapse_part
from pipeline.runner.execution.checkpoints import checkpoint_folder
from pipeline.runner.execution.publishing import part_path
from pipeline.runner.execution.recovery import recover
from pipeline.runner.execution.timelapses import own_timelapse
from tests.runner.cleaning.cleaned import TWO_STYLES, TwoStyles
from tests.runner.execution.test_recovery import PICTURE, SHA256, Scene, scene
from tests.workshop import CONFIG, Workshop

__all__ = ["scene"]  # the fixture

LAPSED = CONFIG.replace("scales: 1", "scales: 1, timelapse: true")


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    workshop.text = LAPSED
    return workshop


def a_timelapse(path: Path, key: str = "c" * 64) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(animation([encode_webp(np.zeros((32, 48, 3), np.uint8), 50)], key))
    return path


def test_it_is_published_beside_the_picture_and_leaves_nothing_else(workshop: Workshop) -> None:
    workshop.photo("sub/a.b.png")
    workshop.run()
    assert [name for name in workshop.pictures() if "a.b" in name] == [
        "sub/a.b--night.jpg",
        "sub/a.b--night.timelapse.webp",
    ]
    (finished,) = workshop.finished()
    assert timelapse_key(workshop.out / "sub/a.b--night.timelapse.webp") == finished.key
    assert not [name for name in workshop.pictures() if ".part" in name]


def test_switching_it_on_or_off_makes_no_finished_picture_again(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    for text in (CONFIG, LAPSED):
        workshop.text = text
        assert workshop.run().finished == 0
    assert (workshop.out / "a--night.timelapse.webp").exists()


def test_it_follows_a_picture_whose_name_is_taken(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.out.mkdir()
    (workshop.out / "a--night.jpg").write_text("the user's")
    workshop.run()
    (finished,) = workshop.finished()
    assert finished.output != "a--night.jpg"
    assert timelapse_key(workshop.out / finished.output.replace(".jpg", ".timelapse.webp")) == finished.key
    assert not (workshop.out / "a--night.timelapse.webp").exists()


def test_a_copied_picture_has_a_copy_of_it(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.photo("b.png")
    assert workshop.run().copied == 1
    one, other = (workshop.out / f"{name}--night.timelapse.webp" for name in "ab")
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("again", [LAPSED, CONFIG])
def test_it_is_replaced_with_its_picture_and_goes_if_the_new_one_has_none(workshop: Workshop, again: str) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.text = again.replace("size: 48", "size: 40")
    workshop.run()
    (finished,) = workshop.finished()
    key = timelapse_key(workshop.out / "a--night.timelapse.webp")
    assert key == (finished.key if again == LAPSED else None)
    assert (workshop.out / "a--night.timelapse.webp").exists() == (again == LAPSED)


@pytest.mark.parametrize("again", [LAPSED, CONFIG])
def test_a_file_of_the_user_s_under_its_name_stays_and_the_picture_is_made(workshop: Workshop, again: str) -> None:
    workshop.photo("a.png")
    workshop.out.mkdir()
    taken = workshop.out / "a--night.timelapse.webp"
    taken.write_text("the user's")
    workshop.text = again
    assert workshop.run().finished == 1
    assert taken.read_text() == "the user's"
    remarks = [event.text for event in workshop.events if isinstance(event, Remark)]
    assert any(str(taken) in text for text in remarks) == (again == LAPSED)
    assert not list(workshop.out.glob(".stylewatch-*"))


def test_a_picture_of_another_format_keeps_its_own(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.out.mkdir()
    Image.new("RGB", (8, 8)).save(workshop.out / "a--night.png")
    other = a_timelapse(workshop.out / "a--night.timelapse.webp")
    workshop.run()
    assert timelapse_key(other) == "c" * 64
    assert own_timelapse(workshop.out / "a--night.jpg") is None
    assert own_timelapse(workshop.out / "a--night.png") is None


@pytest.mark.parametrize("moment", ["artwork-recorded", "picture-linked", "picture-published"])
def test_whenever_the_program_is_killed_it_is_there_after_the_next_start(workshop: Workshop, moment: str) -> None:
    class KilledError(BaseException):
        pass

    def kill(name: str) -> None:
        if name == moment:
            raise KilledError

    workshop.photo("a.png")
    with failpoint_listener(kill), pytest.raises(KilledError):
        workshop.run()
    workshop.run()
    assert [name for name in workshop.pictures() if name.startswith((".", "a"))] == [
        "a--night.jpg",
        "a--night.timelapse.webp",
    ]
    assert timelapse_key(workshop.out / "a--night.timelapse.webp") is not None


@pytest.mark.parametrize("is_whole", [True, False])
def test_recovery_publishes_a_whole_one_with_the_picture_and_no_damaged_one(scene: Scene, is_whole: bool) -> None:
    claim = scene.lease_noted()
    part = scene.part(claim)
    part.write_bytes(PICTURE)
    scene.ledger.leases.record_artwork(claim.token, SHA256)
    assert claim.photo_sha256 is not None
    made = a_timelapse(timelapse_part(part), job_key(claim.photo_sha256, claim.settings_sha256))
    if not is_whole:
        made.write_bytes(made.read_bytes()[:-1])
    scene.recover()
    names = ["a--night.jpg", "a--night.timelapse.webp"]
    assert list(scene.files()) == (names if is_whole else names[:1])


def test_recovery_removes_that_of_a_picture_that_is_to_be_made_again(scene: Scene) -> None:
    claim = scene.lease()
    a_timelapse(timelapse_part(scene.part(claim)))
    assert recover(scene.ledger, scene.workshop.out) == 1
    assert scene.files() == {}
    assert part_path(scene.workshop.out, claim.output, claim.token).parent.exists()


def test_frames_of_a_finished_picture_go_with_its_checkpoint_and_others_at_the_next_start(workshop: Workshop) -> None:
    folder = checkpoint_folder(workshop.config().state.folder)
    folder.mkdir(parents=True)
    left = frames_path(folder / f"{'d' * 64}.safetensors")
    left.write_text("of a picture that nobody wants any more")
    workshop.photo("a.png")
    workshop.run()
    assert not list(folder.iterdir())


def test_it_is_neither_found_as_a_picture_nor_taken_for_a_photo(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    for file in (workshop.out / ".stylewatch").glob("ledger*"):
        file.unlink()
    assert workshop.run().finished == 0
    a_timelapse(workshop.folder / "in" / "x--night.TIMELAPSE.webp")
    finished = workshop.run()
    assert (finished.finished, finished.copied, finished.photos_set_aside) == (0, 0, 0)


def test_clean_deletes_it_with_its_picture_unless_it_was_edited(tmp_path: Path) -> None:
    workshop = TwoStyles(tmp_path)
    workshop.make("a.png", "b.png", text=TWO_STYLES.replace("scales: 1", "scales: 1, timelapse: true"))
    edited = workshop.out / "b--day.timelapse.webp"
    edited.write_bytes(edited.read_bytes() + b"more")
    workshop.try_out(text=TWO_STYLES.replace("scales: 1", "scales: 1, timelapse: true"))
    tried = {"try/sea/night.timelapse.webp", "try/sea/day.timelapse.webp"}
    assert tried <= set(workshop.pictures())
    assert {"a--day.timelapse.webp", "a--day.jpg", "b--day.jpg", *tried} <= set(workshop.found())
    deleted = workshop.delete()
    assert deleted.failed == []
    assert deleted.files == {"withdrawn": 3, "tries": 4}
    assert [name for name in workshop.pictures() if "timelapse" in name] == [
        "a--night.timelapse.webp",
        "b--day.timelapse.webp",
        "b--night.timelapse.webp",
    ]
