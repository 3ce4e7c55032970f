import pytest
from PIL import Image

from tests.images.pictures import decoded, file_of, flat


def with_smaller_frame(data: bytes, left: int, top: int, size: tuple[int, int]) -> bytes:
    """Return a GIF whose picture is larger than its one frame, of which it is the part at (left, top)."""
    frame = data.index(b",")
    changed = bytearray(data)
    changed[6:8], changed[8:10] = size[0].to_bytes(2, "little"), size[1].to_bytes(2, "little")
    changed[frame + 1 : frame + 3], changed[frame + 3 : frame + 5] = (
        left.to_bytes(2, "little"),
        top.to_bytes(2, "little"),
    )
    return bytes(changed)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_around_a_smaller_first_frame_there_is_nothing(mode: str) -> None:
    gray = flat(mode, 100 if mode == "L" else (100, 0, 0), (4, 4))
    photo = decoded(with_smaller_frame(file_of(gray, "GIF"), 2, 0, (8, 4)))
    assert photo.alpha is not None
    assert photo.alpha[0].tolist() == [0, 0, 255, 255, 255, 255, 0, 0]
    assert photo.pixels[0, :, 0].tolist() == [255, 255, 100, 100, 100, 100, 255, 255]


def test_transparent_parts_of_a_smaller_first_frame_stay_transparent() -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([0, 0, 0, 90, 90, 90])
    image.paste(1, (2, 0, 4, 4))
    photo = decoded(with_smaller_frame(file_of(image, "GIF", transparency=0), 0, 0, (8, 4)))
    assert photo.alpha is not None
    assert photo.alpha[0].tolist() == [0, 0, 255, 255, 0, 0, 0, 0]


def test_a_frame_as_large_as_the_picture_is_opaque() -> None:
    assert decoded(file_of(flat("L", 100), "GIF")).alpha is None
