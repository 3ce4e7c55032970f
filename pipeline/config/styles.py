"""The section ``styles``: a name and its paintings. Owns keys and bounds, and how recipes are named."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.masks import Regions, require_different_colors
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
    regions: Regions | None = Field(
        None,
        description="Instead of a painting, by a photo's mask: which color of it is painted in which other style, "
        "or stays as in the photo (keep).",
    )
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
        if not {"painting", "regions"} <= info.data.keys():
            return blend
        painting, regions = info.data["painting"], info.data["regions"]
        if regions is not None and not (painting is None and blend is None):
            raise ValueError("a style with regions has no painting of its own: name it in a style, and that here")
        if regions is None and (painting is None) == (blend is None):
            found = "neither" if blend is None else "both"
            raise ValueError(f"a style needs either painting: FILE or paintings: [FILE, ...], found {found}")
        return blend

    @field_validator("regions", mode="before")
    @classmethod
    def _name_each_color_once(cls, regions: Any) -> Any:
        return require_different_colors(regions)

    @field_validator("regions")
    @classmethod
    def _need_masks(cls, regions: Any, info: ValidationInfo) -> Any:
        if regions is not None and not f.validation_context(info).has_masks:
            raise ValueError("are by photos' masks: name their folder, as in masks: {folder: masks}")
        return regions

    @field_validator("scale")
    @classmethod
    def _none_of_its_own(cls, scale: float, info: ValidationInfo) -> float:
        if info.data.get("regions") is not None and scale != 1:
            raise ValueError(
                f"is that of each region's style, in a style with regions; found {scale:g}: set it there"
            )
        return scale

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
