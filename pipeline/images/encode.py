"""Writes pixels as a picture file. Owns rounding, provenance and the part file; does not give final names.

The same pixels, metadata and options give the same bytes. A file is encoded in memory, then written and synced; its
final name is given by :mod:`pipeline.images.publish`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.durable_files import new_file
from pipeline.errors import CodecError, PhotoError
from pipeline.failpoints import failpoint
from pipeline.hashing import KeyFields
from pipeline.images import exif, formats
from pipeline.images.color.profiles import srgb_profile
from pipeline.images.decode import PixelArray, eight_bits, over_white, read_metadata
from pipeline.images.density import Density, exif_density, turned, with_density, with_this_density
from pipeline.images.exif import Exif
from pipeline.images.metadata import Metadata, copied_metadata, orientation
from pipeline.images.output_profiles import in_profile
from pipeline.images.publish import storage_error
from pipeline.model import PictureFormat, PictureOptions

_SOFTWARE, _IMAGE_HISTORY = 0x0131, 0x9213
_COLOR_SPACE, _UNCALIBRATED = 0xA001, 0xFFFF
_QUARTER_TURNS: Final = frozenset({5, 6, 7, 8})
_PROGRAM_NAME: Final = "stylewatch"
#: In bytes; one with the settings of a common picture has under 1,000. A JPEG file has room for 64 kB of EXIF.
_LONGEST_RECORD: Final = 16_000

#: The fields that decide a file's bytes, and those that are written into it; added ones only if not at their default.
PICTURE: Final = KeyFields(always=("format", "quality", "metadata"))
PROVENANCE: Final = KeyFields(always=("style", "recipe", "program", "key", "written"))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a picture comes from: names of style and recipe, the program with its version, the job's key.

    ``written``: how the file was written (see :func:`written_as`), in which two files of one key may differ.
    ``settings``: what it was made with, see :func:`pipeline.picture_settings.settings_record`.
    """

    style: str
    recipe: str
    program: str
    key: str
    written: str = ""
    settings: dict[str, Any] | None = None


def written_as(options: PictureOptions) -> str:
    """Return what decides a file's bytes beside its pixels: "jpeg 92 keep"."""
    added = PICTURE.added_fields(options)
    first = f"{options.format} {options.quality} {options.metadata}"
    return f"{first} {json.dumps(added, sort_keys=True)}" if added else first


def suffix_of(picture_format: PictureFormat) -> str:
    """Return a format's suffix with its dot: ``.jpg``, ``.tif``."""
    return formats.SUFFIXES[picture_format]


def write_picture(
    pixels: PixelArray,
    alpha: PixelArray | None,
    metadata: Metadata,
    provenance: Provenance,
    options: PictureOptions,
    path: Path,
    *,
    photo_profile: bytes = b"",
) -> tuple[str, ...]:
    """Write a picture to ``path``, whatever its suffix, and return notes on what it could not hold.

    ``pixels``: (H, W, 3) sRGB, float32 in 0..1 (clipped, and rounded once to the file's bits) or uint8. ``alpha``:
    (H, W), of these types, too. ``photo_profile``: what is embedded in the photo, for the profile of that name.
    What an earlier attempt left at ``path`` is replaced. Raises StorageError, after which no file is left, and
    JobError for a picture that is larger than its format allows.
    """
    pixels, profile, color_notes = _in_profile(pixels, options, photo_profile)
    channels, notes = _channels(pixels, alpha, options)
    copied = copied_metadata(metadata, options.metadata, (pixels.shape[1], pixels.shape[0]))
    block, density = _with_density(copied.exif, metadata, options)
    copied = replace(copied, exif=block)
    if profile != srgb_profile():
        copied = replace(copied, exif=_without_srgb(copied.exif))
    record = _record(provenance)
    tags = formats.Tags(
        exif=_fitting_exif(copied.exif, provenance, record, options),
        own_exif=_with_provenance(Exif(), provenance, record),
        xmp=copied.xmp,
        iptc=copied.iptc,
        texts=(("Software", provenance.program), (_PROGRAM_NAME, record)),
        profile=profile,
        density=density,
    )
    data, omissions = formats.encode(channels, tags, options)
    _write(data, path)
    return color_notes + notes + copied.notes + omissions


def _in_profile(
    pixels: PixelArray, options: PictureOptions, photo_profile: bytes
) -> tuple[PixelArray, bytes, tuple[str, ...]]:
    if options.format in formats.WITHOUT_PROFILE and options.profile != "srgb":
        return pixels, srgb_profile(), (f"written as sRGB: what writes {options.format} here embeds no profile",)
    return in_profile(pixels, options.profile, photo_profile)


def _fitting_exif(block: Exif, provenance: Provenance, record: str, options: PictureOptions) -> Exif:
    """Return the block with what the picture is made with; where a JPEG file has no room for both, without that."""
    whole = _with_provenance(block, provenance, record)
    if options.format != "jpeg" or formats.fits_jpeg(whole):
        return whole
    short = _with_provenance(block, provenance, _record(replace(provenance, settings=None)))
    return short if formats.fits_jpeg(short) else whole


def _with_density(block: Exif, metadata: Metadata, options: PictureOptions) -> tuple[Exif, Density | None]:
    """Return the block with the picture's own pixels an inch or the photo's, and those for the file's own header."""
    if metadata.dpi:
        own = float(metadata.dpi), float(metadata.dpi)
        return with_this_density(block, own), own
    if options.metadata == "strip":
        return block, None
    stored = metadata.density
    if orientation(metadata) in _QUARTER_TURNS:
        block, stored = turned(block), stored and stored[::-1]
    density = stored or exif_density(block)
    return with_density(block, density), density


def _without_srgb(block: Exif) -> Exif:
    """Return the block with its color space, if it names one, left to the profile."""
    if _COLOR_SPACE not in block.photo:
        return block
    return replace(block, photo={**block.photo, _COLOR_SPACE: exif.integers(block.order, exif.SHORT, _UNCALIBRATED)})


def require_encoder(options: PictureOptions) -> None:
    """Raise CodecError if the library that such pictures are written with is missing or can't be loaded."""
    tags = formats.Tags(exif=Exif(), own_exif=Exif(), xmp=b"", iptc=b"", texts=())
    pixel, _ = _channels(np.zeros((1, 1, 3), np.uint8), None, options)
    formats.encode(pixel, tags, options)


def opaque(pixels: PixelArray, alpha: PixelArray | None) -> NDArray[np.uint8]:
    """Return (H, W, 3) pixels as a JPEG file holds them: 8 bits, transparent parts over white."""
    colors = eight_bits(pixels)
    return colors if alpha is None else eight_bits(over_white(colors, eight_bits(alpha)))


def _channels(
    pixels: PixelArray, alpha: PixelArray | None, options: PictureOptions
) -> tuple[formats.Channels, tuple[str, ...]]:
    if alpha is not None and options.format == "jpeg":
        return opaque(pixels, alpha), ("transparent parts made white: JPEG has no transparency",)
    rounded = eight_bits if options.bit_depth == 8 else _sixteen_bits
    parts = [rounded(part) for part in (pixels, alpha) if part is not None]
    return cast("formats.Channels", np.dstack(parts)), ()


def _sixteen_bits(samples: PixelArray) -> NDArray[np.uint16]:
    if samples.dtype == np.uint8:
        return samples.astype(np.uint16) * np.uint16(257)
    numbers: NDArray[np.float32] = np.rint(np.clip(samples, 0, 1) * 65535)
    return numbers.astype(np.uint16)


def _record(provenance: Provenance) -> str:
    record = json.dumps({_PROGRAM_NAME: PROVENANCE.key_fields(provenance)}, ensure_ascii=True)
    if len(record) > _LONGEST_RECORD:
        return _record(replace(provenance, settings=None))
    return record


def _with_provenance(block: Exif, provenance: Provenance, record: str) -> Exif:
    """Return the block with the program's name and, as a new line of the image history, the provenance."""
    before = block.photo.get(_IMAGE_HISTORY)
    history = before.data.rstrip(b"\0").decode("ascii", "replace") + "\n" if before else ""
    return replace(
        block,
        image={**block.image, _SOFTWARE: exif.text(provenance.program)},
        photo={**block.photo, _IMAGE_HISTORY: exif.text(history + record)},
    )


def _write(data: bytes, path: Path) -> None:
    half = len(data) // 2
    try:
        with new_file(path) as file:
            file.write(data[:half])
            file.flush()
            failpoint("worker-half-written")
            file.write(data[half:])
    except OSError as error:
        raise storage_error(path.parent, error) from error
    failpoint("worker-written")


def read_provenance(path: Path, head_bytes: int = -1) -> dict[str, Any] | None:
    """Return the fields of the :class:`Provenance` in a picture file, None if it has none. Raises StorageError.

    With ``head_bytes`` only that much of the file is read, which is enough for most JPEG files.
    """
    return _provenance_in(_read_exif(path, head_bytes))


def read_unedited_provenance(path: Path) -> dict[str, Any] | None:
    """Return what :func:`read_provenance` does, but None if another program has written the file since."""
    block = _read_exif(path)
    fields = _provenance_in(block)
    if block is None or fields is None:
        return None
    return fields if block.image.get(_SOFTWARE) == exif.text(str(fields.get("program"))) else None


def _read_exif(path: Path, head_bytes: int = -1) -> Exif | None:
    try:
        with path.open("rb") as file:
            return exif.parse(read_metadata(file.read(head_bytes)).exif)
    except OSError as error:
        raise storage_error(path.parent, error) from error
    except (CodecError, PhotoError):
        return None


def _provenance_in(block: Exif | None) -> dict[str, Any] | None:
    history = block.photo.get(_IMAGE_HISTORY) if block else None
    lines = history.data.rstrip(b"\0").splitlines() if history else []
    with suppress(ValueError, IndexError, LookupError, TypeError):
        return dict(json.loads(lines[-1])[_PROGRAM_NAME])
    return None
