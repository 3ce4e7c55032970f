"""Turns what is on record of pictures into the gallery's rows and details. Reads the ledger; writes nothing.

What the ledger does not know, as of pictures that older versions made, is empty, unless a rebuild has read it in the
picture's file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pipeline.config.masks import KEEP
from pipeline.config.paintings import written_paintings
from pipeline.config.recipes import written_fields
from pipeline.config.written_values import style_and_recipe_text
from pipeline.ledger import GalleryRow, PictureDetails
from pipeline.model import JobState, Losses, LossHistory, Recipe
from pipeline.model.gallery_files import (
    painting_copy_name,
    photo_copy_name,
    photo_thumbnail_name,
    short_hash,
    thumbnail_name,
)
from pipeline.model.region_colors import COLOR_NAMES
from pipeline.model.timelapse_files import timelapse_name
from pipeline.picture_settings import read_settings
from pipeline.report.gallery.advice import failure_advice, photo_advice
from pipeline.report.gallery.rows import REJECTED, PictureRow

_REJECTED_REASON: Final = "rejected: deleted, and not made again unless its photo or its settings change"
#: The image to start from is shown by its name, and a rule as the size.
_NOT_SHOWN: Final = ("init_image_sha256", "size_rule")
#: Pictures that browsers show; of others the page shows the small copy.
_SHOWN: Final = (".jpg", ".png", ".webp", ".avif")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a rebuild has read in a picture's file: its size, and the settings in its provenance, if there."""

    width: int = 0
    height: int = 0
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of pictures besides the ledger, by id: rows as they stand in a file, facts of their own files.

    ``are_copies_there``: the copies that these rows name are, without looking.
    """

    rows: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    files: Mapping[int, FileFacts] = field(default_factory=dict)
    are_copies_there: bool = True


def picture_row(row: GalleryRow, known: Known, exists: Callable[[str], bool], in_progress: bool) -> PictureRow:
    """Return a picture's row; ``exists`` tells whether there is a copy of that name.

    A job whose photo is only being read ahead is pending; ``in_progress``: work on it has begun.
    """
    before = known.rows.get(row.id, ())
    thumb, photo_thumb = before[10:12] if len(before) == 12 else ("", "")
    is_same = bool(row.picture_sha256) and thumb == short_hash(row.picture_sha256)
    width, height = row.width, row.height
    if not width:
        facts = known.files.get(row.id) or (FileFacts(*before[7:9]) if is_same else FileFacts())
        width, height = facts.width, facts.height
    waits = row.state is JobState.LEASED and not in_progress
    state = REJECTED if row.is_rejected else JobState.PENDING if waits else row.state
    picture_sha256 = "" if row.is_rejected else row.picture_sha256

    def has_copy(name: Callable[[str], str], sha256: str, named_before: str) -> bool:
        was_there = known.are_copies_there and bool(sha256) and named_before == short_hash(sha256)
        return was_there or (bool(sha256) and exists(name(sha256)))

    return PictureRow(
        id=row.id,
        job=row.job,
        output=row.output,
        state=state,
        time=row.when,
        width=width,
        height=height,
        style_loss=row.style_loss,
        sha256=picture_sha256,
        photo_sha256=row.photo_sha256,
        has_thumbnail=has_copy(thumbnail_name, picture_sha256, thumb),
        has_photo_thumbnail=has_copy(photo_thumbnail_name, row.photo_sha256, photo_thumb),
    )


def needs_details(row: GalleryRow) -> bool:
    """Tell whether there is more to show of a job than its row."""
    return bool(row.picture_sha256) or row.is_rejected or row.state in (JobState.FAILED, JobState.QUARANTINED)


class DetailsSource:
    """Makes the details of pictures in an ``output`` folder, made of photos in an ``input`` folder."""

    def __init__(self, output: Path, input: Path, exists: Callable[[str], bool]) -> None:
        """``exists`` tells whether there is a file of that name in the gallery's folder."""
        self._output = output
        self._input = input
        self._exists = exists

    def value(self, found: PictureDetails, file: FileFacts | None = None) -> dict[str, Any]:
        """Return what the file of a picture's details holds."""
        row, facts = found.row, found.facts
        settings = dict((facts.settings if facts else None) or (file.settings if file else None) or {})
        style = settings.get("style") or {}
        return {
            "id": row.id,
            "photo": row.job.photo,
            "output": row.output,
            "style": row.job.style,
            "recipe": row.job.recipe,
            "state": REJECTED if row.is_rejected else row.state.value,
            "reason": _REJECTED_REASON if row.is_rejected else found.reason,
            "advice": _advice(found),
            "attempts": found.attempts,
            "time": round(row.when),
            "key": found.key,
            "copied": found.copied,
            "width": row.width or (file.width if file else 0),
            "height": row.height or (file.height if file else 0),
            "engine": found.engine_version,
            "settings": _recipe_settings(settings),
            "yaml": settings_yaml(row.job.style, row.job.recipe, settings),
            "scale": 1.0 if style.get("regions") else style.get("scale"),
            "paintings": [self._painting(painting) for painting in _paintings(style)],
            "places": _places(settings),
            **_made(found),
            **self._files(row, found),
        }

    def _files(self, row: GalleryRow, found: PictureDetails) -> dict[str, Any]:
        timelapse = timelapse_name(row.output)
        return {
            "picture_src": self._shown(row) if row.picture_sha256 and not row.is_rejected else None,
            "photo_copy": self._copy(photo_copy_name, row.photo_sha256),
            "photo_file": self._photo_file(found),
            "timelapse": timelapse if os.path.lexists(self._output / timelapse) else None,
        }

    def _shown(self, row: GalleryRow) -> str:
        """Return the picture as the page shows it, relative to the page."""
        if PurePosixPath(row.output).suffix not in _SHOWN and (
            small := self._copy(thumbnail_name, row.picture_sha256)
        ):
            return small
        return f"../{row.output}"

    def _photo_file(self, found: PictureDetails) -> str | None:
        """Return the photo's path in the input folder, None if it is no file there, as a photo in an archive."""
        photo = found.row.job.photo
        is_file = found.photo_is_there and found.moved_to is None and os.path.isfile(self._input / photo)  # noqa: PTH113
        return photo if is_file else None

    def _copy(self, name: Callable[[str], str], sha256: str) -> str | None:
        found = name(sha256) if sha256 else ""
        return found if found and self._exists(found) else None

    def _painting(self, painting: Mapping[str, Any]) -> dict[str, Any]:
        copy = self._copy(painting_copy_name, str(painting.get("sha256", "")))
        return {
            "name": painting.get("name", ""),
            "weight": painting.get("weight"),
            "scale": painting.get("scale", 1.0),
            "copy": copy,
        }


def _recipe_settings(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a record says of the recipe, as a config has it, without a style loss that is what "auto" means."""
    recorded = read_settings({"settings": settings})
    if recorded is None or "recipe" not in settings:
        return None
    loss = recorded.recipe.style_loss
    others = {name: value for name, value in settings["recipe"].items() if name != "style_loss"}
    return _as_written_fields(others | ({} if loss == "auto" else {"style_loss": loss}))


def _paintings(style: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the paintings in a record of a style; those of its regions each once, in the scale of the region."""
    if not style.get("regions"):
        return list(style.get("paintings") or ())
    found = [
        {**painting, "scale": painting.get("scale", 1.0) * region.get("scale", 1.0)}
        for region in style["regions"]
        for painting in region.get("paintings") or ()
    ]
    return list({(each.get("sha256"), each["scale"]): each for each in found}.values())


def _places(settings: Mapping[str, Any]) -> list[str]:
    """Return for each region of a picture made by a mask what is there."""
    recorded = read_settings({"settings": settings}) if settings else None
    names = {color: name for name, color in reversed(list(COLOR_NAMES.items()))}
    return [
        f"{style or 'the photo as it is'} where the mask is {names.get(color, color)}"
        for color, style in (recorded.regions if recorded else {}).items()
    ]


def _advice(found: PictureDetails) -> str:
    """Return what to do about a picture that could not be made, as the page of all problems says it; else ""."""
    if found.row.state not in (JobState.FAILED, JobState.QUARANTINED):
        return ""
    return photo_advice(found.reason) if found.is_photo_set_aside else failure_advice(found.row.state, found.reason)


def _made(found: PictureDetails) -> dict[str, Any]:
    """Return how a picture was made, as far as that is known."""
    facts = found.facts
    if facts is None:
        unknown = ("first", "last", "seconds", "cache_hits", "cache_misses", "history")
        return dict.fromkeys(unknown) | {"sizes": [], "iterations": [], "device": "", "notes": [], "program": ""}
    return {
        "sizes": facts.sizes,
        "iterations": facts.iterations,
        "first": _losses(facts.first),
        "last": _losses(facts.last),
        "seconds": facts.seconds,
        "device": facts.device,
        "cache_hits": facts.cache_hits,
        "cache_misses": facts.cache_misses,
        "notes": facts.notes,
        "program": facts.program,
        "history": None if facts.history is None else _history(facts.history),
    }


def _losses(losses: Losses) -> dict[str, float]:
    return {"content": losses.content, "style": losses.style, "total": losses.total}


def _history(history: LossHistory) -> dict[str, Any]:
    points = [
        [point.evaluation, point.scale_index, point.total, point.tv, list(point.layers)] for point in history.points
    ]
    return {"series": list(history.series), "points": points}


def settings_yaml(style: str, recipe: str, settings: Mapping[str, Any]) -> str:
    """Return what a picture was made with as a piece of a config, "" if that is not known."""
    recorded = read_settings({"settings": settings, "recipe": recipe}) if settings else None
    if recorded is None:
        return ""
    entry: dict[str, Any] = {"name": style}
    if recorded.regions:
        entry["regions"] = {color: name or KEEP for color, name in recorded.regions.items()}
    else:
        entry |= written_paintings([(each.name, each.weight, each.scale) for each in recorded.paintings])
    if recorded.scale != 1 and not recorded.regions:
        entry["scale"] = recorded.scale
    if recipe != "default":
        entry["recipe"] = recipe
    return style_and_recipe_text(entry, recipe, written_fields(recorded.recipe)) + "\n"


def recipe_defaults() -> dict[str, Any]:
    """Return all settings of a recipe at their defaults, as a config has them."""
    names = [each.name for each in fields(Recipe) if each.name not in ("name", *_NOT_SHOWN)]
    defaults = {name: getattr(Recipe(), name) for name in names}
    return _as_written_fields(defaults)


def _as_written_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_written(value) for name, value in values.items() if name not in _NOT_SHOWN}


def _as_written(value: Any) -> Any:
    """Return a recipe's value as a config has it: pairs of layer and weight are a mapping."""
    if isinstance(value, list | tuple):
        items = [_as_written(item) for item in value]
        if items and all(isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) for item in items):
            return dict(items)
        return items
    return value
