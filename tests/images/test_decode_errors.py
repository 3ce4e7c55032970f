"""A photo is blamed only for what is its own fault: not for short memory, and not for a library that is not there."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, WebPImagePlugin

from pipeline.errors import CodecError, PaintingError, PhotoError
from pipeline.images.decode import decode_painting
from pipeline.images.decode_errors import require_memory, translated_errors
from pipeline.images.exif import Exif
from pipeline.images.formats import Tags, encode
from pipeline.model import PictureOptions
from tests.images.pictures import decoded, file_of, flat

HEIC = b"\0\0\0\x18ftypheic" + bytes(100)
#: More than any machine has, and less than numpy can count.
ENDLESS_PIXELS = 10**15


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError("out of memory error when reading image file"),
        RuntimeError("Pixel allocation failed: Out of memory"),
        ValueError("Memory allocation error: Unspecified"),
        RuntimeError("std::bad_alloc"),
        OSError("Insufficient memory (case 4)"),
    ],
)
def test_memory_that_is_short_is_nobodys_fault(error: Exception) -> None:
    with pytest.raises(MemoryError), translated_errors(b""):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError("broken data stream when reading image file"),
        Image.DecompressionBombError("Image size (1 pixels) exceeds limit"),
        SyntaxError("not a TIFF file"),
        RuntimeError(
            "Memory allocation error: Security limit exceeded: Image size 100000x100000 exceeds the maximum"
        ),
    ],
)
def test_what_says_nothing_of_memory_is_the_photos_fault_if_there_is_enough_to_decode_it(error: Exception) -> None:
    with pytest.raises(PhotoError, match="damaged or cut short"), translated_errors(b"", 64):
        raise error
    with pytest.raises(MemoryError), translated_errors(b"", ENDLESS_PIXELS):
        raise error


def test_an_error_without_words_is_named_by_its_kind() -> None:
    with pytest.raises(PhotoError, match=r"cut short \(IndexError\)"), translated_errors(b""):
        raise IndexError


def test_the_words_of_a_plugin_that_stumbles_are_not_those_of_the_file() -> None:
    with pytest.raises(PhotoError, match=r"cut short \(TypeError\): copy"), translated_errors(b""):
        raise TypeError("unsupported operand type(s) for -: 'str' and 'str'")


def test_there_is_memory_for_a_small_picture_and_none_for_an_endless_one() -> None:
    require_memory(64)
    with pytest.raises(MemoryError):
        require_memory(ENDLESS_PIXELS)


def test_a_webp_announces_what_it_takes_before_it_is_opened() -> None:
    head = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\xff\xff\xff\xff\xff\xff"
    with pytest.raises(MemoryError), translated_errors(head):
        raise OSError("could not create decoder object")
    for options in ({}, {"lossless": True}):
        data = file_of(flat("RGB", "red", (40, 30)), "WEBP", **options)
        with pytest.raises(PhotoError), translated_errors(data):
            raise OSError("could not create decoder object")


LIMITED = """
import io, resource, sys
from pathlib import Path
from PIL import Image
from pipeline.errors import PhotoError
from pipeline.images.decode import decode

noise = Image.effect_noise((200, 200), 90).resize((2000, 2000), Image.Resampling.NEAREST).convert("RGB")
found = set()
for kind, options in [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {})]:
    data, small = io.BytesIO(), io.BytesIO()
    noise.save(data, kind, **options)
    noise.resize((64, 64)).save(small, kind, **options)
    decode(small.getvalue(), long_side=32, max_pixels=10**9)  # what is loaded once is there before the limit
    for megabytes in (1, 4, 12, 30, 60):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        try:
            decode(data.getvalue(), long_side=256, max_pixels=10**9)
            outcome = "decoded"
        except (PhotoError, MemoryError) as error:
            outcome = type(error).__name__
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        found.add(outcome)
print(*sorted(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its size in /proc")
def test_no_photo_is_found_damaged_while_memory_really_is_short() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.split() in (["MemoryError", "decoded"], ["MemoryError"])


# --- libraries ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("brand", "module", "name"), [(b"avif", "PIL._avif", "AVIF"), (b"", "PIL._webp", "WebP")])
def test_a_pillow_that_lacks_a_format_is_blamed_for_it(
    monkeypatch: pytest.MonkeyPatch, brand: bytes, module: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(WebPImagePlugin, "SUPPORTED", False)
    data = b"\0\0\0\x18ftyp" + brand + bytes(100) if brand else file_of(flat("RGB", "red"), "PNG")
    if not brand:
        data = b"RIFF\x1a\0\0\0WEBPVP8L" + bytes(30)
    with pytest.raises(CodecError, match=f"the file is {name}, which Pillow can't read here: reinstall Pillow"):
        decoded(data)


def test_a_decoder_or_a_part_of_pillow_that_is_not_there_is_no_damage() -> None:
    with pytest.raises(CodecError, match="Pillow has no decoder tiff_lzw not available"), translated_errors(b""):
        raise OSError("decoder tiff_lzw not available")
    with pytest.raises(CodecError, match="a part of Pillow can't be loaded"), translated_errors(b""):
        raise ImportError("DLL load failed while importing _imagingcms")


def test_a_painting_in_need_of_a_library_is_named_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "night.heic").write_bytes(HEIC)
    with pytest.raises(PaintingError, match=r"night.heic can't be used: the file is HEIC: pillow-heif"):
        decode_painting(tmp_path / "night.heic")


def test_a_format_that_pillow_can_not_write_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.init()
    monkeypatch.delitem(Image.SAVE, "WEBP")
    tags = Tags(Exif(), Exif(), b"", b"", ())
    with pytest.raises(CodecError, match=r"Pillow can't write WEBP here .*choose another output.format"):
        encode(np.zeros((4, 4, 3), np.uint8), tags, PictureOptions(format="webp"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"8BPS\0\1", "a Photoshop document: export it as PNG"),
        (b"%PDF-1.7\n", "a PDF: export"),
        (b"\0\0\1\0\1\0", "an icon"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>404", "a web page"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42", "a video"),
        (b"\x1aE\xdf\xa3webm", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a sound or a video"),
        (b"PK\3\4", "a zip archive"),
    ],
)
def test_what_else_a_file_is_is_named_with_what_would_help(data: bytes, sentence: str) -> None:
    with pytest.raises(PhotoError, match=f"the file is {sentence}"):
        decoded(data + bytes(40))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG"),
        (b"\xff\xd8\xff\xe0", "a JPEG"),
        (b"GIF89a", "a GIF"),
    ],
)
def test_a_photo_that_is_cut_short_in_its_header_is_not_said_to_be_of_no_kind(head: bytes, kind: str) -> None:
    with pytest.raises(PhotoError, match=f"^the file begins like {kind}, but is damaged or cut short"):
        decoded(head + bytes(9))


def test_a_damaged_webp_is_not_called_a_sound() -> None:
    with pytest.raises(PhotoError, match="or its beginning is damaged"):
        decoded(b"RIFF\x30\0\0\0WEBP" + bytes(40))
