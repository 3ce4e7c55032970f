from pipeline.images.item_properties import primary_properties
from tests.images.color.files import box, iso_file, nclx
from tests.images.pictures import file_of, flat


def test_properties_of_the_primary_image_and_none_of_a_tile() -> None:
    size = box(b"ispe", bytes(12))
    data = iso_file([size, nclx(9, 16, 9), nclx(1, 13, 6)], {1: [1, 3], 2: [1, 2]}, 2)
    image, tile = primary_properties(data)
    assert [name for name, _ in image] == [b"ispe", b"colr"]
    assert bytes(image[1][1][4:8]) == b"\0\x09\0\x10"
    assert tile == []


def test_properties_of_a_real_file() -> None:
    image, _ = primary_properties(file_of(flat("RGB", 0), "AVIF"))
    assert {b"ispe", b"pixi", b"av1C", b"colr"} <= {name for name, _ in image}


def test_other_files_have_none() -> None:
    png = file_of(flat("RGB", 0), "PNG")
    assert primary_properties(png) == ([], [])
    assert primary_properties(b"") == ([], [])
