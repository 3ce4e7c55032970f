"""Records what a picture is made with, as plain values for its file, and reads such a record. Pure; no I/O.

A record holds what the pixels depend on beside the photo: the fields of the recipe that differ from a recipe's
defaults, the style's scale and paintings, the image to start from (these by file name and content), the id of the
weights. "auto" is recorded as what it meant. No folder, no photo. Of a picture made by a mask there are the style's
regions and the mask's content, too. A size that a rule decides is recorded as the rule's words. Records live longer
than a version: what an older one lacks is at its default, and of a later one's, what is not known here is named as
ignored.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pipeline.hashing import PAINTING, RECIPE, STYLE
from pipeline.model import Assignment, Painting, Recipe, Region, SizeRule, Style
from pipeline.model.size_rules import typical_size

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_RECIPE_TYPES: Final = {name: hint for name, hint in get_type_hints(Recipe).items() if name not in RECIPE.never}
_LARGEST_INTEGER: Final = 2**63

#: What a record does not say of a recipe: the defaults, and the style loss of the versions that had no other.
_OF_FIRST: Final = Recipe(style_loss=(("gram", 1.0),))


@dataclass(frozen=True, slots=True)
class RecordedPainting:
    """One painting of a record: its file's name, its content's SHA-256, and its share and own scale in a blend."""

    name: str
    weight: float
    sha256: str
    scale: float = 1.0

    def painting(self) -> Painting:
        """Return the painting, by its file's name alone."""
        return Painting(Path(self.name), self.sha256, self.weight, self.scale)


@dataclass(frozen=True, slots=True)
class RecordedSettings:
    """What a record says. ``ignored``: what this version does not know of it or can't use, like "recipe.hand".

    ``regions``: of a picture made by a mask, the name of the style at each of its colors, None where the photo stays.
    ``mask_sha256``: that mask's content, "" without one.
    """

    recipe: Recipe = field(default_factory=Recipe)
    scale: float = 1.0
    paintings: tuple[RecordedPainting, ...] = ()
    weights: str = ""
    ignored: tuple[str, ...] = ()
    regions: Mapping[str, str | None] = field(default_factory=dict)
    mask_sha256: str = ""


def settings_record(style: Style, recipe: Recipe, weights: str, mask_sha256: str = "") -> dict[str, Any]:
    """Return what a picture in this style by this recipe is made with; ``weights``: see ``hashing.weights_id``.

    ``mask_sha256``: the content of the photo's mask, if the style has regions and the photo one.
    """
    image = {"init_image": recipe.init_image.name} if recipe.init_image and recipe.init_image_sha256 else {}
    changed = _changed_fields(replace(recipe, style_loss=recipe.style_losses), _OF_FIRST, RECIPE.never)
    if (rule := changed.pop("size_rule", None)) is not None:
        changed["size"] = rule.words
    record = {
        "recipe": changed | image,
        "style": _style_record(style),
        "weights": weights,
    }
    return record | ({"mask": mask_sha256} if mask_sha256 else {})


def record_of(assignment: Assignment) -> dict[str, Any]:
    """Return :func:`settings_record` of the picture that an assignment asks for."""
    mask = "" if assignment.mask is None else assignment.mask.sha256
    return settings_record(assignment.style, assignment.recipe, assignment.weights, mask)


def _style_record(style: Style) -> dict[str, Any]:
    regions = {"regions": list(map(_region_record, style.regions))} if style.regions else {}
    return (
        {"scale": style.scale}
        | STYLE.added_fields(style)
        | regions
        | {"paintings": [_painting_record(painting) for painting in style.paintings]}
    )


def _region_record(region: Region) -> dict[str, Any]:
    style = region.style
    return {"color": region.color} | ({} if style is None else {"name": style.name} | _style_record(style))


def _changed_fields(value: DataclassInstance, default: DataclassInstance, left_out: frozenset[str]) -> dict[str, Any]:
    names = [each.name for each in fields(value) if each.name not in left_out]
    return {name: getattr(value, name) for name in names if getattr(value, name) != getattr(default, name)}


def _painting_record(painting: Painting) -> dict[str, Any]:
    first = {"name": painting.path.name, "weight": painting.weight, "sha256": painting.sha256}
    return first | PAINTING.added_fields(painting)


def read_settings(provenance: Mapping[str, Any]) -> RecordedSettings | None:
    """Return what a picture was made with by its provenance; None if that does not say it, as of older versions.

    The recipe has the name that stands in the provenance.
    """
    record = provenance.get("settings")
    if not isinstance(record, Mapping):
        return None
    ignored = [str(name) for name in record if name not in ("recipe", "style", "weights", "mask")]
    written = _recipe_fields(_mapping(record, "recipe", ignored), ignored)
    recipe = _with_auto(_with_typical_size(replace(_OF_FIRST, **written)))
    style, name, weights = _mapping(record, "style", ignored), provenance.get("recipe"), record.get("weights")
    ignored += [f"style.{name}" for name in style if name not in ("scale", "paintings", "regions")]
    mask = record.get("mask", "")
    scale = style.get("scale", 1.0)
    if not _has_type(scale, float) or scale <= 0:
        ignored.append("style.scale")
        scale = 1.0
    return RecordedSettings(
        recipe=replace(recipe, name=name) if isinstance(name, str) else recipe,
        scale=float(scale),
        paintings=tuple(_paintings(style.get("paintings", []), ignored)),
        weights=weights if isinstance(weights, str) else "",
        regions=dict(_regions(style.get("regions", []), ignored)),
        mask_sha256=mask if isinstance(mask, str) else "",
        ignored=tuple(dict.fromkeys(ignored)),
    )


def as_first_meant(recipe: Recipe) -> Recipe:
    """Return what a recipe meant to the versions that made pictures without a record."""
    return replace(recipe, style_loss=_OF_FIRST.style_loss) if recipe.style_loss == "auto" else recipe


def _with_auto(recipe: Recipe) -> Recipe:
    """Return a recipe with "auto" for the style loss that this means."""
    auto = replace(recipe, style_loss="auto")
    return auto if auto.style_losses == recipe.style_loss else recipe


def _with_typical_size(recipe: Recipe) -> Recipe:
    """Return a recipe with the size that it has by its rule, if any, for photos that were not looked at."""
    return replace(recipe, size=typical_size(recipe.size_rule, recipe.max_size)) if recipe.size_rule else recipe


def _rule(stored: Any) -> SizeRule | None:
    """Return what the words in a record mean, None for anything else."""
    if isinstance(stored, str):
        with contextlib.suppress(ValueError):
            return SizeRule.parse(stored)
    return None


def _mapping(record: Mapping[str, Any], name: str, ignored: list[str]) -> Mapping[str, Any]:
    value = record.get(name, {})
    if isinstance(value, Mapping):
        return value
    ignored.append(name)
    return {}


def _recipe_fields(record: Mapping[str, Any], ignored: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, stored in record.items():
        value = _with_tuples(stored)
        if name == "init_image" and isinstance(stored, str):
            found[name] = Path(stored)
        elif name == "size" and (rule := _rule(stored)) is not None:
            found["size_rule"] = rule
        elif name in _RECIPE_TYPES and _has_type(value, _RECIPE_TYPES[name]):
            found[name] = value
        else:
            ignored.append(f"recipe.{name}")
    return found


def _paintings(records: Any, ignored: list[str]) -> Iterator[RecordedPainting]:
    for record in records if isinstance(records, Sequence) and not isinstance(records, str) else ():
        match record:
            case {"name": str(name), "sha256": str(sha256), **others}:
                weight, scale = (_positive(others, field, ignored) for field in ("weight", "scale"))
                ignored += [f"style.paintings.{other}" for other in others]
                yield RecordedPainting(name, weight, sha256, scale)
            case _:
                ignored.append("style.paintings")


def _positive(record: dict[Any, Any], name: str, ignored: list[str]) -> float:
    """Take a painting's number out of its record; 1 if it is not there, or can't be."""
    value = record.pop(name, 1.0)
    if not _has_type(value, float) or value <= 0:
        ignored.append(f"style.paintings.{name}")
        return 1.0
    return float(value)


def _regions(records: Any, ignored: list[str]) -> Iterator[tuple[str, str | None]]:
    for record in records if isinstance(records, Sequence) and not isinstance(records, str) else ():
        match record:
            case {"color": str(color), "name": str(name)}:
                yield color, name
            case {"color": str(color)}:
                yield color, None
            case _:
                ignored.append("style.regions")


def _with_tuples(value: Any) -> Any:
    """Return a value of JSON with tuples for its lists, as recipes have them."""
    return tuple(map(_with_tuples, value)) if isinstance(value, list | tuple) else value


def _has_type(value: Any, hint: Any) -> bool:
    """Tell whether a field of this type can have the value; a whole number is a float, too, but True is no number."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_has_type(value, each) for each in arguments)
    if origin is Literal:
        return value in arguments and type(value) in map(type, arguments)
    if origin is tuple:
        return isinstance(value, tuple) and _items_have_types(value, arguments)
    if hint in (int, float):
        kinds = (int, float) if hint is float else int
        return (
            isinstance(value, kinds) and not isinstance(value, bool) and -_LARGEST_INTEGER < value < _LARGEST_INTEGER
        )
    return isinstance(value, origin or hint)


def _items_have_types(values: tuple[Any, ...], hints: tuple[Any, ...]) -> bool:
    if hints[-1] is Ellipsis:
        return bool(values) and all(_has_type(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_has_type, values, hints))
