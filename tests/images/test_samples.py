from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import StorageError, UsageError
from pipeline.images.samples import sample_paintings, write_sample_photos

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-in for an installed scikit-image: a package found before any other, with two pictures in it."""
    data = tmp_path / "site" / "skimage" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise AssertionError('importing scikit-image takes seconds')")
    Image.new("RGB", (30, 20), "orange").save(data / "chelsea.png")
    Image.new("RGBA", (30, 20), "brown").save(data / "coffee.png")
    monkeypatch.delitem(sys.modules, "skimage", raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return data


def test_two_photos_are_written_into_a_new_folder(package: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "input"
    assert write_sample_photos(folder) == [folder / "cat.jpg", folder / "coffee.jpg"]
    assert sorted(path.name for path in folder.iterdir()) == ["cat.jpg", "coffee.jpg"]
    for name, color in (("cat.jpg", (255, 165, 0)), ("coffee.jpg", (165, 42, 42))):
        with Image.open(folder / name) as photo:
            assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (30, 20))
            pixel = photo.getpixel((15, 10))
        assert pixel == pytest.approx(color, abs=3)


def test_a_sample_tells_whose_it_is(package: Path, tmp_path: Path) -> None:
    write_sample_photos(tmp_path)
    with Image.open(tmp_path / "cat.jpg") as photo:
        told = set(photo.getexif().values())
    assert told >= {"Chelsea the cat", "Stefan van der Walt", "CC0 1.0, public domain"}


def test_a_file_that_is_there_is_left_as_it_is(package: Path, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"my own cat")
    assert write_sample_photos(tmp_path) == [tmp_path / "coffee.jpg"]
    assert (tmp_path / "cat.jpg").read_bytes() == b"my own cat"


def test_without_scikit_image_the_error_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "skimage", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UsageError, match="python -m pip install scikit-image"):
        write_sample_photos(tmp_path / "input")
    assert not (tmp_path / "input").exists()


def test_a_scikit_image_without_its_pictures_is_to_be_reinstalled(package: Path, tmp_path: Path) -> None:
    (package / "coffee.png").unlink()
    with pytest.raises(UsageError, match=r"coffee\.png can't be read; reinstall scikit-image"):
        write_sample_photos(tmp_path)


def test_a_file_in_place_of_the_folder_is_named(package: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("")
    with pytest.raises(StorageError, match="input is a file"):
        write_sample_photos(tmp_path / "input")


def test_a_folder_that_can_not_be_made_is_named(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cat\.jpg can't be written"):
        write_sample_photos(tmp_path / "file" / "input")


@pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="needs the extra 'demo'")
def test_the_real_photos_are_written_without_importing_scikit_image(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipeline.images.samples import write_sample_photos;"
        f"write_sample_photos(Path({str(tmp_path)!r})); assert 'skimage' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])
    sizes = {}
    for path in tmp_path.iterdir():
        with Image.open(path) as photo:
            sizes[path.name] = photo.size
    assert sizes == {"cat.jpg": (451, 300), "coffee.jpg": (600, 400)}


def test_the_sample_paintings_of_the_package_are_those_of_the_configs() -> None:
    shipped = {path.name: path.read_bytes() for path in (ROOT / "configs" / "styles").glob("*.jpg")}
    assert len(shipped) == 3
    assert sample_paintings() == shipped


def test_the_sample_paintings_are_in_the_package_that_is_installed() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        data = tomllib.load(file)["tool"]["setuptools"]["package-data"]
    package = ROOT / "pipeline" / "images"
    packed = {path for pattern in data["pipeline.images"] for path in package.glob(pattern)}
    assert {path.name for path in packed} == set(sample_paintings())
