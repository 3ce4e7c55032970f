"""The section ``pairing``: which photos get which styles. Owns its keys; ``pipeline.pairing`` applies the rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StrictBool, Tag, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.section import Section
from pipeline.config.styles import RecipeNames, either_recipe_or_recipes

PairingKind = Literal["all", "folder"]


class RuleSection(Section):
    """A rule of the pairing."""

    globs: Annotated[
        Annotated[tuple[Annotated[str, Field(strict=True, min_length=1)], ...], Field(min_length=1), Tag(f.LIST_TAG)]
        | Annotated[str, Field(strict=True, min_length=1), Tag(f.PLAIN_TAG)],
        f.one_of_forms("a pattern or a list of patterns"),
    ] = Field(alias="match", description="Pattern, or list of patterns, on the photo's path: '2024/**', '*-sea.jpg'.")
    styles: tuple[f.KnownStyle, ...] = Field(description="Styles of these photos; [] = none.")
    recipe: f.KnownRecipe | None = Field(None, description="Recipe instead of the styles' own.")
    several_recipes: RecipeNames | None = Field(
        None, alias="recipes", description="Several recipes instead of the styles' own."
    )

    @field_validator("several_recipes")
    @classmethod
    def _either_one_recipe_or_several(cls, recipes: Any, info: ValidationInfo) -> Any:
        return either_recipe_or_recipes(recipes, info, "a rule")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns, one or several."""
        return (self.globs,) if isinstance(self.globs, str) else self.globs

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes that replace the styles' own; empty = the styles' own."""
        return self.several_recipes or ((self.recipe,) if self.recipe else ())


class PairingRule(NamedTuple):
    """One pattern, the styles of the photos that fit it, and the recipes (empty: the styles' own)."""

    match: str
    styles: tuple[str, ...]
    recipes: tuple[str, ...]


class PairingSection(Section):
    """Which photos get which styles."""

    by: PairingKind = Field(
        "all",
        description="Photos without a rule get all styles, or (folder) the style named like a folder on their path.",
    )
    make_folders: StrictBool = Field(
        True, description="With 'by: folder', make the folders of the styles in the input folder."
    )
    rule_list: tuple[RuleSection, ...] = Field(
        (), alias="rules", description="Rules, tried in order; the first that fits a photo decides."
    )

    @property
    def folders_to_make(self) -> bool:
        """Whether the styles have folders in the input folder, and those are to be made."""
        return self.by == "folder" and self.make_folders

    @property
    def rules(self) -> tuple[PairingRule, ...]:
        """The rules in order, one for each pattern."""
        return tuple(
            PairingRule(pattern, rule.styles, rule.recipes) for rule in self.rule_list for pattern in rule.patterns
        )
