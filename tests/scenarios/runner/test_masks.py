"""Photos with masks through whole passes: which pictures are made by which mask, and which are made again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from pipeline.engine.events import Event, Request
from pipeline.errors import StorageError, UsageError
from pipeline.hashing import sha256_of_file
from pipeline.model import ExecutorEvent, JobSource, JobState
from pipeline.runner.checking import check_input, check_masks
from pipeline.runner.corrections.adopt import picture_to_adopt
from pipeline.runner.corrections.redo import RecipeChange
from pipeline.runner.gallery.contents import DetailsSource
from pipeline.runner.preparation import resolve_config
from pipeline.runner.trial.like import config_like
from tests.fakes import FakeEngine, write_painting, write_photo
from tests.runner.trial.trying import tried
from tests.workshop import InProcessExecutor, Workshop

CONFIG = """
input: {folder: in, settle_seconds: 0}
output: {folder: out, min_free_disk: 0}
masks: {folder: in/masks}
styles:
  - {name: night, painting: night.jpg}
  - {name: wave, painting: wave.jpg}
  - {name: split, regions: {white: night, black: wave}}
recipes:
  default: {size: 48, scales: 1}
pairing:
  rules: [{match: "**", styles: [split]}]
"""


class Painter(FakeEngine):
    """Notes how much white each photo's mask has; None = it has none, and no regions either."""

    def __init__(self, white: list[float | None]) -> None:
        super().__init__()
        self._white = white

    def _paint(self, request: Request) -> Iterator[Event]:
        assert bool(request.style.regions) == (request.places is not None)
        self._white.append(None if request.places is None else float(np.mean(request.places.regions[0])))
        yield from super()._paint(request)


class Studio:
    """A workshop whose photos have masks."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.masks = workshop.folder / "in" / "masks"
        self.masks.mkdir()

    def mask(self, name: str, white: int, size: tuple[int, int] = (48, 32)) -> Path:
        path = self.masks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, white).save(path)
        return path

    def run(self) -> list[float | None]:
        """Run a pass; return how white the masks of the pictures were that it made, in the order of the photos."""
        white: list[float | None] = []
        self.workshop.run(executor=InProcessExecutor(lambda: Painter(white)))
        return sorted(white, key=lambda share: -1.0 if share is None else share)

    def reasons(self) -> dict[str, int]:
        return dict(self.workshop.plan().reasons)


@pytest.fixture
def studio(workshop: Workshop) -> Studio:
    write_painting(workshop.folder / "wave.jpg", (20, 60, 200))
    workshop.text = CONFIG
    return Studio(workshop)


def test_a_photo_is_painted_by_its_mask_and_one_without_as_a_whole(studio: Studio) -> None:
    studio.workshop.photo("sea/a.png", shade=1)
    studio.workshop.photo("b.png", shade=2)
    studio.mask("sea/a.png", 51)
    assert studio.run() == [None, pytest.approx(0.2)]
    assert studio.workshop.pictures() == ["b--split.jpg", "sea/a--split.jpg"]
    assert studio.run() == []


def test_a_mask_that_comes_changes_or_goes_makes_its_picture_outdated(studio: Studio) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        studio.workshop.photo(name, shade=number)
    assert studio.run() == [None, None]
    mask = studio.mask("a.png", 51)
    assert studio.reasons() == {"mask changed": 1}
    assert studio.run() == [pytest.approx(0.2)]
    studio.mask("a.png", 102)
    assert studio.reasons() == {"mask changed": 1}
    assert studio.run() == [pytest.approx(0.4)]
    mask.unlink()
    assert studio.reasons() == {"mask changed": 1}
    assert studio.run() == [None]
    assert studio.run() == []


def test_a_mask_that_was_only_touched_or_has_its_old_content_again_makes_nothing(studio: Studio) -> None:
    studio.workshop.photo("a.png")
    mask = studio.mask("a.png", 51)
    assert len(studio.run()) == 1
    data = mask.read_bytes()
    mask.unlink()
    mask.write_bytes(data)
    assert studio.run() == []
    studio.mask("a.png", 80)
    studio.workshop.plan()  # records nothing
    mask.write_bytes(data)
    assert studio.run() == []


def test_regions_and_their_paintings_make_only_pictures_with_masks_outdated(studio: Studio) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        studio.workshop.photo(name, shade=number)
    studio.mask("a.png", 51)
    studio.run()
    write_painting(studio.workshop.folder / "wave.jpg", (1, 200, 3))
    assert studio.reasons() == {"regions of style split changed": 1}
    assert studio.run() == [pytest.approx(0.2)]
    studio.workshop.text = studio.workshop.text.replace("black: wave", "black: keep")
    assert studio.reasons() == {"regions of style split changed": 1}
    assert studio.run() == [pytest.approx(0.2)]
    studio.workshop.text = studio.workshop.text.replace(
        "{white: night, black: keep}", "{black: keep, '#FFF' : night}"
    )
    studio.workshop.text = studio.workshop.text.replace("'#FFF' ", '"#ffffff"')
    assert studio.run() == []


def test_kept_pictures_stay_when_their_mask_changes(studio: Studio) -> None:
    studio.workshop.text = CONFIG.replace("min_free_disk: 0", "min_free_disk: 0, on_change: keep")
    studio.workshop.photo("a.png")
    studio.mask("a.png", 51)
    studio.run()
    studio.mask("a.png", 80)
    assert studio.run() == []
    assert studio.workshop.plan().kept == 1


def test_equal_photos_with_different_masks_are_different_pictures(studio: Studio) -> None:
    for name in ("a.png", "b.png", "c.png"):
        studio.workshop.photo(name)
    studio.mask("a.png", 51)
    studio.mask("b.png", 102)
    studio.mask("c.png", 51)
    assert studio.run() == [pytest.approx(0.2), pytest.approx(0.4)]
    assert len(studio.workshop.pictures()) == 3


def test_a_photo_renamed_with_its_mask_has_its_picture_copied(studio: Studio) -> None:
    photo = studio.workshop.photo("a.png")
    mask = studio.mask("a.png", 51)
    studio.run()
    photo.rename(photo.with_name("z.png"))
    mask.rename(mask.with_name("z.png"))
    assert studio.run() == []
    assert "z--split.jpg" in studio.workshop.pictures()


def test_a_photo_in_an_archive_has_its_mask_below_the_archive_s_name(studio: Studio) -> None:
    inner = studio.workshop.photo("1.png")
    with ZipFile(studio.workshop.folder / "in" / "trip.zip", "w") as archive:
        archive.write(inner, "beach/1.png")
    inner.unlink()
    studio.mask("trip.zip/beach/1.png", 51)
    assert studio.run() == [pytest.approx(0.2)]
    studio.mask("trip.zip/beach/1.png", 102)
    assert studio.run() == [pytest.approx(0.4)]


def test_a_mask_is_never_taken_for_a_photo(studio: Studio) -> None:
    studio.workshop.photo("a.png")
    studio.mask("a.png", 51)
    studio.mask("more/b.png", 51)
    with ZipFile(studio.masks / "masks.zip", "w") as archive:
        archive.write(studio.masks / "a.png", "c.png")
    studio.run()
    assert studio.workshop.pictures() == ["a--split.jpg"]
    plan = studio.workshop.plan()
    assert (plan.photos, plan.ingested.unused_masks) == (1, ["more/b.png"])


def test_originals_move_without_their_masks(studio: Studio) -> None:
    studio.workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: done}")
    studio.workshop.photo("a.png")
    mask = studio.mask("a.png", 51)
    assert studio.run() == [pytest.approx(0.2)]
    assert (studio.workshop.folder / "done" / "a.png").exists()
    assert mask.exists()
    assert studio.run() == []


def test_the_mask_of_a_photo_that_was_moved_away_belongs_to_it(studio: Studio) -> None:
    studio.workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: done}")
    studio.workshop.photo("a.png")
    for name in ("a.png", "c.png"):
        studio.mask(name, 51)
    studio.run()
    config = studio.workshop.config()
    assert studio.workshop.plan(config=config).ingested.unused_masks == ["c.png"]
    assert check_masks(config, studio.masks) == f"2 masks in {studio.masks}, 1 of them belongs to no photo (c.png)"
    for file in config.state.folder.glob("ledger.sqlite*"):
        file.write_bytes(b"no database" * 500)
    assert check_masks(config, studio.masks).endswith("2 of them belong to no photo (a.png, c.png)")


def test_a_photo_waits_for_a_mask_that_is_half_there(studio: Studio) -> None:
    studio.workshop.photo("a.png", shade=1)
    studio.workshop.photo("b.png", shade=2)
    mask = studio.mask("a.png", 51)
    data = mask.read_bytes()
    mask.write_bytes(data[:-20])
    assert studio.run() == [None]
    assert studio.workshop.pictures() == ["b--split.jpg"]
    [waiting] = studio.workshop.plan().ingested.set_aside
    assert waiting.path == "a.png"
    assert waiting.reason.startswith(f"its mask {mask.resolve()} is not complete: ")
    mask.write_bytes(data)
    assert studio.run() == [pytest.approx(0.2)]


def test_a_picture_stays_while_its_photo_waits_for_a_mask(studio: Studio) -> None:
    studio.workshop.photo("a.png")
    studio.run()
    mask = studio.mask("a.png", 51)
    data = mask.read_bytes()
    mask.write_bytes(data[:-20])
    assert studio.run() == []
    with studio.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 1
    mask.write_bytes(data)
    assert studio.run() == [pytest.approx(0.2)]


def test_two_masks_of_a_photo_are_refused_until_one_is_left(studio: Studio) -> None:
    studio.workshop.photo("a.png")
    first, second = studio.mask("a.png", 51), studio.mask("a.tif", 102)
    assert studio.run() == []
    [waiting] = studio.workshop.plan().ingested.set_aside
    assert waiting.reason == f"it has several masks, {first.resolve()} and {second.resolve()}: delete all but one"
    first.unlink()
    assert studio.run() == [pytest.approx(0.4)]


@pytest.mark.parametrize("size", [(48, 48), (32, 48)])
def test_a_mask_that_can_t_be_used_fails_its_picture_once_until_it_changes(
    studio: Studio, size: tuple[int, int]
) -> None:
    studio.workshop.photo("a.png", shade=1)
    studio.workshop.photo("b.png", shade=2)
    studio.mask("a.png", 51, size)
    assert studio.run() == [None]
    [failed] = studio.workshop.failed()
    assert failed.state is JobState.QUARANTINED
    assert f"{size[0]} × {size[1]} pixels" in failed.reason
    assert studio.run() == []
    studio.mask("a.png", 51)
    assert studio.run() == [pytest.approx(0.2)]


def test_masks_that_are_gone_with_their_folder_make_no_picture_again(studio: Studio) -> None:
    studio.workshop.text = CONFIG.replace("in/masks", "elsewhere")
    studio.masks = studio.workshop.folder / "elsewhere"
    studio.workshop.photo("a.png")
    studio.mask("a.png", 51)
    studio.run()
    studio.masks.rename(studio.masks.with_name("unmounted"))
    with pytest.raises(StorageError, match=r"masks.folder: .* no mask is treated as deleted"):
        studio.run()
    studio.masks.with_name("unmounted").rename(studio.masks)
    assert studio.run() == []


@pytest.mark.parametrize(("before", "after"), [(51, 102), (51, None), (None, 102)])
def test_a_mask_that_changes_after_the_scan_gives_its_job_back(
    studio: Studio, before: int | None, after: int | None
) -> None:
    white: list[float | None] = []

    def put(photo: str, shade: int | None) -> None:
        if shade is None:
            (studio.masks / photo).unlink(missing_ok=True)
        else:
            studio.mask(photo, shade)

    class Meddler(InProcessExecutor):
        """Changes the mask of a photo that is not claimed yet."""

        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            first = [*source(1)]
            (other,) = {"a.png", "b.png"} - {first[0].job.photo}
            put(other, after)
            yield from super().run(lambda count: [first.pop()] if first else source(count))

    for number, name in enumerate(("a.png", "b.png")):
        studio.workshop.photo(name, shade=number)
        put(name, before)
    studio.workshop.run(executor=Meddler(lambda: Painter(white)))
    assert len(white) == 1
    with studio.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.PENDING] == 1
    assert studio.run() == [None if after is None else pytest.approx(0.4)]


def test_check_and_plan_name_the_masks_that_belong_to_no_photo(studio: Studio) -> None:
    studio.workshop.photo("a.png")
    for name in ("a.png", "old/b.png", "c.png"):
        studio.mask(name, 51)
    config = studio.workshop.config()
    assert check_masks(config, studio.masks) == (
        f"3 masks in {studio.masks}, 2 of them belong to no photo (c.png, old/b.png)"
    )
    assert check_input(config, False).startswith("1 photo in ")
    assert studio.workshop.plan(config=config).ingested.unused_masks == ["c.png", "old/b.png"]
    studio.workshop.text = CONFIG[: CONFIG.index("  - {name: split")] + "recipes: {default: {size: 48, scales: 1}}"
    assert check_masks(studio.workshop.config(), studio.masks).endswith("; no style has regions, so none is used")
    assert check_masks(studio.workshop.config(), studio.masks / "nowhere").startswith("0 masks in ")
    with pytest.raises(StorageError, match=r"^masks\.folder: "):
        check_masks(config, studio.masks / "nowhere")


def test_a_plan_counts_the_targets_of_all_regions_and_the_largest_painting(studio: Studio) -> None:
    studio.workshop.photo("a.png")
    studio.workshop.text = CONFIG.replace("wave.jpg}", "wave.jpg, scale: 2}")
    resolved = resolve_config(studio.workshop.config())
    assert resolved.styles["split"].largest_scale() == 2
    assert [style.name for style in resolved.styles["split"].painted()] == ["night", "wave"]
    one = studio.workshop.plan().forecast.seconds
    studio.workshop.text = CONFIG.replace("black: wave", "black: keep")
    assert studio.workshop.plan().forecast.seconds < one


def test_try_uses_the_mask_of_a_photo_in_the_input_folder(studio: Studio) -> None:
    photo = studio.workshop.photo("sea/a.png")
    elsewhere = write_photo(studio.workshop.folder / "elsewhere" / "a.png")
    studio.mask("sea/a.png", 51)
    white: list[float | None] = []
    executor = InProcessExecutor(lambda: Painter(white))
    tried(studio.workshop, [photo, elsewhere], studio.workshop.folder / "tries", ["split"], executor=executor)
    assert white == [pytest.approx(0.2), None]
    studio.mask("sea/a.bmp", 51)
    with pytest.raises(UsageError, match="has several masks"):
        tried(studio.workshop, [photo], studio.workshop.folder / "tries", ["split"])


def test_a_picture_made_by_a_mask_can_t_be_made_again_like_others_but_its_recipe_can_be_adopted(
    studio: Studio,
) -> None:
    studio.workshop.photo("a.png")
    studio.mask("a.png", 51)
    studio.run()
    picture = studio.workshop.out / "a--split.jpg"
    with pytest.raises(UsageError, match="was made by its photo's mask, with a style for each region"):
        config_like(picture, studio.workshop.folder / "stylewatch.yaml")
    studio.workshop.text = CONFIG.replace("black: wave", "black: keep").replace("size: 48", "size: 64")
    found = picture_to_adopt(picture, resolve_config(studio.workshop.config()), None)
    assert (found.settings.recipe.size, found.settings.scale) == (48, 1.0)
    assert "style split has other regions than the picture, whose regions are not adopted" in found.notes


def test_the_details_of_a_picture_say_what_was_where(studio: Studio) -> None:
    studio.workshop.text = CONFIG.replace("wave.jpg}", "wave.jpg, scale: 2}")
    studio.workshop.photo("a.png")
    studio.mask("a.png", 51)
    studio.run()
    with studio.workshop.ledger() as ledger:
        (row,) = ledger.gallery.rows(0, 9)
        found = ledger.gallery.details(row.id)
    assert found is not None
    details = DetailsSource(studio.workshop.out, studio.workshop.folder / "in", lambda _: False).value(found)
    assert details["places"] == ["night where the mask is white", "wave where the mask is black"]
    named = [(painting["name"], painting["scale"]) for painting in details["paintings"]]
    assert (named, details["scale"]) == ([("night.jpg", 1.0), ("wave.jpg", 2.0)], 1.0)
    assert "regions: {'#ffffff': night, '#000000': wave}" in details["yaml"]


def test_another_recipe_for_a_picture_keeps_its_mask(studio: Studio) -> None:
    studio.workshop.text = CONFIG.replace("recipes:\n", "recipes:\n  fine: {size: 40, scales: 1}\n")
    studio.workshop.photo("a.png")
    studio.mask("a.png", 51)
    studio.run()
    config = studio.workshop.config()
    with studio.workshop.ledger() as ledger:
        change = RecipeChange(ledger, resolve_config(config), "jpeg", "repaint", studio.workshop.out)
        assert len(change.apply(ledger.pictures.all(), "fine").again) == 1
        (claim,) = ledger.leases.claim(9, "name")
        masked = ledger.masks.of(claim.settings_sha256)
        ledger.leases.release(claim.token)
    assert masked is not None
    assert masked.mask_sha256 == sha256_of_file(studio.masks / "a.png")
    assert studio.run() == [pytest.approx(0.2)]
