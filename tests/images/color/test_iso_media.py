import random
import struct

from pipeline.images.color.description import CodePoints, Profile, Statement
from pipeline.images.color.iso_media import description_of_iso_media
from tests.images.color.files import box, iso_file, nclx

SIZE = box(b"ispe", bytes(12))
ICC = box(b"colr", b"prof", b"profile")


def said(data: bytes) -> tuple[Statement, ...]:
    return description_of_iso_media(data).statements


def references(name: bytes, owner: int, *targets: int) -> bytes:
    return box(b"iref", bytes(4), box(name, struct.pack(f">HH{len(targets)}H", owner, len(targets), *targets)))


def test_code_points_of_the_primary_item() -> None:
    data = iso_file([SIZE, nclx(9, 16, 9), nclx(1, 13, 6)], {1: [1, 3], 2: [1, 2]}, 2)
    assert said(data) == (CodePoints(9, 16),)


def test_the_profile_comes_before_the_code_points() -> None:
    assert said(iso_file([nclx(12, 13), ICC], {1: [0x81, 0x82]})) == (Profile(b"profile"), CodePoints(12, 13))


def test_a_restricted_profile_counts_and_an_empty_one_is_damaged() -> None:
    assert said(iso_file([box(b"colr", b"rICC", b"profile")], {1: [1]})) == (Profile(b"profile"),)
    assert said(iso_file([box(b"colr", b"prof")], {1: [1]})) == (Profile(None),)


def test_an_unknown_kind_of_color_property_says_nothing() -> None:
    assert said(iso_file([box(b"colr", b"nclc", bytes(6))], {1: [1]})) == ()


def test_a_grid_without_colors_has_those_of_its_first_tile() -> None:
    places = {1: [1], 2: [1, 2], 3: [1]}
    assert said(iso_file([SIZE, nclx(12, 13)], places, 1, references(b"dimg", 1, 2, 3))) == (CodePoints(12, 13),)
    assert said(iso_file([SIZE, nclx(12, 13)], places, 1, references(b"thmb", 1, 2))) == ()
    assert said(iso_file([SIZE, nclx(12, 13)], places, 1, references(b"dimg", 3, 2))) == ()


def test_wide_numbers_of_items_and_properties() -> None:
    associations = box(b"ipma", bytes([1, 0, 0, 1]), struct.pack(">IIBH", 1, 70_000, 1, 0x8002))
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes([1, 0, 0, 0]), struct.pack(">I", 70_000)),
        box(b"iprp", box(b"ipco", SIZE, nclx(9, 18)), associations),
    )
    assert said(box(b"ftyp", b"heic", bytes(4)) + meta) == (CodePoints(9, 18),)


def test_a_property_that_is_not_there_says_nothing() -> None:
    assert said(iso_file([nclx(9, 16)], {1: [0, 2, 127]})) == ()


def test_a_file_without_items_says_nothing() -> None:
    assert said(box(b"ftyp", b"avis", bytes(4)) + box(b"moov", bytes(8))) == ()
    assert said(box(b"ftyp", b"avif", bytes(4)) + box(b"meta", bytes(4))) == ()


def test_a_damaged_file_raises_nothing() -> None:
    data = iso_file([SIZE, nclx(9, 16), ICC], {1: [1, 2, 3]}, 1, references(b"dimg", 1, 2))
    for length in range(len(data)):
        assert set(said(data[:length])) <= {CodePoints(9, 16), Profile(b"profile")}
    dice = random.Random(5)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(len(data))] = dice.choice([0, 1, 0x7F, 0xFF, dice.randrange(256)])
        said(bytes(damaged))
