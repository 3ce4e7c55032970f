import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import JobError, PhotoError
from pipeline.hashing import sha256_of_bytes
from pipeline.images import previews
from pipeline.images.encode import Provenance, read_provenance, write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import PictureOptions, PreviewOptions
from pipeline.model.gallery_files import (
    live_name,
    painting_copy_name,
    photo_copy_name,
    photo_thumbnail_name,
    thumbnail_name,
)

SHA = "ab" * 32
UPSIDE_DOWN = 3
ORIENTATION, GPS = 0x0112, 0x8825


def options_in(folder: Path, **changes: object) -> PreviewOptions:
    return PreviewOptions(folder=folder / "gallery", **{"thumbnail_pixels": 40, "photo_pixels": 100, **changes})


def opened(options: PreviewOptions, name: str) -> Image.Image:
    with Image.open(options.folder / name) as image:
        image.load()
        assert image.format == "WEBP"
        return image


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(size: tuple[int, int], exif: Image.Exif | None = None) -> bytes:
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0], size[1] // 2))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, exif=exif or Image.Exif())
    return buffer.getvalue()


def test_light_is_averaged_so_that_a_checkerboard_does_not_come_out_too_dark():
    board = np.zeros((240, 240, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    small = previews.reduced(board, 24)
    assert small.shape == (24, 24, 3)
    assert np.abs(small.astype(int) - 188).max() <= 1  # the mean of sRGB's values would be 128


@pytest.mark.parametrize("shape", [(401, 997), (2001, 301), (50, 1613)])
def test_flat_colors_stay_and_edges_are_not_shifted_whatever_the_sides_are(shape):
    height, width = shape
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[:, width // 2 :] = 200
    small = previews.reduced(pixels, 40)
    assert max(small.shape[:2]) == 40
    assert abs(int(small[0, 0, 0]) - 90) <= 1
    assert abs(int(small[-1, -1, 0]) - 200) <= 1
    split = (small[small.shape[0] // 2, :, 0] > 150).mean()
    assert abs(split - 0.5) <= 0.5 / small.shape[1] + 0.02


def test_bands_do_not_show_in_a_picture_that_is_larger_than_one():
    pixels = noise(1500, 1500)
    small = previews.reduced(pixels, 100)
    light = previews.srgb_to_linear(pixels.astype(np.float32) / 255)
    whole = light.reshape(100, 15, 100, 15, 3).mean(axis=(1, 3))
    assert np.abs(small - previews.linear_to_srgb(whole) * 255).mean() < 6


def test_small_pictures_are_not_enlarged_and_deep_ones_are_rounded():
    deep = np.full((10, 20, 3), 0.5, np.float32)
    assert previews.reduced(deep, 400).tolist() == np.full((10, 20, 3), 128).tolist()
    assert np.abs(previews.reduced(deep, 10).astype(int) - 128).max() <= 1


def test_transparent_parts_of_a_picture_lie_over_white(tmp_path):
    options, alpha = options_in(tmp_path), np.zeros((30, 60), np.uint8)
    previews.save_thumbnail(options, SHA, np.zeros((30, 60, 3), np.uint8), alpha)
    thumbnail = opened(options, thumbnail_name(SHA))
    assert thumbnail.size == (40, 20)
    assert thumbnail.getpixel((20, 10)) == (255, 255, 255)


def test_copies_of_a_photo_are_made_once_and_again_only_if_they_were_smaller(tmp_path):
    options = options_in(tmp_path)
    previews.save_photo_copies(options, SHA, noise(30, 60))
    large = options.folder / photo_copy_name(SHA)
    first = large.stat()
    previews.save_photo_copies(options, SHA, noise(30, 60))
    previews.save_photo_copies(options, SHA, noise(15, 30))
    assert large.stat().st_mtime_ns == first.st_mtime_ns
    assert large.stat().st_ino == first.st_ino
    previews.save_photo_copies(options, SHA, noise(100, 200))
    assert opened(options, photo_copy_name(SHA)).size == (100, 50)
    assert opened(options, photo_thumbnail_name(SHA)).size == (40, 20)


def test_no_copy_of_a_photo_is_made_with_size_0(tmp_path):
    options, data = options_in(tmp_path, photo_pixels=0), jpeg((60, 30))
    previews.save_photo_copies(options, SHA, noise(30, 60))
    previews.make_photo_copies_from_file(options, sha256_of_bytes(data), data)
    assert not options.folder.exists()


def test_a_damaged_copy_is_replaced(tmp_path):
    options = options_in(tmp_path)
    path = previews.save_thumbnail(options, SHA, noise(30, 60))
    path.write_bytes(path.read_bytes()[:20])
    previews.save_thumbnail(options, SHA, noise(30, 60))
    assert opened(options, thumbnail_name(SHA)).size == (40, 20)


def test_copies_from_a_photos_file_are_upright_and_tell_no_place(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = UPSIDE_DOWN
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 31.0, 0.0)})
    options, data = options_in(tmp_path), jpeg((300, 200), exif)
    previews.make_photo_copies_from_file(options, sha256_of_bytes(data), data)
    for name, size in ((photo_copy_name, (100, 67)), (photo_thumbnail_name, (40, 27))):
        copy = opened(options, name(sha256_of_bytes(data)))
        assert copy.size == size
        red, _, blue = copy.getpixel((5, 2))
        assert blue > red  # the red half is below
        assert not dict(copy.getexif())
        assert not {"exif", "xmp", "icc_profile"} & copy.info.keys()


def test_a_pictures_thumbnail_from_its_file_has_not_its_provenance(tmp_path):
    options, picture = options_in(tmp_path), tmp_path / "a.png"
    write_picture(
        noise(60, 90),
        np.full((60, 90), 255, np.uint8),
        Metadata(),
        Provenance("night", "default", "stylewatch", "k"),
        PictureOptions(format="png"),
        picture,
    )
    path = previews.make_thumbnail_from_file(options, sha256_of_bytes(picture.read_bytes()), picture)
    assert opened(options, thumbnail_name(sha256_of_bytes(picture.read_bytes()))).size == (40, 27)
    assert read_provenance(path) is None


def test_a_painting_is_copied_at_twice_the_size_of_thumbnails(tmp_path):
    options, data = options_in(tmp_path), jpeg((300, 200))
    sha256 = sha256_of_bytes(data)
    previews.make_painting_copy_from_file(options, sha256, data)
    assert opened(options, painting_copy_name(sha256)).size == (80, 53)
    small = jpeg((30, 20))
    previews.make_painting_copy_from_file(options, sha256_of_bytes(small), small)
    assert opened(options, painting_copy_name(sha256_of_bytes(small))).size == (30, 20)


def test_a_file_that_has_changed_or_is_no_picture_is_refused(tmp_path):
    options = options_in(tmp_path)
    with pytest.raises(PhotoError, match="changed"):
        previews.make_thumbnail_from_file(options, SHA, jpeg((30, 20)))
    text = b"no picture"
    with pytest.raises(JobError):
        previews.make_photo_copies_from_file(options, sha256_of_bytes(text), text)
    with pytest.raises(FileNotFoundError):
        previews.make_painting_copy_from_file(options, SHA, tmp_path / "nowhere.jpg")


def test_pictures_in_progress_are_replaced_and_removed(tmp_path):
    options = options_in(tmp_path)
    path = previews.save_live(options, "t1", noise(300, 600))
    assert path == options.folder / live_name("t1")
    assert opened(options, live_name("t1")).size == (80, 40)
    previews.save_live(options, "t1", noise(30, 30))
    assert opened(options, live_name("t1")).size == (30, 30)
    previews.remove_live(options, "t1")
    previews.remove_live(options, "t1")
    assert not path.exists()


def test_what_a_killed_worker_left_is_removed_but_not_what_another_program_writes_just_now(tmp_path):
    options = options_in(tmp_path)
    previews.tidy_live(None)
    previews.tidy_live(options)  # there is no folder yet
    left = previews.save_live(options, "t1", noise(30, 60))
    stale, fresh = (left.with_name(f".{number}-x.webp.part") for number in (1, 2))
    stale.touch()
    fresh.touch()
    os.utime(stale, (1000, 1000))
    previews.tidy_live(options)
    assert list(left.parent.iterdir()) == [fresh]


def test_several_threads_make_the_same_copy(tmp_path):
    options, pixels, start = options_in(tmp_path), noise(30, 60), threading.Barrier(4)

    def save(sha256: str) -> Path:
        start.wait()
        return previews.save_thumbnail(options, sha256, pixels)

    with ThreadPoolExecutor(4) as pool:
        for number in range(30):
            (path,) = set(pool.map(save, [f"{number:064d}"] * 4))
            assert opened(options, str(path)).size == (40, 20)


def test_no_part_file_stays_beside_a_copy(tmp_path):
    options = options_in(tmp_path)
    previews.save_thumbnail(options, SHA, noise(30, 60))
    assert [path.name for path in options.folder.rglob("*") if path.is_file()] == [Path(thumbnail_name(SHA)).name]
