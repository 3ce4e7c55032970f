from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.config import load_variants
from pipeline.config.settings import folder_settings
from pipeline.errors import UsageError
from pipeline.hashing import settings_sha256
from pipeline.images.encode import Provenance, write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import PictureOptions
from pipeline.runner.preparation import ledger_file, open_ledger, resolve_config
from pipeline.runner.trial.like import config_like, find_config, find_photo
from tests.fakes import write_painting
from tests.runner.trial.trying import tried, tried_whole
from tests.workshop import Workshop

RECIPE = (
    "  fine: {size: 64, scales: [32, 64], iterations: [9, 8], content_layers: [relu5_2, relu4_1], optimizer: adam,"
    " style_layers: {relu1_1: 0.5}, content_weight: 0.3}\n"
)


class Made(Workshop):
    """A workshop with a picture, whose config has other settings since."""

    @property
    def config_file(self) -> Path:
        return self.folder / "stylewatch.yaml"

    def make(self, name: str = "a.png") -> Path:
        self.photo(name)
        self.run()
        with open_ledger(self.config(), config_file=self.config_file):
            pass
        picture = next(path for path in self.out.glob("*.jpg") if path.name.startswith("a--"))
        self.text = self.text.replace("content_weight: 0.3", "content_weight: 7").replace("scale: 0.5", "scale: 3")
        self.config_file.write_text(self.text, encoding="utf-8")
        return picture


@pytest.fixture
def made(tmp_path: Path) -> Made:
    workshop = Made(tmp_path)
    workshop.text = workshop.text.replace("night.jpg}", "night.jpg, scale: 0.5, recipe: fine}") + RECIPE
    return workshop


def test_a_picture_can_be_made_again_at_a_quality_whatever_its_own_numbers(made: Made) -> None:
    like = config_like(made.make(), made.config_file, ["quality=print", "strength=0.3"])
    recipe = resolve_config(like.found.config).recipes["fine"]
    assert (recipe.size, recipe.sizes()[0], recipe.strength, recipe.content_weight) == (2048, 128, 0.3, 0.3)
    assert "quality: print" in like.text


def test_a_pictures_settings_stand_in_it_whatever_the_config_says_now(made: Made) -> None:
    wanted = resolve_config(made.config())
    picture = made.make()
    like = config_like(picture, made.config_file)
    resolved = resolve_config(like.found.config)
    assert resolved.styles["night"] == wanted.styles["night"]
    assert resolved.recipes["fine"] == wanted.recipes["fine"]
    assert like.found.config.styles[0].recipes == ("fine",)
    assert like.notes == ()
    assert folder_settings(like.found.config) == folder_settings(made.config())


def test_what_is_printed_loads_again_as_a_config(made: Made) -> None:
    wanted = resolve_config(made.config())
    like = config_like(made.make(), made.config_file)
    assert like.text.startswith("# as in 'a--night--fine.jpg'\nstyles:\n  - name: night\n    painting: night.jpg\n")
    again = made.folder / "again.yaml"
    again.write_text(like.text, encoding="utf-8")
    resolved = resolve_config(load_variants(again).config)
    assert (resolved.styles["night"], resolved.recipes["fine"]) == (wanted.styles["night"], wanted.recipes["fine"])


@pytest.mark.parametrize("recipe", ["optimizer: adam", "optimizer: adam, learning_rate: 1", "learning_rate: 0.5", ""])
def test_every_learning_rate_comes_back(made: Made, recipe: str) -> None:
    made.text = made.text.replace(RECIPE, f"  fine: {{size: 32, scales: 1, {recipe}}}\n".replace(", }", "}"))
    wanted = resolve_config(made.config()).recipes["fine"]
    like = config_like(made.make(), made.config_file)
    assert like.found.config.recipes_by_name()["fine"] == wanted


def test_settings_are_changed_by_options_which_may_list_values(made: Made) -> None:
    picture = made.make()
    like = config_like(picture, made.config_file, ["content_weight=[0.1, 0.2]", "scale=2"])
    assert [variant.recipe.content_weight for variant in like.found.recipes["fine"]] == [0.1, 0.2]
    assert like.found.config.styles[0].scale == 2
    assert "content_weight: [0.1, 0.2]" in like.text
    with pytest.raises(UsageError, match="--set seed=x: must be a whole number"):
        config_like(picture, made.config_file, ["seed=x"])


def test_config_and_photo_are_found_by_the_records(made: Made) -> None:
    picture = made.make()
    assert find_config(picture) == made.config_file
    found = load_variants(made.config_file)
    assert find_photo(picture, found) == made.folder / "in" / "a.png"
    elsewhere = picture.rename(made.folder / "moved.jpg")
    assert find_photo(elsewhere, found) == made.folder / "in" / "a.png"


def test_a_copied_output_folder_is_not_that_of_its_config(made: Made) -> None:
    picture = made.make()
    copy = made.folder / "copy"
    shutil.copytree(made.out, copy)
    with pytest.raises(
        UsageError, match=r"stylewatch\.yaml made the pictures in .*copy, and writes to .*out: name a"
    ):
        find_config(copy / picture.name)


def test_the_photo_of_a_try_is_found_by_its_key(made: Made) -> None:
    made.make()
    made.photo("b.png", shade=3)
    made.run()
    tried(made, [made.folder / "in" / "b.png"], made.out / "try" / "b")
    picture = made.out / "try" / "b" / "night--fine.jpg"
    assert find_config(picture) == made.config_file
    assert find_photo(picture, load_variants(made.config_file)) == made.folder / "in" / "b.png"


def test_a_variant_is_made_again_from_itself(made: Made) -> None:
    made.make()
    made.text = made.text.replace("content_weight: 7", "content_weight: [0.25, 0.5]")
    _, result = tried_whole(made, [made.folder / "in" / "a.png"])
    pictures = result.pictures
    like = config_like(pictures[1], made.config_file)
    assert like.found.axes == ()
    assert like.found.config.recipes_by_name()["fine"].content_weight == 0.5
    assert find_photo(pictures[1], like.found) == made.folder / "in" / "a.png"


def test_a_photo_that_is_gone_or_unknown_is_told(made: Made) -> None:
    picture = made.make()
    found = load_variants(made.config_file)
    (made.folder / "in" / "a.png").unlink()
    with pytest.raises(UsageError, match=r"its photo, a\.png, is not in .*; name it, too: --like PICTURE PHOTO"):
        find_photo(picture, found)
    ledger_file(folder_settings(made.config())).unlink()
    with pytest.raises(UsageError, match="its photo is not on record; name it, too"):
        find_photo(picture, found)


def test_a_photo_that_was_moved_when_it_was_done_is_found_there(made: Made) -> None:
    made.text = made.text.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: done}")
    picture = made.make()
    assert find_photo(picture, load_variants(made.config_file)) == made.folder / "done" / "a.png"


def test_a_painting_that_was_renamed_is_found_by_its_content(made: Made) -> None:
    picture = made.make()
    (made.folder / "night.jpg").rename(made.folder / "stars.jpg")
    made.config_file.write_text(made.text.replace("night.jpg", "stars.jpg").replace("name: night", "name: stars"))
    like = config_like(picture, made.config_file)
    assert [style.name for style in like.found.config.styles] == ["night"]
    assert [each.path for each in like.found.config.styles[0].paintings] == [made.folder.resolve() / "stars.jpg"]
    assert like.notes == ()


def test_a_painting_that_has_changed_is_used_with_a_warning(made: Made) -> None:
    picture = made.make()
    write_painting(made.folder / "night.jpg", (20, 180, 250))
    [note] = config_like(picture, made.config_file).notes
    assert note.endswith("night.jpg has changed since: it had other content when the picture was made")


def test_a_painting_that_no_style_has_is_named(made: Made) -> None:
    picture = made.make()
    write_painting(made.folder / "day.jpg", (20, 180, 250))
    made.config_file.write_text(made.text.replace("painting: night.jpg", "painting: day.jpg"))
    with pytest.raises(
        UsageError, match=r"its painting night\.jpg is in no style of the config; add a style with it"
    ):
        config_like(picture, made.config_file)


@pytest.mark.parametrize(
    "written",
    [
        "paintings: {night.jpg: 0.7, day.jpg: {weight: 0.3, scale: 0.5}}",
        "paintings: [night.jpg, {painting: night.jpg, weight: 0.3, scale: 0.5}]",
    ],
)
def test_a_blend_keeps_its_weights_and_scales(made: Made, written: str) -> None:
    write_painting(made.folder / "day.jpg", (20, 180, 250))
    made.text = made.text.replace("painting: night.jpg", written)
    wanted = resolve_config(made.config())
    like = config_like(made.make(), made.config_file)
    style, recipe = resolve_config(like.found.config).styles["night"], wanted.recipes["fine"]
    assert settings_sha256(style, recipe, "") == settings_sha256(wanted.styles["night"], recipe, "")


def test_an_image_to_start_from_is_found_by_its_content_or_by_its_name(made: Made) -> None:
    start = write_painting(made.folder / "start.jpg", (20, 180, 250))
    made.text = made.text.replace("size: 64", "size: 64, init: {image: 1, noise: 1}, init_image: start.jpg")
    wanted = resolve_config(made.config()).recipes["fine"]
    picture = made.make()
    like = config_like(picture, made.config_file)
    assert resolve_config(like.found.config).recipes["fine"] == wanted
    assert like.text.endswith("    init: {noise: 1, image: 1}\n    init_image: start.jpg")
    start.rename(made.folder / "begin.jpg")
    made.config_file.write_text(made.text.replace("start.jpg", "begin.jpg"))
    found = resolve_config(config_like(picture, made.config_file).found.config).recipes["fine"]
    assert (found.init_image, found.init_image_sha256) == (
        made.folder.resolve() / "begin.jpg",
        wanted.init_image_sha256,
    )
    made.config_file.write_text(made.text.replace("init: {image: 1, noise: 1}, init_image: start.jpg, ", ""))
    with pytest.raises(
        UsageError, match=r"started from, start\.jpg, is in no recipe or style of the config and not beside it"
    ):
        config_like(picture, made.config_file)
    write_painting(start, (1, 2, 3))
    assert "start.jpg, has changed since" in config_like(picture, made.config_file).notes[0]


def test_an_image_to_start_from_is_found_among_the_paintings(made: Made) -> None:
    start = write_painting(made.folder / "start.jpg", (20, 180, 250))
    made.text = made.text.replace("size: 64", "size: 64, init: image, init_image: start.jpg")
    wanted = resolve_config(made.config()).recipes["fine"]
    picture = made.make()
    (made.folder / "more").mkdir()
    moved = start.rename(made.folder / "more" / "sea.jpg")
    made.config_file.write_text(
        made.text.replace("init: image, init_image: start.jpg, ", "").replace(
            "styles:\n", "styles:\n  - {name: sea, painting: more/sea.jpg}\n"
        )
    )
    found = resolve_config(config_like(picture, made.config_file).found.config).recipes["fine"]
    assert (found.init_image, found.init_image_sha256) == (moved.resolve(), wanted.init_image_sha256)


def old_picture(path: Path, style: str, recipe: str, pixels: object) -> Path:
    write_picture(
        pixels,  # type: ignore[arg-type]
        None,
        Metadata(),
        Provenance(style, recipe, "stylewatch 0.0.1", "ab" * 32),
        PictureOptions(),
        path,
    )
    return path


def test_an_older_versions_picture_has_names_only_and_that_is_said(made: Made) -> None:
    import numpy as np

    pixels = np.zeros((8, 8, 3), np.uint8)
    made.config_file.write_text(made.text, encoding="utf-8")
    like = config_like(old_picture(made.folder / "old.jpg", "night", "fine", pixels), made.config_file)
    assert like.found.config.recipes_by_name()["fine"] == made.config().recipes_by_name()["fine"]
    assert like.found.config.styles[0].recipes == ("fine",)
    assert like.notes == (
        f"an older version made it: style night and recipe fine are as {made.config_file} has them now",
    )
    for style, recipe, kind in (("day", "fine", "style"), ("night", "huge", "recipe")):
        picture = old_picture(made.folder / f"{kind}.jpg", style, recipe, pixels)
        with pytest.raises(UsageError, match=f"has only the name of its {kind}"):
            config_like(picture, made.config_file)


def test_an_older_versions_picture_by_an_imported_recipe_is_made_as_that_is_now(made: Made) -> None:
    import numpy as np

    (made.folder / "more.yaml").write_text("loose: {size: 48, content_weight: 5}\n", encoding="utf-8")
    made.config_file.write_text(made.text.replace("recipes:\n", "recipes:\n  import: more.yaml\n"), encoding="utf-8")
    picture = old_picture(made.folder / "old.jpg", "night", "loose", np.zeros((8, 8, 3), np.uint8))
    recipe = config_like(picture, made.config_file).found.config.recipes_by_name()["loose"]
    assert (recipe.size, recipe.content_weight) == (48, 5)


def test_a_picture_of_another_program_is_refused(made: Made) -> None:
    painting = made.folder / "night.jpg"
    for call in (lambda: config_like(painting, made.config_file), lambda: find_config(painting)):
        with pytest.raises(UsageError, match="is no picture of stylewatch, or another program has taken"):
            call()


def test_a_config_that_is_not_known_is_asked_for(made: Made) -> None:
    picture = made.make()
    made.config_file.rename(made.folder / "other.yaml")
    with pytest.raises(UsageError, match=r"is not known \(.*stylewatch\.yaml is gone\): name it, before the photo"):
        find_config(picture)
    alone = (made.folder / "alone").absolute()
    alone.mkdir()
    with pytest.raises(UsageError, match="lies in no folder with records of pictures: name the config"):
        find_config(picture.rename(alone / "a.jpg"))
