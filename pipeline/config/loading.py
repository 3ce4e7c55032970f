"""Loads a config file: returns a :class:`Config`, or raises all problems at once, with file, line and YAML path.

Owns the order: read the YAML, collect what settings may refer to, validate, translate pydantic's errors. Opens no
file but the config; of paintings only the existence is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.config.error_messages import explain, format_location, is_redundant, location_of
from pipeline.config.field_types import ValidationContext, is_pattern, resolve
from pipeline.config.models import Config
from pipeline.config.yaml_source import Document, read_document
from pipeline.errors import ConfigError, ConfigProblem


def load_config(path: Path) -> Config:
    """Return the settings in the YAML file at ``path``, complete and with absolute paths.

    Raises ConfigError with every problem of the file, in its order.
    """
    document = read_document(path)
    context = _context_of(document.data, path.absolute().parent)
    found: list[tuple[tuple[int, int], ConfigProblem]] = []
    for location, line, message in document.problems:
        found.append(((line, 0), ConfigProblem(str(path), line, format_location(location), message)))
    try:
        config = Config.model_validate(document.data, context=context)
    except ValidationError as error:
        found += _problems_of(error, document, path)
        config = None
    if config is None or found:
        raise ConfigError([problem for _, problem in sorted(found, key=lambda entry: entry[0])])
    return config


def _problems_of(
    error: ValidationError, document: Document, path: Path
) -> list[tuple[tuple[int, int], ConfigProblem]]:
    unreadable = {location for location, _, _ in document.problems}
    found = []
    for fault in error.errors(include_url=False):
        location = location_of(fault)
        if location not in unreadable and not is_redundant(fault):
            position = document.position(location)
            message = explain(fault, location)
            found.append((position, ConfigProblem(str(path), position[0], format_location(location), message)))
    return found


def _context_of(data: Mapping[str, Any], folder: Path) -> ValidationContext:
    """Collect what settings may refer to, from data that is not validated yet."""
    photos, pictures = _mapping(data.get("input")), _mapping(data.get("output"))
    styles, recipes, ignore = data.get("styles"), _mapping(data.get("recipes")), photos.get("ignore")
    names = [_mapping(style).get("name") for style in styles] if isinstance(styles, list) else []
    return ValidationContext(
        folder=folder,
        input=_folder(photos.get("folder", "input"), folder),
        output=_folder(pictures.get("folder", "output"), folder) or folder / "output",
        styles=tuple(dict.fromkeys(name for name in names if isinstance(name, str))),
        recipes=tuple(dict.fromkeys(("default", *recipes))),
        ignore=tuple(filter(is_pattern, ignore)) if isinstance(ignore, list) else (),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _folder(value: Any, folder: Path) -> Path | None:
    try:
        return resolve(value, folder) if isinstance(value, str) else None
    except ValueError:
        return None
