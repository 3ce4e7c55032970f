import io
import struct

import pytest
from PIL import Image

from pipeline.intake.boxes import check_boxes, check_jpeg_2000, check_jpeg_2000_codestream, check_jpeg_xl_codestream
from pipeline.intake.format_parsers import Incomplete, SizedFile

FTYP = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def iloc(version: int, *methods: int) -> bytes:
    """Places of items by ``construction_method``: 0 in the file, 1 in ``idat``."""
    number = ">H" if version < 2 else ">I"
    items = b"".join(
        struct.pack(number, item) + struct.pack(">HHHII", method, 0, 1, 0, 10)
        for item, method in enumerate(methods, 1)
    )
    return box(b"iloc", struct.pack(">B3xH", version, 0x4400) + struct.pack(number, len(methods)) + items)


def meta(*boxes: bytes) -> bytes:
    return box(b"meta", bytes(4) + b"".join(boxes))


def check(data: bytes) -> None:
    check_boxes(SizedFile(io.BytesIO(data), len(data)))


@pytest.mark.parametrize("version", [1, 2])
def test_data_that_lies_in_meta_needs_no_mdat(version: int) -> None:
    data = FTYP + meta(iloc(version, 1, 1), box(b"idat", b"x" * 10))
    check(data)
    with pytest.raises(Incomplete, match="should have at least"):
        check(data[:-1])


@pytest.mark.parametrize(
    "inside",
    [
        [iloc(1, 1, 0), box(b"idat", b"x" * 10)],  # as in HEIC of telephones: the grid's description, not its tiles
        [iloc(0), box(b"idat", b"x" * 10)],
        [iloc(1, 1)],
        [box(b"idat", b"x" * 10)],
    ],
)
def test_mdat_is_missing_if_any_data_is_to_lie_there(inside: list[bytes]) -> None:
    with pytest.raises(Incomplete, match="its picture data is missing"):
        check(FTYP + meta(*inside))
    check(FTYP + meta(*inside) + box(b"mdat", b"x" * 20))


def test_data_in_meta_that_was_never_written_is_missing() -> None:
    with pytest.raises(Incomplete, match="filled with zeros"):
        check(FTYP + meta(iloc(1, 1), box(b"idat", b"x" * 5000 + bytes(5000))))


def test_an_avif_with_its_data_in_idat_is_whole() -> None:
    """What libavif writes, with the content of ``mdat`` moved into ``meta``."""
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "AVIF")
    data = out.getvalue()
    start = data.index(b"mdat") - 4
    head, picture = data[:start], data[start + 8 :]
    with pytest.raises(Incomplete):
        check(head)
    at = head.index(b"meta") - 4
    inner = head[at + 12 :].replace(b"iloc\0", b"ilo_\0")  # of version 0
    check(head[:at] + meta(inner, iloc(1, 1), box(b"idat", picture)))


def test_a_bare_jpeg_xl_can_be_cut_unnoticed_but_not_filled_with_zeros() -> None:
    written = b"\xff\x0a" + b"x" * 9000
    check_jpeg_xl_codestream(SizedFile(io.BytesIO(written), len(written)))
    for data in (b"\xff\x0a", written + bytes(9000)):
        with pytest.raises(Incomplete):
            check_jpeg_xl_codestream(SizedFile(io.BytesIO(data), len(data)))


def test_a_jpeg_2000_is_complete_with_its_codestream() -> None:
    file = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(file, "JPEG2000")
    data = file.getvalue()
    check_jpeg_2000(SizedFile(io.BytesIO(data), len(data)))
    for cut in (data[:-1], data[:100]):
        with pytest.raises(Incomplete):
            check_jpeg_2000(SizedFile(io.BytesIO(cut), len(cut)))


def test_a_bare_codestream_of_jpeg_2000_is_complete_with_its_end_marker() -> None:
    data = b"\xff\x4f\xff\x51" + bytes(40) + b"\xff\xd9"
    check_jpeg_2000_codestream(SizedFile(io.BytesIO(data), len(data)))
    with pytest.raises(Incomplete, match="end marker"):
        check_jpeg_2000_codestream(SizedFile(io.BytesIO(data), len(data) - 2))
