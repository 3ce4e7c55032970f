"""Finds a picture that the user names, and reads what it says of itself. Owns what is said where it can't be used."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.config import ConfigWithVariants
from pipeline.errors import UsageError
from pipeline.hashing import sha256_of_file
from pipeline.images.encode import read_provenance
from pipeline.model import Recipe
from pipeline.picture_settings import RecordedSettings
from pipeline.runner.preparation import ResolvedConfig


def find_picture(named: str, output_folder: Path) -> Path:
    """Return the picture of a path, absolute, in the current or in the output folder. Raises UsageError."""
    for path in (Path(named), output_folder / named):
        if path.is_file():
            return path
    raise UsageError(f"{named}: there is no such picture, neither here nor in the output folder, {output_folder}")


def provenance_of(picture: Path) -> dict[str, Any]:
    """Return what stands in a picture. Raises UsageError for one that is not the program's, StorageError."""
    provenance = read_provenance(picture)
    if provenance is None:
        raise UsageError(f"{picture}: is no picture of stylewatch, or another program has taken its metadata out")
    return provenance


#: Returns the files that may be the image of this name, from which a picture started.
StartImages = Callable[[str], Iterable[Path]]


def start_images(found: ConfigWithVariants, config: Path, name: str) -> tuple[Path, ...]:
    """Return the images that pictures may start from: those of a config's recipes, that of this name, its paintings.

    The one of this name lies beside the config.
    """
    named = [variant.recipe.init_image for variants in found.recipes.values() for variant in variants]
    named.append(config.absolute().parent / name)
    named += [painting.path for style in found.config.styles for painting in style.paintings]
    return tuple(dict.fromkeys(path for path in named if path is not None))


def with_image_file(recipe: Recipe, picture: Path, images: StartImages) -> tuple[Recipe, tuple[str, ...]]:
    """Return a picture's recipe with the one of the ``images`` that it started from, and what is to be said of that.

    The one of its content, else the one of its name. Raises UsageError if there is none.
    """
    if not recipe.init_image_sha256:
        return recipe, ()
    name = recipe.init_image.name if recipe.init_image is not None else "an image without a name"
    alike = sorted((path for path in images(name) if path.is_file()), key=lambda path: path.name != name)
    for path in alike:
        with contextlib.suppress(OSError):
            if sha256_of_file(path) == recipe.init_image_sha256:
                return replace(recipe, init_image=path), ()
    if alike and alike[0].name == name:
        note = (
            f"the image to start from, {alike[0]}, has changed since: it had other content when the picture was made"
        )
        return replace(recipe, init_image=alike[0]), (note,)
    raise UsageError(
        f"{picture}: the image that it started from, {name}, is in no recipe or style of the config and not beside "
        f"it: put it there, under this name"
    )


def differences(recorded: RecordedSettings, resolved: ResolvedConfig) -> Iterator[str]:
    """Yield why the settings in a picture, with all else as in a config, make another one."""
    if recorded.weights not in ("", resolved.weights):
        yield "the picture was made with other weights of the network than engine.weights"
    if recorded.ignored:
        yield f"this version does not know, and leaves out: {', '.join(recorded.ignored)}"
