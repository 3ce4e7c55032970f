import io
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import CodecError, PhotoError
from pipeline.images.decoders.heic import HeicFile
from pipeline.images.decoders.opened import opened
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, Raster
from tests.images.pictures import decoded, file_of, flat, four_corners

HEIC = b"\0\0\0\x18ftypheic" + bytes(100)


def heic_of(values: NDArray[np.uint16], mode: str) -> bytes:
    """A HEIC of 10 bits, without loss."""
    file = io.BytesIO()
    image = pillow_heif.from_bytes(mode, (values.shape[1], values.shape[0]), values.tobytes())
    image.save(file, quality=-1, chroma=444, matrix_coefficients=0)
    return file.getvalue()


def ramp(channels: int) -> NDArray[np.uint16]:
    """64 neighboring values of 10 bits, the last one white."""
    values = np.arange(960, 1024, dtype=np.uint16) << 6
    return np.ascontiguousarray(np.broadcast_to(values[None, :, None], (64, 64, channels)))


def loaded(data: bytes) -> Raster:
    return opened(PhotoFile.of(data)).load(lambda size: size)


def deep(data: bytes) -> DeepPixels:
    pixels = loaded(data).pixels
    assert isinstance(pixels, DeepPixels)
    return pixels


@pytest.mark.parametrize(("stored", "mode", "channels"), [("RGB;16", "RGB", 3), ("RGBA;16", "RGBA", 4)])
def test_ten_bits_are_kept(stored: str, mode: str, channels: int) -> None:
    pixels = deep(heic_of(ramp(channels), stored))
    assert pixels.mode == mode
    assert pixels.white == 1023 << 6
    assert (pixels.values == ramp(channels)).all()


def test_ten_bits_of_gray_are_kept() -> None:
    pixels = deep(heic_of(ramp(1), "L;16"))
    assert pixels.mode == "L"
    assert len(np.unique(pixels.values)) > 32  # of 64 by 8 bits there were 16


def test_what_was_multiplied_by_its_alpha_is_divided_again() -> None:
    values = np.full((64, 64, 4), 512 << 6, np.uint16)
    pixels = deep(heic_of(values, "RGBa;16"))
    assert pixels.mode == "RGBA"
    assert np.abs(pixels.values[..., :3] - 1023 * 64).max() < 64


def test_twelve_bits_have_a_white_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", True)
    values = np.full((64, 64, 3), 4095 << 4, np.uint16)
    photo = decoded(heic_of(values, "RGB;16"), 64)
    assert photo.pixels.dtype == np.float32
    assert photo.pixels.min() == 1


def test_eight_bits_are_what_pillow_reads() -> None:
    data = file_of(Image.fromarray(four_corners()), "HEIF")
    pixels = loaded(data).pixels
    assert isinstance(pixels, Image.Image)
    assert pixels.tobytes() == Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_of_several_pictures_it_is_the_primary_one() -> None:
    file = io.BytesIO()
    pictures = pillow_heif.from_pillow(flat("RGB", "red", (64, 64)))
    pictures.add_from_pillow(flat("RGB", "blue", (32, 32)))
    pictures.save(file, primary_index=1)
    raster = loaded(file.getvalue())
    assert raster.pixels.size == (32, 32)
    assert raster.notes == ()


def test_a_picture_with_a_sequence_beside_it_is_used_and_that_is_said() -> None:
    data = file_of(flat("RGB", "red", (64, 64)), "HEIF")
    assert data[16:20] == b"mif1"
    assert "sequence" in loaded(data[:16] + b"hevc" + data[20:]).notes[0]


def test_brands_that_pillow_does_not_know_are_no_reason_to_refuse() -> None:
    data = file_of(flat("RGB", "red", (64, 64)), "HEIF")
    assert loaded(data[:8] + b"mif2" + data[12:16] + b"mif2" + data[20:]).pixels.size == (64, 64)


def test_a_kind_of_picture_that_libheif_can_not_decode_is_named() -> None:
    data = file_of(flat("RGB", "red", (64, 64)), "HEIF")
    with pytest.raises(PhotoError, match=r"HEIF of a kind that can't be read .*: save it as JPEG or PNG"):
        decoded(data.replace(b"hvc1", b"unci"))


def test_a_codec_that_libheif_has_not_is_named() -> None:
    data = file_of(flat("RGB", "red", (64, 64)), "HEIF")
    with pytest.raises(PhotoError, match="HEIF with a picture in AV1, which can't be read"):
        decoded(data.replace(b"hvc1", b"av01").replace(b"hvcC", b"av1C"))


def test_a_sequence_without_a_still_picture_is_called_that() -> None:
    data = file_of(flat("RGB", "red", (64, 64)), "HEIF").replace(b"pitm", b"free").replace(b"mif1", b"msf1")
    with pytest.raises(PhotoError, match="sequence without a still picture"):
        decoded(data)


def test_a_size_that_can_not_be_is_refused_before_anything_is_decoded() -> None:
    data = file_of(flat("RGB", "red", (64, 64)), "HEIF")
    bomb = data.replace(b"ispe" + struct.pack(">III", 0, 64, 64), b"ispe" + struct.pack(">III", 0, 60000, 60000))
    assert bomb != data
    with pytest.raises(PhotoError):
        decoded(bomb)


def test_a_library_that_can_not_be_loaded_is_named_and_other_photos_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pillow_heif.py").write_text("raise ImportError('libheif.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pillow_heif", raising=False)
    with pytest.raises(CodecError, match=r"can't be loaded \(libheif.so.1: cannot open .*\); reinstall it"):
        decoded(HEIC)
    assert decoded(file_of(flat("RGB", "red"), "PNG")).pixels.shape[2] == 3


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "pillow_heif", missing)
    with pytest.raises(CodecError, match=r"the file is HEIC: pillow-heif.* reinstall it"):
        HeicFile(PhotoFile.of(HEIC))
