from pipeline.images.decoders import iso_media
from pipeline.images.decoders.photo_file import PhotoFile


def brands(*names: bytes) -> tuple[bytes, ...]:
    main, *others = names
    box = b"ftyp" + main + bytes(4) + b"".join(others)
    return iso_media.brands(PhotoFile.of((len(box) + 4).to_bytes(4, "big") + box + b"next box"))


def test_the_main_brand_is_the_first() -> None:
    assert brands(b"mif1", b"mif1", b"heic", b"MiHE") == (b"mif1", b"mif1", b"heic", b"MiHE")


def test_a_size_that_can_not_be_right_ends_at_the_end_of_the_file() -> None:
    file = PhotoFile.of(b"\xff\xff\xff\xffftypheic\0\0\0\0mif1")
    assert iso_media.brands(file) == (b"heic", b"mif1")


def test_brands_tell_what_is_inside() -> None:
    assert iso_media.is_avif(brands(b"mif1", b"avif"))
    assert iso_media.is_heic(brands(b"mif1", b"heic"))
    assert iso_media.holds_sequence(brands(b"heic", b"msf1"))
    assert iso_media.is_canon_raw(brands(b"crx ", b"isom"))
    assert iso_media.is_video(brands(b"isom", b"mp42"))
    assert not iso_media.is_video(brands(b"heic", b"isom"))
