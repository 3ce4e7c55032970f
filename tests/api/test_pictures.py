"""Whatever a photo or painting is given as, it becomes the same pixels; what is none is refused in a sentence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.api.pictures import PaintingInMemory, PhotoReader, load_painting, style_of
from pipeline.errors import (
    CodecError,
    ConfigError,
    OutOfMemoryError,
    PaintingChangedError,
    PaintingError,
    PhotoError,
    StylewatchError,
)
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import DecodedPhoto
from pipeline.model import Recipe, SizeRule
from tests.images.pictures import CORNERS, assert_color, corners_of, four_corners, orientation_block

SIZE = 64


def read(photo: object, *, size: int = SIZE, max_pixels: int = 10_000_000, memory: float = math.inf) -> DecodedPhoto:
    return PhotoReader(Recipe(size=size), max_pixels, memory).read(photo, "photo")[0]


def turned(folder: Path) -> Path:
    """Write a photo that lies on its side, by its tag."""
    path = folder / "turned.png"
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(four_corners())))
    stored.save(path, exif=b"Exif\0\0" + orientation_block(6))
    return path


def test_a_photo_has_the_same_pixels_as_a_path_an_image_and_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    noise = np.random.default_rng(0).integers(0, 256, (40, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    expected = read(path).pixels
    assert expected.shape == (27, 64, 3)
    forms: list[object] = [str(path), Image.open(path), Image.fromarray(noise), noise, noise / 255]
    forms += [(noise / 255).astype(np.float32), noise[:, ::-1][:, ::-1], np.dstack([noise, np.full((40, 96), 255)])]
    forms[-1] = np.asarray(forms[-1]).astype(np.uint8)
    for form in forms:
        photo = read(form)
        assert np.array_equal(photo.pixels, expected)
        assert photo.alpha is None


def test_files_and_images_are_turned_upright(tmp_path: Path) -> None:
    path = turned(tmp_path)
    with Image.open(path) as image:
        for form in (path, image, image.copy()):
            assert_color(corners_of(read(form).pixels), CORNERS)


def test_an_image_that_is_given_stays_as_it_was(tmp_path: Path) -> None:
    with Image.open(turned(tmp_path)) as image:
        before = image.size, image.mode
        read(image, size=16)
        assert (image.size, image.mode) == before
        assert image.getexif()[0x0112] == 6


def test_gray_is_gray_in_all_forms() -> None:
    gray = np.arange(48 * SIZE, dtype=np.uint32).reshape(48, SIZE).astype(np.uint8)
    for form in (gray, gray[..., None], gray / 255, Image.fromarray(gray)):
        assert np.array_equal(read(form).pixels, np.dstack([gray] * 3))


def test_transparent_parts_are_white_and_their_alpha_is_kept() -> None:
    pixels = np.zeros((SIZE, SIZE, 4), np.uint8)
    pixels[: SIZE // 2, :, 3] = 255
    for form in (pixels, pixels / 255, Image.fromarray(pixels)):
        photo = read(form)
        assert photo.alpha is not None
        assert photo.alpha[0, 0] == 255
        assert photo.alpha[-1, 0] == 0
        assert photo.pixels[0, 0].tolist() == [0, 0, 0]
        assert photo.pixels[-1, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (None, "photo must be a path, a Pillow image or a numpy array, found NoneType"),
        ([1, 2], "photo must be a path, a Pillow image or a numpy array, found list"),
        (np.zeros((3, 8, 9), np.uint8), "found (3, 8, 9); colors come last: array.transpose(1, 2, 0)"),
        (np.zeros((8, 9, 2), np.uint8), "photo must be an array of the shape (height, width, 3) for RGB"),
        (np.zeros((1, 8, 9, 3), np.uint8), "found (1, 8, 9, 3)"),
        (np.zeros(9, np.uint8), "found (9,)"),
        (np.zeros((0, 9, 3), np.uint8), "photo must have pixels, found an empty array (0, 9, 3)"),
        (np.zeros((8, 9, 3), np.int64), "photo must hold uint8 (0 to 255) or floats (0 to 1), found int64"),
        (np.zeros((8, 9, 3), bool), "found bool"),
        (np.zeros((8, 9), complex), "found complex128"),
        (np.full((8, 9, 3), math.nan), "photo must hold finite numbers, found nan or inf"),
        (np.full((8, 9), math.inf), "photo must hold finite numbers, found nan or inf"),
        (np.full((8, 9, 3), 200.0), "must hold floats from 0 to 1, found 200 to 200; divide by 255, or use uint8"),
        (np.linspace(-1, 1, 12).reshape(3, 4), "must hold floats from 0 to 1, found -1 to 1; clip or rescale it"),
        (Image.new("RGB", (0, 4)), "photo must have pixels, found an image of 0 × 4"),
        ("nowhere.jpg", "nowhere.jpg can't be read (No such file or directory); name an existing picture"),
        ("a\0b", "can't be read (embedded null byte)"),
        (Path(__file__), "test_pictures.py: the file is not a JPEG, PNG, "),
    ],
)
def test_what_is_no_photo_is_refused_in_a_sentence(photo: object, message: str) -> None:
    with pytest.raises(PhotoError) as caught:
        read(photo)
    assert message in str(caught.value)


def test_a_file_with_too_many_pixels_is_a_bomb_but_an_image_that_is_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (100, 100)).save(path)
    with pytest.raises(PhotoError, match="more than the allowed 9999"):
        read(path, max_pixels=9999)
    with Image.open(path) as image:
        assert read(image, max_pixels=9999).pixels.shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize("form", ["path", "image", "array"])
def test_a_picture_that_takes_more_memory_than_is_free_is_refused_before_it_is_begun(
    tmp_path: Path, form: str
) -> None:
    path = tmp_path / "a.png"
    image = Image.new("RGB", (40, 20))
    image.save(path)
    photo = {"path": path, "image": image, "array": np.asarray(image)}[form]
    with pytest.raises(
        OutOfMemoryError, match=r"a picture of 4000 × 2000 pixels takes about .* GB of memory, and 2.5"
    ):
        read(photo, size=4000, memory=2.5e9)


class Unreadable(Image.Image):
    """An image whose library is missing, or that finds no memory."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._size = (8, 8)
        self.error = error

    def load(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind", "painting"),
    [
        (MemoryError(), OutOfMemoryError, OutOfMemoryError),
        (ImportError("no such library"), CodecError, PaintingError),
        (OSError("broken data stream"), PhotoError, PaintingError),
    ],
)
def test_what_can_not_be_decoded_is_an_error_of_the_program(
    error: Exception, kind: type[StylewatchError], painting: type[StylewatchError]
) -> None:
    with pytest.raises(kind, match=r"^photo: "):
        read(Unreadable(error))
    image = Unreadable(error)
    image._size = (64, 64)
    with pytest.raises(painting, match=r"^painting: "):
        style_of(image, 1.0)


def test_a_painting_in_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    Image.fromarray(four_corners(64)).save(path)
    (painting,) = style_of(path, 0.5).paintings
    assert (painting.path, painting.sha256, painting.weight) == (path, sha256_of_file(path), 1.0)
    assert style_of(str(path), 0.5).scale == 0.5
    assert np.array_equal(load_painting(painting, 64), four_corners(64))
    Image.fromarray(four_corners(48)).save(path)
    with pytest.raises(PaintingChangedError):
        load_painting(painting, 64)


def test_a_painting_in_memory_is_known_by_its_pixels() -> None:
    pixels = four_corners(64)
    forms = [pixels, Image.fromarray(pixels), pixels / 255]
    known = [style_of(form, 1.0).paintings[0] for form in forms]
    assert len({painting.sha256 for painting in known}) == 1
    assert all(isinstance(painting, PaintingInMemory) for painting in known)
    assert np.array_equal(load_painting(known[0], 64), pixels)
    other = style_of(pixels.reshape(128, 64, 3), 1.0).paintings[0]
    assert other.sha256 != known[0].sha256


def test_a_blend_is_a_mapping_or_a_list(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    image = Image.fromarray(four_corners(64))
    image.save(path)
    assert [part.weight for part in style_of({str(path): 0.7}, 1.0).paintings] == [0.7]
    assert style_of({path: {"weight": 0.7, "scale": 0.5}}, 1.0).paintings[0].scale == 0.5
    blend = style_of([path, (image, 0.5), (four_corners(48), 1, 0.25)], 1.0)
    assert [(part.weight, part.scale) for part in blend.paintings] == [(1.0, 1.0), (0.5, 1.0), (1.0, 0.25)]
    assert [part.path.name for part in blend.paintings] == ["p.png", "painting[1]", "painting[2]"]


@pytest.mark.parametrize(
    ("painting", "message"),
    [
        (5, "painting must be a path, a Pillow image or a numpy array, found int"),
        ("nowhere.jpg", "nowhere.jpg can't be read"),
        (Path(__file__), "the file is not a JPEG"),
        (np.zeros((20, 40), np.uint8), "painting is only 40 × 20 pixels; each side must have 32 at least"),
        ([four_corners(64), np.zeros((40, 20), np.uint8)], "painting[1] is only 20 × 40 pixels"),
    ],
)
def test_what_is_no_painting_is_refused_in_a_sentence(painting: Any, message: str) -> None:
    with pytest.raises(PaintingError) as caught:
        style_of(painting, 1.0)
    assert message in str(caught.value)


@pytest.mark.parametrize("painting", [{}, [], [(np.zeros((64, 64), np.uint8), 0)], {"a.jpg": "1"}])
def test_a_blend_needs_paintings_with_weights(painting: Any) -> None:
    with pytest.raises(ConfigError, match=r"^painting"):
        style_of(painting, 1.0)


def test_a_rule_makes_each_photo_s_own_recipe_of_it(tmp_path: Path) -> None:
    rule = SizeRule.parse("original")
    reader = PhotoReader(Recipe(size=4000, size_rule=rule), 10_000_000, math.inf)
    path = turned(tmp_path)
    with Image.open(path) as image:
        for form, long in ((path, max(image.size)), (np.zeros((40, 20, 3), np.uint8), 40)):
            photo, recipe = reader.read(form, "photo")
            assert max(photo.pixels.shape) == recipe.size == long
            assert recipe.size_rule is None
