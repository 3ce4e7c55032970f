"""Named qualities: what ``quality: fine`` in a recipe means. Owns their numbers, and which settings they are.

A quality sets the defaults of some settings together; what the recipe sets itself goes before. A quality exists in
configs only: recipes, pictures and the keys of jobs have its numbers. So these never change, or all finished pictures
of the configs that name it would be made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from pipeline.config.section import Section
from pipeline.model import Recipe

QualityName = Literal["draft", "balanced", "fine", "print"]

#: What a recipe without a quality has.
BALANCED: Final = "balanced"

_DEFAULT: Final = Recipe()


@dataclass(frozen=True, slots=True)
class Quality:
    """The settings that a quality sets; see :class:`pipeline.model.Recipe`."""

    size: int = _DEFAULT.size
    scales: int | tuple[int, ...] = _DEFAULT.scales
    iterations: int | tuple[int, ...] = _DEFAULT.iterations
    tolerance: float = _DEFAULT.tolerance


QUALITIES: Final[Mapping[QualityName, Quality]] = {
    "draft": Quality(size=256, iterations=60, tolerance=0.08),
    "balanced": Quality(),
    "fine": Quality(size=1024, iterations=200, tolerance=0.02),
    "print": Quality(size=2048),
}

#: The settings that a quality sets.
SETTINGS: Final = tuple(asdict(Quality()))


class QualitySection(Section):
    """What a recipe has of its quality: its name, and the settings that are not set beside it."""

    quality: QualityName = Field(
        BALANCED,
        description="Sets size, scales, iterations and tolerance, as far as the recipe does not: draft, balanced, "
        "fine or print.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _begin_from_quality(cls, data: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        added = _added_by_quality(data) if isinstance(data, dict) else {}
        section = validate({**added, **data} if added else data)
        section.model_fields_set.difference_update(added)  # the config does not set them
        return section


def without_replaced(imported: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what counts of an imported recipe's settings beside the config's own: a quality there replaces some."""
    replaced = SETTINGS if "quality" in own else ()
    return {name: value for name, value in imported.items() if name not in replaced}


def _added_by_quality(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the quality of a recipe, as it is written in a config, adds to the recipe's own settings."""
    quality = next((known for name, known in QUALITIES.items() if name == written.get("quality")), None)
    if quality is None:
        return {}  # none, or a mistake of its own
    return {setting: value for setting, value in asdict(quality).items() if setting not in written}


def closest_quality(written: Mapping[str, Any], recipe: Recipe) -> QualityName:
    """Return the quality with which a recipe that is written in a config can become ``recipe`` by the least change.

    It is the present one, of several to compare the one that fits; if none fits, any other whose numbers ``recipe``
    has throughout.
    """
    present = written.get("quality", BALANCED)
    own: list[QualityName] = present if isinstance(present, list) else [present]
    unset = [setting for setting in SETTINGS if setting not in written]
    fitting = [name for name in own if _has_numbers(recipe, QUALITIES[name], unset)]
    fitting += [name for name, quality in QUALITIES.items() if _has_numbers(recipe, quality, SETTINGS)]
    return [*fitting, own[0]][0]


def _has_numbers(recipe: Recipe, quality: Quality, settings: Iterable[str]) -> bool:
    """Tell whether ``recipe`` would stay the same with these settings of the quality."""
    values = {setting: getattr(quality, setting) for setting in settings}
    other = replace(recipe, **values)
    if "size" in values:
        other = replace(other, size_rule=None)
    return _numbers(other) == _numbers(recipe)


def _numbers(recipe: Recipe) -> tuple[Any, ...]:
    if recipe.size_rule is not None:  # each photo has its own sizes
        return (recipe.size_rule, recipe.scales, recipe.iterations, recipe.tolerance)
    return (recipe.size, recipe.sizes(), recipe.iterations_by_scale(), recipe.tolerance)
