import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.intake.containers import ContainerCheck, examine


def noise(width: int = 48, height: int = 32, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    noise(mode=mode).save(out, kind, **options)
    return out.getvalue()


def jpeg_with_thumbnail() -> bytes:
    """A JPEG whose APP1 segment holds a whole JPEG, end-of-image marker and all."""
    payload = b"Exif\0\0" + saved("JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    picture = saved("JPEG", progressive=True, quality=95, restart_marker_blocks=2)
    return picture[:2] + segment + picture[2:]


def big_tiff(order: str) -> bytes:
    """A BigTIFF with two strips, listed with 16 and 64 bits."""
    tags = [
        struct.pack(order + "HHQ4H", 273, 3, 2, 200, 240, 0, 0),
        struct.pack(order + "HHQQ", 279, 16, 2, 120),
        struct.pack(order + "HHQ8x", 282, 5, 1),
    ]
    start = b"II" if order == "<" else b"MM"
    head = start + struct.pack(order + "HHHQ", 43, 8, 0, 16) + struct.pack(order + "Q", 3) + b"".join(tags)
    return head.ljust(120, b"\0") + struct.pack(order + "QQ", 40, 60) + b"x" * 164


def gif_with_comment_and_local_table() -> bytes:
    out = io.BytesIO()
    frames = [noise(mode="P"), noise(mode="P").transpose(Image.Transpose.ROTATE_180)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], comment=b"hello", loop=0)
    return out.getvalue()


def tiff(**options: object) -> bytes:
    return saved("TIFF", **options)


def jpeg_xl_boxes(last: bytes = b"\x80\0\0\1") -> bytes:
    """A JPEG XL in parts, between other boxes; ``last`` is the number of the second part."""
    signature = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl "
    first = struct.pack(">I4sI", 12 + 500, b"jxlp", 0) + b"\xff\x0a" * 250
    return (
        signature
        + b"\0\0\0\x0dExif\0\0\0\0x"
        + first
        + struct.pack(">I4s", 12 + 20_000, b"jxlp")
        + last
        + b"y" * 20_000
    )


def camera_raw_tiff() -> bytes:
    """A camera raw file like Nikon's and Adobe's: a preview first, the raw picture in a directory of its own."""
    first = struct.pack("<HHHIIHHIIHHIII", 3, 273, 4, 1, 100, 279, 4, 1, 60, 330, 4, 1, 200, 0)
    raw = struct.pack("<HHHIIHHIII", 2, 273, 4, 1, 300, 279, 4, 1, 400, 0)
    return (b"II*\0\x08\0\0\0" + first).ljust(200, b"x") + raw.ljust(500, b"x")


WHOLE: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved("JPEG"),
    "jpeg progressive": lambda: saved("JPEG", progressive=True),
    "jpeg with a thumbnail": jpeg_with_thumbnail,
    "jpeg grey": lambda: saved("JPEG", "L"),
    "png": lambda: saved("PNG"),
    "webp lossy": lambda: saved("WEBP"),
    "webp lossless": lambda: saved("WEBP", lossless=True, exif=b"Exif\0\0abc"),
    "avif": lambda: saved("AVIF"),
    "gif": gif_with_comment_and_local_table,
    "bmp": lambda: saved("BMP"),
    "bmp palette": lambda: saved("BMP", "P"),
    "tiff": tiff,
    "tiff deflated": lambda: tiff(compression="tiff_adobe_deflate"),
    "tiff tiled": lambda: tiff(tile=(16, 16)),
    "big tiff little-endian": lambda: big_tiff("<"),
    "big tiff big-endian": lambda: big_tiff(">"),
    "jpeg xl in boxes": jpeg_xl_boxes,
    "camera raw as tiff": camera_raw_tiff,
}


@pytest.fixture
def judge(tmp_path: Path) -> Callable[[bytes], ContainerCheck]:
    def judge(data: bytes) -> ContainerCheck:
        path = tmp_path / "photo.jpg"
        path.write_bytes(data)
        return examine(path.parent, path.name)

    return judge


Judge = Callable[[bytes], ContainerCheck]


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_whole(name: str, judge: Judge) -> None:
    assert judge(WHOLE[name]()) == ContainerCheck("complete")


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_anywhere_is_incomplete(name: str, judge: Judge) -> None:
    data = WHOLE[name]()
    last = len(data) - (2 if name == "gif" else 1)  # a GIF is whole without its last byte
    cuts = {len(data) * tenth // 10 for tenth in range(10)} | {*range(1, 24), last}
    kinds = {cut: judge(data[:cut]).kind for cut in sorted(cuts)}
    assert kinds == dict.fromkeys(kinds, "incomplete")


@pytest.mark.parametrize("name", [name for name in WHOLE if "bmp" not in name and "tiff" not in name])
def test_a_file_whose_space_is_set_aside_but_not_written_is_incomplete(name: str, judge: Judge) -> None:
    data = WHOLE[name]()
    if "webp" in name or "avif" in name:
        data = grown(data, 20_000)
    for tenth in range(8):
        written = data[: len(data) * tenth // 10]
        assert judge(written.ljust(len(data), b"\0")).kind == "incomplete", tenth


def grown(data: bytes, count: int) -> bytes:
    """Return a WebP or AVIF whose last part is ``count`` bytes longer: pages of zeros need some room."""
    if data[:4] == b"RIFF":
        return data[:4] + struct.pack("<I", len(data) - 8 + count) + data[8:] + b"x" * count
    start = data.index(b"mdat") - 4
    return data[:start] + struct.pack(">I", len(data) - start + count) + data[start + 4 :] + b"x" * count


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "avif"])
def test_trailing_bytes_do_no_harm(name: str, judge: Judge) -> None:
    assert judge(WHOLE[name]() + b"MotionPhoto_Data" + bytes(9000)).kind == "complete"


def test_an_avif_may_have_something_appended(judge: Judge) -> None:
    assert judge(saved("AVIF") + b"\0\0\0\0garbage").kind == "complete"
    assert judge(saved("AVIF") + b"\x7f\0\0\0\1\2\3\4 no box").kind == "complete"


def test_a_gif_may_end_where_a_block_does_and_have_zeros_between_blocks(judge: Judge) -> None:
    data = saved("GIF", "P")
    assert judge(data[:-1]) == ContainerCheck("complete")
    assert judge(data[:-1] + b"appended") == ContainerCheck("complete")
    assert judge(data[:-1] + b"\0\0;") == ContainerCheck("complete")
    assert judge(data[:-1] + bytes(70_000) + data[-1:]) == ContainerCheck("complete")
    check = judge(data[:-1] + bytes(70_000))
    assert (check.reason, check.has_format) == ("the GIF is incomplete: its end is still filled with zeros", True)


def test_a_gif_without_an_image_is_incomplete(judge: Judge) -> None:
    assert judge(saved("GIF", "P")[:781] + b"!\xfe\0").kind == "incomplete"


def test_a_jpeg_may_have_a_trailer_in_place_of_its_end_marker(judge: Judge) -> None:
    picture = saved("JPEG")[:-2]
    assert judge(picture + b"\xff\xfe trailer" * 40 + b"SEFT") == ContainerCheck("complete")
    assert judge(picture + b"\xff\xfe trailer" * 40).kind == "incomplete"
    assert judge(saved("JPEG")[:100] + b"SEFT").kind == "incomplete"


def tiff_with(tag: int) -> bytes:
    """A TIFF that has one more tag, whose values lie beyond its end."""
    entries = [(273, 4, 1, 100), (279, 4, 1, 50), (tag, 1, 5000, 999_999)]
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return data.ljust(150, b"\0")


@pytest.mark.parametrize(
    ("tag", "kind"), [(65_000, "complete"), (270, "complete"), (320, "incomplete"), (34_675, "incomplete")]
)
def test_a_stray_tag_of_a_tiff_does_no_harm_unless_the_picture_needs_it(tag: int, kind: str, judge: Judge) -> None:
    assert judge(tiff_with(tag)).kind == kind


def test_a_tiff_may_end_with_the_last_entry_of_its_directory(judge: Judge) -> None:
    picture = b"II*\0" + struct.pack("<I", 108) + b"x" * 100
    entries = struct.pack("<HHHIIHHII", 2, 273, 4, 1, 8, 279, 4, 1, 100)
    assert judge(picture + entries) == ContainerCheck("complete")
    assert judge(picture + entries[:-1]).kind == "incomplete"


@pytest.mark.parametrize(("header", "name"), [(b"IIRO\x08\0\0\0", "Olympus"), (b"IIU\0\x08\0\0\0", "Panasonic")])
def test_camera_raw_like_tiff_is_complete_with_its_raw_data(header: bytes, name: str, judge: Judge) -> None:
    tags = struct.pack("<HHHIIHHIIHHIII", 3, 273, 4, 1, 0xFFFFFFFF, 279, 4, 1, 300, 280, 4, 1, 60, 0)
    data = (header + tags).ljust(360, b"x")
    assert judge(data) == ContainerCheck("complete")
    assert judge(data[:-1]).reason == "the camera raw is incomplete: it should have at least 360 bytes, but has 359"


def test_a_raw_directory_of_canon_counts(judge: Judge) -> None:
    first = struct.pack("<HHHIIHHIII", 2, 273, 4, 1, 60, 279, 4, 1, 10, 0)
    raw = struct.pack("<HHHIIHHIII", 2, 273, 4, 1, 150, 279, 4, 1, 99, 0)
    data = ((b"II*\0\x10\0\0\0CR\x02\0" + struct.pack("<I", 100) + first).ljust(100, b"x") + raw).ljust(249, b"x")
    assert judge(data) == ContainerCheck("complete")
    assert judge(data[:-1]).kind == "incomplete"


def test_an_mpo_counts_as_jpeg_by_its_primary_image(judge: Judge) -> None:
    out = io.BytesIO()
    noise().save(out, "MPO", save_all=True, append_images=[noise()])
    data = out.getvalue()
    assert judge(data).kind == "complete"
    assert judge(data[: len(data) // 3]).kind == "incomplete"


def test_a_marker_across_two_reads_is_found(judge: Judge) -> None:
    scan = b"\xff\xd8\xff\xda\x00\x02" + b"\x11" * 64
    for padding in range(65_530, 65_540):
        assert judge(scan + b"\x11" * padding + b"\xff\xff\xd9").kind == "complete"


def test_stuffed_bytes_and_restart_markers_end_no_scan(judge: Judge) -> None:
    check = judge(b"\xff\xd8\xff\xda\x00\x02" + b"\xff\x00\xff\xd0\xff\xd7\xff\x01" * 10_000)
    reason = "the JPEG is incomplete: its end-of-image marker is missing"
    assert check == ContainerCheck("incomplete", reason, has_format=True)


def test_a_jpeg_without_picture_data_is_incomplete(judge: Judge) -> None:
    check = judge(b"\xff\xd8\xff\xd8\xff\xfe\x00\x04hi\xff\xd9")
    assert check.reason == "the JPEG is incomplete: it ends before any picture data"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (bytes(9000), "the file begins with nothing but zeros"),
        (b"\x89PN", "the file has only 3 bytes"),
        (b"RIFF\x10\0\0\0WEB", "the file has only 11 bytes"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "the WebP is incomplete: its length is not filled in yet"),
        (b"\0\0\0\x1cfty", "the file has only 7 bytes"),
        (b"\0\0\0\x0cJXL \r", "the file has only 9 bytes"),
        (jpeg_xl_boxes(last=b"\0\0\0\1"), "the JPEG XL is incomplete: its picture data is missing"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "the PNG is incomplete: at byte 8 there is no chunk"),
        (b"GIF89a" + bytes(20), "the GIF is incomplete: at byte 13 there is no block"),
        (b"II*\0" + bytes(20), "the TIFF is incomplete: its directory is not written yet"),
        (b"II*\0\x08\0\0\0" + bytes(8), "the TIFF is incomplete: its directory lists no picture data"),
        (b"MM\0+\0\x08\0\0" + b"\xff" * 8, "the TIFF is incomplete: it should have at least"),
        (b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x08meta", "the AVIF is incomplete: its picture data is missing"),
    ],
)
def test_what_is_missing_is_said(data: bytes, reason: str, judge: Judge) -> None:
    check = judge(data)
    assert check.kind == "incomplete"
    assert check.reason.startswith(reason)


@pytest.mark.parametrize(
    ("data", "likeness"),
    [
        (b"\xef\xbb\xbf <!DOCTYPE html><p>404", "an HTML page"),
        (b"<?xml version='1.0'?><svg/>", "an XML file"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp42", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a sound or a video"),
        (b'{"error": "not found"}\n', "text"),
        (b"BMX was invented in California", "text"),
        (b"\x01\x02\x03\x04 \0", "data of an unknown kind"),
    ],
)
def test_a_file_of_no_image_format_is_no_image_and_named(data: bytes, likeness: str, judge: Judge) -> None:
    assert judge(data) == ContainerCheck("not_an_image", f"not an image: it looks like {likeness}")


def test_heif_brands_count_wherever_they_stand(judge: Judge) -> None:
    boxes = b"\0\0\0\x08meta" + b"\0\0\0\x01mdat" + struct.pack(">Q", 18) + b"xx"
    assert judge(b"\0\0\0\x14ftypABCD\0\0\0\0heic" + boxes).kind == "complete"
    assert judge(b"\0\0\0\x14ftypABCD\0\0\0\0mif1\0\0\0\x08meta\0\0\0\0mdat").kind == "complete"


def test_a_minimized_image_box_holds_the_whole_picture(judge: Judge) -> None:
    data = b"\0\0\0\x10ftypmif3avif" + b"\0\0\0\x20mini" + bytes(24)
    assert judge(data).kind == "complete"
    assert judge(data[:-1]).kind == "incomplete"


def test_a_bitmap_is_judged_by_its_dimensions_unless_compressed(judge: Judge) -> None:
    def bitmap(declared: int, compression: int, extra: int) -> bytes:
        return struct.pack("<2sIIIIiiHHI", b"BM", declared, 0, 54, 40, 4, -2, 1, 24, compression) + bytes(20 + extra)

    assert judge(bitmap(999_999, 0, 24)).kind == "complete"
    assert judge(bitmap(78, 0, 23)).kind == "incomplete"
    assert judge(bitmap(78, 1, 24)).kind == "complete"
    assert judge(bitmap(999_999, 1, 24)).kind == "incomplete"
    old = struct.pack("<2sIIIIHHHH", b"BM", 0, 0, 26, 12, 4, 2, 1, 24)
    assert judge(old + bytes(24)).kind == "complete"
    assert judge(old + bytes(23)).kind == "incomplete"


def test_a_tiff_without_byte_counts_needs_its_first_byte(judge: Judge) -> None:
    def strip_at(offset: int) -> bytes:
        return b"II*\0\x08\0\0\0" + struct.pack("<HHHII4x", 1, 273, 4, 1, offset)

    assert judge(strip_at(20)).kind == "complete"
    assert judge(strip_at(26)).kind == "incomplete"


@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0\x08\0\0\0", b"MM\0+\0\x08\0\0"])
    | st.sampled_from([b"BM" + bytes(12) + b"\x28\0\0\0", b"RIFF\x20\0\0\0WEBP", b"\0\0\0\x14ftypheic\0\0\0\0mif1"]),
    st.binary(max_size=200),
)
def test_no_bytes_whatever_raise(tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.jpg"
    path.write_bytes(start + rest)
    assert examine(path.parent, path.name).kind in {"complete", "incomplete", "not_an_image"}
