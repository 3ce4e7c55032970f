"""Loads a config file: returns a :class:`Config`, or raises all problems at once, with file, line and YAML path.

Owns the order: read the YAML, collect what settings may refer to, validate, sort the problems by their lines. Opens
no file but the config and those that it imports; of paintings only the existence is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.config.combinations import Axis
from pipeline.config.document import Document, Location, Problem
from pipeline.config.error_messages import format_location
from pipeline.config.field_types import ValidationContext, resolve
from pipeline.config.ignore_patterns import is_pattern
from pipeline.config.imports import read_config
from pipeline.config.models import Config
from pipeline.config.set_options import require_right, with_settings
from pipeline.config.variants import ConfigWithVariants, expand
from pipeline.errors import ConfigError, ConfigProblem


def load_config(path: Path) -> Config:
    """Return the settings in the YAML file at ``path``, complete and with absolute paths.

    Raises ConfigError with every problem of the file, in its order; or because it lists values to compare.
    """
    found = load_variants(path)
    if (error := refusal_of_values(found, path)) is not None:
        raise error
    return found.config


def refusal_of_values(found: ConfigWithVariants, path: Path) -> ConfigError | None:
    """Return why only ``try`` can use a config whose settings list values; None if none does."""
    if not found.axes:
        return None
    first, *others = found.axes
    values = "1 value" if len(first.values) == 1 else f"{len(first.values)} values"
    message = (
        f"lists {values} to compare{_also(others)}: 'stylewatch try' makes pictures with each, and 'stylewatch "
        "adopt' writes the settings of one picture here"
    )
    return ConfigError([_config_problem(Problem(first.location, first.line, message, first.file), path)])


def _also(axes: Sequence[Axis]) -> str:
    """Return words on the settings besides the first one that list values."""
    places = [f"line {axis.line}" if axis.file is None else f"{axis.file}:{axis.line}" for axis in axes]
    names = [f"{format_location(axis.location)} ({place})" for axis, place in zip(axes, places, strict=True)]
    if not names:
        return ""
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f", as {'do' if len(names) > 1 else 'does'} {listed}"


def load_variants(path: Path, set_options: Sequence[str] = ()) -> ConfigWithVariants:
    """Do as :func:`load_config`, with all values of the settings that list some.

    ``set_options``: NAME=VALUE, in place of what the file has. Raises UsageError for one that is wrong.
    """
    document, given = with_settings(read_config(path), set_options)
    return variants_in(document, path, given)


def variants_in(
    document: Document, path: Path, given: Mapping[Location, str] = MappingProxyType({})
) -> ConfigWithVariants:
    """Do as :func:`load_variants` with what the file at ``path`` holds; ``given``: see :func:`with_settings`."""
    folder = path.absolute().parent
    found, mistakes = expand(document, lambda data: context_of(data, folder))
    require_right(mistakes, given)
    problems = [(problem, 0) for problem in document.problems]
    for mistake in mistakes:
        line, column = mistake.position
        problems.append((Problem(mistake.location, line, mistake.message, mistake.file), column))
    if found is None or problems:
        files = [None, *(problem.file for problem, _ in problems)]
        problems.sort(key=lambda each: (files.index(each[0].file), each[0].line or 0, each[1]))
        raise ConfigError([_config_problem(problem, path) for problem, _ in problems])
    return found


def _config_problem(problem: Problem, path: Path) -> ConfigProblem:
    """Return a problem as it is told of the config at ``path``, or of the file that it imports."""
    location = problem.location if problem.file is None else problem.location[1:]
    return ConfigProblem(str(problem.file or path), problem.line, format_location(location), problem.message)


def context_of(data: Mapping[str, Any], folder: Path) -> ValidationContext:
    """Collect what settings may refer to, from data that is not validated yet."""
    photos, pictures = _mapping(data.get("input")), _mapping(data.get("output"))
    styles, recipes, ignore = data.get("styles"), _mapping(data.get("recipes")), photos.get("ignore")
    written = list(map(_mapping, styles)) if isinstance(styles, list) else []
    return ValidationContext(
        folder=folder,
        input=_folder(photos.get("folder", "input"), folder),
        output=_folder(pictures.get("folder", "output"), folder) or folder / "output",
        styles=_names(written),
        recipes=tuple(dict.fromkeys(("default", *recipes))),
        ignore=tuple(filter(is_pattern, ignore)) if isinstance(ignore, list) else (),
        styles_with_regions=_names(style for style in written if style.get("regions") is not None),
        has_masks=_names_folder(data.get("masks")),
        originals=_folder(_mapping(photos.get("originals")).get("move"), folder),
        pairs_by_folder=_mapping(data.get("pairing")).get("by") == "folder",
    )


def _names_folder(section: Any) -> bool:
    """Tell whether a section names a folder, or what else is there may be meant so, which is said by itself."""
    if not isinstance(section, dict):
        return section is not None
    return section.get("folder") is not None or bool(section.keys() - {"folder"})


def _names(styles: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    names = (style.get("name") for style in styles)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _folder(value: Any, folder: Path) -> Path | None:
    try:
        return resolve(value, folder) if isinstance(value, str) else None
    except ValueError:
        return None
