"""Loads a config file: returns a :class:`Config`, or raises all problems at once, with file, line and YAML path.

Owns the order: read the YAML, collect what settings may refer to, validate, sort the problems by their lines. Opens
no file but the config; of paintings only the existence is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.error_messages import format_location
from pipeline.config.field_types import ValidationContext, resolve
from pipeline.config.ignore_patterns import is_pattern
from pipeline.config.mistakes import validate
from pipeline.config.models import Config
from pipeline.config.yaml_source import read_document
from pipeline.errors import ConfigError, ConfigProblem


def load_config(path: Path) -> Config:
    """Return the settings in the YAML file at ``path``, complete and with absolute paths.

    Raises ConfigError with every problem of the file, in its order.
    """
    document = read_document(path)
    folder = path.absolute().parent
    config, mistakes = validate(document, lambda data: context_of(data, folder))
    found = [((line, 0), location, message) for location, line, message in document.problems]
    found += [(mistake.position, mistake.location, mistake.message) for mistake in mistakes]
    if config is None or found:
        ordered = sorted(found, key=lambda entry: entry[0])
        raise ConfigError(
            [ConfigProblem(str(path), line, format_location(location), text) for (line, _), location, text in ordered]
        )
    return config


def context_of(data: Mapping[str, Any], folder: Path) -> ValidationContext:
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
