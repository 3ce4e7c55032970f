from PIL import Image

from pipeline.images.png_file import chunks_of
from tests.images.pictures import file_of, four_corners

RGB = file_of(Image.fromarray(four_corners()), "PNG")


def test_chunks_end_where_the_file_is_cut() -> None:
    kinds = [each.kind for each in chunks_of(RGB)]
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert all(each.is_intact for each in chunks_of(RGB))
    assert [each.kind for each in chunks_of(RGB[:-1])] == kinds[:-1]
