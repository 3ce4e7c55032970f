"""Writes the settings of a picture into a config's text, as a recipe. Owns what is written where; writes no files.

Only what differs is changed: a setting that means the same stays as it is written, one that is to be at its default
is taken out, unless a comment is about it. The new text has to mean, by the reader of configs, the old one with these
changes, or it is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from pipeline.config.document import Document, Location
from pipeline.config.imports import with_imports
from pipeline.config.loading import variants_in
from pipeline.config.qualities import BALANCED, closest_quality
from pipeline.config.recipes import (
    WEIGHTED,
    as_written,
    changes_picture,
    default_of,
    init_of,
    value_of,
    weighted,
    written_fields,
)
from pipeline.config.used_settings import kept_of_imported
from pipeline.config.variants import ConfigWithVariants
from pipeline.config.written_values import flow_text, path_text
from pipeline.config.yaml_edit import NotEditableError, remove_value, set_value
from pipeline.config.yaml_source import parse_document
from pipeline.errors import ConfigError, UsageError
from pipeline.hashing import RECIPE
from pipeline.model import Recipe, SizeRule, canonical_layer

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class AdoptedSettings:
    """What is to be written: a ``recipe`` under its name, for the style ``style``, with this ``scale``.

    ``replaces``: the recipe in whose stead the style uses it. ``is_new``: there must be no recipe of that name yet.
    """

    recipe: Recipe
    style: str
    scale: float
    replaces: str
    is_new: bool = False


@dataclass(slots=True)
class Adoption:
    """A changed config. ``changes``: what was changed, like "recipes.default.size: 512 -> 640"; empty = nothing."""

    text: str
    config: ConfigWithVariants
    changes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Edit:
    location: Location
    value: Any  # _ABSENT: it is taken out
    unset: Any = None  # what it means not to set it, written where it can't be taken out


def adopt_settings(text: str, path: Path, wanted: AdoptedSettings) -> Adoption:
    """Return the text of the config at ``path`` with these settings in it.

    Raises ConfigError for a config that is no valid one, before or after; UsageError, with what to write by hand, for
    one that can't be changed faithfully, and for names that don't fit.
    """
    document = parse_document(text, path)
    complete = with_imports(document, path)
    variants_in(complete, path)
    wanted = _with_written_image(wanted, path.absolute().parent)
    edits = list(_edits(document.data, wanted, _imported(complete)))
    changed = text
    try:
        for edit in edits:
            changed = _edited(changed, edit)
        found = parse_document(changed, path)
    except NotEditableError as error:
        raise _not_faithful(path, wanted, str(error)) from error
    except ConfigError as error:
        raise _not_faithful(path, wanted, "it is written in a way that this program can't change") from error
    if not _means(found, document, edits):
        raise _not_faithful(path, wanted, "the rest of it would change its meaning")
    return Adoption(
        changed,
        variants_in(with_imports(found, path), path),
        [_described(document.data, found.data, edit) for edit in edits],
    )


def _with_written_image(wanted: AdoptedSettings, folder: Path) -> AdoptedSettings:
    """Name the image to start from as a config in ``folder`` does."""
    image = wanted.recipe.init_image
    if image is None:
        return wanted
    return replace(wanted, recipe=replace(wanted.recipe, init_image=Path(path_text(image, folder))))


def fragment(wanted: AdoptedSettings) -> str:
    """Return what to write into a config by hand: the whole recipe, and the style's scale."""
    name, recipe = wanted.recipe.name, written_fields(wanted.recipe)
    lines = ["recipes:", f"  {flow_text(name)}: {flow_text(recipe)}"]
    return "\n".join(
        [*lines, "styles:", f"  - {{name: {flow_text(wanted.style)}, scale: {flow_text(wanted.scale)}, ...}}"]
    )


def _imported(document: Document) -> dict[str, Mapping[str, Any]]:
    """Return the recipes that a document has from other files, as these have them."""
    return {str(name): settings or {} for each in document.imports for name, settings in each.recipes.items()}


def _edits(
    data: Mapping[str, Any], wanted: AdoptedSettings, imported: Mapping[str, Mapping[str, Any]]
) -> Iterator[_Edit]:
    index, style = _style(data, wanted.style)
    yield from _recipe_edits(data.get("recipes"), wanted, imported)
    yield from _use_edits(index, style, wanted)
    if _number(style.get("scale", 1.0)) != wanted.scale:
        yield _Edit(("styles", index, "scale"), _ABSENT if wanted.scale == 1 else wanted.scale, 1.0)


def _style(data: Mapping[str, Any], name: str) -> tuple[int, Mapping[str, Any]]:
    return next((index, style) for index, style in enumerate(data["styles"]) if style["name"] == name)


def _recipe_edits(
    recipes: Any, wanted: AdoptedSettings, imported: Mapping[str, Mapping[str, Any]]
) -> Iterator[_Edit]:
    name, target = wanted.recipe.name, wanted.recipe
    own: Mapping[str, Any] = recipes if isinstance(recipes, dict) else {}
    if wanted.is_new and (name in own or name in imported):
        raise UsageError(f"there is a recipe {name!r} already: choose another name, or leave --as out")
    changed = list(_changed_settings(target, own.get(name) or {}, imported.get(name, {})))
    if own.get(name) is not None:
        yield from (_Edit(("recipes", name, setting), value, unset) for setting, value, unset in changed)
    elif name in imported:
        if changed:
            yield _Edit(("recipes", name), {setting: value for setting, value, _ in changed})
    else:
        replaced = {**imported.get(wanted.replaces, {}), **(own.get(wanted.replaces) or {})}
        section = written_fields(target) | _without_effect_on_pixels(replaced)
        if not own:
            yield _Edit(("recipes",), {name: section})
        elif section or (name not in own and name != "default"):
            yield _Edit(("recipes", name), section)


def _changed_settings(
    target: Recipe, own: Mapping[str, Any], imported: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each setting that has to change with what is to be written, and what it means not to write it."""
    imported = kept_of_imported(imported, own)
    present = {**imported, **own}
    quality = closest_quality(present, target)
    if present.get("quality", BALANCED) != quality:
        yield "quality", quality, quality
    for setting in _settings():
        value = value_of(setting, target)
        unset = _meaning(setting, imported[setting]) if setting in imported else default_of(setting, target, quality)
        now = _meaning(setting, own[setting]) if setting in own else unset
        if now != value and not _is_same(setting, now, target):
            written = as_written(setting, value)
            yield setting, _ABSENT if value == unset and setting in own else written, written


def _without_effect_on_pixels(present: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a recipe sets that is not at its default and of which a picture says nothing."""
    default = Recipe()
    kept = [key for key in present if key in RECIPE.never and not changes_picture(key)]
    return {key: present[key] for key in kept if present[key] != getattr(default, key)}


def _settings() -> list[str]:
    return [each.name for each in fields(Recipe) if changes_picture(each.name)]


def _use_edits(index: int, style: Mapping[str, Any], wanted: AdoptedSettings) -> Iterator[_Edit]:
    """Yield what lets the style use the recipe."""
    name, several = wanted.recipe.name, style.get("recipes")
    own = several if isinstance(several, list) else [style.get("recipe") or "default"]
    if name in own:
        return
    replaced = wanted.replaces if wanted.replaces in own else own[0]
    if len(own) > 1 and wanted.replaces not in own:
        raise UsageError(
            f"style {wanted.style!r} has the recipes {', '.join(own)} and not {wanted.replaces!r}, by which the "
            f"picture was made: it is not known which one {name!r} is to replace; write it into the style by hand"
        )
    if isinstance(several, list):
        yield _Edit(("styles", index, "recipes", own.index(replaced)), name)
    else:
        yield _Edit(("styles", index, "recipe"), name)


def _meaning(setting: str, written: Any) -> Any:
    """Return what a config's value means in a recipe; a list of values to compare means nothing that a recipe has."""
    if setting == "init_image":
        return Path(written) if isinstance(written, str) else written
    if setting == "init":
        return _init_meaning(written)
    if setting == "size" and isinstance(written, str):
        return SizeRule.parse(written)
    if setting not in WEIGHTED or written == "auto":
        return tuple(map(_number, written)) if isinstance(written, list) else _number(written)
    try:
        name_of = canonical_layer if setting.endswith("layers") else str
        return tuple((name_of(name), float(weight)) for name, weight in weighted(written))
    except (AttributeError, TypeError, ValueError):
        return written


def _init_meaning(written: Any) -> Any:
    if not isinstance(written, dict):
        return written
    try:
        return init_of({source: float(weight) for source, weight in written.items()})
    except (IndexError, TypeError, ValueError):
        return written


def _number(written: Any) -> Any:
    return float(written) if isinstance(written, int) and not isinstance(written, bool) else written


def _is_same(setting: str, now: Any, target: Recipe) -> bool:
    """Tell whether another form of sizes, evaluations or style losses comes to the same."""
    if setting == "style_loss":
        return replace(target, style_loss=now).style_losses == target.style_losses
    if setting not in ("scales", "iterations") or target.size_rule is not None:
        return False
    try:
        value = tuple(map(int, now)) if isinstance(now, tuple) else int(now)
        other = replace(target, scales=value) if setting == "scales" else replace(target, iterations=value)
        return (other.sizes(), other.iterations_by_scale()) == (target.sizes(), target.iterations_by_scale())
    except (TypeError, ValueError):
        return False


def _edited(text: str, edit: _Edit) -> str:
    if edit.value is not _ABSENT:
        return set_value(text, edit.location, edit.value)
    try:
        return remove_value(text, edit.location)
    except NotEditableError:  # as the only one in its mapping, or one with a comment
        return set_value(text, edit.location, edit.unset)


def _means(found: Document, before: Document, edits: list[_Edit]) -> bool:
    """Tell whether a document is the one before with these edits and nothing else; defaults may be written."""
    expected, data = copy.deepcopy(before.data), found.data
    for edit in edits:
        owner = _at(expected, edit.location[:-1])
        if owner is None:  # an empty mapping
            _at(expected, edit.location[:-2])[edit.location[-2]] = owner = {}
        if edit.value is not _ABSENT:
            owner[edit.location[-1]] = edit.value
            continue
        del owner[edit.location[-1]]
        left = _at(data, edit.location[:-1])
        if edit.location[-1] in left:
            owner[edit.location[-1]] = left[edit.location[-1]]
    return bool(expected == data) and not found.problems


def _at(data: Any, location: Location) -> Any:
    for part in location:
        data = data[part]
    return data


def _described(before: Any, after: Any, edit: _Edit) -> str:
    place = ".".join(
        str(part) if index != 1 or edit.location[0] != "styles" else str(before["styles"][part]["name"])
        for index, part in enumerate(edit.location)
    )
    return f"{place}: {_written_at(before, edit.location)} -> {_written_at(after, edit.location)}"


def _written_at(data: Any, location: Location) -> str:
    try:
        return flow_text(_at(data, location))
    except (KeyError, IndexError, TypeError):
        return "not set"


def _not_faithful(path: Path, wanted: AdoptedSettings, reason: str) -> UsageError:
    return UsageError(
        f"{path} can't be changed without changing more of it: {reason}. It stays as it is; what to write by hand:\n"
        f"{fragment(wanted)}"
    )
