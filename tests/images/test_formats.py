"""The bytes of each format: where it keeps what, and what does not fit. Written by :func:`write_picture`."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from pipeline.errors import JobError
from pipeline.images import exif, formats, iptc
from pipeline.images.color.profiles import srgb_profile
from pipeline.images.decode import read_metadata
from pipeline.images.density import exif_density, stored_density
from pipeline.images.encode import read_provenance
from pipeline.images.exif import Exif
from pipeline.images.metadata import Metadata
from pipeline.images.output_profiles import display_p3_profile
from pipeline.model import PictureOptions
from tests.images.pictures import assert_color, decoded, file_of, written
from tests.images.test_iptc import dataset
from tests.images.test_metadata import everything
from tests.images.test_xmp import packet

FORMATS: tuple[Any, ...] = ("jpeg", "png", "webp", "tiff", "avif", "jxl")
WITH_PROFILE: tuple[Any, ...] = ("jpeg", "png", "webp", "tiff", "avif")


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def carried_exif(path: Path) -> Exif:
    found = exif.parse(read_metadata(path.read_bytes()).exif)
    assert found is not None
    return found


def test_jpeg_keeps_color_at_full_resolution(tmp_path: Path) -> None:
    written(tmp_path / "part")
    layers = [layer[1:3] for layer in opened(tmp_path / "part").layer]  # type: ignore[attr-defined]
    assert layers == [(1, 1)] * 3


@pytest.mark.parametrize(
    "coding", [{"progressive": True}, {"optimize": True}, {"progressive": True, "optimize": True}]
)
@pytest.mark.parametrize("quality", [1, 92, 100])
def test_another_coding_of_jpeg_changes_no_pixel_even_of_noise(
    tmp_path: Path, coding: dict[str, bool], quality: int
) -> None:
    # Pillow reserves one byte for each of its pixels, or two; at such a quality noise takes more.
    noise = np.random.default_rng(0).integers(0, 2, (301, 403, 3), dtype=np.uint8) * np.uint8(255)
    usual_block = ImageFile.MAXBLOCK
    written(tmp_path / "usual", pixels=noise, quality=quality)
    written(tmp_path / "part", metadata=everything(), pixels=noise, quality=quality, **coding)
    assert usual_block == ImageFile.MAXBLOCK
    image = opened(tmp_path / "part")
    assert image.info.get("progressive", 0) == int(coding.get("progressive", False))
    assert (np.asarray(image) == np.asarray(opened(tmp_path / "usual"))).all()
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
    assert read_provenance(tmp_path / "part") is not None


def test_an_optimized_jpeg_of_a_smooth_picture_is_smaller(tmp_path: Path) -> None:
    smooth = np.linspace(0, 1, 200 * 300 * 3, dtype=np.float32).reshape(200, 300, 3)
    sizes = []
    for coding in ({}, {"optimize": True}, {"progressive": True}):
        written(tmp_path / "part", pixels=smooth, **coding)
        sizes.append((tmp_path / "part").stat().st_size)
    assert max(sizes[1:]) < sizes[0]


def test_a_tall_tiff_has_several_strips(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (700, 301, 3), dtype=np.uint8)
    written(tmp_path / "part", "tiff", pixels=noise)
    image = opened(tmp_path / "part")
    assert len(image.tag_v2[273]) > 2  # type: ignore[attr-defined]
    assert (np.asarray(image) == noise).all()


@pytest.mark.parametrize("picture_format", WITH_PROFILE)
def test_an_srgb_profile_is_embedded(tmp_path: Path, picture_format: Any) -> None:
    written(tmp_path / "part", picture_format)
    profile = opened(tmp_path / "part").info["icc_profile"]
    assert profile == srgb_profile()
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))


@pytest.mark.parametrize("picture_format", ["png", "webp", "tiff", "avif", "jxl"])
def test_alpha_is_kept(tmp_path: Path, picture_format: Any) -> None:
    alpha = np.tile(np.array([0, 40, 200, 255], dtype=np.uint8), (6, 2))
    pixels = np.full((6, 8, 3), 90, dtype=np.uint8)
    assert written(tmp_path / "part", picture_format, pixels=pixels, alpha=alpha) == ()
    image = opened(tmp_path / "part")
    assert image.mode == "RGBA"
    assert (np.asarray(image)[..., 3] == alpha).all()
    assert_color(np.asarray(image)[..., :3], 90, 2)


@pytest.mark.parametrize("picture_format", FORMATS)
def test_pillow_agrees_about_what_was_written(tmp_path: Path, picture_format: Any) -> None:
    written(tmp_path / "part", picture_format, everything())
    image = opened(tmp_path / "part")
    block = image.getexif()
    assert block[0x010E] == "My holiday"
    assert block[0x0131] == "stylewatch 9.9"
    assert block.get(0x0112, 1) == 1
    assert block.get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0A comment"
    assert block.get_ifd(0x8825)[2] == b"SECRET latitude"
    assert not block.get_ifd(1)


def test_png_tells_its_provenance_in_text_too(tmp_path: Path) -> None:
    written(tmp_path / "part", "png")
    texts = opened(tmp_path / "part").info
    assert texts["Software"] == "stylewatch 9.9"
    assert json.loads(texts["stylewatch"])["stylewatch"]["recipe"] == "default"


def test_a_large_maker_note_is_left_out_of_jpeg(tmp_path: Path) -> None:
    block = Exif(image={0x010E: exif.text("kept")}, photo={0x927C: exif.undefined(bytes(70000))})
    notes = written(tmp_path / "part", metadata=Metadata(exif=exif.serialize(block)))
    assert notes == ("EXIF's maker note left out: too large for JPEG",)
    assert carried_exif(tmp_path / "part").image[0x010E] == exif.text("kept")


def test_blocks_too_large_for_jpeg_are_left_out(tmp_path: Path) -> None:
    block = Exif(image={0x010E: exif.text("x" * 70000)})
    large = Metadata(
        exif=exif.serialize(block),
        xmp=packet(f'dc:format="{"x" * 70000}"'),
        iptc=b"".join(dataset(25, b"x" * 30000) for _ in range(3)),
    )
    notes = written(tmp_path / "part", metadata=large)
    assert [note.split(":")[0] for note in notes] == ["EXIF left out", "XMP left out", "IPTC left out"]
    kept = read_metadata((tmp_path / "part").read_bytes())
    assert (kept.xmp, kept.iptc) == (b"", b"")
    assert read_provenance(tmp_path / "part") is not None


@pytest.mark.parametrize("spare", [0, 1])
def test_the_largest_segment_fits(tmp_path: Path, spare: int) -> None:
    row = dataset(25, b"x" * 30000) * 2
    row += dataset(25, b"x" * (65532 - len(iptc.segment(row + dataset(25, b""))) + 2 * spare))
    assert len(iptc.segment(row)) == 65532 + 2 * spare
    notes = written(tmp_path / "part", metadata=Metadata(iptc=row))
    assert bool(notes) == bool(spare)
    assert read_metadata((tmp_path / "part").read_bytes()).iptc == (b"" if spare else row)


def test_tiff_holds_large_blocks(tmp_path: Path) -> None:
    block = Exif(photo={0x927C: exif.undefined(bytes(70000))})
    assert written(tmp_path / "part", "tiff", Metadata(exif=exif.serialize(block))) == ()
    assert carried_exif(tmp_path / "part").photo[0x927C].count == 70000


@pytest.mark.parametrize(("picture_format", "most"), [("webp", 16383), ("avif", 32768)])
def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path, picture_format: Any, most: int) -> None:
    with pytest.raises(JobError, match=f"{picture_format} file holds at most {most} pixels"):
        written(tmp_path / "part", picture_format, pixels=np.zeros((1, most + 1, 3), dtype=np.uint8))
    assert not (tmp_path / "part").exists()
    written(tmp_path / "part", picture_format, pixels=np.zeros((1, most, 3), dtype=np.uint8))
    assert read_provenance(tmp_path / "part") is not None


def test_an_unknown_format_is_an_error() -> None:
    tags = formats.Tags(Exif(), Exif(), b"", b"", ())
    with pytest.raises(AssertionError, match="gif"):
        formats.encode(np.zeros((1, 1, 3), np.uint8), tags, PictureOptions(format="gif"))  # type: ignore[arg-type]


def test_avif_and_jpeg_xl_keep_color_at_full_resolution(tmp_path: Path) -> None:
    stripes = np.zeros((16, 16, 3), dtype=np.uint8)
    stripes[:, ::2] = (180, 60, 60)
    stripes[:, 1::2] = (60, 60, 180)
    for picture_format in ("avif", "jxl"):
        written(tmp_path / "part", picture_format, pixels=stripes)
        assert np.abs(np.asarray(opened(tmp_path / "part")).astype(int) - stripes).max() < 30  # 4:2:0 gives 60 more


def test_jpeg_xl_of_the_highest_quality_is_lossless(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (31, 57, 3), dtype=np.uint8)
    written(tmp_path / "part", "jxl", pixels=noise, quality=100)
    assert (np.asarray(opened(tmp_path / "part")) == noise).all()


@pytest.mark.parametrize("picture_format", ["avif", "jxl"])
@pytest.mark.parametrize("quality", [1, 99, 100])
def test_every_quality_can_be_written(tmp_path: Path, picture_format: Any, quality: int) -> None:
    written(tmp_path / "part", picture_format, pixels=np.full((6, 8, 3), 90, np.uint8), quality=quality)
    assert_color(np.asarray(opened(tmp_path / "part")), 90, 3)


def test_an_encoder_that_fails_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"the JPEG encoder failed \(.*\): choose another format"):
        written(tmp_path / "part", pixels=np.zeros((0, 8, 3), dtype=np.uint8))
    assert not (tmp_path / "part").exists()


def test_what_jpeg_xl_writes_into_its_boxes_is_where_its_standard_has_it(tmp_path: Path) -> None:
    written(tmp_path / "part", "jxl", everything())
    data = (tmp_path / "part").read_bytes()
    start = data.index(b"Exif") + 4
    assert data[start : start + 8] in (b"\0\0\0\0II*\0", b"\0\0\0\0MM\0*")
    assert b"xml <x:xmpmeta" in data or b"xml <?xpacket" in data


# --- 16 bits ------------------------------------------------------------------------------------------------------

READERS = {"png": imagecodecs.png_decode, "tiff": imagecodecs.tiff_decode}
#: Between two numbers of 8 bits there are 256 of 16.
RAMP = np.linspace(-0.01, 1.01, 3 * 40 * 9, dtype=np.float32).reshape(9, 40, 3)


@pytest.mark.parametrize("picture_format", READERS)
def test_floats_are_rounded_once_to_sixteen_bits(tmp_path: Path, picture_format: Any) -> None:
    assert written(tmp_path / "part", picture_format, pixels=RAMP, bit_depth=16) == ()
    found = READERS[picture_format]((tmp_path / "part").read_bytes())
    assert found.dtype == np.uint16
    assert (found == np.rint(np.clip(RAMP, 0, 1) * 65535)).all()


@pytest.mark.parametrize("picture_format", READERS)
@pytest.mark.parametrize("alpha", [np.uint8, np.float32])
def test_alpha_has_sixteen_bits_too(tmp_path: Path, picture_format: Any, alpha: Any) -> None:
    deep = np.clip(RAMP[..., 1], 0, 1)
    given = deep if alpha is np.float32 else np.rint(deep * 255).astype(np.uint8)
    assert written(tmp_path / "part", picture_format, pixels=RAMP, alpha=given, bit_depth=16) == ()
    found = READERS[picture_format]((tmp_path / "part").read_bytes())
    expected = np.rint(deep * 65535) if alpha is np.float32 else given.astype(int) * 257
    assert (found[..., 3] == expected).all()
    assert opened(tmp_path / "part").mode == "RGBA"


def test_deep_alpha_is_rounded_to_eight_bits_where_a_file_has_no_more(tmp_path: Path) -> None:
    deep = np.clip(RAMP[..., 1], 0, 1)
    written(tmp_path / "part", "png", pixels=RAMP, alpha=deep)
    assert (np.asarray(opened(tmp_path / "part"))[..., 3] == np.rint(deep * 255)).all()
    notes = written(tmp_path / "part", "jpeg", pixels=np.zeros((9, 40, 3), np.float32), alpha=deep)
    assert len(notes) == 1
    gray = np.asarray(opened(tmp_path / "part"))[..., 1].astype(int)
    assert np.abs(gray - np.rint((1 - deep) * 255)).max() < 8


@pytest.mark.parametrize("picture_format", READERS)
def test_a_picture_of_sixteen_bits_has_all_that_one_of_eight_has(tmp_path: Path, picture_format: Any) -> None:
    for name, bits in (("8", 8), ("16", 16), ("again", 16)):
        written(tmp_path / name, picture_format, everything(), pixels=RAMP, bit_depth=bits)
    assert read_metadata((tmp_path / "16").read_bytes()) == read_metadata((tmp_path / "8").read_bytes())
    assert read_provenance(tmp_path / "16") == read_provenance(tmp_path / "8")
    infos = [opened(tmp_path / name).info for name in ("8", "16")]
    assert infos[0]["icc_profile"] == infos[1]["icc_profile"]
    assert infos[0].get("stylewatch") == infos[1].get("stylewatch")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "16").read_bytes()


def test_a_deep_tiff_follows_the_byte_order_of_its_metadata(tmp_path: Path) -> None:
    for order in ("<", ">"):
        block = Exif(order, image={0x010E: exif.text("My holiday")})  # type: ignore[arg-type]
        written(tmp_path / "part", "tiff", Metadata(exif=exif.serialize(block)), pixels=RAMP, bit_depth=16)
        data = (tmp_path / "part").read_bytes()
        assert data[:2] == (b"II" if order == "<" else b"MM")
        assert (imagecodecs.tiff_decode(data) == np.rint(np.clip(RAMP, 0, 1) * 65535)).all()


# --- color profiles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture_format", "bits"), [*((each, 8) for each in WITH_PROFILE), *((each, 16) for each in READERS)]
)
def test_a_picture_in_display_p3_shows_the_same_colors(tmp_path: Path, picture_format: Any, bits: int) -> None:
    colors = np.full((16, 16, 3), (0.8, 0.3, 0.2), dtype=np.float32)
    path = tmp_path / "part"
    assert written(path, picture_format, everything(), "strip", colors, bit_depth=bits, profile="display-p3") == ()
    image = opened(path)
    assert image.info["icc_profile"] == display_p3_profile()
    assert_color(np.asarray(image), (189, 85, 60), 3)
    assert_color(decoded(path.read_bytes(), 16).pixels, (204, 76, 51), 4)
    first = path.read_bytes()
    written(path, picture_format, everything(), "strip", colors, bit_depth=bits, profile="display-p3")
    assert path.read_bytes() == first


def test_exif_leaves_another_color_space_than_srgb_to_the_profile(tmp_path: Path) -> None:
    for profile, color_space in (("srgb", 1), ("display-p3", 0xFFFF)):
        written(tmp_path / "part", "jpeg", everything(), profile=profile)
        found = carried_exif(tmp_path / "part")
        assert exif.first_integer(found.order, found.photo[0xA001]) == color_space


def test_a_profile_that_jpeg_xl_does_not_get_is_a_remark(tmp_path: Path) -> None:
    colors = np.full((16, 16, 3), (0.8, 0.3, 0.2), dtype=np.float32)
    notes = written(tmp_path / "part", "jxl", pixels=colors, profile="display-p3")
    assert notes == ("written as sRGB: what writes jxl here embeds no profile",)
    image = opened(tmp_path / "part")
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])))
    assert_color(np.asarray(image), (204, 76, 51), 3)


# --- density ------------------------------------------------------------------------------------------------------


def photo_of(picture_format: str, dpi: tuple[int, int], **options: Any) -> bytes:
    return file_of(Image.new("RGB", (8, 6), "red"), picture_format, dpi=dpi, **options)


def by_exif(dpi: int) -> bytes:
    number = exif.Value(5, 1, struct.pack("<II", dpi, 1))
    return exif.serialize(Exif(image={0x011A: number, 0x011B: number, 0x0128: exif.integers("<", exif.SHORT, 2)}))


PHOTOS = {
    "JFIF": photo_of("JPEG", (300, 300)),
    "pHYs": photo_of("PNG", (300, 300)),
    "BMP": photo_of("BMP", (300, 300)),
    "TIFF": photo_of("TIFF", (300, 300)),
    "EXIF": file_of(Image.new("RGB", (8, 6), "red"), "WEBP", exif=by_exif(300)),
}


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("picture_format", FORMATS)
@pytest.mark.parametrize("policy", ["keep", "strip_location"])
def test_a_picture_is_printed_at_its_photo_s_density(
    tmp_path: Path, photo: str, picture_format: Any, policy: str
) -> None:
    written(tmp_path / "part", picture_format, decoded(PHOTOS[photo]).metadata, policy)
    assert exif_density(carried_exif(tmp_path / "part")) == (300, 300)
    if picture_format in {"jpeg", "png"}:
        assert stored_density(opened(tmp_path / "part")) == (300, 300)
    if picture_format == "tiff":
        assert opened(tmp_path / "part").info["dpi"] == (300, 300)


def test_each_place_keeps_what_the_photo_says_there(tmp_path: Path) -> None:
    photo = photo_of("JPEG", (300, 300), exif=exif.PREFIX + by_exif(72))
    for picture_format in ("jpeg", "png"):
        written(tmp_path / "part", picture_format, decoded(photo).metadata)
        assert exif_density(carried_exif(tmp_path / "part")) == (72, 72)
        assert stored_density(opened(tmp_path / "part")) == (300, 300)


@pytest.mark.parametrize(
    ("orientation", "expected"), [(1, (204, 98)), (3, (204, 98)), (6, (98, 204)), (8, (98, 204))]
)
@pytest.mark.parametrize("photo", ["JPEG", "TIFF", "by EXIF"])
def test_a_density_turns_with_its_photo(
    tmp_path: Path, photo: str, orientation: int, expected: tuple[int, int]
) -> None:
    tags = Image.Exif()
    tags[0x0112] = orientation
    if photo == "by EXIF":
        tags[0x011A], tags[0x011B], tags[0x0128] = 204.0, 98.0, 2
        data = file_of(Image.new("RGB", (8, 6)), "JPEG", exif=tags)
    else:
        data = photo_of(photo, (204, 98), exif=tags)
    written(tmp_path / "part", "jpeg", decoded(data).metadata)
    assert stored_density(opened(tmp_path / "part")) == expected
    assert exif_density(carried_exif(tmp_path / "part")) == expected


def test_a_deep_png_has_a_density_too(tmp_path: Path) -> None:
    written(tmp_path / "part", "png", decoded(PHOTOS["JFIF"]).metadata, bit_depth=16)
    assert stored_density(opened(tmp_path / "part")) == (300, 300)


@pytest.mark.parametrize("picture_format", FORMATS)
def test_nothing_is_told_of_a_density_that_the_photo_does_not_tell_or_that_is_stripped(
    tmp_path: Path, picture_format: Any
) -> None:
    plain = file_of(Image.new("RGB", (8, 6), "red"), "JPEG")
    for photo, policy in ((plain, "keep"), (PHOTOS["JFIF"], "strip")):
        written(tmp_path / "part", picture_format, decoded(photo).metadata, policy)
        assert exif_density(carried_exif(tmp_path / "part")) is None
        assert stored_density(opened(tmp_path / "part")) is None
