import io
from typing import Any, Literal

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decode import eight_bits, read_size
from tests.images.pictures import CORNERS, as_stored, assert_color, corners_of, decoded, file_of, four_corners

RGB = four_corners()
DEEP = RGB.astype(np.uint16) * 257
#: Pixels that 8 bits can't hold.
FINE = (np.arange(64 * 32 * 3, dtype=np.uint16).reshape(32, 64, 3) * 7) + 1000


def tiff_of(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bits_are_read_at_full_depth(planar: str, order: Any, compression: str | None, tile: Any) -> None:
    values = FINE if planar == "contig" else np.moveaxis(FINE, -1, 0)
    data = tiff_of(values, planarconfig=planar, byteorder=order, compression=compression, tile=tile)
    photo = decoded(data, 64)
    assert photo.pixels.dtype == np.float32
    assert np.abs(photo.pixels * 65535 - FINE).max() < 0.05


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bit_cmyk(planar: str) -> None:
    inks = np.zeros((8, 8, 4), np.uint16) + np.array((204, 51, 0, 51), np.uint16) * 257
    values = inks if planar == "contig" else np.moveaxis(inks, -1, 0)
    data = tiff_of(values, photometric="separated", planarconfig=planar)
    assert_color(eight_bits(decoded(data).pixels), (41, 163, 204), 1)


@pytest.mark.parametrize(("depth", "white"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize(("kind", "opacity"), [("unassalpha", 1.0), ("assocalpha", 0.6)])
def test_alpha_beside_cmyk(kind: str, opacity: float, depth: Any, white: int) -> None:
    inks = np.tile((0.8, 0.2, 0, 0.2, 1), (8, 8, 1))
    inks[:, :4] *= (opacity, opacity, opacity, opacity, 0.6)
    data = tiff_of(np.rint(inks * white).astype(depth), photometric="separated", extrasamples=[kind])
    photo = decoded(data)
    assert photo.alpha is not None
    assert photo.alpha[0, [0, 7]] == pytest.approx([0.6, 1], abs=0.001)
    assert_color(eight_bits(photo.pixels)[0, [0, 7]], [(127, 200, 224), (41, 163, 204)], 2)


def test_inks_that_are_not_cmyk_are_refused() -> None:
    data = tiff_of(np.zeros((8, 8, 4), np.uint8), photometric="separated", extratags=[(332, "H", 1, 2, True)])
    with pytest.raises(PhotoError, match="a TIFF with other inks than CMYK, which can't be read: save it as RGB"):
        decoded(data)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bit_alpha(planar: str) -> None:
    values = np.full((8, 8, 4), 40000, np.uint16)
    values[:, 4:, 3] = 65535
    stored = values if planar == "contig" else np.moveaxis(values, -1, 0)
    photo = decoded(tiff_of(stored, planarconfig=planar, extrasamples=["unassalpha"]))
    assert photo.alpha is not None
    assert photo.alpha.dtype == np.float32
    assert photo.alpha[0, 0] == pytest.approx(40000 / 65535, abs=1e-6)
    assert photo.pixels[0, 7] == pytest.approx(40000 / 65535, abs=1e-6)


@pytest.mark.parametrize(("depth", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_multiplied_alpha_is_divided_out(depth: Any, white: int) -> None:
    values = np.full((8, 8, 4), white // 4, depth)
    values[..., 3] = white // 2
    values[:, 4:] = white
    photo = decoded(tiff_of(values, extrasamples=["assocalpha"]))
    # 1/4 at an opacity of 1/2 is 1/2, and over white 3/4.
    assert_color(eight_bits(photo.pixels)[0, 0], 191, 2)


def test_a_channel_that_is_not_called_alpha_is_left_out() -> None:
    values = np.dstack([RGB, np.zeros(RGB.shape[:2], np.uint8)])
    photo = decoded(tiff_of(values, extrasamples=["unspecified"]), 64)
    assert photo.alpha is None
    assert_color(corners_of(photo.pixels), CORNERS)


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("compression", ["lzw", "deflate"])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_float_gray(order: Any, kind: Any, compression: str, predictor: bool) -> None:
    values = np.linspace(0, 1, 64, dtype=kind)[None].repeat(8, axis=0)
    data = tiff_of(values, photometric="minisblack", byteorder=order, compression=compression, predictor=predictor)
    assert np.abs(decoded(data, 64).pixels[0, :, 0] - np.linspace(0, 1, 64)).max() < 1e-3


@pytest.mark.parametrize("shift", [0, 8])
def test_color_maps_of_16_bits_and_of_8(shift: int) -> None:
    indices = np.zeros((8, 8), np.uint8)
    colors = np.zeros((3, 256), np.uint16)
    colors[:, 0] = np.array((200, 100, 50), np.uint16) << shift
    assert_color(decoded(tiff_of(indices, photometric="palette", colormap=colors)).pixels, (200, 100, 50))


@pytest.mark.parametrize(
    ("bits", "kind"), [(1, np.uint8), (2, np.uint8), (4, np.uint8), (10, np.uint16), (12, np.uint16)]
)
def test_odd_depths_reach_white(bits: int, kind: Any) -> None:
    top = 2**bits - 1
    values = np.array([[0, top] * 4] * 8, kind)
    stored = imagecodecs.packints_encode(values, bits) if bits != 1 else np.packbits(values).tobytes()
    data = (
        tiff_of(
            iter([stored]),
            photometric="minisblack",
            shape=values.shape,
            dtype=kind,
            bitspersample=bits,
            rowsperstrip=8,
        )
        if bits > 1
        else tiff_of(values.astype(bool), photometric="minisblack")
    )
    assert eight_bits(decoded(data).pixels)[0, :2, 0].tolist() == [0, 255]


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_gray_whose_zero_is_white(depth: Any) -> None:
    values = np.zeros((8, 8), depth)
    assert_color(eight_bits(decoded(tiff_of(values, photometric="miniswhite")).pixels), 255)


@pytest.mark.parametrize("order", ["<", ">"])
def test_bigtiff(order: Any) -> None:
    assert_color(corners_of(decoded(tiff_of(RGB, bigtiff=True, byteorder=order), 64).pixels), CORNERS)


@pytest.mark.parametrize("compression", ["webp", "jpeg", "zstd", "lzma", "jpegxl"])
def test_compressions_that_few_read(compression: str) -> None:
    assert_color(corners_of(decoded(tiff_of(RGB, compression=compression), 64).pixels), CORNERS, 12)


def test_the_full_picture_is_read_and_not_the_thumbnail_before_it() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(np.zeros((4, 8, 3), np.uint8), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(RGB, photometric="rgb", metadata=None)
    assert read_size(io.BytesIO(file.getvalue())) == (64, 32)
    photo = decoded(file.getvalue(), 64)
    assert_color(corners_of(photo.pixels), CORNERS)


def test_more_pages_are_a_note() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(3):
            writer.write(RGB, photometric="rgb", metadata=None)
    assert decoded(file.getvalue()).notes == ("the TIFF has 3 pages: the first picture is used",)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_short_is_refused(compression: str | None, share: float) -> None:
    data = tiff_of(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), compression=compression)
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(data[: int(len(data) * share)])


@pytest.mark.parametrize("share", [0.9, 0.99])
@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_jpeg_in_a_tiff_that_is_cut_short_or_filled_with_zeros_is_refused(tile: Any, share: float) -> None:
    data = tiff_of(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), compression="jpeg", tile=tile)
    cut = data[: int(len(data) * share)]
    for damaged in (cut, cut.ljust(len(data), b"\0")):
        with pytest.raises(PhotoError, match="damaged or cut short"):
            decoded(damaged)


def test_jpeg_tables_whose_end_was_never_written_are_damage() -> None:
    data = bytearray(file_of(Image.fromarray(RGB), "TIFF", compression="jpeg"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        tables = tiff.pages.first.tags[347]  # type: ignore[union-attr]
        end = tables.valueoffset + tables.count
    data[end - 60 : end] = bytes(60)
    with pytest.raises(PhotoError, match="its JPEG tables lack their end"):
        decoded(bytes(data))


def test_missing_strips_are_refused() -> None:
    data = bytearray(tiff_of(RGB, rowsperstrip=8, compression="deflate"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        counts = tiff.pages.first.tags[279]  # type: ignore[union-attr]
    data[counts.valueoffset : counts.valueoffset + 2] = b"\0\0"
    with pytest.raises(PhotoError, match="3 of 4 strips or tiles are there"):
        decoded(bytes(data))


def test_a_private_tag_that_leads_beyond_the_file_costs_nothing() -> None:
    data = bytearray(tiff_of(RGB, extratags=[(50000, "B", 100, bytes(100), True)]))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[50000].offset  # type: ignore[union-attr]
    data[offset + 8 : offset + 12] = (len(data) * 5).to_bytes(4, "little")
    assert_color(corners_of(decoded(bytes(data), 64).pixels), CORNERS)


def test_the_depth_of_a_damaged_file_is_not_guessed() -> None:
    data = bytearray(tiff_of(RGB))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[258].offset  # type: ignore[union-attr]
    data[offset + 8 : offset + 12] = (len(data) * 5).to_bytes(4, "little")
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(bytes(data))


def test_without_the_tag_that_says_what_samples_mean_three_are_rgb() -> None:
    data = bytearray(tiff_of(RGB))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[262].offset  # type: ignore[union-attr]
    data[offset : offset + 2] = (261).to_bytes(2, "little")
    assert_color(corners_of(decoded(bytes(data), 64).pixels), CORNERS)


def without_tag(data: bytes, code: int, other: int) -> bytes:
    """Return a TIFF whose tag has another number, which nobody knows."""
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        offset = tiff.pages.first.tags[code].offset  # type: ignore[union-attr]
    return data[:offset] + other.to_bytes(2, "little") + data[offset + 2 :]


def test_without_the_tag_that_says_what_samples_mean_a_fax_is_black_on_white() -> None:
    page = Image.new("1", (64, 32), 0)
    page.paste(1, (0, 0, 8, 32))  # written as black is zero, and a fax takes white for zero
    file = io.BytesIO()
    page.save(file, "TIFF", compression="group4")
    pixels = decoded(without_tag(file.getvalue(), 262, 261), 64).pixels
    assert (pixels[:, :8].max(), pixels[:, 8:].min()) == (0, 255)


def test_a_fourth_channel_of_rgb_that_is_not_named_is_an_alpha_channel() -> None:
    values = np.dstack([RGB, np.full(RGB.shape[:2], 51, np.uint8)])
    photo = decoded(without_tag(tiff_of(values, extrasamples=["unspecified"]), 338, 337), 64)
    assert photo.alpha is not None
    assert_color(photo.alpha, 51)


def test_a_damaged_page_after_the_picture_costs_nothing() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(2):
            writer.write(RGB, photometric="rgb", metadata=None)
    data = file.getvalue()
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        second = tiff.pages[1].offset
    damaged = data[:second] + b"\xff\xff" + data[second + 2 :]
    assert_color(corners_of(decoded(damaged, 64).pixels), CORNERS)


def test_layers_and_many_channels_are_refused_as_they_go_past_the_limit_of_pixels() -> None:
    with pytest.raises(PhotoError, match="a TIFF of 3 layers, which can't be read"):
        decoded(tiff_of(np.stack([RGB] * 3), volumetric=True, tile=(3, 16, 16)))
    with pytest.raises(PhotoError, match="a TIFF of 65 channels, which can't be read"):
        decoded(tiff_of(np.zeros((8, 8, 65), np.uint8), photometric="minisblack", planarconfig="contig"))


def test_a_kind_that_nobody_reads_is_named() -> None:
    data = bytearray(tiff_of(RGB))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[259].offset  # type: ignore[union-attr]
    data[offset + 8 : offset + 10] = (32895).to_bytes(2, "little")
    with pytest.raises(PhotoError, match="TIFF with IT8CTPAD compression, which can't be read"):
        decoded(bytes(data))


def test_what_only_libtiff_decodes_is_left_to_pillow() -> None:
    file = io.BytesIO()
    Image.fromarray(RGB).convert("YCbCr").save(file, "TIFF", compression="tiff_lzw")
    assert_color(corners_of(decoded(file.getvalue(), 64).pixels), CORNERS, 3)


def test_libtiff_stumbling_over_damage_is_no_picture() -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(4).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).convert("YCbCr").save(file, "TIFF", compression="tiff_lzw")
    data = bytearray(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        (start, *_), (count, *_) = tiff.pages.first.dataoffsets, tiff.pages.first.databytecounts
    data[start + count // 2 : start + count] = bytes(count - count // 2)
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(bytes(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["YCbCr", "RGB"])
def test_each_orientation_is_turned_once(mode: str, orientation: int) -> None:
    file = io.BytesIO()
    stored = Image.fromarray(np.ascontiguousarray(as_stored(RGB, orientation)))
    stored.convert(mode).save(file, "TIFF", compression="tiff_lzw", tiffinfo={274: orientation})
    photo = decoded(file.getvalue(), 64)
    assert photo.pixels.shape == (32, 64, 3)
    assert_color(corners_of(photo.pixels), CORNERS, 3)


@pytest.mark.parametrize(("kind", "white"), [(np.int8, 127), (np.int16, 32767)])
def test_signed_numbers_reach_from_zero_to_their_largest(kind: Any, white: int) -> None:
    values = np.array([[-9, 0, white]] * 3, kind)
    assert eight_bits(decoded(tiff_of(values, photometric="minisblack"), 3).pixels)[0, :, 0].tolist() == [0, 0, 255]


def test_a_color_map_of_one_bit_and_of_sixteen() -> None:
    deep = np.zeros((3, 65536), np.uint16)
    deep[:, 40000] = np.array((200, 100, 50)) * 257
    sixteen = tiff_of(np.full((8, 8), 40000, np.uint16), photometric="palette", colormap=deep)
    assert_color(decoded(sixteen).pixels, (200, 100, 50))
    one = Image.new("P", (8, 8), 1)
    one.putpalette([0, 0, 0, 200, 100, 50])
    file = io.BytesIO()
    one.save(file, "TIFF", bits=1)
    assert_color(decoded(file.getvalue()).pixels, (200, 100, 50))


def with_shorts(data: bytes, order: Literal["little", "big"], tags: dict[int, tuple[int, ...]]) -> bytes:
    """Return the file with other values in tags whose values stand in the directory, as shorts."""
    changed = bytearray(data)
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        for number, values in tags.items():
            at = tiff.pages.first.tags[number].offset  # type: ignore[union-attr]
            changed[at + 2 : at + 4] = (3).to_bytes(2, order)
            changed[at + 4 : at + 8] = len(values).to_bytes(4, order)
            changed[at + 8 : at + 12] = b"".join(value.to_bytes(2, order) for value in values).ljust(4, b"\0")
    return bytes(changed)


@pytest.mark.parametrize("order", ["little", "big"])
def test_24_bits_are_stored_from_the_highest_one_in_either_byte_order(order: Literal["little", "big"]) -> None:
    levels = np.array([0, 0x123456, 0x800000, 0xFFFFFF])
    stored = np.stack([levels >> 16, levels >> 8 & 255, levels & 255], axis=-1).astype(np.uint8).reshape(1, 12)
    data = tiff_of(stored, photometric="minisblack", byteorder="<" if order == "little" else ">")
    photo = decoded(with_shorts(data, order, {256: (4,), 258: (24,)}), 4)
    assert photo.pixels[0, :, 0] == pytest.approx(levels / 0xFFFFFF, abs=1e-6)


def test_alpha_beside_indices_of_few_bits() -> None:
    stored = np.full((8, 8, 2), 0x1F, np.uint8)  # index 1, opaque
    stored[:, :4] = 0x18
    colors = np.zeros(48, np.uint16)
    colors[[1, 17, 33]] = np.array((200, 100, 50)) * 257
    data = tiff_of(stored, photometric="minisblack", extrasamples=["unassalpha"], extratags=[(320, "H", 48, colors)])
    photo = decoded(with_shorts(data, "little", {256: (16,), 258: (4, 4), 262: (3,)}), 16)
    assert photo.alpha is not None
    assert photo.alpha[0, [0, 15]].tolist() == [136, 255]
    assert_color(photo.pixels[0, 15], (200, 100, 50))


@pytest.mark.parametrize("bits", [(0, 0, 0), (8, 8, 0)])
def test_samples_of_no_bits_are_damage(bits: tuple[int, ...]) -> None:
    data = bytearray(tiff_of(RGB, compression="lzw"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        at = tiff.pages.first.tags[258].valueoffset  # type: ignore[union-attr]
    data[at : at + 6] = b"".join(number.to_bytes(2, "little") for number in bits)
    with pytest.raises(PhotoError, match="its samples have no bits"):
        decoded(bytes(data))


def test_a_predictor_that_does_not_exist_is_damage() -> None:
    data = bytearray(tiff_of(RGB, compression="lzw", predictor=True))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[317].offset  # type: ignore[union-attr]
    data[offset + 8 : offset + 10] = (999).to_bytes(2, "little")
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(bytes(data))


def test_ycbcr_in_separate_planes_is_said_to_be_unreadable() -> None:
    data = bytearray(tiff_of(np.moveaxis(RGB, -1, 0), planarconfig="separate"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[262].offset  # type: ignore[union-attr]
    data[offset + 8 : offset + 10] = (6).to_bytes(2, "little")
    with pytest.raises(PhotoError, match="kind of YCbCr TIFF that can't be read"):
        decoded(bytes(data))


def test_meanings_that_are_no_pictures_colors_are_named() -> None:
    data = bytearray(tiff_of(RGB))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        offset = tiff.pages.first.tags[262].offset  # type: ignore[union-attr]
    data[offset + 8 : offset + 10] = (51177).to_bytes(2, "little")
    with pytest.raises(PhotoError, match="TIFF with DEPTH_MAP pixels, which can't be read"):
        decoded(bytes(data))


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_a_fax_that_is_cut_short_does_not_end_in_white(compression: str) -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(2).integers(0, 2, (64, 64), np.uint8).astype(bool)
    Image.fromarray(noise).save(file, "TIFF", compression=compression)
    data = file.getvalue()
    assert decoded(data, 64).pixels.shape == (64, 64, 3)
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        tag = tiff.pages.first.tags[279]  # type: ignore[union-attr]
        stated = data[: tag.valueoffset] + (len(data) * 2).to_bytes(4, "little") + data[tag.valueoffset + 4 :]
    with pytest.raises(PhotoError, match="ends before its last strip or tile"):
        decoded(stated, 64)
