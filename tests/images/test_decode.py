import io
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from pipeline.errors import PaintingChangedError, PaintingError, PhotoError
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import (
    PAINTING_LONG_SIDE_PIXELS,
    decode,
    decode_image,
    decode_painting,
    decode_painting_image,
    fit,
    load_painting,
    read_size,
)
from pipeline.model import Painting
from tests.images.pictures import (
    CORNERS,
    as_stored,
    assert_color,
    corners_of,
    decoded,
    file_of,
    flat,
    four_corners,
    jpeg_with,
    orientation_block,
)
from tests.images.profiles import swapped_rgb

LOSSY = {"JPEG": 6, "WEBP": 10, "AVIF": 10, "GIF": 0, "PNG": 0, "TIFF": 0, "BMP": 0}


@pytest.mark.parametrize(("picture_format", "tolerance"), LOSSY.items())
def test_each_format_gives_its_pixels(picture_format: str, tolerance: int) -> None:
    data = file_of(Image.fromarray(four_corners()), picture_format, **({"quality": 95} if tolerance else {}))
    photo = decoded(data, 64)
    assert photo.pixels.shape == (32, 64, 3)
    assert photo.pixels.dtype == np.uint8
    assert_color(corners_of(photo.pixels), CORNERS, tolerance)
    assert photo.alpha is None
    assert photo.notes == ()


def test_heic_gives_its_pixels_upright() -> None:
    buffer = io.BytesIO()
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), 6)))
    block = b"Exif\0\0" + orientation_block(6)
    pillow_heif.from_pillow(stored).save(buffer, quality=95, exif=block)
    photo = decoded(buffer.getvalue(), 64)
    assert_color(corners_of(photo.pixels), CORNERS, 12)


def test_jpeg_2000_gives_its_pixels_and_transparency() -> None:
    pixels = np.dstack([four_corners(), np.full((32, 64), 100, np.uint8)])
    photo = decoded(file_of(Image.fromarray(pixels), "JPEG2000"), 64)
    assert photo.alpha is not None
    assert (photo.alpha == 100).all()
    assert_color(corners_of(decoded(file_of(Image.fromarray(four_corners()), "JPEG2000"), 64).pixels), CORNERS)


def test_mpo_gives_its_first_picture() -> None:
    first, second = Image.fromarray(four_corners()), flat("RGB", "white", (64, 32))
    data = file_of(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert_color(corners_of(decoded(data, 64).pixels), CORNERS, 6)


@pytest.mark.parametrize("picture_format", ["PNG", "WEBP", "AVIF", "GIF"])
def test_animations_give_their_first_frame_and_a_note(picture_format: str) -> None:
    data = file_of(flat("RGB", "red"), picture_format, save_all=True, append_images=[flat("RGB", "blue")])
    photo = decoded(data)
    assert_color(photo.pixels, (255, 0, 0), 3)
    assert photo.notes == ("the file is an animation of 2 frames: the first is used",)


def test_damage_behind_an_animations_first_frame_costs_nothing() -> None:
    data = file_of(flat("RGB", "red"), "GIF", save_all=True, append_images=[flat("RGB", "blue")])
    second = data.rindex(b"\x2c")
    photo = decoded(data[: second + 10])
    assert_color(photo.pixels, (255, 0, 0))
    assert photo.notes == ("the file is an animation that is damaged behind its first frame, which is used",)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("picture_format", "tolerance"), [("JPEG", 6), ("PNG", 0), ("WEBP", 0), ("AVIF", 12)])
def test_orientations_are_turned_upright(picture_format: str, tolerance: int, orientation: int, order: str) -> None:
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), orientation)))
    options = {"lossless": True} if picture_format == "WEBP" else {"quality": 95}
    data = file_of(stored, picture_format, exif=b"Exif\0\0" + orientation_block(orientation, order), **options)
    photo = decoded(data, 64)
    assert photo.pixels.shape == (32, 64, 3)
    assert_color(corners_of(photo.pixels), CORNERS, tolerance)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_orientations_are_turned_upright(orientation: int, compression: str) -> None:
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), orientation)))
    photo = decoded(file_of(stored, "TIFF", tiffinfo={274: orientation}, compression=compression), 32)
    assert photo.pixels.shape == (16, 32, 3)
    assert_color(corners_of(photo.pixels), CORNERS)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_a_nonsense_orientation_counts_as_upright(orientation: int) -> None:
    data = jpeg_with((0xE1, b"Exif\0\0" + orientation_block(orientation)), image=Image.fromarray(four_corners()))
    assert_color(corners_of(decoded(data, 64).pixels), CORNERS, 6)


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [((1, 1), 16, (16, 16)), ((10000, 20), 256, (1, 256)), ((20, 10000), 256, (256, 1)), ((30, 17), 300, (170, 300))],
)
@pytest.mark.parametrize("picture_format", ["PNG", "JPEG"])
def test_the_long_side_is_exact(
    size: tuple[int, int], long_side: int, expected: tuple[int, int], picture_format: str
) -> None:
    photo = decoded(file_of(flat("RGB", (90, 120, 150), size), picture_format, quality=95), long_side)
    assert photo.pixels.shape == (*expected, 3)
    assert_color(photo.pixels, (90, 120, 150), 2)


def test_a_turned_long_photo_keeps_its_shape() -> None:
    data = jpeg_with((0xE1, b"Exif\0\0" + orientation_block(6)), image=flat("RGB", "red", (1000, 20)))
    photo = decoded(data, 100)
    assert photo.pixels.shape == (100, 2, 3)


def test_fitting_rounds_to_the_nearest_pixel() -> None:
    assert fit((300, 200), 256) == (256, 171)
    assert fit((200, 300), 256) == (171, 256)


@pytest.mark.parametrize("size", [(1576, 2315), (1001, 700), (4032, 3021), (3999, 2667)])
def test_a_large_jpeg_keeps_its_exact_proportions(size: tuple[int, int]) -> None:
    photo = decode(file_of(flat("RGB", "red", size), "JPEG"), long_side=512, max_pixels=50_000_000)
    assert photo.pixels.shape[1::-1] == fit(size, 512)


def test_a_large_jpeg_is_reduced_as_well_as_a_png_of_it() -> None:
    rows, columns = np.mgrid[0:603, 0:1001]
    wave = 127 + 120 * np.sin(columns / 23) * np.cos(rows / 17)
    image = Image.fromarray(np.dstack([wave, wave[::-1], 255 - wave]).astype(np.uint8))
    from_jpeg = decoded(file_of(image, "JPEG", quality=98, subsampling=0), 100)
    from_png = decoded(file_of(image, "PNG"), 100)
    difference = np.abs(from_jpeg.pixels.astype(int) - from_png.pixels)
    assert difference.mean() < 1
    assert difference.max() < 8


def test_a_large_jpeg_has_the_proportions_of_its_full_size() -> None:
    """At a quarter, rounded up to 394 × 579 pixels, it would become 348 pixels wide."""
    assert decoded(file_of(flat("RGB", "red", (1576, 2315)), "JPEG"), 512).pixels.shape == (512, 349, 3)


def test_alpha_is_returned_apart_and_color_lies_over_white() -> None:
    photo = decoded(file_of(flat("RGBA", (200, 0, 0, 51)), "PNG"))
    assert photo.alpha is not None
    assert_color(photo.alpha, 51)
    assert_color(photo.pixels, (244, 204, 204), 1)


def test_an_alpha_channel_without_transparency_is_none() -> None:
    assert decoded(file_of(flat("RGBA", (1, 2, 3, 255)), "PNG")).alpha is None


def test_transparent_black_leaves_no_fringe_around_opaque_white() -> None:
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[:, 33:] = 255
    photo = decoded(file_of(Image.fromarray(pixels), "PNG"), 16)
    assert_color(photo.pixels, 255)
    assert photo.alpha is not None
    assert photo.alpha[0, 0] == 0
    assert photo.alpha[0, 15] == 255
    assert 0 < photo.alpha[0, 8] < 255


def test_a_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">II", 60000, 60000) + bytes([8, 2, 0, 0, 0])
    small = file_of(flat("RGB", "red"), "PNG")
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(PhotoError, match=r"60000 × 60000 pixels.*max_megapixels"):
        decoded(small[:16] + header + crc + small[33:])


def test_the_limit_itself_is_allowed() -> None:
    data = file_of(flat("RGB", "red", (10, 10)), "PNG")
    assert decode(data, long_side=5, max_pixels=100).pixels.shape == (5, 5, 3)
    with pytest.raises(PhotoError, match="more than the allowed 99"):
        decode(data, long_side=5, max_pixels=99)


def test_a_photo_larger_than_pillows_own_limit_is_decoded_if_allowed() -> None:
    size = (14000, 13000)  # Pillow warns from 89,478,485 pixels on and refuses twice that
    photo = decode(file_of(flat("L", 1, size), "JPEG"), long_side=14, max_pixels=200_000_000)
    assert photo.pixels.shape == (13, 14, 3)


@pytest.mark.parametrize("picture_format", [*LOSSY, "MPO"])
def test_truncated_files_are_refused(picture_format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = file_of(Image.fromarray(noise), picture_format)
    with pytest.raises(PhotoError, match="damaged"):
        decoded(data[: len(data) * 6 // 10])


@pytest.mark.parametrize("data", [b"", b"hello", b"P6\n1 1\n255\nabc", bytes(5000)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(PhotoError, match=r"not a JPEG, PNG|damaged or cut short"):
        decoded(data)


def test_a_damaged_heic_is_not_blamed_on_the_library() -> None:
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(b"\0\0\0\x18ftypheix")


def test_the_reason_is_one_line() -> None:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(flat("RGB", "red", (64, 64))).save(buffer)
    with pytest.raises(PhotoError) as caught:
        decoded(buffer.getvalue()[:-9])
    assert "\n" not in str(caught.value)


def test_damage_in_the_metadata_does_not_cost_the_photo() -> None:
    assert_color(decoded(jpeg_with((0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xffgarbage"))).pixels, (254, 0, 0), 2)


def test_a_painting_is_decoded_in_full(tmp_path: Path) -> None:
    path = tmp_path / "painting.png"
    Image.fromarray(four_corners()).save(path)
    assert_color(decode_painting(path), four_corners())


def test_a_huge_painting_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "painting.png"
    flat("L", 7, (8192, 10)).save(path)
    assert decode_painting(path).shape == (5, PAINTING_LONG_SIDE_PIXELS, 3)
    assert np.array_equal(decode_painting(path, long_side=64), decode_painting(path))


def test_a_huge_painting_is_as_large_as_its_picture(tmp_path: Path) -> None:
    path = tmp_path / "painting.png"
    flat("L", 7, (8192, 10)).save(path)
    assert load_painting(Painting(path, sha256_of_file(path)), 6144).shape == (8, 6144, 3)
    assert decode_painting(path, long_side=9000).shape == (10, 8192, 3)


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_painting_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "lost.jpg"
    if content:
        path.write_bytes(content)
    with pytest.raises(PaintingError, match=r"lost\.jpg"):
        decode_painting(path)


def test_a_size_is_read_from_the_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(path)
    path.write_bytes(path.read_bytes()[:60])
    assert read_size(path) == (40, 30)


def test_what_has_no_size_is_called_what_it_is() -> None:
    with pytest.raises(PhotoError, match="Photoshop document"):
        read_size(io.BytesIO(b"8BPS" + bytes(60)))
    with pytest.raises(PhotoError, match="begins like a JPEG"):
        read_size(io.BytesIO(b"\xff\xd8\xff\xe0" + bytes(9)))


def test_a_size_that_can_not_be_read_is_the_photos_fault(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    for name in ("a.png", "nothing.png"):
        with pytest.raises(PhotoError):
            read_size(tmp_path / name)


def test_a_painting_with_other_bytes_than_were_hashed_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "painting.png"
    Image.fromarray(four_corners()).save(path)
    hashed = sha256_of_file(path)
    assert_color(decode_painting(path, hashed), four_corners())
    path.write_bytes(path.read_bytes()[:-20])  # while it is written anew, too
    with pytest.raises(PaintingChangedError, match=r"painting\.png has changed since this run began"):
        decode_painting(path, hashed)


@pytest.mark.parametrize("picture_format", ["PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG"])
def test_an_open_image_has_the_pixels_of_its_file(picture_format: str) -> None:
    data = file_of(Image.fromarray(four_corners()), picture_format)
    expected = decoded(data, 64)
    for image in (Image.open(io.BytesIO(data)), Image.open(io.BytesIO(data)).copy()):
        assert np.array_equal(decode_image(image, long_side=64).pixels, expected.pixels)


@pytest.mark.parametrize("picture_format", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("number", [1, 3, 6])
def test_an_open_image_is_turned_upright_once(picture_format: str, number: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), number)))
    exif = Image.Exif()
    exif[0x0112] = number
    data = file_of(stored, picture_format, exif=exif, **({"quality": 95} if picture_format in LOSSY else {}))
    for image in (Image.open(io.BytesIO(data)), Image.open(io.BytesIO(data)).copy()):
        assert_color(corners_of(decode_image(image, long_side=64).pixels), CORNERS, LOSSY[picture_format])


def test_an_open_heic_is_turned_upright_once() -> None:
    buffer = io.BytesIO()
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), 6)))
    pillow_heif.from_pillow(stored).save(buffer, quality=95, exif=b"Exif\0\0" + orientation_block(6))
    decoded(buffer.getvalue(), 64)  # from now on Pillow opens such files
    assert_color(corners_of(decode_image(Image.open(buffer), long_side=64).pixels), CORNERS, 12)


def test_an_open_image_is_converted_from_its_profile() -> None:
    data = file_of(Image.fromarray(four_corners()), "PNG", icc_profile=swapped_rgb())
    photo = decode_image(Image.open(io.BytesIO(data)), long_side=64)
    assert np.array_equal(photo.pixels, decoded(data, 64).pixels)
    assert not np.array_equal(photo.pixels, four_corners())
    damaged = Image.fromarray(four_corners())
    damaged.info["icc_profile"] = b"no profile"
    assert "profile is damaged" in decode_image(damaged, long_side=64).notes[0]


def test_an_open_image_that_is_cut_short_is_refused() -> None:
    data = file_of(Image.fromarray(four_corners()), "PNG")
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decode_image(Image.open(io.BytesIO(data[:60])), long_side=64)


def test_a_painting_that_is_open_is_reduced_like_its_file(tmp_path: Path) -> None:
    image = Image.new("RGB", (PAINTING_LONG_SIDE_PIXELS * 2, 10), "red")
    image.save(tmp_path / "wide.png")
    assert np.array_equal(decode_painting_image(image), decode_painting(tmp_path / "wide.png"))
    assert np.array_equal(decode_painting_image(Image.fromarray(four_corners())), four_corners())


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_pillows_limit_holds_for_all_but_what_is_decoded_here(
    monkeypatch: pytest.MonkeyPatch, picture_format: str
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    data = file_of(Image.fromarray(four_corners()), picture_format)
    assert decoded(data, 64).pixels.shape == (32, 64, 3)
    assert read_size(io.BytesIO(data)) == (64, 32)
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(PhotoError):
        decoded(b"no picture")
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))


def test_pillows_limit_is_lifted_as_long_as_any_thread_opens_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    data = file_of(Image.fromarray(four_corners()), "PNG")

    class Meanwhile(io.BytesIO):
        """A file in whose midst another thread opens one."""

        def seek(self, *place: int) -> int:
            thread = threading.Thread(target=read_size, args=(io.BytesIO(data),))
            thread.start()
            thread.join()
            return super().seek(*place)

    assert read_size(Meanwhile(data)) == (64, 32)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_embedded_profile_is_told_as_it_was_found(picture_format: str) -> None:
    photo = flat("RGB", "red")
    assert decoded(file_of(photo, picture_format, icc_profile=swapped_rgb())).profile == swapped_rgb()
    assert decoded(file_of(photo, picture_format)).profile == b""
