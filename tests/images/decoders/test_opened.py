import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from pipeline.images.decoders.opened import opened
from pipeline.images.decoders.photo_file import PhotoFile
from tests.images.pictures import file_of, four_corners

PICTURE = Image.fromarray(four_corners())
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "HEIF", "JPEG2000")


@pytest.mark.parametrize("picture_format", FORMATS)
def test_each_format_tells_its_size(picture_format: str) -> None:
    assert opened(PhotoFile.of(file_of(PICTURE, picture_format))).size == (64, 32)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "TIFF", "BMP"])
def test_a_size_is_read_without_the_pixels(picture_format: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8))

    class Stream(io.BytesIO):
        bytes_read = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.bytes_read += len(data)
            return data

    stream = Stream(file_of(noise, picture_format))
    assert opened(PhotoFile(stream)).size == (400, 400)
    assert stream.bytes_read < 100_000


def test_a_deep_png_tells_its_size() -> None:
    assert opened(PhotoFile.of(imagecodecs.png_encode(np.zeros((3, 5), np.uint16)))).size == (5, 3)


def test_what_is_no_picture_is_not_opened() -> None:
    with pytest.raises(UnidentifiedImageError):
        opened(PhotoFile.of(b"no picture at all"))
