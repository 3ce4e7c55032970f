"""The section ``styles``: a name and its paintings. Owns keys and bounds, and how recipes are named."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.paintings import PaintingChoice, Paintings, Scale, choices_of, refuse_repeated
from pipeline.config.section import Section

RecipeNames = Annotated[tuple[f.KnownRecipe, ...], Field(min_length=1)]


def either_recipe_or_recipes(recipes: Any, info: ValidationInfo, subject: str) -> Any:
    """Return ``recipes`` unless ``recipe`` is set as well, then raise ValueError."""
    if recipes is not None and info.data.get("recipe") is not None:
        raise ValueError(f"{subject} takes either recipe: NAME or recipes: [NAME, ...], found both")
    return recipes


class StyleSection(Section):
    """A style: a name and what is painted in it."""

    name: f.StyleName = Field(description="The style's name; it becomes part of the pictures' file names.")
    painting: f.PaintingPath | None = Field(None, description="The painting's image file.")
    blend: Paintings | None = Field(
        None,
        alias="paintings",
        description="Several paintings blended: a list of files, or file: weight, or file: {weight, scale}.",
    )
    scale: Scale = Field(
        1.0, description="Size of the painting relative to the picture: smaller gives finer strokes."
    )
    recipe: f.KnownRecipe | None = Field(None, description="The recipe for this style (default: 'default').")
    several_recipes: RecipeNames | None = Field(
        None, alias="recipes", description="Several recipes: one picture by each."
    )

    @field_validator("blend")
    @classmethod
    def _either_one_or_several(cls, blend: Any, info: ValidationInfo) -> Any:
        if "painting" in info.data:
            painting = info.data["painting"]
            if (painting is None) == (blend is None):
                found = "neither" if blend is None else "both"
                raise ValueError(f"a style needs either painting: FILE or paintings: [FILE, ...], found {found}")
        return blend

    @field_validator("blend", mode="before")
    @classmethod
    def _name_each_painting_once(cls, blend: Any, info: ValidationInfo) -> Any:
        return refuse_repeated(blend, f.validation_context(info).folder)

    @field_validator("several_recipes")
    @classmethod
    def _either_one_recipe_or_several(cls, recipes: Any, info: ValidationInfo) -> Any:
        return either_recipe_or_recipes(recipes, info, "a style")

    @property
    def paintings(self) -> tuple[PaintingChoice, ...]:
        """The paintings, by absolute paths, in the order of the file."""
        return choices_of(self.blend or ()) if self.painting is None else (PaintingChoice(self.painting),)

    @property
    def recipes(self) -> tuple[str, ...]:
        """The names of the style's own recipes, each once."""
        return tuple(dict.fromkeys(self.several_recipes or (self.recipe or "default",)))
