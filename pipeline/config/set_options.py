"""Settings given as NAME=VALUE beside a config: of all its recipes, or ``scale`` of all its styles.

A style with regions has the scales of the styles that these name. Owns how options are read and where they go; the
values are validated with the rest of the config. VALUE is YAML, so that lists give variants, as they do in the file.
``quality`` comes with all that a quality sets, whatever the recipes set of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.config import qualities
from pipeline.config.document import Document, Location
from pipeline.config.field_types import did_you_mean
from pipeline.config.mistakes import Mistake
from pipeline.config.recipes import RecipeSection
from pipeline.config.used_settings import without_unused
from pipeline.config.yaml_source import parse_document
from pipeline.errors import ConfigError, UsageError

_OF_STYLES: Final = ("scale",)


def with_settings(document: Document, options: Sequence[str]) -> tuple[Document, dict[Location, str]]:
    """Return a document with these settings in place of its own, and by which option each place was set.

    Raises UsageError for an option that names no setting or has no value.
    """
    given: dict[Location, str] = {}
    parsed = [(option, *_parse(option)) for option in options]
    for option, name, value in sorted(parsed, key=lambda each: each[1] != "quality"):
        data = _with_setting(document.data, name, value)
        document = dataclasses.replace(document, data=data)
        if name in _OF_STYLES:
            styles = data.get("styles")
            scaled = enumerate(map(_has_scale, styles)) if isinstance(styles, list) else ()
            given |= {("styles", index, name): option for index, has_scale in scaled if has_scale}
        else:
            given |= {("recipes", recipe, name): option for recipe in data["recipes"]}
    positions = {
        place: position
        for place, position in document.positions.items()
        if not any(place[: len(location)] == location for location in given)
    }
    return dataclasses.replace(document, positions=positions), given


def require_right(mistakes: Iterable[Mistake], given: Mapping[Location, str]) -> None:
    """Raise UsageError for the first mistake in a setting that was given as an option."""
    for mistake in mistakes:
        for location, option in given.items():
            if mistake.location[: len(location)] == location or _is_lack_of(location, mistake):
                raise UsageError(f"--set {option}: {mistake.message}")


def _is_lack_of(location: Location, mistake: Mistake) -> bool:
    """Tell whether a mistake is that a setting at ``location`` needs another one, which is not there."""
    return mistake.location == location[:-1] and mistake.message.startswith(f"{location[-1]}: ")


def _parse(option: str) -> tuple[str, Any]:
    name, equals, text = option.partition("=")
    if not equals or not text.strip():
        raise UsageError(f"--set {option}: must be NAME=VALUE, strength=0.3 for instance")
    names = [*RecipeSection.model_fields, *_OF_STYLES]
    if name not in names:
        hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise UsageError(f"--set {option}: {name!r} is no setting of a recipe, nor a style's scale{hint}")
    try:
        document = parse_document(f"value: {text}\n", Path("--set"))
    except ConfigError as error:
        raise UsageError(f"--set {option}: {error.problems[0].message}") from error
    if document.problems or set(document.data) != {"value"}:
        reason = document.problems[0][2] if document.problems else "must be one value"
        raise UsageError(f"--set {option}: {reason}")
    return name, document.data["value"]


def _with_setting(data: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    if name in _OF_STYLES:
        styles = data.get("styles")
        if not isinstance(styles, list):
            return dict(data)  # which is a mistake of its own
        return {**data, "styles": [{**style, name: value} if _has_scale(style) else style for style in styles]}
    recipes = data.get("recipes")
    if not isinstance(recipes, dict | None):
        return {**data, "recipes": {"default": {name: value}}}
    changed = {
        recipe: _with_value(settings or {}, name, value) if isinstance(settings, dict | None) else settings
        for recipe, settings in {"default": {}, **(recipes or {})}.items()
    }
    return {**data, "recipes": changed}


def _has_scale(style: Any) -> bool:
    """Tell whether a style has a scale of its own, rather than those of its regions' styles."""
    return isinstance(style, dict) and style.get("regions") is None


def _with_value(settings: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    replaced = qualities.SETTINGS if name == "quality" else ()
    changed = {key: each for key, each in settings.items() if key not in replaced} | {name: value}
    return without_unused(changed, settings)
