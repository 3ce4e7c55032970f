"""The second decoders, with programs and a pyvips that the tests write: what is asked, and what is made of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.readers import ImageMagick, Vips, VipsProgram, find_readers
from tests.corpus.readings import Reading

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script is no program on Windows")

# Their pictures are PPM files whatever the suffix, as Pillow would take most of the time that they need.
MAGICK = """
import sys, pathlib
words = sys.argv[1:]
if words == ["-version"]:
    sys.exit(print("Version: ImageMagick 7.1 Q16 x86_64"))
source = next(word for word in words if word.endswith("[0]")).removesuffix("[0]")
told, shown = (next(w for w in words if w.startswith(k)).split(":", 1)[1] for k in ("info:", "ppm:"))
picture = pathlib.Path(source).read_bytes()
if not picture.startswith(b"P6"):
    sys.exit(f"convert: no such format `{source}' @ error/constitute.c/ReadImage/562.")
_, width, height, _ = picture[:20].split(None, 3)
if width == b"13":
    print(f"convert: IDAT too short `{source}' @ warning/png.c/Handler/17.", file=sys.stderr)
if width == b"14":
    print(f"convert: profile mismatch `{source}' @ warning/profile.c/Handler/17.", file=sys.stderr)
if width == b"15":
    sys.exit(pathlib.Path(shown).write_bytes(b"P6 0 0 255 ") - 10)
pathlib.Path(told).write_text(f"{width.decode()} {height.decode()}")
pathlib.Path(shown).write_bytes(picture)
"""

VIPS = """
import os, pathlib, shutil, sys
words = sys.argv[1:]
if words == ["--version"]:
    print("vips-8.99")
elif sys.argv[0].endswith("header"):
    _, width, height, _ = pathlib.Path(words[0]).read_bytes()[:20].split(None, 3)
    print({"width": int(width), "height": int(height)}.get(words[-1], "no profile"))
elif words[0] == "autorot":
    assert os.environ["VIPS_BLOCK_UNTRUSTED"]
    file = words[1].removesuffix("[fail_on=error]")
    picture = pathlib.Path(file).read_bytes()
    if not picture.startswith(b"P6"):
        sys.exit(f"VipsForeignLoad: {file} is not a known file format")
    kind, width, height, rest = picture.split(None, 3)
    pathlib.Path(words[2]).write_bytes(b" ".join([kind, height, width, rest]))
else:
    shutil.copy(words[1], words[2])
"""

PYVIPS = """
import os, pathlib

def version(part):
    return (8, 99, 1)[part]

class Image:
    interpretation, format, bands = "srgb", "uchar", 3
    def __init__(self, width, height): self.width, self.height = width, height
    @classmethod
    def new_from_file(cls, path, fail_on):
        picture = pathlib.Path(path).read_bytes()
        if not picture.startswith(b"P6"): raise ValueError("no known file format")
        _, width, height, _ = picture[:20].split(None, 3)
        if width == b"13": os._exit(3)
        return cls(int(width), int(height))
    def autorot(self): return self
    def colourspace(self, name): return self
    def cast(self, name): return self
    def hasalpha(self): return False
    def get_typeof(self, name): return 0
    def thumbnail_image(self, width, height, size, export_profile): return Image(width, height)
    def write_to_memory(self):
        half = self.width * self.height * 3 // 2
        return bytes([255]) * half + bytes(half)
"""

UPPER_HALF_WHITE = [255] * 4 + [0] * 4


def program(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(f"#!{sys.executable} -IS\n{text}")
    file.chmod(0o755)
    return str(file)


def photo(folder: Path, width: int = 40, height: int = 32) -> Path:
    """Write a photo whose upper half is white, and whose name is a pattern to some."""
    folder.mkdir(exist_ok=True)
    half = width * height * 3 // 2
    file = folder / "a [1] %d.png"
    file.write_bytes(b"P6 %d %d 255 " % (width, height) + bytes([255]) * half + bytes(half))
    return file


def rows(reading: Reading) -> list[float]:
    assert reading.grid is not None
    return list(reading.grid.mean((1, 2)))


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
    assert (magick.name, reading.size, reading.refusal, reading.complaint) == ("ImageMagick 7.1", (40, 32), "", "")
    assert rows(reading) == UPPER_HALF_WHITE


@pytest.mark.parametrize(
    ("width", "complaint"), [(13, "convert: IDAT too short `photo.png'"), (14, "")], ids=["true", "harmless"]
)
def test_what_image_magick_says_of_a_file_that_it_reads(
    magick: ImageMagick, tmp_path: Path, width: int, complaint: str
) -> None:
    reading = magick.read(photo(tmp_path / "photos", width))
    assert reading.reads
    assert reading.complaint.startswith(complaint)
    assert bool(reading.complaint) == bool(complaint)


def test_what_image_magick_refuses(magick: ImageMagick, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"nothing")
    assert magick.read(tmp_path / "b.png").refusal == "convert: no such format `photo.png'."
    assert magick.read(photo(tmp_path / "photos", 15)).refusal == "exit code 1"


def test_libvips_gives_the_size_and_the_colors_of_one_file_after_the_other(vips: Vips, tmp_path: Path) -> None:
    for width, height in ((40, 32), (640, 500)):
        reading = vips.read(photo(tmp_path / "photos", width, height))
        assert (reading.size, reading.refusal) == ((width, height), "")
        assert rows(reading) == UPPER_HALF_WHITE
    assert vips.name == "libvips 8.99.1 (pyvips)"


def test_what_libvips_refuses_and_a_crash_cost_one_file_each(vips: Vips, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"nothing")
    assert vips.read(tmp_path / "b.png").refusal == "no known file format"
    assert "crashed" in vips.read(photo(tmp_path / "photos", 13)).refusal
    assert vips.read(photo(tmp_path / "photos")).reads


def test_what_pyvips_refuses_the_program_is_asked_for(vips: Vips, tmp_path: Path) -> None:
    program(tmp_path, "vipsheader", VIPS)
    both = Vips(sys.executable, 64, VipsProgram(program(tmp_path, "vips", VIPS), 64))
    assert both.read(photo(tmp_path / "photos", 13)).size == (32, 13)
    assert both.read(photo(tmp_path / "photos", 14)).size == (14, 32)
    both.close()


def test_without_pyvips_the_program_of_libvips_is_asked(tmp_path: Path) -> None:
    program(tmp_path, "vipsheader", VIPS)
    vips = VipsProgram(program(tmp_path, "vips", VIPS), long_side=64)
    reading = vips.read(photo(tmp_path / "photos"))
    assert (vips.name, reading.size) == ("vips-8.99", (32, 40))
    assert rows(reading) == UPPER_HALF_WHITE
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
