from PIL import Image

from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PIXEL_LIMIT, PillowFile
from tests.images.pictures import file_of, flat, orientation_block


def test_a_large_jpeg_is_decoded_reduced_and_tells_what_of_it_is_the_photo() -> None:
    file = PillowFile(PhotoFile.of(file_of(flat("RGB", "red", (1001, 700)), "JPEG")))
    raster = file.load(lambda _: (100, 70))
    assert raster.pixels.size == (251, 175)
    assert raster.box == (0, 0, 1001 / 4, 700 / 4)


def test_what_exif_says_of_the_orientation_is_left_to_do() -> None:
    file = PillowFile(PhotoFile.of(file_of(flat("RGB", "red"), "PNG", exif=orientation_block(6))))
    assert file.load(lambda size: size).orientation == 6


def test_pillows_limit_comes_back() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with PIXEL_LIMIT.lifted():
        assert Image.MAX_IMAGE_PIXELS is None
    assert before == Image.MAX_IMAGE_PIXELS
