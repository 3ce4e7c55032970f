"""Settings that list values to compare: ``strength: [0.3, 0.5, 0.7]`` in a recipe, ``scale: [0.5, 1]`` in a style.

Owns which settings may, what counts as a list of values, and all combinations of them. Each value is validated as if
it stood alone, so that the sections know nothing of this. A setting that is a list by itself lists values as lists:
``content_layers: [[relu4_2], [relu5_2]]``; one that changes no pixel has nothing to compare. A style with regions has
the values of the styles that these name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final

from pipeline.config import models
from pipeline.config.combinations import Axis, Combinations, placed, value_at
from pipeline.config.document import Document, ImportedRecipes, Location
from pipeline.config.masks import KEEP
from pipeline.config.mistakes import MakeContext, Mistake, validate
from pipeline.config.models import Config
from pipeline.config.recipes import RecipeSection, changes_picture
from pipeline.config.used_settings import without_unused
from pipeline.config.written_values import flow_text
from pipeline.model import Recipe

_STYLE_SETTINGS: Final = ("scale",)


@dataclass(frozen=True, slots=True)
class RecipeVariant:
    """A recipe with one of its combinations of values; ``values``: the chosen ones as text, by setting."""

    recipe: Recipe
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StyleVariant:
    """The scale, one of its values, of each style that is painted: the style itself, or those of its regions.

    ``values`` as in :class:`RecipeVariant`.
    """

    scales: Mapping[str, float]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConfigWithVariants:
    """A config, and what its settings list. ``config`` has the first value of each, ``recipes`` and ``styles`` all.

    Those without lists have one variant, in which no value is chosen.
    """

    config: Config
    axes: tuple[Axis, ...]
    recipes: Mapping[str, tuple[RecipeVariant, ...]]
    styles: Mapping[str, tuple[StyleVariant, ...]]
    imports: tuple[ImportedRecipes, ...] = ()

    def variants_of(self, style: str, recipe: str) -> list[tuple[StyleVariant, RecipeVariant]]:
        """Return all variants of a style by a recipe, in the order of the values."""
        return list(product(self.styles[style], self.recipes[recipe]))

    def count(self) -> int:
        """Return how many variants of one photo there are, in all styles by their own recipes."""
        return sum(
            len(self.variants_of(style.name, recipe)) for style in self.config.styles for recipe in style.recipes
        )


def expand(document: Document, make_context: MakeContext) -> tuple[ConfigWithVariants | None, list[Mistake]]:
    """Return what a document holds, and its mistakes besides the document's own problems; None if there are some."""
    axes = find_axes(document)
    first = _with_values(document, {axis.location: axis.values[0] for axis in axes})
    config, mistakes = validate(first, make_context)
    known = {axis.location: 0 for axis in axes}
    mistakes = [_hinted(placed(mistake, known, document)) for mistake in mistakes]
    sections = _sections(axes)
    for owner, listed in sections.items():
        mistakes += Combinations(document, owner, listed, make_context).mistakes({each.location for each in mistakes})
    if config is None or mistakes:
        return None, mistakes
    context = make_context(first.data)
    recipes: dict[str, tuple[RecipeVariant, ...]] = {
        name: (RecipeVariant(recipe, {}),) for name, recipe in config.recipes_by_name().items()
    }
    styles: dict[str, tuple[StyleVariant, ...]] = {
        style.name: (StyleVariant({style.name: style.scale}, {}),) for style in config.styles
    }
    for owner, listed in sections.items():
        combinations = Combinations(document, owner, listed, make_context)
        if owner[0] == "recipes":
            recipes[str(owner[1])] = tuple(
                RecipeVariant(RecipeSection.model_validate(data, context=context).recipe(str(owner[1])), texts)
                for data, texts in combinations.all()
            )
        else:
            name = config.styles[int(owner[1])].name
            styles[name] = tuple(
                StyleVariant({name: float(data["scale"])}, texts) for data, texts in combinations.all()
            )
    styles |= {style.name: _of_regions(style.regions, styles) for style in config.styles if style.regions}
    return ConfigWithVariants(config, axes, recipes, styles, document.imports), []


def _of_regions(
    regions: Mapping[str, str], styles: Mapping[str, tuple[StyleVariant, ...]]
) -> tuple[StyleVariant, ...]:
    """Return the variants of a style with these regions: styles that list the same values have them together."""
    groups: dict[tuple[float, ...], list[str]] = {}
    for name in dict.fromkeys(regions.values()):
        if name != KEEP:
            groups.setdefault(tuple(variant.scales[name] for variant in styles[name]), []).append(name)
    compared = [names for names in groups.values() if any(styles[name][0].values for name in names)]
    variants = []
    for choice in product(*groups):
        scales = {name: scale for names, scale in zip(groups.values(), choice, strict=True) for name in names}
        chosen = {name: scales[name] for names in compared for name in names}
        value = chosen if len(compared) > 1 else next(iter(chosen.values()), None)
        variants.append(StyleVariant(scales, {"scale": flow_text(value)} if chosen else {}))
    return tuple(variants)


def find_axes(document: Document) -> tuple[Axis, ...]:
    """Return the settings that list values, in the order of the file."""
    found = []
    for owner, names in _owners(document.data):
        for setting, value in value_at(document.data, owner).items():
            if setting in names and is_list_of_values(setting, value):
                location = (*owner, setting)
                found.append(Axis(location, document.position(location)[0], tuple(value), document.file(location)))
    return tuple(sorted(found, key=lambda axis: (str(axis.file or ""), document.position(axis.location))))


def is_list_of_values(setting: str, value: Any) -> bool:
    """Tell whether a setting's value is a list of values to compare."""
    if not isinstance(value, list) or not value:
        return False
    return not takes_list(setting) or any(isinstance(item, list | dict) for item in value)


@cache
def takes_list(setting: str) -> bool:
    """Tell whether one value of a setting can be a list."""
    schema = RecipeSection.model_json_schema()["properties"].get(setting, {})
    return any(form.get("type") == "array" for form in schema.get("oneOf", [schema]))


@cache
def recipe_settings() -> tuple[str, ...]:
    """Return the settings of a recipe that can list values: those that change the picture."""
    return tuple(filter(changes_picture, RecipeSection.model_fields))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file in which settings can list values."""
    schema = models.json_schema()
    for section, names in (("RecipeSection", recipe_settings()), ("StyleSection", _STYLE_SETTINGS)):
        properties = schema["$defs"][section]["properties"]
        for name in names:
            properties[name] = _value_or_values(properties[name])
    return schema


def _value_or_values(schema: Mapping[str, Any]) -> dict[str, Any]:
    about = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    value = {key: part for key, part in schema.items() if key not in about}
    values = {"type": "array", "items": value, "minItems": 1, "description": "Values that 'stylewatch try' compares."}
    return {**about, "anyOf": [value, values]}


def _owners(data: Mapping[str, Any]) -> Iterator[tuple[Location, Sequence[str]]]:
    """Yield the places of the mappings whose settings may list values, with these settings."""
    styles, recipes = data.get("styles"), data.get("recipes")
    for index, style in enumerate(styles if isinstance(styles, list) else ()):
        if isinstance(style, dict):
            yield ("styles", index), _STYLE_SETTINGS
    for name, recipe in recipes.items() if isinstance(recipes, dict) else ():
        if isinstance(recipe, dict):
            yield ("recipes", name), recipe_settings()


def _sections(axes: Iterable[Axis]) -> dict[Location, list[Axis]]:
    sections: dict[Location, list[Axis]] = {}
    for axis in axes:
        sections.setdefault(axis.location[:-1], []).append(axis)
    return sections


def _with_values(document: Document, values: Mapping[Location, Any]) -> Document:
    def replaced(data: Any, location: Location) -> Any:
        if location in values:
            return values[location]
        if isinstance(data, dict):
            changed = {key: replaced(value, (*location, key)) for key, value in data.items()}
            return without_unused(changed, data)
        if isinstance(data, list):
            return [replaced(value, (*location, index)) for index, value in enumerate(data)]
        return data

    return dataclasses.replace(document, data=replaced(document.data, ())) if values else document


def _hinted(mistake: Mistake) -> Mistake:
    """Return a mistake in a list of numbers, which may have been meant as values, with how these are listed."""
    match mistake.location:
        case ("recipes", _, "scales" | "iterations" as setting, int()):
            hint = f"; values to compare are listed as lists: {setting}: [[...], [...]]"
            return dataclasses.replace(mistake, message=mistake.message + hint)
    return mistake
