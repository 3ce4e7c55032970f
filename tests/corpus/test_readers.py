"""The second decoders, with programs and a pyvips that the tests write: what is asked, and what is made of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.corpus.readers import ImageMagick, Vips, VipsProgram, find_readers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script is no program on Windows")

MAGICK = """
import os, sys, pathlib
from PIL import Image
words = sys.argv[1:]
if words == ["-version"]:
    print("Version: ImageMagick 7.1 Q16 x86_64"); sys.exit()
source = next(word for word in words if word.endswith("[0]")).removesuffix("[0]")
told, shown = (next(w for w in words if w.startswith(k)).split(":", 1)[1] for k in ("info:", "ppm:"))
if not pathlib.Path(source).read_bytes().startswith(b"\\x89PNG"):
    print(f"convert: no such format `{source}' @ error/constitute.c/ReadImage/562.", file=sys.stderr); sys.exit(1)
image = Image.open(source).convert("RGB")
if image.width == 13:
    print(f"convert: IDAT too short `{source}' @ warning/png.c/Handler/17.", file=sys.stderr)
if image.width == 14:
    print(f"convert: profile mismatch `{source}' @ warning/profile.c/Handler/17.", file=sys.stderr)
if image.width == 15:
    pathlib.Path(shown).write_bytes(b"P6\\n0 0\\n255\\n"); sys.exit(1)
pathlib.Path(told).write_text(f"{image.width} {image.height}")
image.save(shown)
"""

VIPS = """
import os, shutil, sys
from PIL import Image
words = sys.argv[1:]
if words == ["--version"]:
    print("vips-8.99")
elif sys.argv[0].endswith("header"):
    print(getattr(Image.open(words[0]), words[-1], "no profile"))
elif words[0] == "autorot":
    assert os.environ["VIPS_BLOCK_UNTRUSTED"]
    file = words[1].removesuffix("[fail_on=error]")
    if not open(file, "rb").read().startswith(b"\\x89PNG"):
        sys.exit(f"VipsForeignLoad: {file} is not a known file format")
    Image.open(file).transpose(Image.Transpose.ROTATE_270).save(words[2], "PNG")
else:
    shutil.copy(words[1], words[2])
"""

PYVIPS = """
import os
from PIL import Image as Pillow

def version(part):
    return (8, 99, 1)[part]

class Image:
    interpretation, format, bands = "srgb", "uchar", 3
    def __init__(self, image): self.image = image
    width = property(lambda self: self.image.width)
    height = property(lambda self: self.image.height)
    @classmethod
    def new_from_file(cls, path, fail_on):
        image = Pillow.open(path).convert("RGB")
        if image.width == 13: os._exit(3)
        return cls(image)
    def autorot(self): return self
    def colourspace(self, name): return self
    def cast(self, name): return self
    def hasalpha(self): return False
    def get_typeof(self, name): return 0
    def thumbnail_image(self, width, height, size, export_profile): return Image(self.image.resize((width, height)))
    def write_to_memory(self): return self.image.tobytes()
"""


def program(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)
    return str(file)


def photo(folder: Path, size: tuple[int, int] = (40, 30)) -> Path:
    """Write a photo whose left half is white, and whose name is a pattern to some."""
    folder.mkdir(exist_ok=True)
    image = Image.new("RGB", size)
    image.paste("white", (0, 0, size[0] // 2, size[1]))
    image.save(folder / "a [1] %d.png")
    return folder / "a [1] %d.png"


@pytest.fixture
def magick(tmp_path: Path) -> ImageMagick:
    return ImageMagick(program(tmp_path, "magick", MAGICK), long_side=64)


@pytest.fixture
def vips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vips]:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "pyvips.py").write_text(PYVIPS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    vips = Vips(sys.executable, long_side=64)
    yield vips
    vips.close()


def test_image_magick_gives_the_size_and_the_colors(magick: ImageMagick, tmp_path: Path) -> None:
    reading = magick.read(photo(tmp_path / "photos"))
    assert (magick.name, reading.size, reading.refusal, reading.complaint) == ("ImageMagick 7.1", (40, 30), "", "")
    assert reading.grid is not None
    np.testing.assert_array_equal(reading.grid.mean((0, 2)), [255] * 4 + [0] * 4)


@pytest.mark.parametrize(
    ("width", "complaint"), [(13, "convert: IDAT too short `photo.png'"), (14, "")], ids=["true", "harmless"]
)
def test_what_image_magick_says_of_a_file_that_it_reads(
    magick: ImageMagick, tmp_path: Path, width: int, complaint: str
) -> None:
    reading = magick.read(photo(tmp_path / "photos", (width, 30)))
    assert reading.reads
    assert reading.complaint.startswith(complaint)
    assert bool(reading.complaint) == bool(complaint)


def test_what_image_magick_refuses(magick: ImageMagick, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"nothing")
    assert magick.read(tmp_path / "b.png").refusal == "convert: no such format `photo.png'."
    assert magick.read(photo(tmp_path / "photos", (15, 30))).refusal == "exit code 1"


def test_libvips_gives_the_size_and_the_colors_of_one_file_after_the_other(vips: Vips, tmp_path: Path) -> None:
    for size in ((40, 30), (640, 480)):
        reading = vips.read(photo(tmp_path / "photos", size))
        assert (reading.size, reading.refusal) == (size, "")
        assert reading.grid is not None
        np.testing.assert_allclose(reading.grid.mean((0, 2)), [255] * 4 + [0] * 4, atol=12)
    assert vips.name == "libvips 8.99.1 (pyvips)"


def test_what_libvips_refuses_and_a_crash_cost_one_file_each(vips: Vips, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"nothing")
    assert "cannot identify image file" in vips.read(tmp_path / "b.png").refusal
    assert "crashed" in vips.read(photo(tmp_path / "photos", (13, 30))).refusal
    assert vips.read(photo(tmp_path / "photos")).reads


def test_what_pyvips_refuses_the_program_is_asked_for(vips: Vips, tmp_path: Path) -> None:
    program(tmp_path, "vipsheader", VIPS)
    both = Vips(sys.executable, 64, VipsProgram(program(tmp_path, "vips", VIPS), 64))
    assert both.read(photo(tmp_path / "photos", (13, 30))).size == (30, 13)
    assert both.read(photo(tmp_path / "photos", (14, 30))).size == (14, 30)
    both.close()


def test_without_pyvips_the_program_of_libvips_is_asked(tmp_path: Path) -> None:
    program(tmp_path, "vipsheader", VIPS)
    vips = VipsProgram(program(tmp_path, "vips", VIPS), long_side=64)
    reading = vips.read(photo(tmp_path / "photos"))
    assert (vips.name, reading.size) == ("vips-8.99", (30, 40))
    assert reading.grid is not None
    np.testing.assert_allclose(reading.grid.mean((1, 2)), [255] * 4 + [0] * 4, atol=12)
    (tmp_path / "b.png").write_bytes(b"nothing")
    assert vips.read(tmp_path / "b.png").refusal == "VipsForeignLoad: photo.png is not a known file format"


@pytest.mark.parametrize(
    ("installed", "names"),
    [
        ((), []),
        (("convert",), ["ImageMagick 7.1"]),
        (("magick", "vips"), ["ImageMagick 7.1", "vips-8.99"]),
        (("pyvips",), ["libvips 8.99.1 (pyvips)"]),
        (("pyvips", "vips"), ["libvips 8.99.1 (pyvips), else vips-8.99"]),
    ],
)
def test_what_is_installed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], names: list[str]
) -> None:
    texts = {"magick": MAGICK, "convert": MAGICK, "vips": VIPS}
    for name in installed:
        if name == "pyvips":
            (tmp_path / "pyvips.py").write_text(PYVIPS)
        else:
            program(tmp_path, name, texts[name])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    python = program(
        tmp_path, "python", f"import os, sys\nos.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])"
    )
    if "pyvips" not in installed:
        (tmp_path / "pyvips.py").write_text("raise ModuleNotFoundError('pyvips')")
    readers = list(find_readers(64, python))
    for reader in readers:
        reader.close()
    assert [reader.name for reader in readers] == names
