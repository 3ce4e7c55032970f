"""Provides samples to try the program with. Owns their source and credits; overwrites nothing.

The paintings come with the program: the files of ``configs/styles`` once more, in the package, so that they are
installed. The photos are dedicated to the public domain (CC0) and lie in the wheel of scikit-image, which is not
imported for it:

- ``cat.jpg``: Chelsea the cat, photographed by Stéfan van der Walt.
- ``coffee.jpg``: a cup of espresso at Pikolo Espresso Bar, photographed by Rachel Michetti.
"""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from pipeline.durable_files import write_file
from pipeline.errors import StorageError, UsageError

_DESCRIPTION: Final = 0x010E  # EXIF tags
_ARTIST: Final = 0x013B
_COPYRIGHT: Final = 0x8298


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    source: str
    description: str
    photographer: str  # EXIF knows ASCII only


_SAMPLES: Final = (
    _Sample("cat.jpg", "chelsea.png", "Chelsea the cat", "Stefan van der Walt"),
    _Sample("coffee.jpg", "coffee.png", "A cup of espresso at Pikolo Espresso Bar", "Rachel Michetti"),
)


def write_sample_photos(folder: Path) -> list[Path]:
    """Write the sample photos into ``folder`` (made if need be) and return those that were not there before.

    Raises UsageError if scikit-image is not installed, StorageError if the folder can't be written.
    """
    source = _source_folder()
    written = []
    for sample in _SAMPLES:
        path = folder / sample.name
        data = _as_jpeg(sample, source)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if write_file(path, data, exclusive=True):
                written.append(path)
        except FileExistsError:
            raise StorageError(f"{folder} is a file; name a folder for the sample photos") from None
        except OSError as error:
            raise StorageError(f"{path} can't be written ({error.strerror}); name another folder") from error
    return written


def sample_paintings() -> dict[str, bytes]:
    """Return the files of the sample paintings by their names. Raises StorageError if the installation is damaged."""
    folder = Path(__file__).with_name("sample_paintings")
    found = {path.name: path.read_bytes() for path in sorted(folder.glob("*.jpg"))}
    if not found:
        raise StorageError(f"{folder}: the sample paintings are missing; install stylewatch again")
    return found


def _source_folder() -> Path:
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "the sample photos come with scikit-image, which is not installed: python -m pip install scikit-image"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _as_jpeg(sample: _Sample, source: Path) -> bytes:
    """Return a sample as a JPEG file whose metadata has its description, photographer and license."""
    exif = Image.Exif()
    exif[_DESCRIPTION] = sample.description
    exif[_ARTIST] = sample.photographer
    exif[_COPYRIGHT] = "CC0 1.0, public domain"
    buffer = io.BytesIO()
    try:
        with Image.open(source / sample.source) as photo:
            photo.convert("RGB").save(buffer, "JPEG", quality=92, exif=exif)
    except OSError as error:
        raise UsageError(
            f"{source / sample.source} can't be read; "
            "reinstall scikit-image: python -m pip install --force-reinstall scikit-image"
        ) from error
    return buffer.getvalue()
