"""Sets up a new folder: writes a checked config, and what it needs. Owns the order; after an error nothing is left.

A file that is there is never replaced.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from pipeline.config import Config, load_config
from pipeline.config.new_config import NewConfig, Use, config_text
from pipeline.config.settings import folder_settings
from pipeline.config.written_values import style_names
from pipeline.durable_files import make_folder, write_file
from pipeline.errors import ConfigError, StorageError, UsageError
from pipeline.images.samples import sample_paintings
from pipeline.intake.mounts import nearest_existing
from pipeline.intake.scan import PHOTO_SUFFIXES
from pipeline.runner.checking import check_painting
from pipeline.runner.instance.feedback_loops import require_no_feedback_loop
from pipeline.runner.preparation import require_state_and_output

#: Where the sample paintings go, beside the config.
SAMPLES_FOLDER: Final = "paintings"

#: Which option of the command names what a section of the config holds.
_OPTIONS: Final = (("input", "--photos"), ("output", "--output"), ("state", "--output"), ("styles", "--painting"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupChoices:
    """What the user wants; paths are absolute. ``paintings`` are files, or folders of them."""

    use: Use
    config: Path
    photos: Path
    output: Path
    paintings: tuple[Path, ...] = ()
    with_samples: bool = False
    quoted_name: str
    crontab_line: str


@dataclass(frozen=True, slots=True)
class NewSetup:
    """What was set up: the loaded config, and what had to be made for it."""

    settings: Config
    made_photos_folder: bool
    samples: tuple[Path, ...]
    paintings_among_photos: tuple[Path, ...]


def set_up(choices: SetupChoices) -> NewSetup:
    """Write the config, the sample paintings and the folder of photos; checks all before the config is there.

    Raises UsageError, PaintingError, StorageError, LedgerError; then, as after an interruption, nothing is left.
    """
    if os.path.lexists(choices.config):
        raise _is_there(choices.config)
    _require_no_file("FOLDER", choices.config.parent)
    if choices.with_samples:
        _require_no_file("--sample-paintings", choices.config.parent / SAMPLES_FOLDER)
    require_photos_folder(choices.photos, choices.use)
    require_output_folder(choices.output, choices.photos)
    named = check_paintings(choices.paintings)
    with ExitStack() as undo:
        folder = choices.config.parent
        _make_folder(folder, undo)
        samples = _write_samples(folder / SAMPLES_FOLDER, undo) if choices.with_samples else []
        is_new = not choices.photos.exists()
        _make_folder(choices.photos, undo)
        paintings = _each_once([*named, *samples])
        settings = _write_config(choices, paintings, undo)
        undo.pop_all()
    among = tuple(path for path in paintings if path.resolve().is_relative_to(settings.input.folder))
    return NewSetup(settings, is_new, tuple(samples), among)


def check_paintings(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, and those images that lie in the folders that are named, each once.

    Raises UsageError for a path that is not there and for a folder without images, PaintingError for a file that
    can't be used, StorageError.
    """
    found = _each_once(file for path in paths for file in _images_at(path))
    for file in found:
        check_painting(file)
    return found


def _images_at(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [file for file in sorted(path.iterdir()) if _is_image(file)]
        if not inside:
            raise UsageError(f"--painting: there is no image in the folder {path}; name another one, or a file")
        return inside
    if not path.exists():
        raise UsageError(f"--painting: {path} is not there; name an image file, or a folder of them")
    return [path]


def _each_once(paths: Iterable[Path]) -> list[Path]:
    return list({path.resolve(): path for path in paths}.values())


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in PHOTO_SUFFIXES and not file.name.startswith(".") and file.is_file()


def require_photos_folder(photos: Path, use: Use) -> None:
    """Raise UsageError if the photos' folder can't be made, or is that of an archive and not there."""
    _require_no_file("--photos", photos)
    if use == "archive" and not photos.is_dir():
        raise UsageError(f"--photos: {photos} is not there; mount the archive's disk, or correct the path")


def require_output_folder(output: Path, photos: Path) -> None:
    """Raise UsageError if the pictures' folder can't be made, or if pictures would become photos in it."""
    _require_no_file("--output", output)
    if output.resolve().is_relative_to(photos.resolve()):
        raise UsageError(
            f"--output: {output} is or lies in the folder of the photos, and pictures would become photos"
        )
    if photos.resolve().is_relative_to(output.resolve()):
        raise UsageError(f"--output: {output} holds the folder of the photos; name a folder beside that")


def _require_no_file(option: str, folder: Path) -> None:
    in_the_way = nearest_existing(folder)
    if not in_the_way.is_dir():
        raise UsageError(f"{option}: {in_the_way} is a file, not a folder; give another name")


def _is_there(config: Path) -> UsageError:
    return UsageError(f"{config} is there already and is not overwritten; give another name with --config")


def _make_folder(folder: Path, undo: ExitStack) -> None:
    missing = list(takewhile(lambda path: not path.is_dir(), (folder, *folder.parents)))
    for path in reversed(missing):
        undo.callback(_remove_if_empty, path)
        make_folder(path)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _write_new(path: Path, data: bytes, undo: ExitStack, check: Callable[[Path], object] = lambda _: None) -> bool:
    """Write a file that is not there yet, if its part file passes the check; False if it is there."""
    if os.path.lexists(path):
        return False

    def write(part: Path) -> None:
        try:
            part.write_bytes(data)
        except OSError as error:
            error.filename = error.filename or str(part)  # writing knows only the file's number
            raise
        check(part)

    undo.callback(_remove_if_holding, path, data)
    undo.callback(path.with_name(f".{path.name}.part").unlink, missing_ok=True)
    return write_file(path, write, exclusive=True)


def _remove_if_holding(path: Path, data: bytes) -> None:
    if _holds(path, data):
        path.unlink()


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _write_samples(folder: Path, undo: ExitStack) -> list[Path]:
    """Write the sample paintings and return their paths; one that is there with that content is used as it is."""
    _make_folder(folder, undo)
    samples = {folder / name: data for name, data in sample_paintings().items()}
    for path, data in samples.items():
        if not _write_new(path, data, undo) and not _holds(path, data):
            raise UsageError(f"{path} is there already, and is not the sample painting of that name; move it away")
    return list(samples)


def _write_config(choices: SetupChoices, paintings: Sequence[Path], undo: ExitStack) -> Config:
    """Write the config under its name once it was loaded and fits what is there."""
    styles = dict(zip(style_names(paintings), paintings, strict=True))
    text = config_text(
        NewConfig(
            use=choices.use,
            config=choices.config,
            photos=choices.photos,
            output=choices.output,
            styles=styles,
            free_bytes=shutil.disk_usage(nearest_existing(choices.output)).free,
            quoted_name=choices.quoted_name,
            crontab_line=choices.crontab_line,
        )
    )
    loaded: list[Config] = []
    if not _write_new(choices.config, text.encode("utf-8"), undo, lambda part: loaded.append(_load(part))):
        raise _is_there(choices.config)
    return loaded[0]


def _load(part: Path) -> Config:
    try:
        settings = load_config(part)
    except ConfigError as error:
        raise UsageError("\n".join(_sentences(error))) from error
    require_state_and_output(settings)
    require_no_feedback_loop(folder_settings(settings))
    existing = nearest_existing(settings.output.folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"--output: {existing} is not writable; change its permissions or choose another folder")
    return settings


def _sentences(error: ConfigError) -> Iterator[str]:
    for problem in error.problems:
        option = next((option for section, option in _OPTIONS if problem.where.startswith(section)), problem.where)
        yield f"{option}: {problem.message}"
