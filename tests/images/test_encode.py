import dataclasses
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import CodecError, StorageError
from pipeline.images import exif
from pipeline.images.decode import read_metadata
from pipeline.images.encode import (
    Provenance,
    opaque,
    read_provenance,
    read_unedited_provenance,
    require_encoder,
    suffix_of,
    write_picture,
    written_as,
)
from pipeline.images.exif import Exif
from pipeline.images.metadata import Metadata
from pipeline.model import PictureOptions
from tests.images.pictures import CORNERS, PROVENANCE, assert_color, corners_of, four_corners, written
from tests.images.test_iptc import HEADLINE
from tests.images.test_metadata import everything

FORMATS: tuple[Any, ...] = ("jpeg", "png", "webp", "tiff", "avif", "jxl")
#: What a picture with this provenance says: of settings, which it has none, nothing.
SAID = {name: value for name, value in dataclasses.asdict(PROVENANCE).items() if name != "settings"}
LOSSLESS: tuple[Any, ...] = ("png", "tiff")
PILLOW_NAMES = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF", "avif": "AVIF", "jxl": "JXL"}


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def carried_exif(path: Path) -> Exif:
    found = exif.parse(read_metadata(path.read_bytes()).exif)
    assert found is not None
    return found


@pytest.mark.parametrize("picture_format", FORMATS)
def test_pixels_survive(tmp_path: Path, picture_format: Any) -> None:
    path = tmp_path / "part"
    assert written(path, picture_format, pixels=four_corners()) == ()
    image = opened(path)
    assert image.format == PILLOW_NAMES[picture_format]
    assert image.mode == "RGB"
    assert_color(corners_of(np.asarray(image)), CORNERS, 0 if picture_format in LOSSLESS else 12)


@pytest.mark.parametrize("picture_format", LOSSLESS)
def test_floats_are_clipped_and_rounded_to_the_nearest(tmp_path: Path, picture_format: Any) -> None:
    values = np.array([[-0.5, 0.0, 0.4 / 255, 0.6 / 255, 99.6 / 255, 254.4 / 255, 1.0, 7.0]], dtype=np.float32)
    written(tmp_path / "part", picture_format, pixels=values[..., None].repeat(3, axis=2))
    assert np.asarray(opened(tmp_path / "part"))[0, :, 1].tolist() == [0, 0, 0, 1, 100, 254, 255, 255]


def test_jpeg_lays_transparency_over_white(tmp_path: Path) -> None:
    alpha = np.full((6, 8), 51, dtype=np.uint8)
    notes = written(tmp_path / "part", alpha=alpha, pixels=np.zeros((6, 8, 3), dtype=np.uint8))
    assert notes == ("transparent parts made white: JPEG has no transparency",)
    assert_color(np.asarray(opened(tmp_path / "part")), 204, 1)


@pytest.mark.parametrize("picture_format", FORMATS)
def test_what_writes_each_format_is_there(picture_format: Any) -> None:
    require_encoder(PictureOptions(format=picture_format))


def test_a_missing_encoder_is_found_before_there_is_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(CodecError, match=r"pillow-jxl-plugin, which writes JPEG XL, can't be loaded \(.*; reinstall"):
        require_encoder(PictureOptions(format="jxl"))
    require_encoder(PictureOptions(format="avif"))
    require_encoder(PictureOptions(format="png", bit_depth=16))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(CodecError, match="imagecodecs, which writes PNG with 16 bits, can't be loaded"):
        require_encoder(PictureOptions(format="png", bit_depth=16))
    require_encoder(PictureOptions(format="tiff", bit_depth=16))


def test_opaque_pixels_are_those_of_a_jpeg_before_it_is_compressed() -> None:
    values = np.array([[-0.5, 99.6 / 255, 7.0]], dtype=np.float32)[..., None].repeat(3, axis=2)
    assert opaque(values, None)[0, :, 1].tolist() == [0, 100, 255]
    assert opaque(values, np.array([[0, 255, 51]], dtype=np.uint8))[0, :, 1].tolist() == [255, 100, 255]


@pytest.mark.parametrize("picture_format", FORMATS)
def test_metadata_is_carried_over(tmp_path: Path, picture_format: Any) -> None:
    notes = written(tmp_path / "part", picture_format, everything())
    kept = read_metadata((tmp_path / "part").read_bytes())
    found = carried_exif(tmp_path / "part")
    assert found.image[0x010E] == exif.text("My holiday")
    assert found.photo[0x9286] == exif.undefined(b"ASCII\0\0\0A comment")
    assert found.photo[0x927C] == exif.undefined(b"SECRET maker note")
    assert found.gps == {2: exif.undefined(b"SECRET latitude")}
    upright = exif.integers(found.order, exif.SHORT, 1)
    assert found.image.get(0x0112, upright) == upright
    assert exif.first_integer(found.order, found.photo[0xA002]) == 8
    assert exif.first_integer(found.order, found.photo[0xA003]) == 6
    assert b'dc:format="fine"' in kept.xmp
    assert b'tiff:Orientation="1"' in kept.xmp
    has_iptc = picture_format in {"jpeg", "tiff"}
    assert kept.iptc == (everything().iptc if has_iptc else b"")
    assert notes == (() if has_iptc else (f"IPTC left out: {picture_format} has no place for it",))


@pytest.mark.parametrize("picture_format", FORMATS)
@pytest.mark.parametrize("policy", ["strip", "strip_location"])
def test_what_is_to_be_stripped_is_in_no_byte_of_the_file(tmp_path: Path, picture_format: Any, policy: str) -> None:
    written(tmp_path / "part", picture_format, everything(), policy)
    data = (tmp_path / "part").read_bytes()
    assert b"SECRET" not in data
    assert (b"My holiday" in data) == (policy == "strip_location")
    kept = read_metadata(data)
    assert bool(kept.xmp) == (policy == "strip_location")
    assert kept.iptc == (HEADLINE if policy == "strip_location" and picture_format in {"jpeg", "tiff"} else b"")


@pytest.mark.parametrize("picture_format", FORMATS)
@pytest.mark.parametrize("policy", ["keep", "strip", "strip_location"])
def test_provenance_is_in_the_file_whatever_the_policy(tmp_path: Path, picture_format: Any, policy: str) -> None:
    for metadata in (Metadata(), everything()):
        path = tmp_path / "part"
        written(path, picture_format, metadata, policy)
        assert read_provenance(path) == SAID
        assert carried_exif(path).image[0x0131] == exif.text("stylewatch 9.9")


@pytest.mark.parametrize(
    "picture_format", ["jpeg", "png", "webp", "avif", "jxl"]
)  # Pillow can't save these tags as TIFF again
def test_a_picture_that_another_program_has_saved_again_is_not_the_program_s(
    tmp_path: Path, picture_format: Any
) -> None:
    path = tmp_path / "picture"
    options = PictureOptions(format=picture_format)
    write_picture(four_corners(), None, Metadata(), PROVENANCE, options, path)
    assert read_unedited_provenance(path) == SAID
    with Image.open(path) as image:
        tags = image.getexif()
        tags[0x0131] = "A Painter's Program 3.0"
        image.load()
        image.save(path, PILLOW_NAMES[picture_format], exif=tags.tobytes())
    assert read_unedited_provenance(path) is None


SETTINGS = {"recipe": {"scales": (40, 48)}, "style": {"scale": 0.5, "paintings": []}, "weights": "embedded:0"}


@pytest.mark.parametrize("picture_format", FORMATS)
def test_the_settings_stand_in_the_file(tmp_path: Path, picture_format: Any) -> None:
    path = tmp_path / "part"
    provenance = dataclasses.replace(PROVENANCE, settings=SETTINGS)
    write_picture(four_corners(), None, everything(), provenance, PictureOptions(format=picture_format), path)
    assert read_provenance(path) == {**SAID, "settings": {**SETTINGS, "recipe": {"scales": [40, 48]}}}


def test_settings_as_long_as_no_config_has_them_are_left_out(tmp_path: Path) -> None:
    for count, is_there in ((15_000, True), (17_000, False)):
        provenance = dataclasses.replace(PROVENANCE, settings={"weights": "w" * count})
        write_picture(four_corners(), None, Metadata(), provenance, PictureOptions(), tmp_path / "part")
        found = read_provenance(tmp_path / "part")
        assert found is not None
        assert (found["key"], "settings" in found) == (PROVENANCE.key, is_there)


@pytest.mark.parametrize(("note_bytes", "has_settings"), [(64_000, True), (65_100, False), (66_000, True)])
def test_no_metadata_of_a_photo_is_left_out_of_a_jpeg_for_the_sake_of_the_settings(
    tmp_path: Path, note_bytes: int, has_settings: bool
) -> None:
    """But when it is left out anyway, there is room."""
    comment = exif.undefined(b"c" * note_bytes)
    metadata = Metadata(exif=exif.serialize(Exif("<", photo={0x9286: comment})))
    provenance = dataclasses.replace(PROVENANCE, settings={"weights": "w" * 500})
    notes = write_picture(four_corners(), None, metadata, provenance, PictureOptions(), tmp_path / "part")
    found = read_provenance(tmp_path / "part")
    assert found is not None
    assert (found["key"], "settings" in found) == (PROVENANCE.key, has_settings)
    assert (0x9286 in carried_exif(tmp_path / "part").photo) == (note_bytes < 66_000)
    assert bool(notes) == (note_bytes == 66_000)


def test_a_history_the_photo_has_already_is_continued(tmp_path: Path) -> None:
    block = Exif(">", photo={0x9213: exif.text("Scanned in 1998")})
    written(tmp_path / "part", metadata=Metadata(exif=exif.serialize(block)))
    history = carried_exif(tmp_path / "part").photo[0x9213].data
    assert history.startswith(b"Scanned in 1998\n{")
    provenance = read_provenance(tmp_path / "part")
    assert provenance is not None
    assert provenance["style"] == "nächt"


@dataclass(frozen=True, slots=True)
class LaterProvenance(Provenance):
    """What a later version may tell, too."""

    seed: int = 0


def test_provenance_says_something_new_only_if_it_is_not_as_before(tmp_path: Path) -> None:
    pixels = np.full((6, 8, 3), 0.5, dtype=np.float32)
    for name, provenance in {"old": PROVENANCE, "same": later(0), "new": later(7)}.items():
        write_picture(pixels, None, Metadata(), provenance, PictureOptions(), tmp_path / name)
    assert (tmp_path / "old").read_bytes() == (tmp_path / "same").read_bytes()
    assert read_provenance(tmp_path / "new") == {**SAID, "seed": 7}


def later(seed: int) -> Provenance:
    return LaterProvenance(**dataclasses.asdict(PROVENANCE), seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterOptions(PictureOptions):
    dithered: bool = False


def test_a_file_is_told_to_be_written_otherwise_only_if_it_is() -> None:
    # Told so, it would not be copied for another photo of the same content, but painted again.
    assert written_as(LaterOptions()) == written_as(PictureOptions()) == "jpeg 92 keep"
    assert written_as(LaterOptions(dithered=True)) == 'jpeg 92 keep {"dithered": true}'


@pytest.mark.parametrize("history", [None, "", "Scanned", "[1]", '{"other": {}}', '{"stylewatch": 5}'])
def test_pictures_of_others_have_no_provenance(tmp_path: Path, history: str | None) -> None:
    block = Exif(photo={0x9213: exif.text(history)} if history is not None else {0x9214: exif.text("a")})
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", exif=exif.serialize(block))
    assert read_provenance(tmp_path / "a.png") is None


def test_what_is_no_picture_has_no_provenance(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"text")
    assert read_provenance(tmp_path / "a.jpg") is None
    Image.new("RGB", (4, 4)).save(tmp_path / "b.jpg")
    assert read_provenance(tmp_path / "b.jpg") is None


def test_an_unreadable_file_is_named_when_its_provenance_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"):
        read_provenance(tmp_path / "gone" / "a.jpg")


@pytest.mark.parametrize("picture_format", FORMATS)
def test_the_same_picture_gives_the_same_bytes(tmp_path: Path, picture_format: Any) -> None:
    written(tmp_path / "a", picture_format, everything())
    written(tmp_path / "b", picture_format, everything())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_remains_of_the_same_lease_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"half a picture" * 10000)
    written(tmp_path / "part")
    assert opened(tmp_path / "part").size == (8, 6)


def test_a_link_in_the_parts_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("the user's")
    (tmp_path / "part").symlink_to(tmp_path / "precious")
    written(tmp_path / "part")
    assert (tmp_path / "precious").read_text() == "the user's"
    assert not (tmp_path / "part").is_symlink()


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone can't be written"):
        written(tmp_path / "gone" / "part")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_disk_that_takes_no_more_leaves_no_part_behind(tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 255, (99, 99, 3), dtype=np.uint8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, before[1]))
    try:
        with pytest.raises(StorageError, match=str(tmp_path)):
            written(tmp_path / "part", "tiff", pixels=noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_suffixes() -> None:
    assert [suffix_of(picture_format) for picture_format in FORMATS] == [
        ".jpg",
        ".png",
        ".webp",
        ".tif",
        ".avif",
        ".jxl",
    ]


KILLED = """
import sys
from pathlib import Path
from pipeline.images.publish import publish
from tests.images.pictures import PROVENANCE, written
folder = Path(sys.argv[1])
written(folder / "part", "png")
publish(folder / "part", folder / "final.png")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("point", ["worker-half-written", "worker-written", "picture-linked"])
def test_a_kill_at_each_moment_leaves_no_half_picture_under_the_final_name(tmp_path: Path, point: str) -> None:
    environment = {**os.environ, "STYLEWATCH_FAILPOINT": point}
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    written(tmp_path / "whole", "png")
    whole = (tmp_path / "whole").read_bytes()
    part = (tmp_path / "part").read_bytes()
    assert part == (whole[: len(whole) // 2] if point == "worker-half-written" else whole)
    assert (tmp_path / "final.png").exists() == (point == "picture-linked")
    if point == "picture-linked":
        assert (tmp_path / "final.png").read_bytes() == whole
