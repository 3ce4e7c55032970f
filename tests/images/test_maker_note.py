"""Maker notes of the kinds that cameras write, with a text that stands where an offset of the note says."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.images import exif, maker_note
from pipeline.images.decode import read_metadata
from pipeline.images.exif import PREFIX, Exif, Value
from pipeline.images.metadata import Metadata, copied_metadata
from tests.images.pictures import file_of, flat, written

FORMATS: tuple[Any, ...] = ("jpeg", "png", "webp", "tiff")
OWNER = b"Jane Doe owns this\0"
OFFSET = 700


def note_directory(order: str, base: int, start: int = 0, text: bytes = OWNER, tag: int = 9) -> bytes:
    """A directory at ``start`` of a note, followed by a text; offsets count from ``base`` before the note."""
    table = struct.pack(order + "HHHII", 1, tag, exif.ASCII, len(text), base + start + 18)
    return table + bytes(4) + text


def block_with(note: bytes, offset: int = OFFSET, order: Any = "<", behind: bytes = b"") -> bytes:
    """A block that holds a note at ``offset``."""
    value = Value(exif.UNDEFINED, len(note), note, offset)
    camera = {0x010F: exif.text("Canon"), 0x0110: exif.text("Canon TEST")}
    return exif.serialize(Exif(order, camera, {0x927C: value})) + behind


def written_note(path: Path, picture_format: Any, block: bytes) -> tuple[tuple[str, ...], Value | None, bytes]:
    """Write a picture; return the notes, the maker note as the picture has it, and the bytes it counts from."""
    notes = written(path, picture_format, Metadata(exif=block))
    data = path.read_bytes()
    source = data if picture_format == "tiff" else read_metadata(data).exif
    found = exif.parse(source)
    assert found is not None
    return notes, found.photo.get(0x927C), source


@pytest.mark.parametrize("picture_format", FORMATS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset", [8, 60, 701, 5000])
def test_a_note_that_counts_from_the_blocks_start_keeps_its_offset(
    tmp_path: Path, picture_format: Any, order: str, offset: int
) -> None:
    note = note_directory(order, offset)
    notes, value, source = written_note(tmp_path / "a", picture_format, block_with(note, offset, order))
    assert notes == ()
    assert value is not None
    assert (value.offset, value.data) == (offset, note)
    assert source[offset + 18 :].startswith(OWNER)


def test_a_tiffs_strips_stand_behind_the_note(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (700, 301, 3), dtype=np.uint8)
    metadata = Metadata(exif=block_with(note_directory(">", 5000), 5000, ">"))
    written(tmp_path / "a", "tiff", metadata, pixels=noise)
    with Image.open(tmp_path / "a") as image:
        assert len(image.tag_v2[273]) > 2  # type: ignore[attr-defined]
        assert (np.asarray(image) == noise).all()
    assert (tmp_path / "a").read_bytes()[5018:].startswith(OWNER)


@pytest.mark.parametrize("picture_format", FORMATS)
def test_everything_else_stands_around_the_note(tmp_path: Path, picture_format: Any) -> None:
    block = exif.parse(block_with(note_directory("<", OFFSET)))
    assert block is not None
    comment, place = exif.undefined(b"ASCII\0\0\0" + b"long " * 200), exif.undefined(b"a place")
    full = Exif("<", {**block.image, 0x010E: exif.text("x" * 500)}, {**block.photo, 0x9286: comment}, {2: place})
    written_note(tmp_path / "a", picture_format, exif.serialize(full))
    found = exif.parse(read_metadata((tmp_path / "a").read_bytes()).exif)
    assert found is not None
    assert found.image[0x010E] == full.image[0x010E]
    assert found.photo[0x9286] == comment
    assert found.gps == {2: place}
    assert found.photo[0x927C] == full.photo[0x927C]


@pytest.mark.parametrize(
    "note",
    [
        b"Apple iOS\0\0\1MM" + note_directory(">", 0, 14),
        b"Nikon\0\2\x10\0\0MM\0*\0\0\0\x08" + note_directory(">", -10, 18),
        b"FUJIFILM\x0c\0\0\0" + note_directory("<", 0, 12),
        b"OLYMPUS\0II\3\0" + note_directory("<", 0, 12),
        b"\0\0" + bytes(9),
        b"Only a text\0",
    ],
)
def test_a_note_that_counts_from_itself_needs_no_padding(tmp_path: Path, note: bytes) -> None:
    notes, value, source = written_note(tmp_path / "a", "png", block_with(note, 60_000))
    assert value is not None
    assert value.data == note
    assert notes == ()
    assert (len(source) < 5000) == (note[:2] != b"\0\0")  # what nobody knows stays where it was


def test_a_tail_behind_the_note_is_kept_with_it(tmp_path: Path) -> None:
    directory = note_directory("<", OFFSET)
    block = block_with(directory[:-12], behind=b"")
    block = block[: OFFSET + 25] + directory[25:] + bytes(40)
    notes, value, source = written_note(tmp_path / "a", "jpeg", block)
    assert notes == ()
    assert value is not None
    assert source[OFFSET + 18 :].startswith(OWNER)


INCOMPLETE = {
    "behind": note_directory("<", OFFSET + 5000),
    "before": note_directory("<", OFFSET - 300),
    "past the photo's end": note_directory("<", 1 << 24),
    "counting from itself": b"OLYMPUS\0II\3\0" + note_directory("<", 5000, 12),
    "counting from the file": b"LEICA\0\x02\xff" + bytes(40),
}


@pytest.mark.parametrize("note", INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("picture_format", ["jpeg", "tiff"])
def test_a_note_with_values_elsewhere_is_left_out_with_a_remark(
    tmp_path: Path, note: bytes, picture_format: Any
) -> None:
    notes, value, _ = written_note(tmp_path / "a", picture_format, block_with(note, behind=bytes(9000)))
    assert value is None
    assert [remark.split(":")[0] for remark in notes] == ["EXIF's maker note left out"]


@pytest.mark.parametrize("preview", [200, 5000])
def test_a_nikon_preview_elsewhere_makes_the_note_incomplete(preview: int) -> None:
    directory = struct.pack(">HHHII", 1, 0x11, exif.LONG, 1, 26) + bytes(4)
    inner = struct.pack(">HHHIIHHII", 2, 0x201, exif.LONG, 1, preview, 0x202, exif.LONG, 1, 100) + bytes(400)
    note = b"Nikon\0\2\x10\0\0MM\0*\0\0\0\x08" + directory + inner
    settled, remarks = maker_note.settled(Exif(">", {}, {0x927C: Value(7, len(note), note, OFFSET)}), b"")
    assert (0x927C in settled.photo) == (remarks == ()) == (preview == 200)


def test_a_nikon_note_without_a_header_is_known_by_its_maker() -> None:
    note = struct.pack(">HHHII", 1, 0x11, exif.LONG, 1, 5000) + bytes(20)
    for make, is_kept in (("NIKON", False), ("Canon", True)):
        block = Exif(">", {0x010F: exif.text(make)}, {0x927C: Value(7, len(note), note, OFFSET)})
        assert (0x927C in maker_note.settled(block, b"")[0].photo) == is_kept


def test_canons_note_goes_back_to_where_it_was_before_another_program_moved_it(tmp_path: Path) -> None:
    note = note_directory("<", OFFSET) + b"II*\0" + struct.pack("<I", OFFSET)
    notes, value, source = written_note(tmp_path / "a", "jpeg", block_with(note, OFFSET + 100))
    assert notes == ()
    assert value is not None
    assert value.offset == OFFSET
    assert source[OFFSET + 18 :].startswith(OWNER)


@pytest.mark.parametrize(
    ("note", "is_true"),
    [
        (note_directory("<", OFFSET), True),
        (note_directory("<", 400) + b"II*\0" + struct.pack("<I", 400), False),
        (note_directory("<", 5000), False),
        (b"OLYMPUS\0II\3\0" + note_directory("<", 0, 12), False),
    ],
)
def test_windows_note_on_the_moved_note_stays_only_if_it_is_true(note: bytes, is_true: bool) -> None:
    photo = {0x927C: Value(7, len(note), note, OFFSET), 0xEA1D: exif.integers("<", exif.LONG, 300)}
    assert (0xEA1D in maker_note.settled(Exif("<", {}, photo), b"")[0].photo) == is_true


def tiff_with_a_note(offset: int, note: bytes) -> bytes:
    """A TIFF file whose Exif directory stands behind its pixels, and a note behind that at ``offset``."""
    data = bytearray(file_of(flat("RGB", "red"), "TIFF", tiffinfo={0x8769: 4242}))
    data += bytes(offset - len(data))
    directory = len(data)
    data += struct.pack("<HHHIII", 1, 0x927C, exif.UNDEFINED, len(note), offset + 18, 0) + note
    at = data.index(struct.pack("<HHI", 0x8769, exif.LONG, 1)) + 8
    data[at : at + 4] = struct.pack("<I", directory)
    return bytes(data)


@pytest.mark.parametrize("picture_format", FORMATS)
def test_a_tiffs_note_keeps_its_offset_in_the_file(tmp_path: Path, picture_format: Any) -> None:
    data = tiff_with_a_note(8000, note_directory("<", 8018))
    notes = written(tmp_path / "a", picture_format, read_metadata(data))
    assert notes == ()
    result = (tmp_path / "a").read_bytes()
    source = result if picture_format == "tiff" else read_metadata(result).exif
    assert source[8036:].startswith(OWNER)


def test_a_tiffs_note_behind_its_pixels_is_left_out_with_a_remark() -> None:
    metadata = read_metadata(tiff_with_a_note(400_000, note_directory("<", 400_018)))
    copied = copied_metadata(metadata, "keep", (3, 2))
    assert 0x927C not in copied.exif.photo
    assert copied.notes == ("EXIF's maker note left out: it is true at its place in the photo only, byte 400018",)
    assert copied_metadata(metadata, "strip_location", (3, 2)).notes == ()


def test_a_note_at_its_offset_may_be_too_much_for_jpeg(tmp_path: Path) -> None:
    note = note_directory("<", 65_500) + bytes(400)
    notes, value, _ = written_note(tmp_path / "a", "jpeg", block_with(note, 65_500))
    assert value is None
    assert notes == ("EXIF's maker note left out: too large for JPEG",)
    notes, value, source = written_note(tmp_path / "b", "png", block_with(note, 65_500))
    assert notes == ()
    assert source[65_518:].startswith(OWNER)


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_any_bytes_may_be_a_note(cut: int) -> None:
    note = (b"Nikon\0\2\x10\0\0MM\0*\0\0\0\x08" + note_directory(">", -10, 18))[:cut] + bytes(range(200, 215))
    block = Exif(">", {0x010F: exif.text("Nikon")}, {0x927C: Value(7, len(note), note, OFFSET)})
    settled, remarks = maker_note.settled(block, note)
    assert (0x927C in settled.photo) == (remarks == ())


def test_a_block_without_a_note_begins_with_its_directory() -> None:
    block = Exif("<", {0x010F: exif.text("Maker")}, {0x9286: exif.undefined(b"comment")})
    assert exif.serialize(block) == exif.header("<", 8) + exif.write_directories(block, 8)
    assert exif.parse(PREFIX + exif.serialize(block)) == block
