"""The section ``recipes``: sets of transfer settings. Owns keys and bounds; the defaults are ``pipeline.model``'s."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import Field, StrictBool, Tag, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.qualities import BALANCED, QUALITIES, SETTINGS, QualityName, QualitySection
from pipeline.config.sizes import MostPixels, Size, require_fitting_scales, require_iterations_of_scales
from pipeline.config.used_settings import names_image
from pipeline.hashing import RECIPE
from pipeline.model import (
    ColorKind,
    ContentLossKind,
    InitKind,
    InitSource,
    InitWeights,
    LossKind,
    OptimizerKind,
    PoolingKind,
    Recipe,
    SizeRule,
    StyleLossChoice,
    StyleLossKind,
    canonical_layer,
)
from pipeline.model.size_rules import limited, typical_size

_Name = TypeVar("_Name", bound=str)
_NameAlone = TypeVar("_NameAlone", bound=str)

#: In the section, the key of the files whose recipes it takes in.
IMPORT: Final = "import"

#: The settings that name layers or losses with their weights.
WEIGHTED: Final = ("content_layers", "style_layers", "content_loss", "style_loss")

_DEFAULT: Final = Recipe()
# Fields of a recipe that follow from other settings of a config.
_READ: Final = ("init_image_sha256", "size_rule")
# L-BFGS scales its own steps; Adam's and SGD's first steps change pixels (0..1) by about this much.
_LEARNING_RATES: Final = {"lbfgs": _DEFAULT.learning_rate, "adam": 0.02, "sgd": 0.002}


Layers = Annotated[
    Annotated[dict[f.Layer, f.PositiveWeight], Field(min_length=1), Tag(f.MAPPING_TAG)]
    | Annotated[tuple[f.Layer, ...], Field(min_length=1), Tag(f.LIST_TAG)],
    f.one_of_forms("a list of layers, or a mapping of layers to weights"),
]
LossChoice = Annotated[
    Annotated[dict[_Name, f.PositiveWeight], Field(min_length=1), Tag(f.MAPPING_TAG)]
    | Annotated[tuple[_Name, ...], Field(min_length=1), Tag(f.LIST_TAG)]
    | Annotated[_NameAlone, Tag(f.PLAIN_TAG)],
    f.one_of_forms("a loss, a list of losses, or a mapping of losses to weights"),
]
InitChoice = Annotated[
    Annotated[dict[InitSource, f.PositiveWeight], Field(min_length=1), Tag(f.MAPPING_TAG)]
    | Annotated[InitKind, Tag(f.PLAIN_TAG)],
    f.one_of_forms("content, noise, blend, gray, painting, image, or several by weights: {content: 0.7, noise: 0.3}"),
]
SizeList = Annotated[
    Annotated[tuple[f.Pixels, ...], Field(min_length=1), Tag(f.LIST_TAG)] | Annotated[f.Count, Tag(f.PLAIN_TAG)],
    f.one_of_forms("a whole number (how many sizes) or a list of sizes"),
]
IterationList = Annotated[
    Annotated[tuple[f.PositiveInteger, ...], Field(min_length=1), Tag(f.LIST_TAG)]
    | Annotated[f.PositiveInteger, Tag(f.PLAIN_TAG)],
    f.one_of_forms("a whole number or a list with one for each size"),
]


class RecipeSection(QualitySection):
    """A named set of transfer settings."""

    size: Size = Field(
        _DEFAULT.size,
        description="Long side of the picture in pixels; or '12 MP' (megapixels), 'original' (the photo's own size), "
        "'a4 @ 300 dpi', '30x40 cm @ 300 dpi' (fitted into that sheet).",
    )
    max_size: MostPixels = Field(
        _DEFAULT.max_size, description="The most pixels of the long side, whatever size says; 0 = no limit."
    )
    scales: SizeList = Field(
        _DEFAULT.scales,
        description="How many sizes from coarse to fine, each half the next; 0 = as many as keep the smallest at "
        "128 or more. Or the list of long sides itself, ending in size.",
    )
    iterations: IterationList = Field(
        _DEFAULT.iterations,
        description="The most evaluations of the loss at each size: one number for all, or a list.",
    )
    tolerance: Annotated[f.Weight, Field(lt=1)] = Field(
        _DEFAULT.tolerance,
        description="The last size is finished once ten evaluations lower the loss by less than this share, smaller "
        "ones at twice that, and at 2048 pixels at four times as much, in proportion to the pixels; 0 = never early.",
    )
    content_layers: Layers = Field(
        dict(_DEFAULT.content_layers), description="Layers that keep the photo: a list, or layer: weight."
    )
    style_layers: Layers = Field(
        dict(_DEFAULT.style_layers), description="Layers that bring the painting: a list, or layer: weight."
    )
    content_weight: f.Weight = Field(_DEFAULT.content_weight, description="Weight of the photo's content.")
    style_weight: f.Weight = Field(_DEFAULT.style_weight, description="Weight of the painting's style.")
    strength: Annotated[f.Weight, Field(le=1)] = Field(
        _DEFAULT.strength,
        description="How much of the painting: 0 is a touch, 0.5 the usual, 1 what hardly shows the photo.",
    )
    keep_faces: Annotated[f.Weight, Field(le=1)] = Field(
        _DEFAULT.keep_faces,
        description="How much faces stay as the photo has them: 0 = no more than the rest, 0.5 = painted and "
        'recognizable, 1 = hardly touched. Needs pip install "stylewatch[faces]".',
    )
    tv_weight: f.Weight = Field(_DEFAULT.tv_weight, description="Weight of total variation, which smooths.")
    laplacian_weight: f.Weight = Field(
        _DEFAULT.laplacian_weight, description="Weight of the photo's lines, which keeps faces and edges; 0 = none."
    )
    loss: LossKind = Field(
        _DEFAULT.loss, description="Form of the losses: relative (one weight fits all), gatys, or tensorflow."
    )
    style_loss: LossChoice[StyleLossKind, Literal["auto", StyleLossKind]] = Field(
        "auto",
        description="What is compared with the painting at each style layer: gram, mean_std, wasserstein or "
        "sliced_wasserstein; a list of several, or loss: weight. auto = wasserstein with loss: relative, else gram.",
    )
    content_loss: LossChoice[ContentLossKind, ContentLossKind] = Field(
        dict(_DEFAULT.content_loss),
        description="What is kept of the photo at each content layer: features (what is seen where), self_similarity "
        "(what looks alike, so that colors are free), or several, by weights.",
    )
    color: ColorKind = Field(
        _DEFAULT.color,
        description="Whose colors the picture has: painting; photo, under the painting's light and dark; or match, "
        "the paintings' colors moved to the photo's first.",
    )
    color_mix: Annotated[f.Weight, Field(le=1)] = Field(
        _DEFAULT.color_mix,
        description="With color: photo or match, how much of the photo's colors; 0 = the painting's.",
    )
    optimizer: OptimizerKind = Field(_DEFAULT.optimizer, description="What minimizes the loss: lbfgs, adam or sgd.")
    learning_rate: f.Factor = Field(
        _DEFAULT.learning_rate, description="Step size of the optimizer; unless given, adam has 0.02 and sgd 0.002."
    )
    learning_rate_decay: Annotated[f.Factor, Field(le=1)] = Field(
        _DEFAULT.learning_rate_decay, description="Factor on the learning rate per 100 iterations; 1 = constant."
    )
    adam_betas: f.TwoDecays = Field(
        _DEFAULT.adam_betas,
        description="With optimizer: adam, how slowly its running means of gradients and of their squares follow.",
    )
    ema_decay: Annotated[f.Weight, Field(lt=1)] = Field(
        _DEFAULT.ema_decay,
        description="The picture is the running average of what was tried at the last size, with this decay, which "
        "takes grain away that a high learning rate of adam leaves; 0 = the best of it.",
    )
    init: InitChoice = Field(
        "content",
        description="What a picture starts from: content, noise, blend (half of both), gray (plain), painting, image "
        "(init_image), or several by weights, whose sum need not be 1.",
    )
    init_image: f.PaintingPath | None = Field(
        None, description="The image that pictures start from, if init names image."
    )
    pooling: PoolingKind = Field(_DEFAULT.pooling, description="How the network shrinks: max or average.")
    seed: Annotated[f.Integer, Field(ge=0, lt=2**63)] = Field(_DEFAULT.seed, description="Seed of the noise in init.")
    snapshot_every: f.Count = Field(
        _DEFAULT.snapshot_every, description="Iterations between saved intermediate pictures; 0 = none."
    )
    timelapse: StrictBool = Field(
        _DEFAULT.timelapse,
        description="Save an animation of the picture coming beside it, as NAME.timelapse.webp. Finished pictures "
        "are not made again for it.",
    )

    @field_validator("scales")
    @classmethod
    def _end_in_size(cls, scales: int | tuple[int, ...], info: ValidationInfo) -> int | tuple[int, ...]:
        if {"size", "max_size"} <= info.data.keys():
            require_fitting_scales(scales, info.data["size"], info.data["max_size"])
        return scales

    @field_validator("iterations")
    @classmethod
    def _one_for_each_size(cls, iterations: int | tuple[int, ...], info: ValidationInfo) -> int | tuple[int, ...]:
        if isinstance(iterations, tuple) and {"size", "max_size", "scales"} <= info.data.keys():
            size, max_size, scales = (info.data[name] for name in ("size", "max_size", "scales"))
            if isinstance(size, SizeRule):
                require_iterations_of_scales(iterations, scales, size)
                return iterations
            sizes = Recipe(size=limited(size, max_size), scales=scales).sizes()
            if len(iterations) != len(sizes):
                raise ValueError(f"must be one number, or one for each size {list(sizes)}, found {list(iterations)}")
        return iterations

    @field_validator("content_layers", "style_layers", mode="before")
    @classmethod
    def _name_each_layer_once(cls, layers: Any) -> Any:
        twice = f.first_duplicate(layers, canonical_layer) if isinstance(layers, dict | list) else ""
        if twice:
            raise ValueError(f"must name each layer once, found {twice!r} again (block1_conv1 is relu1_1)")
        return layers

    @field_validator("color_mix")
    @classmethod
    def _mix_with_something(cls, color_mix: float, info: ValidationInfo) -> float:
        if color_mix != _DEFAULT.color_mix and info.data.get("color") == "painting":
            raise ValueError(
                f"mixes the painting's colors with the photo's: needs color: photo or match, found {color_mix:g}"
            )
        return color_mix

    @field_validator("adam_betas")
    @classmethod
    def _move_by_adam(cls, betas: tuple[float, float], info: ValidationInfo) -> tuple[float, float]:
        if betas != _DEFAULT.adam_betas and info.data.get("optimizer") in ("lbfgs", "sgd"):
            raise ValueError(f"is for another optimizer: needs optimizer: adam, found {list(betas)}")
        return betas

    @field_validator("style_loss", "content_loss", mode="before")
    @classmethod
    def _name_each_loss_once(cls, losses: Any) -> Any:
        twice = f.first_duplicate(losses, str) if isinstance(losses, list) else ""
        if twice:
            raise ValueError(f"must name each loss once, found {twice!r} again; with weights: {{{twice}: 2}}")
        return losses

    @field_validator("style_weight")
    @classmethod
    def _leave_something_to_do(cls, style_weight: float, info: ValidationInfo) -> float:
        if style_weight == 0 and info.data.get("content_weight") == 0:
            raise ValueError("must be above 0 when content_weight is 0 too, found 0")
        return style_weight

    @field_validator("strength")
    @classmethod
    def _have_two_weights_to_balance(cls, strength: float, info: ValidationInfo) -> float:
        for setting in ("content_weight", "style_weight"):
            if strength != _DEFAULT.strength and info.data.get(setting) == 0:
                raise ValueError(
                    f"must be left out where {setting} is 0: it balances the two weights, found {strength:g}"
                )
        return strength

    @field_validator("keep_faces")
    @classmethod
    def _have_content_to_keep_faces_by(cls, keep_faces: float, info: ValidationInfo) -> float:
        if keep_faces and info.data.get("content_weight") == 0:
            raise ValueError(
                f"must be left out where content_weight is 0: nothing holds a face there, found {keep_faces:g}"
            )
        return keep_faces

    @field_validator("init_image")
    @classmethod
    def _image_if_it_is_used(cls, image: Path | None, info: ValidationInfo) -> Path | None:
        if "init" in info.data and (image is None) == names_image(info.data["init"]):
            if image is None:
                raise ValueError("init: image needs init_image: FILE, the image that pictures start from")
            raise ValueError("is used by no picture: write init: image, or leave it out")
        return image

    def recipe(self, name: str) -> Recipe:
        """Return the plain recipe of that name."""
        values = {key: getattr(self, key) for key in RecipeSection.model_fields if key != "quality"}
        if isinstance(self.size, SizeRule):
            values |= {"size": typical_size(self.size, self.max_size), "size_rule": self.size}
        else:
            values |= {"size": limited(self.size, self.max_size), "max_size": 0}
        values["init"] = init_of(self.init)
        values["content_layers"] = weighted(self.content_layers)
        values["style_layers"] = weighted(self.style_layers)
        values["style_loss"] = style_loss_of(self.style_loss)
        values["content_loss"] = weighted(self.content_loss)
        if "learning_rate" not in self.model_fields_set:
            values["learning_rate"] = _LEARNING_RATES[self.optimizer]
        return Recipe(name=name, **values)


def changes_picture(setting: str) -> bool:
    """Tell whether a setting of a recipe, as a config has it, changes the picture."""
    return setting == "init_image" or setting not in (*RECIPE.never, *_READ)


def value_of(setting: str, recipe: Recipe) -> Any:
    """Return a recipe's value of a setting: of ``size`` the rule that decides it, if there is one."""
    return recipe.size_rule if setting == "size" and recipe.size_rule else getattr(recipe, setting)


def init_of(written: InitKind | Mapping[InitSource, float]) -> InitKind | InitWeights:
    """Return what ``init`` means in a recipe: sources in one order, and a single one by its name."""
    if isinstance(written, str):
        return written
    weights = tuple((source, written[source]) for source in get_args(InitSource) if source in written)
    return weights if len(weights) > 1 else weights[0][0]


def style_loss_of(
    written: Literal["auto"] | StyleLossKind | dict[StyleLossKind, float] | tuple[StyleLossKind, ...],
) -> StyleLossChoice:
    """Return what ``style_loss`` means in a recipe: losses with their weights, or "auto"."""
    return "auto" if written == "auto" else weighted(written)


def default_of(setting: str, recipe: Recipe, quality: QualityName = BALANCED) -> Any:
    """Return what a setting that is not written means in a recipe of this quality, as the recipe has it."""
    owner = QUALITIES[quality] if setting in SETTINGS else _DEFAULT
    return _LEARNING_RATES[recipe.optimizer] if setting == "learning_rate" else getattr(owner, setting)


def written_fields(recipe: Recipe) -> dict[str, Any]:
    """Return the settings of a recipe that change the picture and are not at their defaults, as a config has them."""
    names = filter(changes_picture, RecipeSection.model_fields)
    values = {name: value_of(name, recipe) for name in names if name != "quality"}
    return {name: as_written(name, value) for name, value in values.items() if value != default_of(name, recipe)}


def as_written(setting: str, value: Any) -> Any:
    """Return a recipe's value of a setting as a config has it."""
    if setting in WEIGHTED and value != "auto":
        weights = dict(value)
        if set(weights.values()) != {1.0}:
            return weights
        return next(iter(weights)) if setting.endswith("loss") and len(weights) == 1 else list(weights)
    if setting == "init" and isinstance(value, tuple):
        return dict(value)
    if isinstance(value, Path | SizeRule):
        return value.as_posix() if isinstance(value, Path) else value.words
    return list(value) if isinstance(value, tuple) else value


def weighted(names: dict[_Name, float] | tuple[_Name, ...] | _Name) -> tuple[tuple[_Name, float], ...]:
    """Return each name with its weight, 1 unless it has one, of a name, a list of names or names with weights."""
    if isinstance(names, str):
        return ((names, 1.0),)
    weights = names if isinstance(names, dict) else dict.fromkeys(names, 1.0)
    return tuple(weights.items())
