"""The arguments that are settings: the same names, bounds and messages as in a config's recipes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypedDict, TypeVar

import numpy as np
import platformdirs
from pydantic import Field, ValidationError

from pipeline.config import field_types as f
from pipeline.config.error_messages import explain, format_location, is_redundant, location_of
from pipeline.config.models import EngineSection
from pipeline.config.paintings import Scale, Share, ShareSection
from pipeline.config.qualities import QualityName
from pipeline.config.recipes import RecipeSection
from pipeline.config.section import Section
from pipeline.errors import ConfigError, ConfigProblem
from pipeline.model import (
    ColorKind,
    ContentLossKind,
    EngineSettings,
    InitKind,
    InitSource,
    LossKind,
    OptimizerKind,
    PoolingKind,
    Recipe,
    StyleLossKind,
    WeightsChoice,
)

Layers = Sequence[str] | Mapping[str, float]
StyleLossChoice = Literal["auto"] | StyleLossKind | Sequence[StyleLossKind] | Mapping[StyleLossKind, float]
ContentLossChoice = ContentLossKind | Sequence[ContentLossKind] | Mapping[ContentLossKind, float]


class TransferSettings(TypedDict, total=False):
    """How a photo and a painting become a picture; README and ``configs/reference.yaml`` say more of each.

    ``scale`` is a style's in a config, the others are a recipe's.
    """

    quality: QualityName
    size: int | str
    max_size: int
    scale: float
    scales: int | Sequence[int]
    iterations: int | Sequence[int]
    tolerance: float
    content_layers: Layers
    style_layers: Layers
    content_weight: float
    style_weight: float
    strength: float
    keep_faces: float
    tv_weight: float
    loss: LossKind
    style_loss: StyleLossChoice
    content_loss: ContentLossChoice
    color: ColorKind
    color_mix: float
    laplacian_weight: float
    optimizer: OptimizerKind
    learning_rate: float
    learning_rate_decay: float
    adam_betas: Sequence[float]
    ema_decay: float
    init: InitKind | Mapping[InitSource, float]
    init_image: str | os.PathLike[str]
    pooling: PoolingKind
    seed: int


_NAMES: Final = tuple(TransferSettings.__annotations__)

C = TypeVar("C", bound=Callable[..., object])


def with_settings_in_signature(function: C) -> C:
    """Let help and notebooks show each setting, with its default, where type checkers read ``**settings``."""
    known = _Arguments.model_fields
    settings = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=known[name].default) for name in _NAMES
    ]
    signature = inspect.signature(function)
    others = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    function.__dict__["__signature__"] = signature.replace(parameters=[*others, *settings])
    return function


class _Arguments(RecipeSection):
    scale: Scale = 1.0


class _Blend(Section):
    painting: Annotated[tuple[Share, ...], Field(min_length=1)]


S = TypeVar("S", bound=Section)


def recipe_of(settings: Mapping[str, Any]) -> tuple[Recipe, float]:
    """Return the recipe that ``settings`` mean, and the painting's scale. Raises ConfigError with every problem."""
    unknown = [ConfigProblem("", None, name, _no_such_setting(name)) for name in settings if name not in _NAMES]
    known = {name: value for name, value in settings.items() if name in _NAMES}
    arguments = _validated(_Arguments, known, unknown)
    return arguments.recipe("default"), arguments.scale


def blend_shares(shares: Sequence[Any]) -> tuple[tuple[float, float], ...]:
    """Return weight and scale of a blend's paintings, each given as a weight, or as a mapping of both.

    Raises ConfigError for one not above 0, or for none at all.
    """
    found = _validated(_Blend, {"painting": shares}).painting
    return tuple((each.weight, each.scale) if isinstance(each, ShareSection) else (each, 1.0) for each in found)


def engine_settings(*, cache_folder: object, **engine: Any) -> EngineSettings:
    """Return what the engine runs on; ``engine`` holds settings of the config's section of that name.

    Raises ConfigError.
    """
    section = _validated(EngineSection, engine)
    return EngineSettings(
        device=section.device,
        weights=WeightsChoice(section.weights, section.preprocessing),
        precision=section.precision,
        batch_size=section.batch_size,
        memory_bytes=section.memory,
        cache_folder=_validated(_Cache, {"cache_folder": cache_folder}).cache_folder,
        # The program's own: so its pictures and these are computed by the same algorithms.
        machine_folder=platformdirs.user_cache_path("stylewatch"),
    )


def max_pixels_of(max_megapixels: float) -> int:
    """Return the most pixels of a photo's file. Raises ConfigError."""
    return round(_validated(_Limits, {"max_megapixels": max_megapixels}).max_megapixels * 1_000_000)


class _Limits(Section):
    max_megapixels: f.Factor


class _Cache(Section):
    cache_folder: f.ResolvedPath | None


def _validated(section: type[S], values: Mapping[str, Any], problems: Sequence[ConfigProblem] = ()) -> S:
    """Return ``values`` as a section. Raises ConfigError with what is wrong with them, after ``problems``."""
    here = Path.cwd()
    context = f.ValidationContext(folder=here, output=here, styles=(), recipes=())
    found = list(problems)
    try:
        validated = section.model_validate({name: _plain(value) for name, value in values.items()}, context=context)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            if not is_redundant(fault):
                location = location_of(fault)
                found.append(ConfigProblem("", None, format_location(location), explain(fault, location)))
        validated = None
    if validated is None or found:
        raise ConfigError(found)
    return validated


def _plain(value: Any) -> Any:
    """Return a value as YAML would give it: numpy's numbers as Python's, paths as text, tuples as lists."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _no_such_setting(name: str) -> str:
    hint = f.did_you_mean(name, _NAMES)
    return f"is no setting{hint}" if hint else f"is no setting; known here: {', '.join(_NAMES)}"
