"""Decides which pictures a try makes: photos × styles × recipes × values, the cheapest first.

Reads only photos, and images that pictures start from.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.config import ConfigWithVariants
from pipeline.config.recipes import as_written, value_of
from pipeline.config.variants import RecipeVariant, StyleVariant
from pipeline.config.written_values import flow_text
from pipeline.engine.speed import GUESS, Speed
from pipeline.errors import PhotoError, UsageError
from pipeline.hashing import sha256_of_open, with_image_hash
from pipeline.images.decoders.raster import Size
from pipeline.intake.safe_open import open_below
from pipeline.model import Job, Recipe, Style
from pipeline.model.size_rules import TYPICAL_PHOTO
from pipeline.model.trial import ContactSheet, SheetAxis, SheetCell, SheetPhoto
from pipeline.runner.photo_sizes import photo_size, proportion_of
from pipeline.runner.planning.forecast import TYPICAL_PROPORTION, Task, forecast
from pipeline.runner.preparation import ResolvedConfig, variant_of
from pipeline.runner.trial.names import photo_labels, picture_stem, values_text


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPicture:
    """A picture to make of a photo (an index); ``values``: those that were chosen of settings that list some.

    ``number``: its place in the order of photos, styles and values. ``stem``: its name without suffix. ``seconds``:
    what it probably takes.
    """

    number: int
    photo: int
    job: Job
    style: Style
    recipe: Recipe
    values: Mapping[str, str]
    stem: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """All pictures of a try, in the order in which they are made, and how long that takes (None: not known)."""

    photos: tuple[SheetPhoto, ...]
    pictures: tuple[TrialPicture, ...]
    seconds: float | None


def read_photos(paths: Sequence[Path]) -> tuple[SheetPhoto, ...]:
    """Return the photos at these paths, each once, with their hashes. Raises PhotoError if one can't be read."""
    return tuple(dict.fromkeys(map(_read_photo, paths)))


def _read_photo(named: Path) -> SheetPhoto:
    try:
        path = named.resolve(strict=True)  # a link that is named may be followed, one that comes later may not
        with open_below(path.parent, path.name) as file:
            return SheetPhoto(path, named.name, sha256_of_open(file))
    except OSError as error:
        raise PhotoError(f"{named} can't be read: {error.strerror}") from error


def plan_pictures(
    found: ConfigWithVariants,
    resolved: ResolvedConfig,
    photos: Sequence[SheetPhoto],
    styles: Sequence[str] = (),
    recipes: Sequence[str] = (),
) -> list[TrialPicture]:
    """Return the pictures of all combinations. Empty ``styles`` = all; empty ``recipes`` = each style's own.

    Raises UsageError for unknown names, PaintingError for an image to start from that can't be read.
    """
    labels = photo_labels([photo.path for photo in photos]) if len(photos) > 1 else [""]
    pictures = [
        _picture(index, photo.name, label, resolved.styles[style], recipe, number, variant)
        for index, (photo, label) in enumerate(zip(photos, labels, strict=True))
        for style, recipe in _chosen(resolved, styles, recipes)
        for number, variant in enumerate(found.variants_of(style, recipe), start=1)
    ]
    hashed = cache(with_image_hash)
    return [
        dataclasses.replace(picture, number=number, recipe=hashed(picture.recipe))
        for number, picture in enumerate(pictures)
    ]


def count_pictures(
    found: ConfigWithVariants, resolved: ResolvedConfig, styles: Sequence[str] = (), recipes: Sequence[str] = ()
) -> int:
    """Return how many pictures of one photo there are to make. Raises UsageError for unknown names."""
    return sum(len(found.variants_of(style, recipe)) for style, recipe in _chosen(resolved, styles, recipes))


def _chosen(resolved: ResolvedConfig, styles: Sequence[str], recipes: Sequence[str]) -> Iterator[tuple[str, str]]:
    for style in dict.fromkeys(styles or resolved.styles):
        _require_known("style", style, resolved.styles)
        for recipe in dict.fromkeys(recipes or resolved.pairing.recipes_of[style]):
            _require_known("recipe", recipe, resolved.recipes)
            yield style, recipe


def _require_known(kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise UsageError(f"there is no {kind} {name!r}; the config has {', '.join(known)}")


def _picture(
    photo: int,
    photo_name: str,
    label: str,
    style: Style,
    recipe: str,
    number: int,
    variant: tuple[StyleVariant, RecipeVariant],
) -> TrialPicture:
    of_style, of_recipe = variant
    values = {**of_recipe.values, **of_style.values}
    job = Job(photo_name, style.name, recipe)
    return TrialPicture(
        number=0,
        photo=photo,
        job=job,
        style=style.with_scales(of_style.scales),
        recipe=of_recipe.recipe,
        values=values,
        stem=picture_stem(label, variant_of(job), values_text(values, number)),
    )


def plan_trial(
    photos: Sequence[SheetPhoto], pictures: Sequence[TrialPicture], speed: Speed | None, *, learn_sizes: bool = True
) -> TrialPlan:
    """Return the pictures with the cheapest first, so that something is seen soon, and how long all of them take.

    ``speed``: of this machine; None = not known. ``learn_sizes``: whether photos are looked at for their proportions.
    """
    sizes = [photo_size(photo.path.parent, photo.path.name) if learn_sizes else None for photo in photos]
    timed = [dataclasses.replace(picture, seconds=_seconds(speed or GUESS, [picture], sizes)) for picture in pictures]
    ordered = tuple(sorted(timed, key=lambda picture: round(picture.seconds, 3)))
    seconds = None if speed is None else speed.startup_seconds + _seconds(speed, ordered, sizes)
    return TrialPlan(tuple(photos), ordered, seconds)


def _seconds(speed: Speed, pictures: Sequence[TrialPicture], sizes: Sequence[Size | None]) -> float:
    # A forecast tells recipes apart by their names; those of one recipe's variants are the same.
    names = {recipe: str(number) for number, recipe in enumerate(dict.fromkeys(each.recipe for each in pictures))}
    tasks = [
        Task(
            dataclasses.replace(each.recipe, name=names[each.recipe]).for_photo(
                *(sizes[each.photo] or TYPICAL_PHOTO)
            ),
            proportion_of(sizes[each.photo], TYPICAL_PROPORTION),
        )
        for each in pictures
    ]
    found = forecast(speed, tasks, (), {})
    return found.seconds - found.start_seconds


def contact_sheet(plan: TrialPlan, *, sheet_id: str, title: str, started: float, config_name: str) -> ContactSheet:
    """Return the contact sheet of a plan, with no picture made yet; its cells are in the order of ``number``."""
    pictures = sorted(plan.pictures, key=lambda picture: picture.number)
    settings = list(dict.fromkeys(setting for picture in pictures for setting in picture.values))
    texts = [[setting_text(picture, setting) for setting in settings] for picture in pictures]
    axes = [SheetAxis(setting, _in_order(text[number] for text in texts)) for number, setting in enumerate(settings)]
    cells = [
        SheetCell(
            photo=picture.photo,
            style=picture.job.style,
            recipe=picture.job.recipe,
            values=tuple(axis.values.index(value) for axis, value in zip(axes, text, strict=True)),
        )
        for picture, text in zip(pictures, texts, strict=True)
    ]
    return ContactSheet(
        id=sheet_id,
        title=title,
        started=started,
        config_name=config_name,
        photos=plan.photos,
        axes=tuple(axes),
        cells=tuple(cells),
        paintings={
            picture.job.style: tuple(painting.path for painting in picture.style.paintings) for picture in pictures
        },
    )


def setting_text(picture: TrialPicture, setting: str) -> str:
    """Return the value of a setting that some pictures of a try were given, and others have from their config."""
    if setting in picture.values:
        return picture.values[setting]
    if setting == "scale":
        return flow_text(picture.style.scale)
    return flow_text(as_written(setting, value_of(setting, picture.recipe)))


def _in_order(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each value once: in their order, and numbers by size, before anything else."""

    def key(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return math.inf

    return tuple(sorted(dict.fromkeys(texts), key=key))
